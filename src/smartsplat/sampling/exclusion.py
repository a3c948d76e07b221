"""Exclusion-based uniform sampling: points off the variational ones, and their scales (Eq. 15 to 17)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smartsplat.libraries import load_scipy
from smartsplat.model.splats import Floats
from smartsplat.sampling.threads import map_in_threads, worker_count

Doubles = NDArray[np.float64]

# Draws are given up for something better when less than this part of them is accepted: from the whole
# picture, and from the squares that hold the free area.
_LEAST_OF_ALL, _LEAST_OF_SQUARES = 0.05, 0.01
# Points drawn at once, at most: they take some 100 bytes each.
_BATCH = 2**20
# Places whose nearest points are looked for in one call, at most and (but for the last) at least.
_MOST_AT_ONCE, _LEAST_AT_ONCE = 2**16, 2**10
# Squares that the picture is divided into at first to find the free area, and the most that are looked at: so
# many, or so many for each point. Discs that nearly cover the picture leave a few holes for each of them.
_FIRST_SQUARES, _MOST_SQUARES, _MOST_SQUARES_PER_POINT = 2**12, 2**18, 32
# Free area that takes squares smaller than this part of the exclusion radius to find counts as none.
_LEAST_SIDE = 2.0**-12


def exclusion_radius(base: float, scales: Floats) -> float:
    """r_excl of Eq. 16, px, from the base scale of Eq. 14 and the scales of the variational points."""
    return max(base, float(np.median(scales))) if len(scales) else base


def uniform_points(
    height: int, width: int, count: int, points: Floats, radius: float, *, seed: int, threads: int = 0
) -> Floats:
    """Draws points uniformly from where the picture is at least ``radius`` from all ``points`` (Eq. 15).

    Uniform draws are accepted or rejected. Where the discs around ``points`` nearly cover the picture, they
    are drawn from squares that hold all of the free area and little else. Where the discs cover it wholly,
    Eq. 15 cannot be met: of eight times as many uniform draws those furthest from ``points`` are taken. Free
    area so small or scattered that the squares do not find it counts as none.

    Args:
        height: of the picture, px.
        width: likewise.
        count: number of points to draw, at least 0.
        points: float32 [N, 2] as x and y, px; N may be 0.
        radius: px.
        seed: at least 0; the same seed gives the same points.
        threads: that may be used, 0 for one for each processor; the result does not depend on it.

    Returns:
        float32 [count, 2] as x and y in [0, width) and [0, height).
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    size = np.array([width, height], np.float64)
    nearest = distances_to(points, threads)

    def is_free(drawn: Doubles) -> NDArray[np.bool_]:
        return (drawn < size).all(axis=1) & ~(nearest(drawn) < radius)

    whole = np.zeros((1, 2)), size[None]
    found = _draw_accepted(rng, whole, is_free, count, _LEAST_OF_ALL)
    if len(found) < count:
        most = max(_MOST_SQUARES, _MOST_SQUARES_PER_POINT * len(points))
        squares = _free_squares(size, nearest, radius, most)
        more = _draw_accepted(rng, squares, is_free, count - len(found), _LEAST_OF_SQUARES)
        found = np.concatenate([found, more])
    if len(found) < count:
        found = np.concatenate([found, _draw_furthest(rng, size, nearest, count - len(found))])
    return found.astype(np.float32)


def neighbour_scales(
    points: Floats,
    chosen: Floats,
    base: float,
    neighbours: int = 3,
    *,
    counts_itself: bool = False,
    threads: int = 0,
) -> Floats:
    """Root mean square distance to the nearest neighbours (Eq. 17), px.

    Args:
        points: float32 [N, 2], the complete set.
        chosen: float32 [M, 2], those of ``points`` that want scales.
        base: s_base of Eq. 14, px. No scale is below a tenth of it, which only points that (nearly) coincide
            would have, and it is the scale of a point that is alone.
        neighbours: K; where there are not as many points, all of them.
        counts_itself: whether a point is the first of its own K neighbours, at distance 0. If not, another point at
            the same place still is.
        threads: that may be used, 0 for one for each processor; the result does not depend on it.

    Returns:
        float32 [M].

    Raises:
        ValueError: neighbours is less than 1.
    """
    if len(points) < 2 or len(chosen) == 0:
        check_neighbours(neighbours)
        return np.full(len(chosen), base, np.float32)
    distances = neighbour_distances(points, chosen, neighbours, counts_itself=counts_itself, threads=threads)
    return np.asarray(np.maximum(distances, 0.1 * base), np.float32)


def neighbour_distances(
    points: Floats, chosen: Floats, neighbours: int, *, counts_itself: bool, threads: int = 0
) -> Doubles:
    """Eq. 17 as it stands, float64 [M]; see ``neighbour_scales``. There must be two points or more."""
    check_neighbours(neighbours)
    # A point finds itself as the first, or another one at the same distance of zero.
    first = 1 if counts_itself else 2
    places = _at_most(neighbours + first - 1, points)
    ranks = range(first, min(neighbours + first - 1, len(places)) + 1)
    distances = _query(_tree(places), chosen, ranks, threads)
    return np.asarray(np.sqrt(np.mean(np.square(distances), axis=1)))


def check_neighbours(neighbours: int) -> None:
    """Raises ValueError if K of Eq. 17 is less than 1."""
    if neighbours < 1:
        raise ValueError(f"the number of neighbours must be at least 1, not {neighbours}")


def _tree(points: Floats) -> Any:
    # Loaded here, for it takes long and few need it.
    return load_scipy("scipy.spatial").cKDTree(points, balanced_tree=False, compact_nodes=False)


def _at_most(copies: int, points: Floats) -> Floats:
    """The points, sorted, at most so many at the same place: where there are many, a k-d tree is slow."""
    # Pairs of floats as one integer each: sorting rows takes ten times as long.
    ordered = np.sort(np.ascontiguousarray(points, np.float32).view(np.uint64).ravel())
    keep = np.ones(len(ordered), bool)
    keep[copies:] = ordered[copies:] != ordered[:-copies]
    return ordered[keep].view(np.float32).reshape(-1, 2)


def distances_to(points: Floats, threads: int) -> Callable[[Doubles], Doubles]:
    """A function that finds how far places are from the nearest point; infinitely if there is none."""
    if len(points) == 0:
        return lambda places: np.full(len(places), np.inf)
    tree = _tree(_at_most(1, points))
    return lambda places: _query(tree, places, 1, threads)


def _query(tree: Any, places: NDArray[np.floating], ranks: int | Sequence[int], threads: int) -> Doubles:
    """Distances of the nearest points of these ranks: float64 [N], or [N, K] for a sequence of K ranks."""
    # Short calls, for SciPy does not notice Ctrl-C while it searches; and our own threads, for its abort the process
    # where one of them cannot be started.
    length = min(_MOST_AT_ONCE, max(_LEAST_AT_ONCE, -(-len(places) // worker_count(threads))))
    chunks = [places[at : at + length] for at in range(0, max(1, len(places)), length)]
    return np.concatenate(map_in_threads(lambda chunk: tree.query(chunk, k=ranks)[0], chunks, threads))


def _draw(rng: np.random.Generator, boxes: tuple[Doubles, Doubles], count: int) -> Doubles:
    """Uniform points [count, 2] from boxes (corners and sizes [B, 2]), rounded as they will be stored."""
    corners, sizes = boxes
    ends = np.cumsum(sizes.prod(axis=1))
    box = np.searchsorted(ends[:-1], rng.random(count) * ends[-1], side="right")
    drawn: Floats = (corners[box] + sizes[box] * rng.random((count, 2))).astype(np.float32)
    return drawn.astype(np.float64)


def _draw_accepted(
    rng: np.random.Generator,
    boxes: tuple[Doubles, Doubles],
    accept: Callable[[Doubles], NDArray[np.bool_]],
    count: int,
    least: float,
) -> Doubles:
    """Up to ``count`` accepted points from the boxes: fewer if less than ``least`` of them is accepted."""
    found, rate = np.empty((0, 2)), 1.0
    while len(found) < count and len(boxes[0]) and rate >= least:
        drawn = _draw(rng, boxes, min(int((count - len(found)) / rate * 1.05) + 200, _BATCH))
        accepted = accept(drawn)
        rate = float(accepted.mean())
        found = np.concatenate([found, drawn[accepted]])[:count]
    return found


def _draw_furthest(
    rng: np.random.Generator, size: Doubles, nearest: Callable[[Doubles], Doubles], count: int
) -> Doubles:
    drawn = np.minimum(_draw(rng, (np.zeros((1, 2)), size[None]), 8 * count + 200), _below(size))
    furthest = np.argsort(-nearest(drawn), kind="stable")[:count]
    return drawn[np.sort(furthest)]


def _below(size: Doubles) -> Doubles:
    """The greatest coordinates, as they will be stored, that are inside the picture."""
    return np.nextafter(size.astype(np.float32), np.float32(0)).astype(np.float64)


def _free_squares(
    size: Doubles, nearest: Callable[[Doubles], Doubles], radius: float, most: int
) -> tuple[Doubles, Doubles]:
    """Squares, corners and sizes [B, 2], that together hold every place at least ``radius`` from the points.

    A quad-tree: squares that the discs cover surely are dropped, those that are surely free are kept, and the
    others divided until most of the area is free, or about ``most`` squares have been looked at.
    """
    side = min(float(np.sqrt(size.prod() / _FIRST_SQUARES)), float(size.min()))
    grid = np.meshgrid(*(np.arange(np.ceil(length / side)) for length in size), indexing="ij")
    corners = side * np.stack(grid, axis=-1).reshape(-1, 2)
    kept: list[tuple[Doubles, float]] = []
    free_area, looked_at = 0.0, 0
    while True:
        looked_at += len(corners)
        distance, reach = nearest(corners + side / 2), side * np.sqrt(0.5)
        free = distance - reach >= radius
        kept.append((corners[free], side))
        free_area += float(free.sum()) * side * side
        corners = corners[~free & (distance + reach >= radius)]
        enough = len(corners) * side * side <= free_area
        if enough or looked_at + 4 * len(corners) > most or side <= _LEAST_SIDE * radius:
            break
        side /= 2
        corners = (corners[:, None] + side * np.array([[0, 0], [1, 0], [0, 1], [1, 1]])).reshape(-1, 2)
    kept.append((corners, side))
    sides = np.repeat([side for _, side in kept], [len(corners) for corners, _ in kept])
    return np.concatenate([corners for corners, _ in kept]), np.stack([sides, sides], axis=1)
