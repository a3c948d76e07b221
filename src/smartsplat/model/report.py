"""What an encoding gave."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Report:
    """Figures of one encoding, of the picture decoded from the file unless said otherwise.

    Attributes:
        psnr: dB, infinite if the decoded picture is exact; of a picture of more than 8 bits a sample, of 16.
        psnr_float: dB of the splats before they were quantised, not rounded to 8 bits; as ``psnr`` if there is a
            lattice.
        seconds: from the pixels to the bytes of the file.
        splats: in the file.
        engine: name of the engine that ran.
        preset: as asked for.
        effort: of the preset ``default``, else None.
        seed: as asked for.
        steps: Adam steps of the presets ``paper`` and ``official-code``, else None.
        lattice: ``auto``, or ``none`` where there could be none.
        tune: what errors were weighed for: ``psnr``, ``balanced`` or ``ssim``; None with the paper's presets.
        constants: of these two presets, by name, else None.
        splats_fitted: how many were fitted, N of Eq. 5, where there is no lattice, else None. (One that stands for a
            flat colour counts.)
        quality: all metrics of the decoded picture, if they were asked for, else None: see
            ``smartsplat.metrics.full.FullComparison``.
        quality_float: the same of the splats before they were quantised, not rounded to 8 bits; None with a lattice.
        psnr_alpha: dB of the alpha of a picture that is not opaque, else None. The other figures are of its colours
            then; they count at each pixel as much as it is opaque.
        alpha_bytes: that alpha takes, likewise.
        left_out: names of metadata that the picture had and the file has not, because they are large.
    """

    psnr: float
    psnr_float: float
    seconds: float
    splats: int
    engine: str
    preset: str
    effort: int | None
    seed: int
    steps: int | None
    lattice: str = "auto"
    constants: Mapping[str, Any] | None = None
    splats_fitted: int | None = None
    quality: Mapping[str, Any] | None = None
    quality_float: Mapping[str, Any] | None = None
    psnr_alpha: float | None = None
    alpha_bytes: int | None = None
    left_out: tuple[str, ...] = ()
    tune: str | None = None


def psnr_of(error: float, samples: int) -> float:
    """PSNR in dB from a sum of squared differences, in steps of 8 bits, over that many samples."""
    return math.inf if error == 0 else 10 * math.log10(255**2 * samples / error)
