"""The start of the published code, function by function against the same in plain loops."""

import itertools
import math

import numpy as np
import pytest

from smartsplat.sampling import initialise_as_the_code
from smartsplat.sampling.released import (
    capped_points,
    code_tile_starts,
    code_weights,
    drawn_pixels,
    grid_medians,
)
from smartsplat.sampling.variational import base_scale
from tests.conftest import random_planes


def naive_weights(patch, lambda_m):
    """Sobel of the mean grey and variance of 25, each with zeros beyond the tile, in units of 1.0."""
    unit = patch / 255.0
    _, height, width = patch.shape
    grey = np.pad(unit.mean(axis=0), 1)
    channels = np.pad(unit, ((0, 0), (2, 2), (2, 2)))
    sobel = np.outer([1, 2, 1], [-1, 0, 1])
    m, v = np.zeros((height, width)), np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            around = grey[y : y + 3, x : x + 3]
            m[y, x] = np.hypot((around * sobel).sum(), (around * sobel.T).sum())
            v[y, x] = np.mean([channels[c, y : y + 5, x : x + 5].var(ddof=1) for c in range(3)])
    weights = lambda_m * m / (m.max() + 1e-8) + (1 - lambda_m) * v / (v.max() + 1e-8)
    return np.maximum(weights, 1e-8)


@pytest.mark.parametrize("lambda_m", [0.0, 0.9, 1.0])
@pytest.mark.parametrize("size", [(12, 17), (1, 1), (2, 9)])
def test_weights_are_a_plain_sum(rng, lambda_m, size):
    patch = rng.integers(0, 256, (3, *size), dtype=np.uint8)
    np.testing.assert_allclose(code_weights(patch, lambda_m), naive_weights(patch, lambda_m), rtol=1e-9, atol=1e-12)


def test_the_gradient_is_that_of_the_mean_grey():
    """Other than the paper's: channels that go against each other have none."""
    patch = np.zeros((3, 20, 20), np.uint8)
    patch[0, :, 10:], patch[1, :, :10] = 200, 200
    assert code_weights(patch, 1.0)[5:15, 8:12].max() < 0.01
    patch[1] = patch[0]
    assert code_weights(patch, 1.0)[5:15, 8:12].max() > 0.9


@pytest.mark.parametrize(
    ("length", "tile", "starts"),
    [(5, 8, [0]), (8, 8, [0]), (9, 8, [0, 1]), (16, 8, [0, 8]), (26, 8, [0, 6, 12, 18]), (27, 8, [0, 6, 12, 18])],
)
def test_tiles_have_equal_strides(length, tile, starts):
    """So that the last pixels are in no tile at times, such as that of 27."""
    assert code_tile_starts(length, tile) == starts


def test_pixels_are_drawn_by_weight_without_replacement(rng):
    """Two from each of many equal tiles."""
    patch, tiles = rng.integers(0, 256, (3, 3, 3), dtype=np.uint8), 3000
    weights = code_weights(patch, 0.5)
    p = weights.ravel() / weights.sum()
    expected = tiles * (p + p * ((p / (1 - p)).sum() - p / (1 - p)))
    planes = np.tile(patch, (1, 1, tiles))
    points, found = drawn_pixels(planes, 2 * tiles, seed=0, lambda_m=0.5, tile=3)
    x, y = points.astype(int).T
    pixels = (y * 3 + x % 3).reshape(tiles, 2)
    assert (pixels[:, 0] != pixels[:, 1]).all()
    np.testing.assert_allclose(found, weights[y, x % 3], rtol=1e-6)
    hits = np.bincount(pixels.ravel(), minlength=9)
    assert ((hits - expected) ** 2 / expected).sum() < 24  # 8 degrees of freedom: passed by 0.2 % by chance


def test_tiles_give_equal_numbers_and_may_give_a_pixel_twice(rng):
    planes = random_planes(rng, 26, 8)  # tiles of 8 at 0, 6, 12, 18
    points, _ = drawn_pixels(planes, 203, seed=1, lambda_m=0.9, tile=8)
    assert len(points) == 203
    ends = np.cumsum([51, 51, 51, 50])
    for part, left in zip(np.split(points, ends[:-1]), (0, 6, 12, 18), strict=True):
        assert ((part[:, 0] >= left) & (part[:, 0] < left + 8)).all()
        assert len(np.unique(part, axis=0)) == len(part)
    assert len(np.unique(points, axis=0)) < 203
    assert len(drawn_pixels(planes, 1000, seed=1, lambda_m=0.9, tile=8)[0]) == 4 * 64  # tiles have no more


def naive_capped_points(height, width, count, points, radius, seed):
    """As the code does it, up to its 50 draws, and cut to the number wanted at the end."""
    rng, batches, trials = np.random.default_rng(seed), [], 0
    indexed = [tuple(p) for p in points.astype(np.float64)]
    while len(batches) < count and trials < 50:
        wanted = count - len(batches)
        drawn = (rng.random((min(10000, 5 * wanted), 2)) * [width, height]).astype(np.float32)
        kept = [p for p in drawn.astype(np.float64) if min(math.dist(p, q) for q in indexed) > radius][:wanted]
        if kept:
            batches.append(kept)
            indexed += [tuple(p) for p in kept]
        trials += 1
    return np.concatenate(batches)[:count]


@pytest.mark.parametrize(("count", "radius"), [(6, 0.5), (9, 2.0), (12, 3.2)])
def test_uniform_points_are_those_of_plain_loops(rng, count, radius):
    points = rng.integers(0, [20, 15], (25, 2)).astype(np.float32)
    found = capped_points(15, 20, count, points, radius, seed=4)
    np.testing.assert_array_equal(found, naive_capped_points(15, 20, count, points, radius, 4).astype(np.float32))


def test_draws_end_and_leave_fewer_points(rng):
    """Where the discs leave little room: 50 draws do not find as many points as are wanted."""
    x, y = np.meshgrid(np.arange(0, 41, 4), np.arange(0, 41, 4))
    points = np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)
    found = capped_points(40, 40, 300, points, 2.75, seed=0)
    assert 0 < len(found) < 300
    apart = np.linalg.norm(found[:, None] - points[None], axis=2)
    assert apart.min() > 2.75
    anywhere = capped_points(40, 40, 300, points, 50.0, seed=0)
    assert len(anywhere) == 300
    assert len(capped_points(40, 40, 30, points[:0], 5.0, seed=0)) == 30


def naive_median(planes, point, scale):
    """The weighted median of 9 x 9 samples in a disc, each a bilinear mean with zeros beyond the picture."""
    colour, picture = [], planes / 255.0
    for c in range(3):
        samples = []
        for i in range(-4, 5):
            for j in range(-4, 5):
                if i * i + j * j > 4.5**2:
                    continue
                x, y, level = point[0] + j * scale / 4, point[1] + i * scale / 4, 0.0
                for row in (math.floor(y), math.floor(y) + 1):
                    for column in (math.floor(x), math.floor(x) + 1):
                        if 0 <= row < picture.shape[1] and 0 <= column < picture.shape[2]:
                            level += (1 - abs(x - column)) * (1 - abs(y - row)) * picture[c, row, column]
                samples.append((level, math.exp(-(i * i + j * j) / (2 * (scale + 1e-6) ** 2))))
        samples.sort()
        total = sum(w for _, w in samples) + 1e-6
        reached = itertools.accumulate(w / total for _, w in samples)
        colour.append(next(level for (level, _), r in zip(samples, reached, strict=True) if r >= 0.5))
    return colour


def test_colours_are_those_of_plain_loops(rng):
    planes = rng.integers(0, 256, (3, 21, 30), dtype=np.uint8)
    points = rng.uniform(-0.5, [30, 21], (25, 2)).astype(np.float32)
    points[:8] = np.floor(points[:8]).clip(0)
    scales = np.exp(rng.uniform(-1, 3, 25)).astype(np.float32)
    colours = grid_medians(planes, points, scales)
    expected = [naive_median(planes, p, s) for p, s in zip(points.astype(float), scales.astype(float), strict=True)]
    np.testing.assert_allclose(colours, expected, atol=1e-6)


@pytest.mark.parametrize("itself", [False, True])
def test_the_whole_start(rng, itself):
    planes = random_planes(rng, 130, 90)
    splats = initialise_as_the_code(planes, 401, seed=11, counts_itself=itself)
    assert splats.shape == (401, 8)
    points, scales, base = splats[:, :2] - np.float32(0.5), splats[:, 2], base_scale(90, 130, 401)
    variational = 280  # rounded down
    assert (points[:variational] % 1 == 0).all()  # pixels' indices, half a pixel from their middles
    assert (points[variational:] % 1 != 0).any(axis=1).all()
    x, y = points[:variational].astype(int).T
    np.testing.assert_allclose(scales[:variational], base * np.exp(-code_weights(planes, 0.9)[y, x] / 2), rtol=1e-5)
    apart = np.linalg.norm(points[variational:, None].astype(float) - points[None], axis=2)
    nearest = np.sort(apart, axis=1)[:, 0 if itself else 1 :][:, :3]
    np.testing.assert_allclose(scales[variational:], np.sqrt((nearest**2).mean(axis=1)), rtol=1e-4)
    assert np.linalg.norm(points[variational:, None] - points[None, :variational], axis=2).min() > base * (1 - 1e-4)
    np.testing.assert_array_equal(splats[:, 2], splats[:, 3])
    assert (splats[:, 4] == np.float32(np.pi)).all()
    np.testing.assert_allclose(splats[:, 5:], grid_medians(planes, points, scales), atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (7, 1), (33, 40)])
@pytest.mark.parametrize("count", [1, 2, 3, 50])
def test_any_picture_and_any_count(rng, size, count):
    planes = rng.integers(0, 256, (3, *size), dtype=np.uint8)
    splats = initialise_as_the_code(planes, count, seed=0, tile=16)
    assert 1 <= len(splats) <= count
    assert np.isfinite(splats).all()
    assert (splats[:, 2:4] > 0).all()


def test_threads_do_not_matter_and_seeds_do(rng):
    planes = random_planes(rng, 200, 150)
    first, *same = (initialise_as_the_code(planes, 900, seed=3, tile=64, threads=n).tobytes() for n in (1, 2, 5))
    assert set(same) == {first}
    assert initialise_as_the_code(planes, 900, seed=4, tile=64).tobytes() != first


@pytest.mark.parametrize(
    "options", [{"count": 0}, {"lambda_g": 1.1}, {"lambda_m": -0.1}, {"neighbours": 0}, {"tile": 0}]
)
def test_wrong_arguments_are_refused(rng, options):
    with pytest.raises(ValueError):
        initialise_as_the_code(random_planes(rng, 20, 20), **{"count": 30, "seed": 0, **options})
