"""What an encoding gave."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Report:
    """Figures of one encoding, of the picture decoded from the file unless said otherwise.

    Attributes:
        psnr: dB, infinite if the decoded picture is exact.
        psnr_float: dB in 8 bits before the quantisation of splats; as ``psnr`` if there is a lattice.
        seconds: from the pixels to the bytes of the file.
        splats: in the file.
        engine: name of the engine that ran.
        preset: as asked for.
        effort: as asked for.
        seed: as asked for.
        steps: Adam steps of the preset ``paper``, else None.
    """

    psnr: float
    psnr_float: float
    seconds: float
    splats: int
    engine: str
    preset: str
    effort: int
    seed: int
    steps: int | None


def psnr_of(error: float, samples: int) -> float:
    """PSNR in dB from a sum of squared 8-bit differences over that many samples."""
    return math.inf if error == 0 else 10 * math.log10(255**2 * samples / error)
