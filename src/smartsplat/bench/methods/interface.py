"""What a method is that makes a picture at a compression ratio, and what it gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from smartsplat.bench.interface import Measured, Pixels

LogRow = dict[str, float]
"""``step``; ``seconds`` since the method began; ``psnr`` [dB, infinite for an exact picture]; and more."""

FLOAT_BYTES = 4
"""Of a parameter where there is no file."""


@dataclass(frozen=True)
class Outcome:
    """What a method made of a picture at a compression ratio. At least one of ``picture`` and ``decoded`` is there.

    Attributes:
        nominal_bytes: 7 for each splat, Eq. 5, and the real bytes of all that is no splat.
        bytes: of the file; where there is none, of the parameters, FLOAT_BYTES each.
        total_seconds: from the pixels to the result.
        picture: before anything was quantised, float32 [H, W, 3] in [0, 1]; None if it never was there.
        decoded: from the file, if there is one.
        splats: N of Eq. 5: those fitted; where that is not known, those in the file; None without any.
        steps: of the optimiser that were done at the picture's full size; None where steps are of different kinds.
        start_seconds: of them, until the first step.
        seconds: of all steps.
        frame: draws the picture once, everything being warm.
    """

    nominal_bytes: int
    bytes: int
    total_seconds: float
    frame: Callable[[], object]
    picture: NDArray[np.float32] | None = None
    decoded: Pixels | None = None
    splats: int | None = None
    steps: int | None = None
    start_seconds: float | None = None
    seconds: float | None = None


class Method(Measured, Protocol):
    """A method with everything fixed but picture and compression ratio."""

    def run(self, pixels: Pixels, cr: float, log: Callable[[LogRow], None] | None, every: int) -> Outcome | None:
        """Makes the picture.

        Args:
            pixels: uint8 [H, W, 3].
            cr: compression ratio: of Eq. 5 for fits of splats alone, of the file for all others.
            log: told how a fit goes, if there is one: before its first step, after each so many, and after the last.
            every: so many steps, at least 1.

        Returns:
            None if there is no file that small.

        Raises:
            SmartSplatError: it could not be done.
        """
        ...
