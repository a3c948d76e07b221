"""Weights (Eq. 9 and 10), tiles, and the variational points (Eq. 11 to 14)."""

import numpy as np
import pytest

from smartsplat.sampling import feature_map
from smartsplat.sampling.features import Tiling, tile_starts, tile_weights
from smartsplat.sampling.variational import base_scale, share_equally, variational_points, variational_scales
from tests.conftest import random_planes


def naive_weights(planes, x, y, width, height, lambda_m):
    padded = np.pad(planes.astype(np.float64), ((0, 0), (2, 2), (2, 2)), mode="edge")
    smooth, slope = np.array([1, 2, 1]), np.array([-1, 0, 1])
    m, v = np.zeros((height, width)), np.zeros((height, width))
    for row in range(height):
        for column in range(width):
            around = padded[:, y + row : y + row + 5, x + column : x + column + 5]
            inner = around[:, 1:4, 1:4]
            gx, gy = inner @ slope @ smooth, inner @ smooth @ slope
            m[row, column] = np.hypot(gx, gy).mean()
            v[row, column] = around.var(axis=(1, 2), ddof=1).mean()
    m, v = (f / f.max() if f.max() > 0 else f for f in (m, v))
    return np.maximum(lambda_m * m + (1 - lambda_m) * v, 1e-8)


@pytest.mark.parametrize("lambda_m", [0.0, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("tile", [(0, 0, 40, 23), (3, 1, 17, 9), (20, 12, 20, 11), (39, 22, 1, 1)])
def test_weights_match_a_plain_sum(rng, tile, lambda_m):
    planes = rng.integers(0, 256, (3, 23, 40), dtype=np.uint8)
    planes[:, 5:15, 10:30] = 255
    weights = tile_weights(planes, *tile, lambda_m)
    # Seen: 1e-7, single precision.
    np.testing.assert_allclose(weights, naive_weights(planes, *tile, lambda_m), rtol=0, atol=5e-7)


def test_weights_of_a_flat_picture_are_the_least():
    assert (feature_map(np.full((3, 9, 12), 77, np.uint8)) == np.float32(1e-8)).all()


@pytest.mark.parametrize("tile", [5, 16, 64])
def test_map_is_the_greatest_weight_of_the_tiles(rng, tile):
    planes = random_planes(rng, 50, 37)
    expected = np.zeros((37, 50), np.float32)
    tiling = Tiling.of(planes, tile)
    for y in tiling.tops:
        for x in tiling.lefts:
            part = expected[y : y + tiling.height, x : x + tiling.width]
            weights = tile_weights(planes, int(x), int(y), tiling.width, tiling.height, 0.9)
            np.maximum(part, weights, out=part)
    np.testing.assert_array_equal(feature_map(planes, 0.9, tile), expected)


@pytest.mark.parametrize("tile", [1, 2, 5, 16, 1024])
def test_tiles_cover_every_pixel(tile):
    lengths = [*range(1, 70), 1023, 1025, 2048, 2049, 3073, 10103, 15360]
    for length in lengths:
        starts, size = tile_starts(length, tile), min(length, tile)
        assert len(starts) == -(-length // tile)
        assert starts[0] == 0
        assert starts[-1] + size == length
        assert (np.diff(starts) <= size).all()
        assert (starts[2:] - starts[:-2] >= size).all()


@pytest.mark.parametrize(("length", "tile"), [(0, 4), (4, 0)])
def test_tiles_need_a_length(length, tile):
    with pytest.raises(ValueError):
        tile_starts(length, tile)


def counts_of_draws(planes, count, draws, **options):
    _, height, width = planes.shape
    hits = np.zeros(height * width)
    for seed in range(draws):
        points, _ = variational_points(planes, count, seed=seed, **options)
        x, y = np.floor(points).astype(int).T
        np.add.at(hits, y * width + x, 1)
    return hits


@pytest.mark.parametrize("count", [1, 2])
def test_pixels_are_drawn_in_proportion_to_their_weights(rng, count):
    planes = rng.integers(0, 256, (3, 3, 4), dtype=np.uint8)
    p = tile_weights(planes, 0, 0, 4, 3, 0.5).astype(np.float64).ravel()
    p /= p.sum()
    expected = p if count == 1 else p + p * ((p / (1 - p)).sum() - p / (1 - p))
    draws = 6000
    hits = counts_of_draws(planes, count, draws, lambda_m=0.5)
    chi_square = ((hits - draws * expected) ** 2 / (draws * expected)).sum()
    assert chi_square < 27  # 11 degrees of freedom: passed by 0.5 % by chance, but the seeds are fixed


def test_few_pixels_are_drawn_in_proportion_to_their_weights():
    """1 : 3 : 3. Among many pixels, of a small weight each, other draws are nearly as good."""
    planes = np.zeros((3, 3, 1), np.uint8)
    planes[:, 2] = 90
    np.testing.assert_allclose(tile_weights(planes, 0, 0, 1, 3, 0.5).ravel(), [1 / 3, 1, 1], rtol=1e-6)
    hits = counts_of_draws(planes, 1, 6000, lambda_m=0.5)
    np.testing.assert_allclose(hits / 6000, [1 / 7, 3 / 7, 3 / 7], atol=0.018)  # three to four standard deviations


def test_points_are_distinct_pixels_with_their_weights(rng):
    planes = random_planes(rng, 70, 45)
    points, weights = variational_points(planes, 1500, seed=4, tile=32)
    assert len(np.unique(points, axis=0)) == 1500
    assert (points % 1 == 0.5).all()
    assert ((points > 0) & (points < [70, 45])).all()
    whole, own = variational_points(planes, 1500, seed=4)
    x, y = np.floor(whole).astype(int).T
    np.testing.assert_array_equal(own, tile_weights(planes, 0, 0, 70, 45)[y, x])
    assert weights.shape == (1500,)


def test_tiles_share_the_points_equally(rng):
    planes = random_planes(rng, 64, 48)
    points, _ = variational_points(planes, 103, seed=1, tile=16)
    tiles = np.floor(points / 16).astype(int)
    counts = np.bincount(tiles[:, 1] * 4 + tiles[:, 0], minlength=12)
    np.testing.assert_array_equal(counts, share_equally(103, 12))
    assert share_equally(103, 12).tolist() == [9] * 7 + [8] * 5


def test_all_pixels_come_before_any_comes_again(rng):
    planes = random_planes(rng, 5, 4)
    points, _ = variational_points(planes, 47, seed=3)
    _, counts = np.unique(points, axis=0, return_counts=True)
    assert sorted(counts) == [2] * 13 + [3] * 7


def test_overlapping_tiles_deliver_more_points_than_pixels(rng):
    planes = random_planes(rng, 9, 7)
    points, _ = variational_points(planes, 200, seed=3, tile=4)
    assert points.shape == (200, 2)
    assert len(np.unique(points, axis=0)) == 63


def test_scales_follow_the_formula():
    base = base_scale(300, 400, 1000)
    assert base == pytest.approx(np.sqrt(300 * 400 / (np.pi * 1000)) / 3)
    scales = variational_scales(np.array([1e-8, 0.5, 1], np.float32), base)
    np.testing.assert_allclose(scales, base * np.exp([0, -0.25, -0.5]), rtol=1e-6)


def test_wrong_arguments_are_refused(rng):
    planes = random_planes(rng, 8, 8)
    with pytest.raises(ValueError):
        variational_points(planes, -1, seed=0)
    with pytest.raises(ValueError):
        variational_points(planes, 1, seed=0, lambda_m=1.5)
    with pytest.raises(ValueError):
        feature_map(planes, -0.1)
    with pytest.raises(ValueError):
        tile_weights(planes, 4, 0, 5, 8)
