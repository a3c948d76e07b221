"""What is done to the splats of one window: a value that says all there is to know, for whoever does it, wherever.

A window is seen as a picture of its own: its pixels with a margin, its splats, those of others that show there, and the
part of the lattice under it. So what comes of it does not depend on who does it, nor on when.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smartsplat.coding.splat_codes import visible
from smartsplat.engines import Engine
from smartsplat.engines.window import WindowEngine
from smartsplat.fitting.elongation import Structure
from smartsplat.fitting.levels import Planes, Pyramid
from smartsplat.model.lattice import LATTICE_REACH, Lattice, lattice_shape
from smartsplat.model.splats import CENTRE, Floats, Splats
from smartsplat.model.window import ALIGNMENT, Window
from smartsplat.pictures.planes import rounded, to_planes
from smartsplat.pipeline.job import Job
from smartsplat.pipeline.rate import PRODUCTS
from smartsplat.pipeline.rounding import round_in_turns
from smartsplat.pipeline.stages import NO_SPLATS, Fitted, fit_from, pyramid_for, settle
from smartsplat.pipeline.tune import Tune

FIT, SETTLE, ROUND = "fit", "settle", "round"
"""What can be done: splats are fitted without a lattice, moved over it, rounded."""


@dataclass(frozen=True)
class Ways:
    """What all errands of a picture have in common: see ``Job``."""

    grey: bool
    effort: int
    seed: int
    thrifty: bool
    tune: Tune | None = None

    @classmethod
    def of(cls, job: Job) -> Ways:
        """Those of a job."""
        return cls(job.grey, job.effort, job.seed, job.thrifty, job.tune)


@dataclass(frozen=True, eq=False)
class Errand:
    """One of them. All places are counted from the corner of the window with its margin.

    Attributes:
        what: FIT, SETTLE or ROUND.
        number: of the window.
        ways: how.
        planes: of the picture there, [3, H, W].
        own: splats of the window.
        around: splats of others that show there.
        scale: of the splats, about, px.
        inner: the window without its margin.
        lattice: the part of the picture's that shows there; None for FIT.
        ground: where the window with its margin lies in that part.
        base_step: of the splats, for ROUND.
    """

    what: str
    number: int
    ways: Ways
    planes: Planes
    own: Splats
    around: Splats
    scale: float
    inner: Window
    lattice: Lattice | None
    ground: Window
    base_step: float

    def done(self, engine: Engine) -> NDArray[Any]:
        """What comes of it: parameters [N, 8], or codes [n, 9] of ROUND, of those that can be seen."""
        around = Splats(moved(self.around, self.ground.left, self.ground.top))
        w = self.ways
        job = Job(
            self.planes, w.grey, WindowEngine(engine, self.ground, around), w.effort, w.seed, thrifty=w.thrifty,
            tune=w.tune,
        )  # fmt: skip
        if self.what == FIT:
            return self._fitted(job)
        assert self.lattice is not None
        pyramid = pyramid_for(job, self.scale)
        fitted = Fitted(pyramid, self.own, Structure.of(pyramid))
        if self.what == SETTLE:
            return settle(job, fitted, self.lattice).splats.parameters
        polish = replace(fitted, lattice=self.lattice).polish(job)
        canvas = job.tuned_canvas(self.lattice)
        return visible(round_in_turns(canvas, job.target, self.own, self.base_step, polish, products=PRODUCTS))

    def _fitted(self, job: Job) -> Floats:
        job = replace(job, planes=self._with_what_is_there(job))
        fitted = fit_from(job, pyramid_for(job, self.scale), self.own, lattice_follows=True)
        return fitted.splats.parameters

    def _with_what_is_there(self, job: Job) -> Planes:
        """The picture in the window; around it what others show there, so that nothing is asked of its own splats."""
        if self.inner.pixels == job.pixels:
            return self.planes
        shown = Pyramid((self.planes,)).canvas(job.engine, 0).place(NO_SPLATS).render()
        target = to_planes(rounded(shown, self.planes), threads=job.engine.threads)
        rows = slice(self.inner.top, self.inner.top + self.inner.height)
        columns = slice(self.inner.left, self.inner.left + self.inner.width)
        target[:, rows, columns] = self.planes[:, rows, columns]
        return target


def moved(splats: Splats, x: float, y: float) -> Floats:
    """Parameters of splats whose places are counted from a point that far before, px."""
    parameters = splats.parameters.copy()
    parameters[:, CENTRE] += np.array([x, y], np.float32)
    return parameters


def lattice_near(lattice: Lattice, outer: Window) -> tuple[Lattice, Window]:
    """The part of a lattice that shows in a window, as one by itself, and where the window lies in what it covers."""
    step = max(ALIGNMENT, lattice.spacing)
    reach = int(np.ceil(LATTICE_REACH)) * lattice.spacing + ALIGNMENT  # for pixels of coarse levels, which blur
    left, top = ((max(0, at - reach)) // step * step for at in (outer.left, outer.top))
    right = min(lattice.width, outer.left + outer.width + reach)
    bottom = min(lattice.height, outer.top + outer.height + reach)
    rows, columns = lattice_shape(right - left, bottom - top, lattice.spacing)
    first_row, first_column = top // lattice.spacing, left // lattice.spacing
    part = lattice.values[:, first_row : first_row + rows, first_column : first_column + columns]
    near = Lattice(right - left, bottom - top, lattice.spacing, np.ascontiguousarray(part))
    return near, Window(outer.left - left, outer.top - top, outer.width, outer.height)
