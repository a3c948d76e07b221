"""The project's own start: as dense as the picture is busy, with scales that follow the neighbours."""

import numpy as np
import pytest

from smartsplat.sampling import feature_map, initialise_adaptive
from tests.conftest import random_planes


def start(planes, count, zoom=1.0, seed=3):
    return initialise_adaptive(planes, zoom, count, seed=seed)


def busy(rng, width, height):
    """A picture with much and little in it."""
    planes = random_planes(rng, width, height)
    planes[:, : height // 2, : width // 2] //= 8
    return planes


def expected_scales(points, base):
    """Root mean square distance to three neighbours, of all pairs."""
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    nearest = np.sort(apart, axis=1)[:, 1:4]
    return (0.93 * np.sqrt((nearest**2).mean(axis=1))).clip(0.6 * base, 8 * base)


def test_points_are_as_dense_as_the_weights_say(rng):
    """Of the whole picture, to the power 1.3, and two percent evenly."""
    planes, count = busy(rng, 24, 18), 20_000
    weights = feature_map(planes, 0.9, 1 << 20).astype(np.float64) ** 1.3
    expected = 0.98 * count * weights / weights.sum() + 0.02 * count / weights.size
    x, y = np.floor(start(planes, count)[:, :2]).astype(int).T
    counts = np.zeros(weights.shape)
    np.add.at(counts, (y, x), 1)
    assert np.abs(counts - expected).max() < 4  # either draw is less than 2 from what is expected


def test_even_areas_get_their_share(rng):
    planes = np.full((3, 60, 60), 90, np.uint8)
    planes[:, :, 40:] = rng.integers(0, 256, (3, 60, 20))
    points = start(planes, 1000)[:, :2]
    assert (points[:, 0] < 36).sum() == pytest.approx(0.02 * 1000 * 36 / 60, abs=2)


def test_scales_follow_the_neighbours(rng):
    splats = start(busy(rng, 90, 70), 500).astype(np.float64)
    base = np.sqrt(90 * 70 / (np.pi * 500)) / 3
    np.testing.assert_allclose(splats[:, 2], expected_scales(splats[:, :2], base), rtol=1e-4)
    np.testing.assert_array_equal(splats[:, 2], splats[:, 3])
    assert 1.5 < np.median(splats[:, 2] / base) < 4


def test_no_splats_are_too_small_or_too_large():
    """One corner is busy and full of splats: those few that are spread evenly are far from each other."""
    planes = np.full((3, 200, 200), 90, np.uint8)
    planes[:, :12, :12] = np.random.default_rng(1).integers(0, 256, (3, 12, 12))
    splats = start(planes, 300)
    relative = splats[:, 2] / (np.sqrt(200 * 200 / (np.pi * 300)) / 3)
    assert (relative.min(), relative.max()) == pytest.approx((0.6, 8))


@pytest.mark.parametrize("zoom", [2.0, 8.0])
def test_a_smaller_picture_has_larger_pixels(rng, zoom):
    planes = busy(rng, 60, 40)
    one, larger = start(planes, 200), start(planes, 200, zoom)
    np.testing.assert_allclose(larger[:, :4], one[:, :4] * zoom, rtol=1e-6)
    np.testing.assert_array_equal(larger[:, 4:], one[:, 4:])


def test_angles_are_of_the_half_circle_and_colours_are_not_there_yet(rng):
    splats = start(busy(rng, 60, 40), 4000)
    counts = np.histogram(splats[:, 4], 8, (0, np.pi))[0]
    assert counts.sum() == 4000
    assert np.abs(counts - 500).max() < 100
    assert not splats[:, 5:].any()


@pytest.mark.parametrize("count", [1, 2, 30, 400])
@pytest.mark.parametrize("size", [(1, 1), (5, 1), (30, 20)], ids=str)
def test_any_count_on_any_picture(rng, size, count):
    width, height = size
    splats = start(rng.integers(0, 256, (3, height, width), dtype=np.uint8), count, 4.0)
    assert splats.shape == (count, 8)
    assert splats.dtype == np.float32
    assert np.isfinite(splats).all()
    assert ((splats[:, :2] >= 0) & (splats[:, :2] <= [4 * width, 4 * height])).all()
    assert (splats[:, 2:4] > 0).all()


def test_the_start_follows_from_the_seed_with_any_number_of_threads(rng):
    planes = busy(rng, 90, 70)
    starts = [initialise_adaptive(planes, 1.0, 300, seed=7, threads=threads).tobytes() for threads in (1, 2, 5)]
    assert starts[0] == starts[1] == starts[2]
    other = start(planes, 300, seed=8)
    assert (other[:, :5] != np.frombuffer(starts[0], np.float32).reshape(-1, 8)[:, :5]).any(axis=0).all()
