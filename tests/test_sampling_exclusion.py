"""Points off the variational ones, and their scales (Eq. 15 to 17)."""

import time

import numpy as np
import pytest

from smartsplat.sampling import exclusion
from smartsplat.sampling.exclusion import exclusion_radius, neighbour_scales, uniform_points
from smartsplat.sampling.threads import worker_count


def distances(a, b):
    """All distances [A, B]."""
    return np.linalg.norm(a[:, None].astype(np.float64) - b[None].astype(np.float64), axis=2)


def pixel_centres(rng, width, height, count):
    return (rng.integers(0, [width, height], (count, 2)) + 0.5).astype(np.float32)


def test_radius_is_the_greater_of_base_and_median():
    assert exclusion_radius(2.0, np.array([1, 3, 9], np.float32)) == 3
    assert exclusion_radius(4.0, np.array([1, 3, 9], np.float32)) == 4
    assert exclusion_radius(4.0, np.empty(0, np.float32)) == 4


@pytest.mark.parametrize("radius", [0.0, 1.5, 6.0, 11.0])
def test_exclusion_is_honoured_from_sparse_to_nearly_covered(rng, radius):
    points = pixel_centres(rng, 300, 200, 400)
    found = uniform_points(200, 300, 500, points, radius, seed=8)
    assert found.shape == (500, 2)
    assert found.dtype == np.float32
    assert ((found >= 0) & (found < [300, 200])).all()
    assert distances(found, points).min() >= radius
    assert len(np.unique(found, axis=0)) == 500


def test_free_corners_are_found(rng):
    """One disc covers all but 0.2 % of the square, its four corners."""
    centre = np.array([[500, 500]], np.float32)
    found = uniform_points(1000, 1000, 2000, centre, 690.0, seed=1)
    assert distances(found, centre).min() >= 690
    corners = np.bincount((found > 500) @ [1, 2], minlength=4)
    assert (np.abs(corners - 500) < 100).all()


def test_free_area_is_filled_evenly():
    """Walls of discs leave a strip of 2 px, 1 % of the picture."""
    x, y = np.meshgrid([52, 100, 150, 200], np.arange(-10, 510))
    points = np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)
    found = uniform_points(500, 200, 3000, points, 50.0, seed=2)
    assert distances(found, points).min() >= 50
    assert found[:, 0].max() < 2.01
    heights = np.histogram(found[:, 1], bins=10, range=(0, 500))[0]
    assert (np.abs(heights - 300) < 100).all()


def test_covered_picture_gives_the_furthest_places(rng):
    points = pixel_centres(rng, 120, 80, 300)
    found = uniform_points(80, 120, 400, points, 500.0, seed=3)
    assert found.shape == (400, 2)
    assert ((found >= 0) & (found < [120, 80])).all()
    anywhere = rng.uniform(0, [120, 80], (400, 2))
    assert distances(found, points).min(axis=1).min() > np.median(distances(anywhere, points).min(axis=1))


@pytest.mark.parametrize("radius", [20.0, 60.0, 1e6])
def test_many_points_take_little_time(rng, radius):
    points = pixel_centres(rng, 4000, 3000, 20000)
    start = time.perf_counter()
    assert len(uniform_points(3000, 4000, 10000, points, radius, seed=3)) == 10000
    assert time.perf_counter() - start < 5  # seen: 0.3 s


def test_no_points_exclude_nothing():
    found = uniform_points(10, 20, 1000, np.empty((0, 2), np.float32), 5.0, seed=3)
    assert found.shape == (1000, 2)
    assert found.min(axis=0) == pytest.approx([0, 0], abs=0.5)
    assert found.max(axis=0) == pytest.approx([20, 10], abs=0.5)


def test_draws_follow_from_the_seed(rng):
    points = pixel_centres(rng, 100, 100, 50)
    first, again, other = (uniform_points(100, 100, 60, points, 5.0, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("itself", [False, True])
@pytest.mark.parametrize("neighbours", [1, 3, 6])
def test_scales_match_brute_force(rng, neighbours, itself):
    """Eq. 17 in both readings: a point is the first of its K neighbours, at distance 0, or none of them."""
    points = rng.uniform(0, 50, (200, 2)).astype(np.float32)
    first = 0 if itself else 1
    nearest = np.sort(distances(points, points), axis=1)[:, first : neighbours + first]
    expected = np.maximum(np.sqrt((nearest**2).mean(axis=1)), 1e-4)
    scales = neighbour_scales(points, points[120:], 1e-3, neighbours, counts_itself=itself)
    np.testing.assert_allclose(scales, expected[120:], rtol=1e-6)


@pytest.mark.parametrize(("count", "copies"), [(2, 1), (3, 1), (5, 2), (4, 3)])
def test_scales_of_few_or_doubled_points_match_brute_force(rng, count, copies):
    points = np.repeat(rng.uniform(0, 50, (count, 2)).astype(np.float32), copies, axis=0)
    nearest = np.sort(distances(points, points), axis=1)[:, 1:4]
    expected = np.maximum(np.sqrt((nearest**2).mean(axis=1)), 0.2)
    np.testing.assert_allclose(neighbour_scales(points, points, 2.0), expected, rtol=1e-6)


def test_coincident_points_have_the_least_scale_and_take_little_time():
    points = np.full((200_000, 2), 7.5, np.float32)
    start = time.perf_counter()
    assert (neighbour_scales(points, points, 2.0) == np.float32(0.2)).all()
    assert time.perf_counter() - start < 5  # seen: 0.1 s


def test_a_lone_point_has_the_base_scale():
    lone = np.full((1, 2), 7.5, np.float32)
    assert neighbour_scales(lone, lone, 2.0).tolist() == [2]
    assert neighbour_scales(lone, lone, 2.0, counts_itself=True).tolist() == [2]
    assert neighbour_scales(lone, lone[:0], 2.0).shape == (0,)
    with pytest.raises(ValueError):
        neighbour_scales(lone, lone, 2.0, 0)


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_searches_in_chunks_find_what_one_search_finds(rng, threads, monkeypatch):
    points = rng.uniform(0, 100, (500, 2)).astype(np.float32)
    expected = neighbour_scales(points, points, 1.0), uniform_points(100, 100, 200, points, 2.0, seed=3)
    monkeypatch.setattr(exclusion, "_MOST_AT_ONCE", 64)
    found = (
        neighbour_scales(points, points, 1.0, threads=threads),
        uniform_points(100, 100, 200, points, 2.0, seed=3, threads=threads),
    )
    for actual, wanted in zip(found, expected, strict=True):
        np.testing.assert_array_equal(actual, wanted)


def test_there_is_a_worker_for_each_processor_or_as_many_as_asked_for():
    assert worker_count(3) == 3
    assert worker_count(0) >= 1
