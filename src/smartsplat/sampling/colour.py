"""Scale-adaptive colour sampling: the Gaussian-weighted median around each point (Eq. 18 to 20)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from smartsplat import _native
from smartsplat.model.splats import Floats


def median_colours(planes: NDArray[np.uint8], points: Floats, scales: Floats, *, threads: int = 0) -> Floats:
    """The level of each channel that minimises Eq. 20, over the picture's pixels within one scale of a point.

    Of several minima it is the lowest level. Where no pixel centre is that near, it is the level of the
    nearest pixel. Where the part of the disc's bounding box in the picture holds more than 4096 pixels, only
    every second, third, ... row and column is read, so that at most 4096 are left; the pixel under the point
    is always among them.

    Args:
        planes: uint8 [3, H, W].
        points: float32 [N, 2] as x and y, px.
        scales: float32 [N], px.
        threads: that may be used, 0 for one for each processor; the result does not depend on it.

    Returns:
        float32 [N, 3], red, green and blue in [0, 1], multiples of 1/255.

    Raises:
        ValueError: a point or scale is not a number, or the numbers of points and scales differ.
    """
    if np.isnan(points).any() or np.isnan(scales).any():
        raise ValueError("points and scales must be numbers")
    colours: Floats = _native.median_colours(planes, points, scales, threads)
    return colours
