"""How much work a fit does: the table of efforts, and the steps on each level that follow from it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """The work of one effort.

    Attributes:
        coarsest: Adam steps on the coarsest level.
        next: Adam steps on the level below it.
        newton: Gauss-Newton steps on the picture itself, each of PRODUCTS products.
        rounds: in which the shapes are rounded, with a Gauss-Newton step for the others after each but the last.
        density: splats for each megapixel, at most, in pictures that are not small: so that an effort costs about the
            same at any rate.
        large_density: the same in large pictures, which are fitted window by window; 0 for a lattice alone.
        full: part of its bytes at which the search for a lattice's quantisation step ends.
        prices: how many further prices of a bit are tried for a lattice that is alone.
        shares: how many shares of the splats in the bytes are tried, at least; 1 is a lattice alone, but in tiny
            pictures.
        finest: Adam steps two levels below the coarsest, where few splats are fitted with care.
    """

    coarsest: int
    next: int
    newton: int
    rounds: int
    density: int
    large_density: int = 0
    full: float = 0.99
    prices: int = 0
    shares: int = 2
    finest: int = 0


EFFORTS = {
    1: Effort(60, 15, 1, 1, 1200, 0, 0.98, 0, 1),
    2: Effort(120, 30, 1, 2, 1400, 250, 0.998, 1, 1),
    3: Effort(200, 60, 2, 3, 1700, 400, 0.998, 1, 2, 30),
    4: Effort(320, 100, 2, 3, 2000, 700, 0.998, 1, 2, 50),
    5: Effort(540, 190, 2, 3, 2700, 1150, 0.998, 2, 2, 100),
    6: Effort(800, 450, 3, 5, 3400, 1500, 0.998, 3, 2, 150),
    7: Effort(1200, 900, 4, 8, 4500, 2250, 0.998, 4, 3, 250),
    8: Effort(1700, 1700, 5, 10, 6500, 3250, 0.998, 6, 4, 400),
    9: Effort(2200, 2600, 6, 12, 9000, 4500, 0.998, 6, 5, 600),
}
"""Each effort takes about 1.6 times as long as the one before it. Long fits gain on the level below the coarsest."""

DEFAULT_EFFORT = 5
PRODUCTS = 10
"""Products with the Gauss-Newton matrix in each of its steps."""


@dataclass(frozen=True)
class Stage:
    """Adam steps on one level."""

    level: int
    steps: int


NARROW = 0.4
"""Part of the steps on the level below the coarsest that come on top where splats are narrow on that."""


FINE_PIXELS = 1e6
"""Pixels of a picture up to which there is time to fit a level finer than its splats need."""

FINE = 0.75
"""Part of the steps of ``coarsest`` that there are then."""

FINE_ALONE = 0.5
"""Part of the steps of ``coarsest`` that splats without a lattice have on the finer of these levels, at least."""

ALONE_COARSE, ALONE_FULL = 0.55, 0.83
"""Parts of the steps of ``coarsest`` that they have where there is just one level below it, on the two; at least."""


def stages(
    effort: Effort, coarsest: int, margin: float, *, careful: bool = False, fine: bool = False, alone: bool = False
) -> tuple[Stage, ...]:
    """The stages of a fit, coarse to fine.

    Args:
        effort: the steps.
        coarsest: the coarsest level on which splats are not too narrow.
        margin: by how many octaves the splats are wider than they must be there, 0 to 1.
        careful: with those of ``finest``.
        fine: a level finer where that can be, unless it is careful.
        alone: where it is fine, more of the steps are on the finer level, for no lattice makes up for what is left.
    """
    if coarsest == 0:
        return (Stage(0, effort.next + effort.coarsest // 2),)
    if fine and coarsest > 1 and not careful:
        first = Stage(coarsest - 1, round(FINE * effort.coarsest))
        least = round(FINE_ALONE * effort.coarsest) if alone else 0
        return first, Stage(coarsest - 2, max(least, min(effort.next, effort.coarsest // 2)))
    if fine and alone:
        last = Stage(0, max(round(ALONE_FULL * effort.coarsest), effort.next))
        return Stage(1, round(ALONE_COARSE * effort.coarsest)), last
    first = Stage(coarsest, effort.coarsest)
    then = Stage(coarsest - 1, round(effort.next * (1 + NARROW * (1 - margin))))
    if not careful or coarsest == 1 or effort.finest == 0:
        return first, then
    return first, then, Stage(coarsest - 2, effort.finest)
