"""What a caller may ask of an encoding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from smartsplat.errors import TargetError
from smartsplat.fitting.paper import STEPS
from smartsplat.fitting.schedule import DEFAULT_EFFORT, EFFORTS
from smartsplat.model.numbers import whole_number
from smartsplat.model.recipe import RECIPES, Recipe
from smartsplat.pictures.files import PathLike
from smartsplat.pipeline.target import Target
from smartsplat.pipeline.tune import TUNES

PRESETS = ("default", *RECIPES)

LATTICES = ("auto", "none")
"""Whether the preset ``default`` may lay a lattice under the splats."""

DEFAULT_TUNE = "balanced"
"""Where nothing is said of it, there is a lattice, and no PSNR is asked for."""

GREATEST_SEED = 1 << 63
"""Seeds end below this: numbers of steps are added to them, and the sum must fit 64 bits."""


@dataclass(frozen=True)
class Options:
    """How to encode; see ``smartsplat.encode``."""

    target: Target = field(default_factory=Target)
    effort: int | None = None
    preset: str = "default"
    seed: int = 0
    steps: int | None = None
    lattice: str = "auto"
    constants: Mapping[str, Any] | None = None
    checkpoint: PathLike | None = None
    measure: bool = False
    overview: bool | None = None
    dask: str | None = None
    workers: int = 0
    tune: str | None = None

    def __post_init__(self) -> None:
        if self.preset not in PRESETS:
            raise ValueError(f"preset must be one of {', '.join(PRESETS)}, not {self.preset}")
        if self.lattice not in LATTICES:
            raise ValueError(f"lattice must be one of {', '.join(LATTICES)}, not {self.lattice}")
        if self.tune is not None and self.tune not in TUNES:
            raise ValueError(f"tune must be one of {', '.join(TUNES)}, not {self.tune}")
        if self.effort is not None:
            object.__setattr__(self, "effort", whole_number(self.effort, "effort", min(EFFORTS), max(EFFORTS)))
        object.__setattr__(self, "seed", whole_number(self.seed, "seed", 0, GREATEST_SEED - 1))
        if self.steps is not None:
            object.__setattr__(self, "steps", whole_number(self.steps, "steps", 1))
        object.__setattr__(self, "workers", whole_number(self.workers, "workers", 0))
        self._require_what_goes_together()

    def _require_what_goes_together(self) -> None:
        if self.workers and self.dask is None:
            raise ValueError("workers: goes with dask")
        if self.recipe is None:
            self._require_windows()
            for name in ("steps", "constants"):
                if getattr(self, name) is not None:
                    raise ValueError(f"{name}: goes with the presets {' and '.join(RECIPES)}")
            if self.target.splats is not None and self.lattice == "auto":
                raise TargetError("splats: goes with no lattice, or with the presets " + " and ".join(RECIPES))
            return
        if self.dask is not None:
            raise ValueError(f"dask: the preset {self.preset} makes one fit, which cannot be shared")
        if self.tune is not None:
            raise ValueError(f"tune: the preset {self.preset} has a loss of its own")
        if self.effort is not None:
            raise ValueError(f"effort: the preset {self.preset} has none; what it takes are steps")
        if self.target.psnr is not None:
            raise TargetError(f"psnr: the preset {self.preset} makes one fit, it does not search for a quality")

    def _require_windows(self) -> None:
        """Without a lattice all splats are one fit, which neither others can share nor a checkpoint keeps."""
        for name in ("dask", "checkpoint"):
            if self.lattice == "none" and getattr(self, name) is not None:
                raise ValueError(f"{name}: goes with a lattice")

    @property
    def recipe(self) -> Recipe | None:
        """That of a preset of the paper's, with the constants asked for; else None."""
        recipe = RECIPES.get(self.preset)
        return recipe if recipe is None else recipe.changed(self.constants or {})

    @property
    def chosen_effort(self) -> int:
        """The effort, or the default one."""
        return DEFAULT_EFFORT if self.effort is None else self.effort

    @property
    def chosen_tune(self) -> str:
        """The tune, or the default one: that for PSNR where a PSNR is asked for, or splats alone."""
        return self.tune or ("psnr" if self.target.psnr is not None or self.splats_only else DEFAULT_TUNE)

    @property
    def chosen_steps(self) -> int:
        """Steps of a preset of the paper's, as asked for or the default."""
        return STEPS if self.steps is None else self.steps

    @property
    def splats_only(self) -> bool:
        """Whether it was asked for that there is no lattice."""
        return self.recipe is not None or self.lattice == "none"
