"""How much pictures with alpha differ: errors count at each pixel as much as it is seen."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from smartsplat.errors import PictureError
from smartsplat.metrics.floats import compare, unit
from smartsplat.metrics.full import FullComparison
from smartsplat.metrics.same import Samples

GREY = 0.5
"""What is laid under both pictures for SSIM and MS-SSIM, which know no weights."""

_AT_ONCE = 1 << 18  # pixels


class VisibleComparison(FullComparison):
    """The figures of the colours, and of the alpha."""

    psnr_alpha: float


def compare_visible(
    reference: Samples, reference_alpha: Samples | None, other: Samples, other_alpha: Samples | None
) -> VisibleComparison:
    """All metrics of two pictures of equal size with alpha, not multiplied with their colours.

    PSNR is that of the colours, where each pixel counts as much as it is opaque in the reference; that of a reference
    that is transparent everywhere is infinite. PSNR of the alpha is that of a grey picture. SSIM and MS-SSIM are of
    the pictures over the same GREY.

    Args:
        reference: uint8, uint16 or float in [0, 1], [H, W, C].
        reference_alpha: [H, W] of such types; None if it is opaque.
        other: [H, W, C].
        other_alpha: likewise.

    Raises:
        PictureError: the shapes differ.
    """
    if reference.shape != other.shape:
        raise PictureError(f"pictures of different shapes cannot be compared: {reference.shape} and {other.shape}")
    alpha, its_alpha = (_opaque(reference) if a is None else a for a in (reference_alpha, other_alpha))
    values, same = compare(_over_grey(other, its_alpha), _over_grey(reference, alpha))
    values["psnr"] = visible_psnr(reference, alpha, other)
    error = sum(float(((unit(a) - unit(b)) ** 2).sum()) for a, b in _bands(alpha, its_alpha))
    psnr_alpha = 10 * math.log10(alpha.size / error) if error else math.inf
    return {
        "psnr": values["psnr"], "ssim": values["ssim"], "ms_ssim": values["ms_ssim"], "ssim_same": same,
        "psnr_alpha": psnr_alpha,
    }  # fmt: skip


def visible_psnr(reference: Samples, alpha: Samples, other: Samples) -> float:
    """PSNR [dB] of colours [H, W, C], weighted by the alpha [H, W] of the reference; see ``compare_visible``."""
    error = weight = 0.0
    for a, w, b in _bands(reference, alpha, other):
        seen = unit(w)
        error += float(((unit(a) - unit(b)) ** 2 * seen[:, :, None]).sum())
        weight += float(seen.sum())
    return 10 * math.log10(weight * reference.shape[2] / error) if error else math.inf


def _opaque(picture: Samples) -> Samples:
    return np.full(picture.shape[:2], 255, np.uint8)


def _over_grey(colours: Samples, alpha: Samples) -> Samples:
    out = np.empty(colours.shape, np.float32)
    top = 0
    for c, a in _bands(colours, alpha):
        seen = unit(a)[:, :, None]
        out[top : top + len(c)] = unit(c) * seen + GREY * (1 - seen)
        top += len(c)
    return out


def _bands(*arrays: Samples) -> Iterator[tuple[Samples, ...]]:
    """Rows of arrays of equal height some at a time, so that little memory is needed beside them."""
    height, width = arrays[0].shape[:2]
    rows = max(1, _AT_ONCE // width)
    for top in range(0, height, rows):
        yield tuple(array[top : top + rows] for array in arrays)
