"""Bjøntegaard delta rate."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from smartsplat.libraries import load_scipy

Point = tuple[float, float]
"""Rate, in any unit above 0, and quality, in dB."""

LEAST_POINTS = 3
"""Points a curve must have to be interpolated."""


def bd_rate(reference: Sequence[Point], other: Sequence[Point]) -> float | None:
    """By how much the rate of `other` differs from that of `reference` at equal quality, on average.

    G. Bjøntegaard, "Calculation of average PSNR differences between RD-curves" (VCEG-M33, 2001), with
    piecewise cubic monotone interpolation (PCHIP) of the logarithm of the rate over the quality in place of
    one polynomial, as JCTVC-L1100 and JVET's common test conditions have it; it cannot overshoot between the
    points.

    Points that cost more than another one of no less quality are left out. Only the range of quality that
    both curves cover counts.

    Args:
        reference: points of a curve, in any order.
        other: likewise.

    Returns:
        Percent: -50 for half the rate. None where the curves have no range of quality in common, or one has
        fewer than LEAST_POINTS points.
    """
    a, b = _monotone(reference), _monotone(other)
    if min(len(a), len(b)) < LEAST_POINTS:
        return None
    low, high = max(a[0, 1], b[0, 1]), min(a[-1, 1], b[-1, 1])
    if not high > low:
        return None
    difference = (_log_rate_integral(b, low, high) - _log_rate_integral(a, low, high)) / (high - low)
    return 100 * math.expm1(difference)


def ms_ssim_db(value: float) -> float:
    """MS-SSIM on a scale on which equal steps look about equally large: -10 log10(1 - value), dB."""
    return -10 * math.log10(max(1 - value, 1e-10))


def _monotone(points: Sequence[Point]) -> NDArray[np.float64]:
    """[n, (rate, quality)] with both strictly rising."""
    kept: list[Point] = []
    for rate, quality in sorted(points, key=lambda point: (point[0], -point[1])):
        if not kept or quality > kept[-1][1]:
            kept.append((rate, quality))
    return np.array(kept, np.float64).reshape(-1, 2)


def _log_rate_integral(curve: NDArray[np.float64], low: float, high: float) -> float:
    pchip = load_scipy("scipy.interpolate").PchipInterpolator

    return float(pchip(curve[:, 1], np.log(curve[:, 0])).integrate(low, high))
