"""The stages of a fit of splats: alone, and over a lattice."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from smartsplat.coding.lattice_section import write_lattice
from smartsplat.fitting.bounds import Bounds
from smartsplat.fitting.elongation import Structure
from smartsplat.fitting.fit import fit
from smartsplat.fitting.gauss_newton import newton_step, start_newton
from smartsplat.fitting.levels import Pyramid, coarsest_level, exact_zoom
from smartsplat.fitting.schedule import PRODUCTS
from smartsplat.model.lattice import Lattice
from smartsplat.model.splats import PARAMETERS, Splats
from smartsplat.pictures.planes import eight_bits
from smartsplat.pipeline.job import Job
from smartsplat.pipeline.rounding import Polish
from smartsplat.pipeline.smooth import guess_step_index, lattice_spectrum
from smartsplat.sampling import base_scale, initialise_adaptive

NO_SPLATS = Splats(np.zeros((0, PARAMETERS), np.float32))

NEWTON_BEFORE_LATTICE = 1
"""Gauss-Newton steps of splats under which a lattice will lie: the others follow once it is there."""

NEWTON_OF_FEW = 2
"""How many times those of the effort few splats have before the lattice is there, where they are fitted with care."""

LONG_STEPS_FROM = 5
"""Effort from which splats without a lattice have longer steps: in fewer steps they would not settle."""

LONG_STEPS_PIXELS = 1 << 15
"""Pixels above which they have: on tiny pictures they lose by it."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """Splats before quantisation.

    Attributes:
        pyramid: the levels that they were fitted on.
        splats: N of them.
        structure: of the picture, which says how long splats may be.
        lattice: as it will about lie under them, if it will.
        step_index: of the quantisation step that this lattice was coded with.
    """

    pyramid: Pyramid
    splats: Splats
    structure: Structure
    lattice: Lattice | None = None
    step_index: int | None = None

    def polish(self, job: Job) -> Polish:
        """Where the splats move while they are rounded."""
        level = self.pyramid.finishing
        canvas = self.pyramid.canvas(job.engine, level, self.lattice)
        target = job.engine.hold(self.pyramid.levels[level])
        return Polish(canvas, target, job.work.rounds, self.structure, job.engine.threads)


def fit_splats(job: Job, count: int, *, lattice_follows: bool = False, careful: bool = False) -> Fitted:
    """So many splats fitted to the picture; see ``fit_from``."""
    pyramid = pyramid_for(job, base_scale(job.height, job.width, count))
    return fit_from(job, pyramid, start_splats(job, pyramid, count), lattice_follows=lattice_follows, careful=careful)


def pyramid_for(job: Job, scale: float) -> Pyramid:
    """The levels for splats of that scale, px."""
    if job.thrifty and exact_zoom(scale) < 1:
        return job.tuned(Pyramid.down_to(job.planes, exact_zoom(scale), threads=job.engine.threads))
    return job.tuned(Pyramid.of(job.planes, coarsest_level(scale), threads=job.engine.threads))


def start_splats(job: Job, pyramid: Pyramid, count: int) -> Splats:
    """Where so many splats begin."""
    level = max(0, pyramid.coarsest - 1)  # fine enough to tell where the splats should be
    zoom = pyramid.zoom(level)
    splats = initialise_adaptive(
        eight_bits(pyramid.levels[level]), 1 / zoom, count, seed=job.seed, threads=job.engine.threads
    )  # fmt: skip
    return Splats(splats).clipped(job.width, job.height)


def fit_from(
    job: Job, pyramid: Pyramid, start: Splats, *, lattice_follows: bool = False, careful: bool = False
) -> Fitted:  # fmt: skip
    """Splats fitted to the picture from where they start.

    Args:
        job: the picture.
        pyramid: its levels.
        start: where the splats begin.
        lattice_follows: there are fewer steps at the end, for ``settle`` follows.
        careful: they are few, and most is left to the lattice that follows; see ``fit``.
    """
    work = job.work
    if careful:
        work = replace(work, newton=NEWTON_OF_FEW * work.newton)
    elif lattice_follows:
        work = replace(work, newton=min(NEWTON_BEFORE_LATTICE, work.newton))
    alone = not lattice_follows and job.effort >= LONG_STEPS_FROM and job.pixels > LONG_STEPS_PIXELS
    structure = Structure.of(pyramid)
    fitted = fit(
        job.engine, pyramid, start, work, seed=job.seed, progress=job.progress, log=job.log, careful=careful,
        fine=job.fine, alone=alone, structure=structure,
    )  # fmt: skip
    return Fitted(pyramid, fitted, structure)


def fit_over_lattice(job: Job, fitted: Fitted, spacing: int, lattice_budget: int) -> Fitted:
    """The splats moved to where they are best over a lattice of about that many bytes.

    Splats are fitted first, for they take what a lattice is worst at; it codes what they leave.
    """
    spectrum = lattice_spectrum(job, fitted.splats, spacing)
    step_index = guess_step_index(spectrum, lattice_budget)
    lattice = job.decoded(write_lattice(spectrum, step_index, threads=job.engine.threads))
    del spectrum
    return replace(settle(job, fitted, lattice), step_index=step_index)


def settle(job: Job, fitted: Fitted, lattice: Lattice) -> Fitted:
    """The splats moved to where they are best over that lattice."""
    target = job.engine.hold(fitted.pyramid.levels[fitted.pyramid.finishing])
    canvas = fitted.pyramid.canvas(job.engine, fitted.pyramid.finishing, lattice)
    newton, bounds = start_newton(canvas.place(fitted.splats), target), Bounds.of(job.width, job.height)
    limits = fitted.structure.limits(fitted.splats)
    for _ in range(job.work.newton):
        newton = newton_step(newton, target, bounds, PRODUCTS, limits=limits, threads=job.engine.threads)
    return replace(fitted, splats=newton.frame.splats.on_host(), lattice=lattice)
