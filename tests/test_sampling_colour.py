"""Gaussian-weighted medians (Eq. 18 to 20)."""

import numpy as np
import pytest

from smartsplat.sampling import median_colours
from tests.conftest import random_planes


def disc(planes, point, scale):
    """Levels [3, M] and weights [M] of the pixels within one scale of the point."""
    y, x = np.mgrid[: planes.shape[1], : planes.shape[2]] + 0.5
    squares = (x - float(point[0])) ** 2 + (y - float(point[1])) ** 2
    inside = squares <= float(scale) ** 2
    return planes[:, inside].astype(np.float64), np.exp(-squares[inside] / (2 * float(scale) ** 2))


def cost(level, levels, weights):
    """The sum that Eq. 20 minimises, of one channel."""
    return (weights * np.abs(level - levels)).sum()


@pytest.mark.parametrize("noise", [False, True])
def test_colours_minimise_the_sum(rng, noise):
    planes = rng.integers(0, 256, (3, 40, 60), dtype=np.uint8) if noise else random_planes(rng, 60, 40)
    points = rng.uniform([0, 0], [60, 40], (60, 2)).astype(np.float32)
    points[:20] = np.floor(points[:20]) + 0.5
    scales = np.exp(rng.uniform(np.log(0.75), np.log(30), 60)).astype(np.float32)
    colours = median_colours(planes, points, scales)
    for point, scale, colour in zip(points, scales, colours, strict=True):
        levels, weights = disc(planes, point, scale)
        for c in range(3):
            least = min(cost(z, levels[c], weights) for z in np.unique(levels[c]))
            assert cost(colour[c] * 255, levels[c], weights) <= least * (1 + 1e-6) + 1e-4


def test_the_lower_of_two_medians_is_taken():
    planes = np.zeros((3, 1, 2), np.uint8)
    planes[:, 0] = [[10, 20], [200, 100], [5, 5]]
    colours = median_colours(planes, np.array([[1.0, 0.5]], np.float32), np.array([0.5], np.float32))
    np.testing.assert_allclose(colours * 255, [[10, 100, 5]], rtol=1e-6)


def test_the_nearest_pixel_where_none_is_within_the_scale(rng):
    planes = rng.integers(0, 256, (3, 5, 6), dtype=np.uint8)
    points = np.array([[2.9, 3.1], [0, 0], [6, 5], [-9, 2.5], [3.5, 1.5]], np.float32)
    scales = np.array([0.1, 0.2, 0.3, 4, 0], np.float32)
    colours = median_colours(planes, points, scales)
    rows, columns = [3, 0, 4, 2, 1], [2, 0, 5, 0, 3]
    np.testing.assert_array_equal(colours, planes[:, rows, columns].T / np.float32(255))


def test_great_discs_are_read_on_a_coarser_grid(rng):
    planes = random_planes(rng, 500, 400)
    points = np.array([[250, 200], [0, 0], [490.5, 100.25]], np.float32)
    scales = np.array([90, 300, 1e6], np.float32)
    colours = median_colours(planes, points, scales)
    for point, scale, colour in zip(points, scales, colours, strict=True):
        levels, weights = disc(planes, point, scale)
        for c in range(3):
            below = weights[levels[c] < colour[c] * 255 - 0.5].sum() / weights.sum()
            upto = weights[levels[c] < colour[c] * 255 + 0.5].sum() / weights.sum()
            assert below < 0.53  # the share below the true median is at most 0.5
            assert upto > 0.47


def test_thin_pictures_are_read_whole():
    planes = np.repeat(np.arange(3000, dtype=np.uint16)[None, None] // 12, 3, axis=0).astype(np.uint8)
    point, scale = np.array([[1500.5, 0.5]], np.float32), np.array([1400], np.float32)
    levels, weights = disc(planes, point[0], scale[0])
    colour = median_colours(planes, point, scale)[0, 0] * 255
    assert cost(colour, levels[0], weights) <= min(cost(z, levels[0], weights) for z in range(256)) * (1 + 1e-6)


def test_wrong_arguments_are_refused(rng):
    planes, point = random_planes(rng, 8, 8), np.ones((1, 2), np.float32)
    with pytest.raises(ValueError):
        median_colours(planes, point, np.ones(2, np.float32))
    with pytest.raises(ValueError):
        median_colours(planes, point * np.float32("nan"), np.ones(1, np.float32))
    with pytest.raises(ValueError):
        median_colours(planes, point, np.full(1, np.nan, np.float32))
