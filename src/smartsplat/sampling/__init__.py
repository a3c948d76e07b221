"""The paper's initialisation: splats placed where the picture's structure asks for them.

One module for each section of the paper: ``features`` (Eq. 9 to 11), ``variational`` (12 to 14),
``exclusion`` (15 to 17) and ``colour`` (18 to 20). ``released`` is the same as the code does it that was published with
the paper. ``adaptive`` and ``density`` are not from the paper. Pictures come as uint8
[3, H, W], coordinates are px with pixel centres at integer + 0.5, and all random choices follow from a seed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from smartsplat.model.splats import PARAMETERS, Floats
from smartsplat.sampling.adaptive import initialise_adaptive
from smartsplat.sampling.colour import median_colours
from smartsplat.sampling.density import sample_density
from smartsplat.sampling.exclusion import exclusion_radius, neighbour_scales, uniform_points
from smartsplat.sampling.features import LAMBDA_M, TILE, feature_map
from smartsplat.sampling.released import initialise_as_the_code
from smartsplat.sampling.variational import base_scale, variational_points, variational_scales

__all__ = [
    "LAMBDA_G",
    "base_scale",
    "feature_map",
    "initialise",
    "initialise_adaptive",
    "initialise_as_the_code",
    "median_colours",
    "sample_density",
]

LAMBDA_G = 0.7
"""The paper's share of variational points, lambda_g of Eq. 21."""


def initialise(
    planes: NDArray[np.uint8],
    count: int,
    *,
    seed: int,
    lambda_g: float = LAMBDA_G,
    lambda_m: float = LAMBDA_M,
    neighbours: int = 3,
    counts_itself: bool = True,
    tile: int = TILE,
    threads: int = 0,
) -> Floats:
    """Splats of a picture as the paper starts them (Eq. 9 to 21).

    Args:
        planes: uint8 [3, H, W], of at least one pixel.
        count: number N_g of splats, at least 1.
        seed: at least 0; the same seed gives the same splats.
        lambda_g: share of variational points, in [0, 1]; their number is rounded to the nearest.
        lambda_m: share of the gradient in the weights, in [0, 1].
        neighbours: K of Eq. 17, at least 1.
        counts_itself: whether a point is the first of its own neighbours there; see ``neighbour_scales``.
        tile: side of the tiles, px, at least 1.
        threads: that may be used, 0 for one for each processor; the result does not depend on it.

    Returns:
        float32 [count, 8]: x, y, both scales (equal, px), the angle in [0, 2 pi) and the colour in [0, 1].
        The variational points come first.

    Raises:
        ValueError: an argument is out of its range.
    """
    if count < 1 or not 0 <= lambda_g <= 1:
        raise ValueError(f"count must be at least 1 and lambda_g in [0, 1], not {count} and {lambda_g}")
    _, height, width = planes.shape
    base, variational = base_scale(height, width, count), round(lambda_g * count)
    seeds = [int(s) for s in np.random.SeedSequence(seed).generate_state(3, np.uint64)]

    points, weights = variational_points(
        planes, variational, seed=seeds[0], lambda_m=lambda_m, tile=tile, threads=threads
    )
    scales = variational_scales(weights, base)
    radius = exclusion_radius(base, scales)
    uniform = uniform_points(height, width, count - variational, points, radius, seed=seeds[1], threads=threads)
    points = np.concatenate([points, uniform])
    apart = neighbour_scales(points, uniform, base, neighbours, counts_itself=counts_itself, threads=threads)
    scales = np.concatenate([scales, apart])

    splats = np.empty((count, PARAMETERS), np.float32)
    splats[:, 0:2] = points
    splats[:, 2:4] = scales[:, None]
    splats[:, 4] = _angles(count, seeds[2])
    splats[:, 5:8] = median_colours(planes, points, scales, threads=threads)
    return splats


def _angles(count: int, seed: int) -> Floats:
    """Angles in [0, 2 pi) as the paper draws them, U[0, 1) * 2 pi, float32 [count]."""
    rng = np.random.Generator(np.random.PCG64(seed))
    # In single precision throughout: rounding from double precision would reach 2 pi.
    return rng.random(count, dtype=np.float32) * np.float32(2 * np.pi)
