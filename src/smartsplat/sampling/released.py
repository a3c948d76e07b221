"""The start as the code does it that was published with the paper: the preset ``official-code``.

Where it differs from the text is said at each function, and in one table in docs/paper.md. Its sample points are
pixels' indices; ours are pixels' middles, so that all its coordinates are moved by half a pixel.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from smartsplat.model.splats import PARAMETERS, Floats
from smartsplat.sampling.exclusion import distances_to, exclusion_radius, neighbour_distances
from smartsplat.sampling.features import LAMBDA_M, TILE, check_share
from smartsplat.sampling.threads import map_in_threads
from smartsplat.sampling.variational import base_scale, share_equally, variational_scales

Doubles = NDArray[np.float64]

TRIALS = 50
"""How often uniform points are drawn, at most."""

BATCH = 10_000
"""How many are drawn at once, at most."""

LEAST_SCALE = 1e-3
"""Of uniform points, px: the root of 1e-6."""

HALF = 4
"""Samples on each side of a point's own along an axis, one scale away the last: 9 x 9 of them."""

AT_ONCE = 2048
"""Points whose colours are found together."""


def initialise_as_the_code(
    planes: NDArray[np.uint8],
    count: int,
    *,
    seed: int,
    lambda_g: float = 0.7,
    lambda_m: float = LAMBDA_M,
    neighbours: int = 3,
    counts_itself: bool = True,
    tile: int = TILE,
    threads: int = 0,
) -> Floats:
    """Splats of a picture as the published code starts them; see ``initialise`` for the arguments.

    The number of variational points is rounded down. All angles are pi.

    Returns:
        float32 [N, 8] as ``initialise``. N is less than ``count`` where the draws of uniform points end too soon.

    Raises:
        ValueError: an argument is out of its range.
    """
    check_share(lambda_m)
    if count < 1 or not 0 <= lambda_g <= 1 or tile < 1:
        raise ValueError(f"count and tile must be at least 1 and lambda_g in [0, 1]: {count}, {tile}, {lambda_g}")
    height, width = planes.shape[1:]
    base, variational = base_scale(height, width, count), int(lambda_g * count)
    seeds = [int(s) for s in np.random.SeedSequence(seed).generate_state(2, np.uint64)]
    points, weights = drawn_pixels(planes, variational, seed=seeds[0], lambda_m=lambda_m, tile=tile, threads=threads)
    scales = variational_scales(weights, base)
    radius = exclusion_radius(base, scales)
    uniform = capped_points(height, width, count - variational, points, radius, seed=seeds[1], threads=threads)
    points = np.concatenate([points, uniform])
    if len(points) > 1 and len(uniform):
        apart = neighbour_distances(points, uniform, neighbours, counts_itself=counts_itself, threads=threads)
        scales = np.concatenate([scales, np.maximum(apart, LEAST_SCALE).astype(np.float32)])
    else:
        scales = np.concatenate([scales, np.full(len(uniform), base, np.float32)])

    splats = np.empty((len(points), PARAMETERS), np.float32)
    splats[:, 0:2] = points + np.float32(0.5)
    splats[:, 2:4] = scales[:, None]
    splats[:, 4] = np.pi
    splats[:, 5:8] = grid_medians(planes, points, scales, threads=threads)
    return splats


def code_tile_starts(length: int, tile: int) -> list[int]:
    """First pixels of the tiles along an axis: all strides are equal, so that the last pixels may be in no tile."""
    last = -(-length // tile) - 1
    stride = (length - tile) // last if last else 0
    return [i * stride for i in range(last + 1)]


def code_weights(patch: NDArray[np.uint8], lambda_m: float) -> Doubles:
    """The weights of a tile [3, H, W], with the gradient of the mean of the channels, and zeros beyond the tile.

    Both features are divided by their greatest value and 1e-8 more.

    Returns:
        float64 [H, W], at least 1e-8.
    """
    grey = np.pad(patch.sum(axis=0, dtype=np.int32), 1)
    across, down = grey[:, 2:] - grey[:, :-2], grey[2:] - grey[:-2]
    gx = across[:-2] + 2 * across[1:-1] + across[2:]
    gy = down[:, :-2] + 2 * down[:, 1:-1] + down[:, 2:]
    gradient = np.hypot(gx, gy) / (3 * 255)
    channels = np.pad(patch, [(0, 0), (2, 2), (2, 2)]).astype(np.int32)
    sums, squares = _sums_of_25(channels), _sums_of_25(channels**2)
    variance = (25 * squares - sums**2).mean(axis=0) / (600 * 255**2)  # the unbiased one
    parts = lambda_m * gradient / (gradient.max() + 1e-8) + (1 - lambda_m) * variance / (variance.max() + 1e-8)
    return np.asarray(np.maximum(parts, 1e-8))


def drawn_pixels(
    planes: NDArray[np.uint8], count: int, *, seed: int, lambda_m: float, tile: int, threads: int = 0
) -> tuple[Floats, Floats]:
    """Pixels drawn tile by tile without replacement; where tiles overlap one may come twice.

    Returns:
        Their indices, float32 [N, 2] as x and y, and their weights [N]. N is less than ``count`` where tiles have not
        as many pixels.
    """
    height, width = planes.shape[1:]
    corners = [(y, x) for y in code_tile_starts(height, tile) for x in code_tile_starts(width, tile)]
    counts = share_equally(count, len(corners))

    def draw(index: int) -> tuple[Floats, Floats]:
        y, x = corners[index]
        weights = code_weights(planes[:, y : y + tile, x : x + tile], lambda_m)
        rng = np.random.default_rng([seed, index])
        arrivals = (rng.standard_exponential(weights.shape) / weights).ravel()  # the first are a draw by weight
        wanted = min(int(counts[index]), len(arrivals))
        drawn = np.sort(np.argpartition(arrivals, wanted - 1)[:wanted]) if wanted else np.zeros(0, np.intp)
        rows, columns = np.divmod(drawn, weights.shape[1])
        return np.stack([columns + x, rows + y], 1).astype(np.float32), weights[rows, columns].astype(np.float32)

    found = map_in_threads(draw, range(len(corners)), threads)
    return np.concatenate([points for points, _ in found]), np.concatenate([weights for _, weights in found])


def capped_points(
    height: int, width: int, count: int, points: Floats, radius: float, *, seed: int, threads: int = 0
) -> Floats:
    """Uniform points further than ``radius`` from ``points`` and from those of earlier draws, in TRIALS draws.

    Points of one draw may lie side by side. The code counts draws where it means points, so that later ones are as
    large as the first; that matters to how many there are in the end and is kept.

    Returns:
        float32 [N, 2] as x and y in [0, width] and [0, height], N at most ``count``: less where the draws do not give
        more, but ``count`` points from anywhere where they give none.
    """
    rng, size = np.random.default_rng(seed), np.array([width, height])
    if count == 0 or len(points) == 0:
        return np.asarray(rng.random((count, 2)) * size, np.float32)
    off_points = distances_to(points, threads)
    kept: list[Floats] = []
    for _ in range(TRIALS):
        wanted = count - len(kept)
        if wanted <= 0 or sum(map(len, kept)) >= count:
            break
        drawn = (rng.random((min(BATCH, 5 * wanted), 2)) * size).astype(np.float32)
        drawn = drawn[off_points(drawn) > radius]
        if kept and len(drawn):
            drawn = drawn[distances_to(np.concatenate(kept), threads)(drawn) > radius]
        if len(drawn):
            kept.append(drawn[:wanted])
    return np.concatenate(kept)[:count] if kept else (rng.random((count, 2)) * size).astype(np.float32)


def grid_medians(planes: NDArray[np.uint8], points: Floats, scales: Floats, *, threads: int = 0) -> Floats:
    """Weighted medians of 9 x 9 samples around each point, those of a disc as wide as its scale.

    Samples lie between pixels, with zeros beyond the picture. Weights fall with the distance in samples, but as if
    the scale in px were its unit.

    Args:
        planes: uint8 [3, H, W].
        points: float32 [N, 2] as x and y, in pixels' indices.
        scales: float32 [N], px.
        threads: that may be used, 0 for one for each processor; the result does not depend on it.

    Returns:
        float32 [N, 3], in [0, 1].
    """
    y, x = np.mgrid[-HALF : HALF + 1, -HALF : HALF + 1].reshape(2, -1).astype(np.float64)
    inside = x**2 + y**2 <= (HALF + 0.5) ** 2
    offsets = np.stack([x, y], axis=1)[inside]

    def medians(at: int) -> Floats:
        part = slice(at, at + AT_ONCE)
        places = points[part, None].astype(np.float64) + offsets * (scales[part, None, None] / HALF)
        levels = _between_pixels(planes, places)
        deviation = scales[part, None].astype(np.float64) + 1e-6
        weights = np.exp(-(offsets**2).sum(axis=1) / (2 * deviation**2))
        order = np.argsort(levels, axis=2, kind="stable")
        sums = np.take_along_axis(np.broadcast_to(weights, levels.shape), order, axis=2).cumsum(axis=2)
        middle = (sums >= 0.5 * (sums[:, :, -1:] + 1e-6)).argmax(axis=2)
        found = np.take_along_axis(levels, np.take_along_axis(order, middle[:, :, None], axis=2), axis=2)
        return np.asarray(found[:, :, 0].T, np.float32)

    parts = map_in_threads(medians, range(0, len(points), AT_ONCE), threads)
    return np.concatenate(parts) if parts else np.zeros((0, 3), np.float32)


def _between_pixels(planes: NDArray[np.uint8], places: Doubles) -> Doubles:
    """Bilinear samples at places [N, K, 2] in pixels' indices: float64 [3, N, K], 1.0 is 255."""
    height, width = planes.shape[1:]
    low = np.floor(places)
    shares = places - low
    total = np.zeros((3, *places.shape[:2]))
    for right, below in ((0, 0), (1, 0), (0, 1), (1, 1)):
        x, y = low[..., 0] + right, low[..., 1] + below
        share = np.abs(1 - right - shares[..., 0]) * np.abs(1 - below - shares[..., 1])
        share[(x < 0) | (y < 0) | (x >= width) | (y >= height)] = 0
        rows, columns = y.clip(0, height - 1).astype(np.intp), x.clip(0, width - 1).astype(np.intp)
        total += share * planes[:, rows, columns]
    return np.asarray(total / 255)


def _sums_of_25(padded: NDArray[np.int32]) -> NDArray[np.int32]:
    """Sums over squares of 5 x 5 of [3, H + 4, W + 4]."""
    windows = np.lib.stride_tricks.sliding_window_view(padded, 5, axis=1).sum(axis=-1, dtype=np.int32)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(windows, 5, axis=2).sum(axis=-1, dtype=np.int32))
