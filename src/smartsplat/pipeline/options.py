"""What a caller may ask of an encoding."""

from __future__ import annotations

from dataclasses import dataclass, field

from smartsplat.fitting.schedule import DEFAULT_EFFORT, EFFORTS
from smartsplat.model.numbers import whole_number
from smartsplat.pipeline.target import Target

PRESETS = ("default", "paper")

GREATEST_SEED = 1 << 63
"""Seeds end below this: numbers of steps are added to them, and the sum must fit 64 bits."""


@dataclass(frozen=True)
class Options:
    """How to encode; see ``smartsplat.encode``."""

    target: Target = field(default_factory=Target)
    effort: int = DEFAULT_EFFORT
    preset: str = "default"
    seed: int = 0
    steps: int | None = None

    def __post_init__(self) -> None:
        effort = whole_number(self.effort, "effort", min(EFFORTS), max(EFFORTS))
        object.__setattr__(self, "effort", effort)
        if self.preset not in PRESETS:
            raise ValueError(f"preset must be one of {', '.join(PRESETS)}, not {self.preset}")
        object.__setattr__(self, "seed", whole_number(self.seed, "seed", 0, GREATEST_SEED - 1))
        if self.steps is not None:
            object.__setattr__(self, "steps", whole_number(self.steps, "steps", 1))
            if self.preset != "paper":
                raise ValueError("steps are for the preset paper")
