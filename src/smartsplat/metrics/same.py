"""SSIM where the window also stands over the border, with zeros beyond it: ``fused_ssim(padding="same")``.

The paper's figures for its largest pictures are of this kind. Inside it is the SSIM of ``smartsplat.metrics``; only
strips along the borders are computed on top.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smartsplat.metrics import SSIM_LEAST, Pixels, checked_pair, ssim

Samples = NDArray[Any]
"""Of a picture [H, W, C] or of a channel: float, 1.0 is 255, uint8 or uint16."""

REACH = 5
"""Of the window from its middle, px."""


def ssim_same(a: Pixels, b: Pixels, *, inside: float | None = None, threads: int = 0) -> float:
    """SSIM of two pictures with zeros beyond their borders; see ``smartsplat.metrics.ssim`` for the rest.

    Args:
        a: uint8 [H, W, C] or [H, W], of any size.
        b: likewise.
        inside: their ``ssim``, if it is known already.
        threads: 0 for one for each processor.

    Returns:
        At most 1, for equal pictures.

    Raises:
        PictureError: if the shapes differ.
        ValueError: if they are not uint8 [H, W] or [H, W, C] with at least one sample.
    """
    return with_zeros_beyond(*checked_pair(a, b), lambda p, q: ssim(p, q, threads=threads), inside)


def with_zeros_beyond(
    a: Samples, b: Samples, mean: Callable[[Samples, Samples], float], inside: float | None = None
) -> float:
    """The mean over all pixels of two pictures, from one over where the window lies inside; see ``ssim_same``."""
    height, width = a.shape[:2]
    if min(height, width) < SSIM_LEAST:
        return mean(_padded(a, REACH, REACH, REACH, REACH), _padded(b, REACH, REACH, REACH, REACH))
    tall, wide = height - 2 * REACH, width - 2 * REACH
    total = (mean(a, b) if inside is None else inside) * tall * wide
    for rows, above in ((slice(0, 2 * REACH), REACH), (slice(height - 2 * REACH, height), 0)):
        strips = (_padded(p[rows], above, REACH - above, REACH, REACH) for p in (a, b))
        total += mean(*strips) * REACH * width
    for columns, left in ((slice(0, 2 * REACH), REACH), (slice(width - 2 * REACH, width), 0)):
        strips = (_padded(p[:, columns], 0, 0, left, REACH - left) for p in (a, b))
        total += mean(*strips) * REACH * tall
    return float(total / (height * width))


def _padded(p: Samples, above: int, below: int, left: int, right: int) -> Samples:
    """A picture with so many rows and columns of zeros around it."""
    return np.pad(p, ((above, below), (left, right), (0, 0)))
