"""Pictures of up to a megapixel: compositions of the whole picture are compared, at real bytes.

A lattice alone takes a tenth of the time that splats with most of the bytes do, few splats under a lattice half of it.
A hasty fit of many splats tells whether many, some or few of them are worth their bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

from smartsplat.pipeline.compose import Composition, bare_spectrum, compose
from smartsplat.pipeline.job import Job
from smartsplat.pipeline.pilot import HIGH_RATE, LEAST_BUDGET, SMALL, TINY, has_lattice_alone
from smartsplat.pipeline.plan import HIGHEST_RATE, bits_per_pixel, plan_for, spacing_for

MANY, SOME, FEW = 0.8, 0.35, 0.2
"""Shares of the bytes that splats may get."""

MANY_BELOW, SOME_BELOW, FEW_BELOW = 1.17, 1.35, 1.45
"""Error of the hasty fit of many over that of a lattice alone, below which many, some or few are taken; beyond the last
of them a lattice stays alone. See docs/decisions.md for how they were found."""

HASTY = 2
"""Effort of the hasty fit, whatever the picture's is: the limits above are made for it."""

OTHERS = (SOME, 0.5, FEW, MANY)
"""Shares that are tried as well, as far as the effort goes."""

CHEAP = 6500
"""Bytes below which some are tried beside many: fits take little time there, and either may be better."""

VERY_FEW = 3500
"""Bytes below which splats are tried without a lattice as well, where many of them are best."""

USUAL_SHARES = 2
"""Shares that are tried at least, of which an effort may have more."""


def is_small(job: Job, budget: int) -> bool:
    """Whether shares are tried here: not on tiny pictures, nor where there is no choice."""
    rate = bits_per_pixel(budget, job.pixels)
    if not TINY < job.pixels <= SMALL or rate >= HIGHEST_RATE or has_lattice_alone(job):
        return False
    return budget >= LEAST_BUDGET or rate >= HIGH_RATE


def of_small(job: Job, budget: int) -> Iterator[Composition]:
    """A lattice alone, a hasty fit of many splats, and splats of the share that seems best; more where effort has time.

    Args:
        job: a picture for which ``is_small`` holds.
        budget: bytes of the sections.
    """
    spacing = spacing_for(job.pixels, budget)
    alone = compose(job, plan_for(job.pixels, budget, 0.0, grey=job.grey, spacing=spacing), bare_spectrum(job, spacing))
    yield alone
    many = plan_for(job.pixels, budget, MANY, grey=job.grey, spacing=spacing)
    hasty = compose(job.of_other(job.planes, HASTY), many)
    yield hasty
    best = share_for(hasty.cost, alone.cost)
    more = max(job.work.shares - USUAL_SHARES, int(best == MANY and budget < CHEAP))
    others = [share for share in OTHERS if share != best][:more]
    if best == MANY and budget < VERY_FEW:
        others.append(1.0)
    for share in others:
        yield compose(job.of_other(job.planes, job.effort), plan_for(job.pixels, budget, share, grey=job.grey))
    if best > 0:
        yield compose(job, plan_for(job.pixels, budget, best, grey=job.grey, spacing=spacing))


def share_for(many: float, alone: float) -> float:
    """The share of the splats by the errors of a hasty fit of many and of a lattice alone."""
    if many < MANY_BELOW * alone:
        return MANY
    if many < SOME_BELOW * alone:
        return SOME
    return FEW if many < FEW_BELOW * alone else 0.0
