"""Finds the size of file that reaches a quality."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from smartsplat.errors import TargetError

T = TypeVar("T")

CLOSE_ENOUGH = 0.25  # dB above what was asked for
TYPICAL_SLOPE = 9.0  # dB for ten times the bytes
MOST_TRIALS = 7
START_CR = 200.0
LEAST_BYTES = 128  # beside the metadata: smaller files are not tried, even where they would do


@dataclass
class PsnrSearch(Generic[T]):
    """A secant search on the logarithm of the bytes.

    Ask ``next`` for the bytes of the next trial until it gives none, ``tell`` each one's PSNR. It ends when a
    trial is at most CLOSE_ENOUGH above what is wanted, or when more than MOST_TRIALS or trials of nearly equal
    sizes would be needed (on small pictures PSNR goes up and down with the bytes).

    Attributes:
        wanted: dB.
        most: bytes of the largest file that may be tried.
        least: bytes of the smallest one.
    """

    wanted: float
    most: int
    least: int = LEAST_BYTES
    _trials: list[tuple[float, float]] = field(default_factory=list)  # (log10 bytes, PSNR), in the order of bytes
    _best: tuple[int, T] | None = None

    def next(self) -> int | None:
        """Bytes of the next trial, or None when the search is over."""
        if not self._trials:
            return max(self.least, int(self.most / START_CR))
        above = [t for t in self._trials if t[1] >= self.wanted]
        if len(self._trials) >= MOST_TRIALS or any(p - self.wanted <= CLOSE_ENOUGH for _, p in above):
            return None
        guess = min(max(self._guess(above), math.log10(self.least)), math.log10(self.most))
        if any(abs(guess - size) < 0.002 for size, _ in self._trials):
            return None
        return min(max(round(10**guess), self.least), self.most)

    def _guess(self, above: list[tuple[float, float]]) -> float:
        aim = self.wanted + CLOSE_ENOUGH / 2
        below = [t for t in self._trials if t[1] < self.wanted]
        if above and below:
            (x0, y0), (x1, y1) = below[-1], above[0]
            share = min(max((aim - y0) / max(y1 - y0, 1e-9), 0.1), 0.9)
            return x0 + share * (x1 - x0)
        size, psnr = above[0] if above else below[-1]
        return size + min(max((aim - psnr) / TYPICAL_SLOPE, -1.0), 1.0)

    def tell(self, size: int, psnr: float, result: T) -> None:
        """What a trial gave."""
        self._trials = sorted([*self._trials, (math.log10(size), psnr)])
        if psnr >= self.wanted and (self._best is None or size < self._best[0]):
            self._best = (size, result)

    def result(self) -> T:
        """What the smallest sufficient trial gave.

        Raises:
            TargetError: none was sufficient.
        """
        if self._best is None:
            best = max(psnr for _, psnr in self._trials)
            raise TargetError(f"{self.wanted:g} dB were not reached; the best was {best:.2f} dB")
        return self._best[1]
