"""Chooses what share of the bytes splats get, by trials on parts of the picture.

Splats are best at smooth shades and curved edges, a lattice at texture; which of them a picture has more of is
hard to foresee and quick to try.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from smartsplat.coding.lattice_section import Spectrum, write_lattice
from smartsplat.fitting.levels import Planes
from smartsplat.pipeline.compose import Composition, bare_spectrum, compose
from smartsplat.pipeline.job import Job
from smartsplat.pipeline.plan import (
    BYTES_PER_SPLAT,
    HIGHEST_RATE,
    bits_per_pixel,
    finer_spacing,
    plan_for,
    spacing_for,
)
from smartsplat.pipeline.smooth import guess_step_index

SHARES = (0.0, 0.8, 0.35, 0.6, 0.15)
"""Shares of the bytes that are tried, as far as the effort goes. All of them was never better by more than 0.2 dB; see
docs/decisions.md."""

FEW, MORE = 2, 3
"""How many of them at least, in pictures up to SMALL and in larger ones."""

SMALL = 1e6
"""Pixels up to which FEW are tried, to save time."""

PART = 0.08
"""Part of the picture that the trials see."""

LEAST_PIXELS, MOST_PIXELS = 1 << 18, 1 << 21
"""Pixels that they see, at least (or all) and at most."""

PIECE_PIXELS = 1 << 18
"""Pixels of a piece, about: the seams between smaller ones would be unfair to splats."""

EFFORT_SAVED = 2
"""By how much the trials' effort is lower."""

LEAST_BUDGET = 1000
"""Bytes below which splats get all of them without a trial, up to HIGH_RATE."""

HIGH_RATE = 1.0
"""Bits a pixel from which a lattice is tried in however few bytes."""

SPLATS_GAIN = 0.08
"""Part of the error that the effort saved and the pieces' seams take from splats with all the bytes, times the root of
their share; a lattice loses nothing by them."""

FULL_RATE, FALLS = 0.12, 0.6
"""Bits a pixel up to which there may be as many splats as the effort has time for, and the power of the rate by which
they are fewer beyond it, up to THRIFTY_EFFORT: the more bytes a lattice has, the less many splats gain over few."""

THRIFTY_EFFORT = 5
"""Up to which time counts more than that."""

LEAST_SHARE = 0.2
"""Of the bytes for as many splats as there is time for, below which a lattice stays alone: less has gained nothing."""

LARGE = 32e6
"""Pixels above which a picture is fitted window by window."""

FINER_GAIN = 1.06
"""By which the error of a lattice must be less for one that is twice as fine: 0.25 dB for four times the nodes."""

LEAST_EFFORT_OF_LARGE = 2
"""Of their trials: with less, splats would seem not to be worth it."""

DISTINCT = 1.2
"""Ratio to the second share below which a third one is not tried."""

CLEAR, CLEAR_OF_MANY = 1.1, 1.35
"""Nor is the third where a lattice alone has this many times the error of most of the bytes for splats, or they have
that many times its. A third of the bytes, or less, may be best where they are worse by 1 dB."""

NEARLY = 1.03
"""A lattice alone, which takes a quarter of the time, is made as well where its error in the trials is at most this
many times the least."""

TINY = 1 << 15
"""Pixels up to which several numbers of splats are tried."""

HOPELESS = 1.35
"""Nor are they where a lattice alone has an error that is smaller by this factor: other numbers gain up to 1 dB."""

GRID, NEIGHBOURS = 1.1, range(-3, 2)
"""Ratio of the numbers that may be tried, and which of them are."""

GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True, eq=False)
class Choice:
    """What the trials found.

    Attributes:
        share: of the splats in the bytes, 0 to 1.
        bare: of the whole picture's lattice without splats, where that was chosen or nearly: it is known already.
        compositions: of the whole picture in the whole budget, where that is what was tried.
    """

    share: float
    bare: Spectrum | None = None
    compositions: tuple[Composition, ...] = ()


def choose_spacing(job: Job, budget: int) -> int:
    """The spacing of the lattice of a large picture, px: a finer one than usual where that is much better."""
    usual, finer = spacing_for(job.pixels, budget), finer_spacing(job.pixels, budget)
    if finer is None:
        return usual
    trial = job.of_other(sample(job.planes), job.effort)
    few = max(1, round(budget * trial.pixels / job.pixels))
    errors = {
        spacing: compose(trial, plan_for(trial.pixels, few, 0.0, grey=job.grey, spacing=spacing)).error
        for spacing in (usual, finer)
    }
    return finer if errors[usual] > FINER_GAIN * errors[finer] else usual


def choose_share(job: Job, budget: int, spacing: int | None = None) -> Choice:
    """The share of the splats that gives the least error in that many bytes of sections.

    Args:
        job: the picture.
        budget: bytes.
        spacing: of the lattice, px; None: the usual one.
    """
    rate = bits_per_pixel(budget, job.pixels)
    if budget < LEAST_BUDGET and rate < HIGH_RATE:
        return Choice(1.0)
    own_spacing = spacing or spacing_for(job.pixels, budget)
    bare = bare_spectrum(job, own_spacing)
    if rate >= HIGHEST_RATE or has_lattice_alone(job) or most_share(job, budget) < LEAST_SHARE:
        return Choice(0.0, bare)
    least = LEAST_EFFORT_OF_LARGE if job.pixels > LARGE else 1
    trial = job.of_other(sample(job.planes), max(least, job.effort - EFFORT_SAVED))
    whole = trial.planes is job.planes
    trial_bare = bare if whole else bare_spectrum(trial, own_spacing)
    trial_budget = budget if whole else _budget_of_sample(job, bare, trial_bare, budget)
    tried = try_shares(trial, trial_budget, trial_bare, shares=shares_for(job, budget), spacing=spacing)
    share = best_share(tried)
    best = min(composition.cost for composition in tried.values())
    likely = job.pixels <= LARGE and tried[0.0].cost <= NEARLY * best
    return Choice(share, bare if share == 0 or likely else None, tuple(tried.values()) if whole else ())


def has_lattice_alone(job: Job) -> bool:
    """Whether the effort has no time for splats; on tiny pictures there always is some."""
    return job.work.shares == 1 and job.pixels > TINY


def most_share(job: Job, budget: int) -> float:
    """Of the splats in that many bytes, as far as the effort has time for; 1 is no limit."""
    if job.pixels <= SMALL:
        return 1.0
    density = job.work.large_density if job.pixels > LARGE else _density(job, bits_per_pixel(budget, job.pixels))
    most = density * job.pixels / 1e6
    return min(1.0, most * BYTES_PER_SPLAT[job.grey] / budget)


def _density(job: Job, rate: float) -> float:
    """Splats for each megapixel, at most, at that many bits a pixel."""
    fewer = (FULL_RATE / max(rate, FULL_RATE)) ** FALLS if job.effort <= THRIFTY_EFFORT else 1.0
    return job.work.density * fewer


def shares_for(job: Job, budget: int) -> tuple[float, ...]:
    """The shares that are tried: those of SHARES as far as there is time, and only as far as they then differ."""
    shares = SHARES[: max(job.work.shares, FEW if job.pixels <= SMALL else MORE)]
    most = most_share(job, budget)
    limited = [min(share, most) for share in shares]
    return tuple(share for i, share in enumerate(limited) if i < 2 or DISTINCT * share < limited[1])


def try_shares(
    trial: Job, budget: int, bare: Spectrum, *, shares: Iterable[float], spacing: int | None = None
) -> dict[float, Composition]:
    """Compositions by the share of the splats; no third one where one of two is clearly better.

    Args:
        trial: the picture.
        budget: bytes of each.
        bare: of its lattice without splats.
        shares: that are tried, in this order.
        spacing: of the lattice, px; None: that which is usual for the trial's size.
    """
    tried: dict[float, Composition] = {}
    for share in shares:
        if len(tried) == 2 and is_clear(*(c.cost for c in tried.values())):
            break
        plan = plan_for(trial.pixels, budget, share, grey=trial.grey, spacing=spacing)
        tried[share] = compose(trial, plan, bare)
    return tried


def best_share(tried: Mapping[float, Composition]) -> float:
    """That of the least error, as more effort will change it."""
    return min(tried, key=lambda share: tried[share].cost * (1 - SPLATS_GAIN * math.sqrt(share)))


def other_counts(job: Job, budget: int, choice: Choice) -> Iterator[Composition]:
    """Compositions of other numbers of splats, where the picture is so small that there is time for them.

    How many are best depends on the picture: up to 1 dB on these. The numbers are those of a grid, so that what was
    best in fewer bytes is tried again in more.
    """
    errors = [composition.error for composition in choice.compositions]
    if job.pixels > TINY or (choice.share == 0 and (not errors or max(errors) > HOPELESS * min(errors))):
        return
    plan = plan_for(job.pixels, budget, 1.0, grey=job.grey)
    nearest = math.floor(math.log(plan.count) / math.log(GRID))
    counts = {min(job.pixels, max(1, round(GRID ** (nearest + i)))) for i in NEIGHBOURS}
    for count in sorted(counts - {plan.count}):
        yield compose(job.of_other(job.planes, job.effort), replace(plan, count=count))


def _budget_of_sample(job: Job, bare: Spectrum, sample_bare: Spectrum, budget: int) -> int:
    """What is to the sample's content what the budget is to that of the whole picture."""
    step_index = guess_step_index(bare, budget)  # of a lattice that alone would take the budget
    return len(write_lattice(sample_bare, step_index, threads=job.engine.threads).section)


def is_clear(alone: float, many: float) -> bool:
    """Whether the errors of a lattice alone and of mostly splats differ so much that no third share is tried."""
    return alone > CLEAR * many or many > CLEAR_OF_MANY * alone


def sample(planes: Planes) -> Planes:
    """Well spread pieces of a picture [3, H, W] side by side, or all of it if it is small."""
    _, height, width = planes.shape
    pixels = min(max(PART * height * width, LEAST_PIXELS), MOST_PIXELS)
    if pixels > 0.7 * height * width:
        return planes
    count = max(1, round(pixels / PIECE_PIXELS))
    tall = min(height, max(1, round(math.sqrt(pixels / count))))
    wide = min(width, max(1, round(pixels / count / tall)))
    places = [((i + 0.5) / count, (0.5 + i * GOLDEN) % 1) for i in range(count)]
    corners = [(int(y * (height - tall)), int(x * (width - wide))) for x, y in places]
    return np.concatenate([planes[:, top : top + tall, left : left + wide] for top, left in corners], axis=2)
