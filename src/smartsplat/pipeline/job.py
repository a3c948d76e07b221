"""What all rooms of the pipeline know: the picture, and how hard to work on it."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from smartsplat.coding.lattice_section import CodedLattice
from smartsplat.engines import Canvas, Engine, Frame
from smartsplat.engines.protocol import CELL_SIZE
from smartsplat.fitting.fit import Progress
from smartsplat.fitting.levels import Planes, Pyramid
from smartsplat.fitting.schedule import EFFORTS, Effort
from smartsplat.fitting.steplog import StepLog
from smartsplat.model.lattice import Lattice
from smartsplat.model.splats import Floats
from smartsplat.pictures.samples import Samples
from smartsplat.pipeline.crew import Crew
from smartsplat.pipeline.kept import Kept
from smartsplat.pipeline.tune import Tune, cell_weights, log_variances, place_weights
from smartsplat.scratch import MEMORY, Scratch


def _silent(done: float) -> None:
    del done


@dataclass(frozen=True, eq=False)
class Job:
    """One picture to fit and code.

    Attributes:
        planes: uint8 or uint16 [3, H, W].
        grey: its channels are equal.
        engine: computes.
        effort: 1 to 9.
        seed: of all that is random, at least 0.
        progress: told how far a fit of splats is, 0 to 1.
        log: told how a fit of splats goes.
        weights: [H, W], what errors count at each pixel in what is said of quality: its alpha; None: all the same.
        tune: what the lattice's coefficients are chosen for; None: the squared error.
        scratch: where large arrays lie.
        crew: fits windows of large pictures; None: this process alone.
        kept: what has come of windows.
        thrifty: splats are fitted on levels of just the zoom that they need, not on halves of the picture.
        small: the picture, or that of which this is a sample, is: there is time to fit few splats with care.
        fine: there is time to fit splats on a level finer than they need.
    """

    planes: Planes
    grey: bool
    engine: Engine
    effort: int
    seed: int = 0
    progress: Progress = _silent
    log: StepLog = field(default_factory=StepLog)
    tune: Tune | None = None
    thrifty: bool = False
    small: bool = False
    fine: bool = False
    weights: Samples | None = None
    scratch: Scratch = MEMORY
    crew: Crew | None = None
    kept: Kept = field(default_factory=Kept)

    @functools.cached_property
    def target(self) -> Planes:
        """The planes where the engine computes."""
        held: Planes = self.engine.hold(self.planes)
        return held

    @property
    def width(self) -> int:
        """Width of the picture, px."""
        return int(self.planes.shape[2])

    @property
    def height(self) -> int:
        """Height of the picture, px."""
        return int(self.planes.shape[1])

    @property
    def pixels(self) -> int:
        """Pixels of the picture."""
        return self.width * self.height

    @property
    def work(self) -> Effort:
        """The steps of the effort."""
        return EFFORTS[self.effort]

    @functools.cached_property
    def log_variances(self) -> Floats:
        """Of the picture; see ``pipeline.tune``."""
        return log_variances(self.planes, self.scratch)

    def place_weights(self, shape: tuple[int, int], spacing: int) -> NDArray[np.uint8] | None:
        """What errors count in a lattice of that many rows and columns and that spacing, px; None: all the same."""
        if self.tune is None:
            return None
        if (shape, spacing) not in self._known_weights:
            self._known_weights[shape, spacing] = place_weights(self.tune, self.log_variances, shape, spacing)
        return self._known_weights[shape, spacing]

    @functools.cached_property
    def _known_weights(self) -> dict[tuple[tuple[int, int], int], NDArray[np.uint8]]:
        """By rows and columns, and spacing; nobody writes to them."""
        return {}

    def decoded(self, lattice: CodedLattice) -> Lattice:
        """What a section decodes to."""
        return lattice.decoded(threads=self.engine.threads, scratch=self.scratch)

    def tuned(self, pyramid: Pyramid) -> Pyramid:
        """A pyramid of the picture with what errors of splats count."""
        if self.tune is None or self.tune.splats == 0:
            return pyramid
        views = (pyramid.view(level) for level in range(len(pyramid.levels)))
        return replace(
            pyramid, weights=tuple(cell_weights(self.tune, self.log_variances, view) for view in views)
        )  # fmt: skip

    def canvas(self, lattice: Lattice | None = None) -> Canvas:
        """The picture itself, at its own size, where all errors count the same."""
        return Pyramid((self.planes,)).canvas(self.engine, 0, lattice)

    def tuned_canvas(self, lattice: Lattice | None = None) -> Canvas:
        """The same with what errors of splats count."""
        return self.tuned(Pyramid((self.planes,))).canvas(self.engine, 0, lattice)

    def cost_of(self, frame: Frame) -> float:
        """Sum of the squared differences, 8-bit steps, of a frame of the picture, as errors count in its tune."""
        weights = self.tuned(Pyramid((self.planes,))).weights
        cells = frame.cell_errors(self.target).astype(np.float64)
        rows, columns = (np.minimum(CELL_SIZE, n - np.arange(0, n, CELL_SIZE)) for n in (self.height, self.width))
        weighted = cells if weights is None else cells * weights[0]
        return 3 * 255**2 * float((rows[:, None] * weighted * columns).sum())  # without BLAS; see ``luma_of``

    def of_other(self, planes: Planes, effort: int) -> Job:
        """The same for other planes at another effort, without reports of how it goes."""
        return replace(self, planes=planes, effort=effort, progress=_silent, log=StepLog(), weights=None)
