"""Finds the size of file that reaches a quality.

A secant search on the logarithm of the bytes, in which PSNR is close to linear.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

from smartsplat.errors import TargetError

T = TypeVar("T")

Trials = Sequence[tuple[float, float]]
"""What is known: log10 of the bytes, and PSNR [dB], in the order of bytes."""

CLOSE_ENOUGH = 0.25  # dB above what was asked for
TYPICAL_SLOPE = 9.0  # dB for ten times the bytes
MOST_TRIALS = 12
START_CR = 200.0
EXACT = 75.0  # dB that stand for an exact picture, whose PSNR is infinite, in what is guessed from it
EXACT_DEEP = 120.0  # likewise of one of 16 bits
SAME_SIZE = 0.001  # of log10: trials that are no further apart have no other between them


def smallest_reaching(
    wanted: float, encode: Callable[[int], tuple[float, int, T]], *, most: int, least: int, exact: float = EXACT
) -> T:
    """What the smallest of the trials that reach a PSNR gave.

    The search ends when a trial is at most CLOSE_ENOUGH above what is wanted, or when more than MOST_TRIALS or
    trials of nearly equal sizes would be needed (on small pictures PSNR goes up and down with the bytes).

    Args:
        wanted: dB.
        encode: a trial with that many bytes; gives its PSNR, how many bytes it took, and anything.
        most: bytes of the largest file that may be tried.
        least: bytes of the smallest one.
        exact: dB that stand for an exact picture.

    Raises:
        TargetError: no trial reaches it.
    """
    trials: list[tuple[float, float]] = []
    best: tuple[int, T] | None = None
    while (size := next_size(trials, wanted, most=most, least=least)) is not None:
        psnr, taken, result = encode(size)
        is_exact = math.isinf(psnr)
        trials = sorted([*trials, (math.log10(taken if is_exact else size), max(exact, wanted) if is_exact else psnr)])
        if psnr >= wanted and (best is None or taken < best[0]):
            best = taken, result
    if best is None:
        raise TargetError(f"{wanted:g} dB were not reached; the best was {max(p for _, p in trials):.2f} dB")
    return best[1]


def next_size(trials: Trials, wanted: float, *, most: int, least: int) -> int | None:
    """Bytes of the trial after those, or None when the search is over."""
    if not trials:
        return min(max(least, int(most / START_CR)), most)
    if len(trials) >= MOST_TRIALS or any(0 <= psnr - wanted <= CLOSE_ENOUGH for _, psnr in trials):
        return None
    above = [size for size, psnr in trials if psnr >= wanted]
    low = max((size for size, _ in trials if not above or size < min(above)), default=math.log10(least))
    low, high = max(low, math.log10(least)), min([*above, math.log10(most)])
    if high - low <= SAME_SIZE:
        return None
    guess = min(max(_guess(trials, wanted), low), high)
    if any(abs(guess - size) <= SAME_SIZE for size, _ in trials):
        guess = (low + high) / 2
    size = round(10**guess)
    return None if any(abs(math.log10(size) - known) < 1e-9 for known, _ in trials) else size


def _guess(trials: Trials, wanted: float) -> float:
    """log10 of the bytes that should reach a little more than is wanted."""
    aim = wanted + CLOSE_ENOUGH / 2
    above = [t for t in trials if t[1] >= wanted]
    below = [t for t in trials if t[1] < wanted and (not above or t[0] < above[0][0])]
    if above and below:
        (x0, y0), (x1, y1) = below[-1], above[0]
        share = min(max((aim - y0) / max(y1 - y0, 1e-9), 0.1), 0.9)
        return x0 + share * (x1 - x0)
    size, psnr = above[0] if above else below[-1]
    return size + min(max((aim - psnr) / TYPICAL_SLOPE, -1.0), 1.0)
