"""From a plan to the sections of a picture."""

from __future__ import annotations

from dataclasses import dataclass

from smartsplat.coding.lattice_section import CodedLattice, Spectrum
from smartsplat.pipeline.job import Job
from smartsplat.pipeline.plan import Plan, plan_for
from smartsplat.pipeline.rate import Coded, Scene, code_flat, code_nothing, fill_splats
from smartsplat.pipeline.smooth import LEAST_BYTES, fill_lattice, lattice_spectrum
from smartsplat.pipeline.stages import NO_SPLATS, fit_as_the_paper, fit_over_lattice, fit_splats
from smartsplat.pipeline.target import nominal_count


@dataclass(frozen=True, eq=False)
class Composition:
    """Sections and what they decode to.

    Attributes:
        splats: the section of splats; there may be none in it.
        lattice: that of the lattice, if there is one.
        error: sum of squared differences of the decoded picture, 8-bit steps.
        float_error: the same before quantisation; where there is a lattice it is the same as ``error``.
    """

    splats: Coded
    lattice: CodedLattice | None
    error: float
    float_error: float


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


def compose_as_the_paper(job: Job, budget: int, steps: int) -> Composition:
    """Splats alone, fitted as the paper does, N by Eq. 5 for the compression ratio of so many bytes."""
    count = nominal_count(job.width, job.height, 3 * job.pixels / budget)
    splats = fit_as_the_paper(job, count, steps)
    coded = fill_splats(Scene(job.canvas(), job.planes, splats), budget)
    return Composition(coded, None, coded.error, job.canvas().place(splats).decoded_error(job.planes))


def bare_spectrum(job: Job, spacing: int) -> Spectrum:
    """That of a lattice without splats."""
    return lattice_spectrum(job, NO_SPLATS, spacing)


def _of_splats(job: Job, plan: Plan) -> Composition:
    """One flat colour instead where splats are no better: on flat pictures, or with very few bytes."""
    fitted = fit_splats(job, plan.count)
    scene = Scene(job.canvas(), job.planes, fitted.splats)
    float_error = scene.canvas.place(fitted.splats).decoded_error(job.planes)
    coded, flat = fill_splats(scene, plan.splat_budget, fitted.polish(job)), code_flat(scene)
    if len(flat.section) <= plan.splat_budget and flat.error <= coded.error:
        coded = flat
    return Composition(coded, None, coded.error, float_error)


def _of_lattice(job: Job, plan: Plan, spacing: int, bare: Spectrum | None) -> Composition:
    """Splats instead where the budget is too small for a lattice."""
    nothing = code_nothing(job.width, job.height)
    lattice: CodedLattice | None = None
    if (left := plan.left_for_lattice(len(nothing.section))) >= LEAST_BYTES:
        if bare is None or bare.spacing != spacing:
            bare = bare_spectrum(job, spacing)
        lattice = fill_lattice(bare, left, threads=job.engine.threads)
    if lattice is None:
        return _of_splats(job, plan_for(job.pixels, plan.budget, 1.0, grey=job.grey))
    return _decoded(job, nothing, lattice)


def _mixed(job: Job, plan: Plan, spacing: int) -> Composition:
    fitted = fit_splats(job, plan.count, lattice_follows=True)
    fitted = fit_over_lattice(job, fitted, spacing, plan.lattice_budget)
    scene = Scene(job.canvas(fitted.lattice), job.planes, fitted.splats)
    coded = fill_splats(scene, plan.splat_budget, fitted.polish(job))
    lattice: CodedLattice | None = None
    if (left := plan.left_for_lattice(len(coded.section))) >= LEAST_BYTES:
        lattice = fill_lattice(
            lattice_spectrum(job, coded.splats, spacing), left, fitted.step_index, threads=job.engine.threads
        )
    return _decoded(job, coded, lattice)


def _decoded(job: Job, coded: Coded, lattice: CodedLattice | None) -> Composition:
    """The composition of these sections."""
    canvas = job.canvas(lattice.decoded(threads=job.engine.threads) if lattice else None)
    error = canvas.place(coded.splats).decoded_error(job.planes)
    return Composition(coded, lattice, error, error)
