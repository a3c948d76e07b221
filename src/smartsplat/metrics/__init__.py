"""How much one 8-bit picture differs from another: PSNR (also of 16 bits), SSIM and MS-SSIM; ``floats`` has others."""

from __future__ import annotations

import math
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from smartsplat import _native
from smartsplat.errors import PictureError

Pixels = NDArray[np.uint8]
"""A picture as uint8 [H, W, C] or [H, W], with any strides."""

Samples = NDArray[np.unsignedinteger[Any]]
"""The same as uint8 or uint16."""

SSIM_LEAST = 11
"""Least width and height, px, for SSIM: its window must fit."""

MS_SSIM_LEAST = 161
"""Least width and height, px, for MS-SSIM: the window must fit after four halvings."""

# Wang et al., "Multi-scale structural similarity for image quality assessment" (2003), section 3.2.
_WEIGHTS = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])

SCALES = len(_WEIGHTS)
"""Of MS-SSIM."""


class Comparison(TypedDict):
    """What `compare` finds; None where the pictures are too small for a metric."""

    psnr: float
    ssim: float | None
    ms_ssim: float | None


def psnr(a: Samples, b: Samples, *, threads: int = 0) -> float:
    """Peak signal-to-noise ratio over all samples of two pictures of equal shape.

    Returns:
        10 log10(255^2 / mean squared error), dB, or 65535^2 of 16 bits; infinity for equal pictures.

    Raises:
        PictureError: if the shapes differ.
        ValueError: if they are not both uint8, or both uint16, [H, W] or [H, W, C] with at least one sample.
    """
    return _psnr(*checked_pair(a, b, np.uint8, np.uint16), threads)


def ssim(a: Pixels, b: Pixels, *, threads: int = 0) -> float:
    """Structural similarity of two pictures, as `pytorch_msssim.ssim(a, b, data_range=255)` defines it.

    Gaussian window of 11 taps and sigma 1.5, only where it lies inside the picture; K = (0.01, 0.03); mean
    over places and channels (Wang et al., "Image quality assessment: from error visibility to structural
    similarity", 2004).

    Returns:
        At most 1, for equal pictures.

    Raises:
        PictureError: if the shapes differ.
        ValueError: if they are not uint8 [H, W] or [H, W, C], or less than SSIM_LEAST pixels on a side.
    """
    a, b = checked_pair(a, b)
    _require_size(a, SSIM_LEAST, "SSIM")
    return ssim_of(_native.ssim_levels(a, b, 1, threads))


def ms_ssim(a: Pixels, b: Pixels, *, threads: int = 0) -> float:
    """Multi-scale SSIM of two pictures, as `pytorch_msssim.ms_ssim(a, b, data_range=255)` defines it.

    Five scales; between them the mean of 2x2 samples, where a row or column of zeros precedes an odd side and
    counts; negative factors become 0; the product of the powers of each channel, then the mean over channels.

    Returns:
        From 0 to 1, 1 for equal pictures.

    Raises:
        PictureError: if the shapes differ.
        ValueError: if they are not uint8 [H, W] or [H, W, C], or less than MS_SSIM_LEAST pixels on a side.
    """
    a, b = checked_pair(a, b)
    _require_size(a, MS_SSIM_LEAST, "MS-SSIM")
    return ms_ssim_of(_native.ssim_levels(a, b, SCALES, threads))


def compare(a: Pixels, b: Pixels, *, threads: int = 0) -> Comparison:
    """All metrics of two pictures of equal shape at once; cheaper than one by one.

    Returns:
        ``psnr`` [dB], ``ssim`` and ``ms_ssim``; the last two None where the pictures are too small for them.

    Raises:
        PictureError: if the shapes differ.
        ValueError: if they are not uint8 [H, W] or [H, W, C] with at least one sample.
    """
    a, b = checked_pair(a, b)
    result: Comparison = {"psnr": _psnr(a, b, threads), "ssim": None, "ms_ssim": None}
    side = min(a.shape[:2])
    if side >= SSIM_LEAST:
        levels = _native.ssim_levels(a, b, SCALES if side >= MS_SSIM_LEAST else 1, threads)
        result["ssim"] = ssim_of(levels)
        if side >= MS_SSIM_LEAST:
            result["ms_ssim"] = ms_ssim_of(levels)
    return result


def _psnr(a: Samples, b: Samples, threads: int) -> float:
    error: int = _native.squared_error(a, b, threads)
    return 10 * math.log10(int(np.iinfo(a.dtype).max) ** 2 * a.size / error) if error else math.inf


def ssim_of(levels: NDArray[np.float64]) -> float:
    """SSIM from [C, levels, (ssim, contrast)]."""
    return float(levels[:, 0, 0].mean())


def ms_ssim_of(levels: NDArray[np.float64]) -> float:
    """MS-SSIM from [C, 5, (ssim, contrast)]; only the coarsest level counts with its luminance."""
    factors = np.concatenate([levels[:, :-1, 1], levels[:, -1:, 0]], axis=1)
    return float(np.prod(np.maximum(factors, 0) ** _WEIGHTS, axis=1).mean())


def checked_pair(
    a: NDArray[Any], b: NDArray[Any], *types: type[np.unsignedinteger[Any]]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Both as [H, W, C], checked, of one of the types; none stands for uint8."""
    if a.shape != b.shape:
        raise PictureError(f"pictures of different sizes cannot be compared: {_size(a)} and {_size(b)}")
    types = types or (np.uint8,)
    if a.dtype != b.dtype or a.dtype.type not in types or a.ndim not in (2, 3) or a.size == 0:
        names = " or ".join(kind.__name__ for kind in types)
        raise ValueError(f"pictures must be {names} [H, W] or [H, W, C], not {a.dtype} and {b.dtype} {a.shape}")
    return (a, b) if a.ndim == 3 else (a[:, :, None], b[:, :, None])


def _size(pixels: NDArray[Any]) -> str:
    return " x ".join(str(n) for n in (*pixels.shape[1::-1], *pixels.shape[2:]))


def _require_size(pixels: Pixels, least: int, metric: str) -> None:
    height, width = pixels.shape[:2]
    if min(height, width) < least:
        raise ValueError(f"{metric} needs at least {least} px on each side, not {width} x {height}")
