"""The metrics of pictures that are not rounded to 8 bits, of 16 or as the paper takes them: in double precision."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from smartsplat.errors import PictureError
from smartsplat.metrics import (
    MS_SSIM_LEAST,
    SCALES,
    SSIM_LEAST,
    Comparison,
    ms_ssim_of,
    ssim_of,
)
from smartsplat.metrics.same import REACH, Samples, with_zeros_beyond

Doubles = NDArray[np.float64]

C1, C2 = 0.01**2, 0.03**2

# Gaussian of sigma 1.5, normalised in single precision as pytorch_msssim does.
_TAPS = np.array([0.00102838036, 0.00759875821, 0.0360007733, 0.109360687, 0.213005528, 0.266011715], np.float32)
_TAPS = _TAPS.astype(np.float64)  # from the rim to the middle

AT_ONCE, LEAST_ROWS = 1 << 16, 32
"""Pixels of a channel that are looked at together, about, so that they stay in the cache; and rows, at least."""


def compare(picture: Samples, reference: Samples) -> tuple[Comparison, float]:
    """All metrics of two pictures of equal shape, of which one at least is not rounded.

    Args:
        picture: float in [0, 1], uint8 or uint16, [H, W, C].
        reference: likewise.

    Returns:
        The figures of ``smartsplat.metrics.compare``, and SSIM with zeros beyond the border.

    Raises:
        PictureError: if the shapes differ.
        ValueError: if they are not float, uint8 or uint16 [H, W, C] with at least one sample.
    """
    if picture.shape != reference.shape:
        raise PictureError(f"pictures of different shapes cannot be compared: {picture.shape} and {reference.shape}")
    known = all(p.dtype.kind == "f" or p.dtype in (np.uint8, np.uint16) for p in (picture, reference))
    if not known or picture.ndim != 3 or picture.size == 0:
        types = f"{picture.dtype} and {reference.dtype}"
        raise ValueError(f"pictures must be float, uint8 or uint16 [H, W, C], not {types} {picture.shape}")
    channels = [(picture[:, :, c], reference[:, :, c]) for c in range(picture.shape[2])]
    error = sum(float(((unit(a) - unit(b)) ** 2).sum()) for pair in channels for a, b in _strips(*pair, 0))
    side = min(picture.shape[:2])
    count = 0 if side < SSIM_LEAST else 1 if side < MS_SSIM_LEAST else SCALES
    levels = np.array([_levels(*pair, count) for pair in channels])
    inside = ssim_of(levels) if count else None
    values: Comparison = {
        "psnr": 10 * math.log10(picture.size / error) if error else math.inf,
        "ssim": inside,
        "ms_ssim": ms_ssim_of(levels) if count == SCALES else None,
    }
    return values, with_zeros_beyond(picture, reference, _mean_ssim, inside)


def unit(samples: Samples) -> Doubles:
    """Samples as doubles, 1.0 is 255, or 65535 of 16 bits."""
    if samples.dtype.kind == "f":
        return samples.astype(np.float64)
    return samples / float(np.iinfo(samples.dtype).max)


def _mean_ssim(a: Samples, b: Samples) -> float:
    return ssim_of(np.array([_levels(a[:, :, c], b[:, :, c], 1) for c in range(a.shape[2])]))


def _levels(a: Samples, b: Samples, count: int) -> list[tuple[float, float]]:
    """SSIM and contrast of a channel [H, W] at so many scales."""
    found = []
    for level in range(count):
        if level:
            a, b = _half(unit(a)), _half(unit(b))
        found.append(_similarity(a, b))
    return found


def _similarity(a: Samples, b: Samples) -> tuple[float, float]:
    """Mean SSIM and mean contrast over all places of the window inside a channel."""
    places = (a.shape[0] - 2 * REACH) * (a.shape[1] - 2 * REACH)
    sums = np.zeros(2)
    for p, q in _strips(a, b, 2 * REACH):
        x, y = unit(p), unit(q)
        mx, my = _window_means(x), _window_means(y)
        sxx, syy, sxy = (_window_means(u * v) for u, v in ((x, x), (y, y), (x, y)))
        contrast = (2 * (sxy - mx * my) + C2) / (sxx - mx * mx + syy - my * my + C2)
        sums += ((2 * mx * my + C1) / (mx * mx + my * my + C1) * contrast).sum(), contrast.sum()
    return float(sums[0] / places), float(sums[1] / places)


def _window_means(values: Doubles) -> Doubles:
    """Means under the Gaussian window of sigma 1.5 where it lies inside [H, W]: [H - 10, W - 10]."""
    down = _weighted([values[k : values.shape[0] - 2 * REACH + k] for k in range(2 * REACH + 1)])
    return _weighted([down[:, k : down.shape[1] - 2 * REACH + k] for k in range(2 * REACH + 1)])


def _weighted(shifted: list[Doubles]) -> Doubles:
    """The sum of 11 equally large arrays, each times its tap; the taps are symmetric."""
    total: Doubles = _TAPS[REACH] * shifted[REACH]
    for tap, first, last in zip(_TAPS[:REACH], shifted, reversed(shifted), strict=False):
        pair = first + last
        pair *= tap
        total += pair
    return total


def _half(channel: Doubles) -> Doubles:
    """Means of 2 x 2 samples, as avg_pool2d(2, padding=size % 2): zeros come before an odd side and count."""
    height, width = channel.shape
    even = np.pad(channel, ((height % 2, 0), (width % 2, 0)))
    return np.asarray(even.reshape(even.shape[0] // 2, 2, -1, 2).mean(axis=(1, 3)))


def _strips(a: Samples, b: Samples, overlap: int) -> Iterator[tuple[Samples, Samples]]:
    """Rows of two channels some at a time, with so many of the rows of the strip before."""
    height, width = a.shape
    rows = max(LEAST_ROWS, AT_ONCE // width)
    for top in range(0, height - overlap, rows):
        part = slice(top, min(height, top + rows + overlap))
        yield a[part], b[part]
