"""From a plan to the sections of a picture."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from smartsplat.coding.block_section import CodedBlocks
from smartsplat.coding.lattice_section import CodedLattice, Spectrum, write_lattice
from smartsplat.model.splats import Splats
from smartsplat.pictures.samples import greatest
from smartsplat.pipeline.job import Job
from smartsplat.pipeline.plan import Plan, plan_for
from smartsplat.pipeline.rate import Coded, Scene, code_flat, code_nothing, fill_splats
from smartsplat.pipeline.smooth import (
    LEAST_BYTES,
    LEAST_FULL,
    best_lattice,
    fill_lattice,
    index_of_step,
    lattice_spectrum,
)
from smartsplat.pipeline.stages import NO_SPLATS, Fitted, fit_over_lattice, fit_splats

COARSEST_EXACT_STEP = 16.0
"""Quantisation step of a lattice above which it is not tried to be exact."""

NEAR = 4
"""Indices within which the coarsest exact step is found: a hundredth of an octave."""


@dataclass(frozen=True, eq=False)
class Composition:
    """Sections and what they decode to.

    Attributes:
        splats: the section of splats; there may be none in it.
        lattice: that of the lattice, if there is one.
        error: sum of squared differences of the decoded picture, 8-bit steps.
        cost: the same as errors count in what the picture is tuned for; what choices go by.
        fitted: the splats before quantisation; None where there is a lattice, which the decoded ones decide.
        blocks: the section of blocks, if there are some.
    """

    splats: Coded
    lattice: CodedLattice | None
    error: float
    cost: float
    fitted: Splats | None
    blocks: CodedBlocks | None = None

    @property
    def length(self) -> int:
        """Bytes of the sections."""
        parts = self.lattice, self.blocks
        return len(self.splats.section) + sum(len(part.section) for part in parts if part)


def compose(job: Job, plan: Plan, bare: Spectrum | None = None) -> Composition:
    """The sections of a plan.

    Args:
        job: the picture.
        plan: for it.
        bare: of a lattice without splats, if it is known already; one of another spacing than the plan's does no harm.
    """
    if plan.spacing is None:
        return _of_splats(job, plan)
    if plan.count == 0:
        return _of_lattice(job, plan, plan.spacing, bare)
    return _mixed(job, plan, plan.spacing)


def compose_flat(job: Job) -> Composition:
    """One splat of the picture's mean colour, as wide as that takes."""
    mean = job.planes.mean(axis=(1, 2), dtype=np.float64) / greatest(job.planes)
    return decoded(job, code_flat(Scene(job.canvas(), job.target, NO_SPLATS), mean), None)


def bare_spectrum(job: Job, spacing: int) -> Spectrum:
    """That of a lattice without splats."""
    return lattice_spectrum(job, NO_SPLATS, spacing)


def _of_splats(job: Job, plan: Plan) -> Composition:
    fitted = fit_splats(job, plan.count)
    coded = fill_splats(Scene(job.tuned_canvas(), job.target, fitted.splats), plan.splat_budget, fitted.polish(job))
    return replace(decoded(job, coded, None), fitted=fitted.splats)


def _of_lattice(job: Job, plan: Plan, spacing: int, bare: Spectrum | None) -> Composition:
    """Splats instead where the budget is too small for a lattice."""
    nothing = code_nothing(job.width, job.height)
    left = plan.left_for_lattice(len(nothing.section))
    if bare is None or bare.spacing != spacing:
        bare = bare_spectrum(job, spacing)
    lattice = best_lattice(job, bare, left) if left >= LEAST_BYTES else None
    if lattice is None:
        return _of_splats(job, plan_for(job.pixels, plan.budget, 1.0, grey=job.grey))
    return _in_fewer_bytes(job, decoded(job, nothing, lattice), bare)


def is_careful(job: Job, plan: Plan) -> bool:
    """Whether splats are few, beside a lattice, and the picture is small: there is time to fit them with more care."""
    return job.small and plan.splat_budget < plan.lattice_budget


def _mixed(job: Job, plan: Plan, spacing: int) -> Composition:
    fitted = fit_splats(job, plan.count, lattice_follows=True, careful=is_careful(job, plan))
    fitted = fit_over_lattice(job, fitted, spacing, plan.lattice_budget)
    scene = Scene(job.tuned_canvas(fitted.lattice), job.target, fitted.splats)
    coded = fill_splats(scene, plan.splat_budget, fitted.polish(job))
    if (left := plan.left_for_lattice(len(coded.section))) < LEAST_BYTES:
        return decoded(job, coded, None)
    spectrum = lattice_spectrum(job, coded.splats, spacing)
    lattice = fill_lattice(spectrum, left, fitted.step_index, full=job.work.full, threads=job.engine.threads)
    composition = _in_fewer_bytes(job, decoded(job, coded, lattice), spectrum)
    if composition.error > 0 and composition.length < LEAST_FULL * plan.budget:
        return _with_fuller_splats(job, plan, fitted, composition)
    return composition


def _with_fuller_splats(job: Job, plan: Plan, fitted: Fitted, composition: Composition) -> Composition:
    """The splats get what the lattice leaves, if that is better.

    On grain the length of a lattice jumps from one step to the next: many equal coefficients are worth their bits
    at once.
    """
    lattice = composition.lattice
    fitted = replace(fitted, lattice=job.decoded(lattice) if lattice else None)
    scene = Scene(job.tuned_canvas(fitted.lattice), job.target, fitted.splats)
    coded = fill_splats(scene, plan.left_for_splats(len(lattice.section) if lattice else 0), fitted.polish(job))
    return min(composition, decoded(job, coded, lattice), key=lambda candidate: candidate.cost)


def decoded(job: Job, coded: Coded, lattice: CodedLattice | None) -> Composition:
    """The composition of these sections."""
    canvas = job.canvas(job.decoded(lattice) if lattice else None)
    frame = canvas.place(coded.splats)
    error = frame.decoded_error(job.target)
    exact_or_plain = error == 0 or job.tune is None
    return Composition(coded, lattice, error, error if exact_or_plain else job.cost_of(frame), None)


def _in_fewer_bytes(job: Job, composition: Composition, spectrum: Spectrum) -> Composition:
    """An exact picture whose lattice has about the coarsest step that leaves it exact; others as they are."""
    best = composition
    if best.error > 0 or best.lattice is None:
        return best
    fine, coarse = best.lattice.step_index, int(index_of_step(COARSEST_EXACT_STEP))
    while coarse - fine > NEAR:
        middle = (fine + coarse) // 2
        trial = decoded(job, best.splats, write_lattice(spectrum, middle, threads=job.engine.threads))
        if trial.error > 0:
            coarse = middle
            continue
        fine = middle
        best = trial if trial.length < best.length else best
    return best
