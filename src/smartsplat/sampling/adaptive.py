"""The project's own start: splats as dense as the picture is busy, everywhere, with scales that overlap.

It differs from the paper's in four points, each of which fits better in the same time (docs/decisions.md):
density follows the weights over the whole picture instead of tile by tile, points are stratified instead of
independent, nearly all of them are variational, and scales follow the distance to the neighbours.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from smartsplat.model.splats import PARAMETERS, Floats
from smartsplat.sampling.density import sample_density
from smartsplat.sampling.exclusion import neighbour_scales
from smartsplat.sampling.features import LAMBDA_M, feature_map
from smartsplat.sampling.variational import base_scale

CONTRAST = 1.3
"""Exponent of the weights."""

UNIFORM_SHARE = 0.02
"""Part of the splats that is spread evenly, so that no area is without."""

OVERLAP = 0.93
"""Scale relative to the root mean square distance to three neighbours."""

SCALE_RANGE = (0.6, 8.0)
"""Least and greatest scale relative to s_base of Eq. 14."""

WHOLE = 1 << 22
"""Tiles of this side, px: the whole picture is one."""


def initialise_adaptive(planes: NDArray[np.uint8], zoom: float, count: int, *, seed: int, threads: int = 0) -> Floats:
    """Splats to start a fit with; their colours are zero.

    Args:
        planes: uint8 [3, H, W], the picture or a smaller version of it, whose features are looked at.
        zoom: px of the picture for each of its pixels, 1 or more.
        count: number of splats, at least 1.
        seed: of the draw.
        threads: that may be used, 0 for one for each processor; the result does not depend on it.

    Returns:
        float32 [count, 8], coordinates and scales in px of the picture.
    """
    seeds = [int(s) for s in np.random.SeedSequence(seed).generate_state(3, np.uint64)]
    height, width = planes.shape[1:]
    weights = feature_map(planes, LAMBDA_M, WHOLE, threads=threads)
    np.power(weights, CONTRAST, out=weights)
    even = min(count, round(UNIFORM_SHARE * count))
    points = np.concatenate([
        sample_density(weights, count - even, seeds[0], threads=threads),
        sample_density(np.ones((height, width), np.float32), even, seeds[1], threads=threads),
    ]).astype(np.float32)  # fmt: skip
    base = base_scale(height, width, count)
    apart = neighbour_scales(points, points, base, threads=threads)
    scales = (OVERLAP * apart).clip(base * SCALE_RANGE[0], base * SCALE_RANGE[1])
    splats = np.zeros((count, PARAMETERS), np.float32)
    splats[:, 0:2] = points * zoom
    splats[:, 2:4] = scales[:, None] * zoom
    splats[:, 4] = np.random.default_rng(seeds[2]).random(count) * np.pi
    return splats
