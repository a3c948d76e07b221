"""Gradient-colour guided variational sampling: points where structure is, and their scales (Eq. 12 to 14)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from smartsplat import _native
from smartsplat.model.splats import Floats
from smartsplat.sampling.features import LAMBDA_M, TILE, Tiling, check_share


def base_scale(height: int, width: int, count: int) -> float:
    """s_base of Eq. 14, px: a third of the radius of ``count`` discs of the picture's area together."""
    return float(np.sqrt(height * width / (np.pi * count)) / 3)


def share_equally(count: int, parts: int) -> NDArray[np.int64]:
    """``count`` in equal numbers, int64 [parts]; the first ones are greater by one if there is a rest."""
    return count // parts + (np.arange(parts) < count % parts).astype(np.int64)


def variational_points(
    planes: NDArray[np.uint8],
    count: int,
    *,
    seed: int,
    lambda_m: float = LAMBDA_M,
    tile: int = TILE,
    threads: int = 0,
) -> tuple[Floats, Floats]:
    """Draws pixels tile by tile, without replacement and in proportion to their weights (Eq. 11 and 12).

    Every tile gives the same number of points. A pixel that an overlapping tile has drawn before is passed
    over, so all points differ. Only where a tile has fewer pixels left than it must give points, as in
    pictures of fewer pixels than points, it gives all of them and then begins again with all its pixels.

    Args:
        planes: uint8 [3, H, W].
        count: number of points, at least 0.
        seed: 0 to 2^64 - 1; the same seed gives the same points.
        lambda_m: share of the gradient in the weights, in [0, 1].
        tile: side of the tiles, px.
        threads: that may be used, 0 for one for each processor; the result does not depend on it.

    Returns:
        The points, float32 [count, 2] as x and y in px, at pixel centres; and their weights w of Eq. 10,
        float32 [count]. Tile by tile, and row by row in a tile.

    Raises:
        ValueError: count is negative, tile less than 1 or lambda_m not in [0, 1].
    """
    check_share(lambda_m)
    if count < 0:
        raise ValueError(f"the number of points must not be negative: {count}")
    t = Tiling.of(planes, tile)
    counts = share_equally(count, len(t))
    points, weights = _native.draw_points(planes, t.tops, t.lefts, t.height, t.width, counts, lambda_m, seed, threads)
    return points, weights


def variational_scales(weights: Floats, base: float) -> Floats:
    """Scales of points of weights w, px (Eq. 13): base * exp(-w / 2)."""
    return np.asarray(base * np.exp(-0.5 * weights), np.float32)
