"""Tables of a sheet as texts."""

from __future__ import annotations

import math
from collections.abc import Sequence

from smartsplat.reporting.codecs import Curve

COLUMNS = ("codec", "bytes", "PSNR, dB", "MS-SSIM", "settings")
"""Of the table of codecs."""


def codec_rows(curves: Sequence[Curve]) -> list[tuple[str, ...]]:
    """A row for each codec: its best file of no more bytes than ours."""
    return [_row(curve) for curve in curves]


def _row(curve: Curve) -> tuple[str, ...]:
    point = curve.beside
    if point is None:
        return curve.name, "", "", "", "no file is so small"
    psnr = "infinite" if math.isinf(point.psnr) else f"{point.psnr:.2f}"
    ms_ssim = "" if point.ms_ssim is None else f"{point.ms_ssim:.4f}"
    return curve.name, f"{point.bytes:,}", psnr, ms_ssim, point.settings
