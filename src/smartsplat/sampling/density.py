"""Points of a given density."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from smartsplat import _native
from smartsplat.model.splats import Floats


def sample_density(weights: Floats, count: int, seed: int, *, threads: int = 0) -> NDArray[np.float64]:
    """Well spread points with density proportional to ``weights``: one in each of ``count`` equal shares.

    The shares are stretches of a Hilbert curve through the cells, of equal weight. In a cell, and in any run
    of cells along the curve, the number of points differs by less than 2 from its expectation.

    Args:
        weights: float32 [H, W], at least 0, for cells of equal size; all zero stands for all equal.
        count: number of points, at least 0.
        seed: 0 to 2^64 - 1; the same seed gives the same points, with any number of threads.
        threads: that may be used, 0 for one for each processor; the result does not depend on it.

    Returns:
        float64 [count, 2] as x and y in cells from the grid's corner, anywhere inside their cells, in the
        order of the curve.

    Raises:
        ValueError: a weight is negative or not finite, or there are none, or count is negative.
    """
    if count < 0:
        raise ValueError(f"the number of points must not be negative: {count}")
    points: NDArray[np.float64] = _native.sample_density(weights, count, seed, threads)
    return points
