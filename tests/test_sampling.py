"""The whole initialisation (Eq. 9 to 21)."""

import numpy as np
import pytest

from smartsplat.sampling import feature_map, initialise, sample_density
from smartsplat.sampling.colour import median_colours
from smartsplat.sampling.exclusion import neighbour_scales
from smartsplat.sampling.features import tile_weights
from smartsplat.sampling.variational import base_scale
from tests.conftest import random_planes


@pytest.mark.parametrize("itself", [False, True])
def test_attributes_are_what_the_equations_say(rng, itself):
    planes = random_planes(rng, 130, 90)
    splats = initialise(planes, 400, seed=11, counts_itself=itself)
    assert splats.shape == (400, 8)
    assert splats.dtype == np.float32
    points, scales = np.ascontiguousarray(splats[:, :2]), np.ascontiguousarray(splats[:, 2])
    base = base_scale(90, 130, 400)
    x, y = np.floor(points[:280]).astype(int).T
    weights = tile_weights(planes, 0, 0, 130, 90)[y, x]
    np.testing.assert_allclose(scales[:280], base * np.exp(-weights / 2), rtol=1e-6)
    np.testing.assert_array_equal(scales[280:], neighbour_scales(points, points[280:], base, counts_itself=itself))
    apart = np.linalg.norm(points[280:, None] - points[None, :280], axis=2)
    assert apart.min() >= base * (1 - 1e-6)
    np.testing.assert_array_equal(splats[:, 2], splats[:, 3])
    np.testing.assert_array_equal(splats[:, 5:], median_colours(planes, points, scales))


def test_angles_are_spread_over_the_circle(rng):
    angles = initialise(random_planes(rng, 60, 60), 2000, seed=1)[:, 4]
    assert angles.min() >= 0
    assert angles.max() < 2 * np.pi
    assert (np.abs(np.histogram(angles, 4, (0, 2 * np.pi))[0] - 500) < 100).all()


@pytest.mark.parametrize(("share", "variational"), [(0.0, 0), (0.25, 25), (0.29, 29), (1.0, 100)])
def test_share_of_variational_points(rng, share, variational):
    splats = initialise(random_planes(rng, 60, 60), 100, seed=1, lambda_g=share)
    at_centres = (splats[:, :2] % 1 == 0.5).all(axis=1)
    assert at_centres.sum() == variational


def test_more_points_where_there_is_structure(rng):
    planes = np.full((3, 100, 100), 90, np.uint8)
    planes[:, :, 50:] = rng.integers(0, 256, (3, 100, 50))
    splats = initialise(planes, 1000, seed=1)
    assert (splats[:700, 0] > 48).all()
    assert (splats[700:, 0] < 50).sum() > 150


@pytest.mark.parametrize("size", [(1, 1), (7, 1), (1, 7), (50, 3), (33, 40)])
@pytest.mark.parametrize("count", [1, 2, 3, 10, 2000])
def test_any_picture_and_any_count(rng, size, count):
    width, height = size
    planes = rng.integers(0, 256, (3, height, width), dtype=np.uint8)
    splats = initialise(planes, count, seed=0, tile=16)
    assert splats.shape == (count, 8)
    assert np.isfinite(splats).all()
    assert ((splats[:, :2] >= 0) & (splats[:, :2] < size)).all()
    assert (splats[:, 2:4] > 0).all()
    assert ((splats[:, 5:] >= 0) & (splats[:, 5:] <= 1)).all()


def test_results_do_not_depend_on_the_threads(rng):
    planes = random_planes(rng, 400, 300)
    results = []
    for count in (1, 2, 5, 2):
        weights = feature_map(planes, tile=64, threads=count)
        splats = initialise(planes, 3000, seed=3, tile=64, threads=count)
        results.append((splats, weights, sample_density(weights, 2000, 7, threads=count)))
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            assert a.tobytes() == b.tobytes()


def test_seeds_differ(rng):
    planes = random_planes(rng, 60, 60)
    a, b = (initialise(planes, 200, seed=seed) for seed in (1, 2))
    assert (a[:, :5] != b[:, :5]).any(axis=0).all()


@pytest.mark.parametrize(
    "options",
    [
        {"count": 0},
        {"count": -3},
        {"lambda_g": 1.1},
        {"lambda_g": float("nan")},
        {"lambda_m": -0.1},
        {"neighbours": 0},
        {"tile": 0},
    ],
)
def test_wrong_arguments_are_refused(rng, options):
    with pytest.raises(ValueError):
        initialise(random_planes(rng, 20, 20), **{"count": 30, "seed": 0, **options})
