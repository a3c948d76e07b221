"""What a caller may ask of an encoding."""

from __future__ import annotations

from dataclasses import dataclass, field

from smartsplat.fitting.schedule import DEFAULT_EFFORT, EFFORTS
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
        if self.effort not in EFFORTS:
            raise ValueError(f"effort must be {min(EFFORTS)} to {max(EFFORTS)}, not {self.effort}")
        if self.preset not in PRESETS:
            raise ValueError(f"preset must be one of {', '.join(PRESETS)}, not {self.preset}")
        if not 0 <= self.seed < GREATEST_SEED:
            raise ValueError(f"the seed must be 0 to 2^63 - 1, not {self.seed}")
        if self.steps is not None and (self.preset != "paper" or self.steps < 1):
            raise ValueError("steps are for the preset paper, and at least 1")
