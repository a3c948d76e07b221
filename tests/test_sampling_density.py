"""Points of a given density."""

import numpy as np
import pytest

from smartsplat.sampling import sample_density


def counts_in_cells(points, shape):
    counts = np.zeros(shape, int)
    x, y = np.floor(points).astype(int).T
    np.add.at(counts, (y, x), 1)
    return counts


@pytest.mark.parametrize("shape", [(1, 1), (1, 100), (33, 1), (32, 32), (50, 70), (129, 65)])
@pytest.mark.parametrize("count", [1, 7, 3000])
def test_every_cell_gets_its_share(rng, shape, count):
    weights = rng.random(shape, np.float32) ** 4
    weights[rng.random(shape) < 0.3] = 0
    weights[0, 0] = 0.5
    points = sample_density(weights, count, 5)
    assert points.shape == (count, 2)
    expected = weights / weights.sum(dtype=np.float64) * count
    counts = counts_in_cells(points, shape)
    assert (np.abs(counts - expected) < 2).all()
    assert (counts[weights == 0] == 0).all()


def test_points_are_uniform_inside_cells():
    points = sample_density(np.ones((4, 4), np.float32), 40_000, 2) % 1
    counts = np.histogram2d(points[:, 0], points[:, 1], bins=8, range=[[0, 1], [0, 1]])[0]
    assert (np.abs(counts - 625) < 100).all()


def test_every_cell_gets_its_share_of_few_points(rng):
    """In the mean of many draws, though each draw has fewer points than cells."""
    weights = rng.uniform(0.2, 1, (4, 6)).astype(np.float32)
    counts = sum(counts_in_cells(sample_density(weights, 5, seed), (4, 6)) for seed in range(3000))
    expected = weights / weights.sum() * 5 * 3000
    assert (np.abs(counts - expected) < 4 * np.sqrt(expected)).all()


@pytest.mark.parametrize("shape", [(256, 256), (300, 500)])
def test_points_are_better_spread_than_independent_ones(shape):
    """Counts in squares that expect 16: a variance of 16 if drawn independently."""
    height, width = shape
    points = sample_density(np.ones(shape, np.float32), height * width // 64, 2)
    bins = [np.arange(0, height + 1, 32), np.arange(0, width + 1, 32)]
    counts = np.histogram2d(points[:, 1], points[:, 0], bins=bins)[0]
    assert ((counts - 16) ** 2).mean() < 4


def test_no_weight_at_all_is_a_constant_density():
    counts = counts_in_cells(sample_density(np.zeros((20, 30), np.float32), 1200, 3), (20, 30))
    assert (np.abs(counts - 2) < 2).all()


def test_points_follow_from_the_seed(rng):
    weights = rng.random((40, 90), np.float32)
    np.testing.assert_array_equal(sample_density(weights, 500, 1), sample_density(weights, 500, 1))
    assert (sample_density(weights, 500, 1) != sample_density(weights, 500, 2)).any()


@pytest.mark.parametrize("bad", [-1, np.nan, np.inf])
def test_weights_that_are_none_are_refused(bad):
    weights = np.ones((40, 40), np.float32)
    weights[35, 3] = bad
    with pytest.raises(ValueError):
        sample_density(weights, 10, 1)


def test_empty_grids_and_negative_counts_are_refused():
    with pytest.raises(ValueError):
        sample_density(np.ones((0, 4), np.float32), 10, 1)
    with pytest.raises(ValueError):
        sample_density(np.ones((4, 4), np.float32), -1, 1)
    assert sample_density(np.ones((4, 4), np.float32), 0, 1).shape == (0, 2)
