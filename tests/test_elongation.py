"""How long splats may be: as the picture under them is."""

import numpy as np
import pytest

from smartsplat.engines import load_engine
from smartsplat.fitting.elongation import SLACK, Structure, rounder
from smartsplat.fitting.fit import fit
from smartsplat.fitting.levels import Pyramid, coarsest_level
from smartsplat.fitting.schedule import EFFORTS
from smartsplat.model.splats import Splats
from smartsplat.sampling import base_scale, initialise_adaptive

SIDE = 256


def grey(luma):
    return np.ascontiguousarray(np.broadcast_to(np.clip(luma, 0, 255).astype(np.uint8), (3, *luma.shape)))


def texture():
    """Grain of 2 px: no direction at any scale."""
    noise = np.random.default_rng(5).normal(128, 50, (SIDE // 2, SIDE // 2))
    return grey(np.repeat(np.repeat(noise, 2, 0), 2, 1))


def edge(angle):
    """A stripe of 6 px through the middle, whose direction has that angle, radians."""
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5 - SIDE / 2
    across = x * -np.sin(angle) + y * np.cos(angle)
    return grey(40 + 180 * np.exp(-(across**2) / (2 * 3**2)))


def structure_of(planes, coarsest=3):
    return Structure.of(Pyramid.of(planes, coarsest))


def needle(angle, at=SIDE / 2, scales=(40, 2)):
    return Splats.from_arrays([[at, at]], [scales], [angle], [[0.5] * 3])


def aspects(splats):
    scale = splats.parameters[:, 2:4]
    return scale.max(axis=1) / scale.min(axis=1)


def test_needles_on_texture_are_bounded_whatever_their_direction():
    rng = np.random.default_rng(1)
    count = 200
    xy = rng.uniform(60, SIDE - 60, (count, 2))
    splats = Splats.from_arrays(xy, [[40, 2]] * count, rng.uniform(-4, 4, count), np.full((count, 3), 0.1))
    limits = structure_of(texture()).limits(splats)
    assert (limits >= SLACK).all()
    assert np.median(limits) < 1.2 * SLACK and np.quantile(limits, 0.95) < 4 * SLACK


@pytest.mark.parametrize("angle", [0, 0.4, np.pi / 4, 1.3, np.pi / 2, 2.5])
def test_needles_along_an_edge_may_be_long(angle):
    structure = structure_of(edge(angle))
    assert structure.limits(needle(angle))[0] > 50
    assert structure.limits(needle(angle + np.pi))[0] > 50
    assert structure.limits(needle(angle + np.pi / 2, scales=(2, 40)))[0] > 50  # the second axis is the longer one


@pytest.mark.parametrize("angle", [0, 0.4, 1.3])
def test_needles_across_an_edge_may_not(angle):
    assert structure_of(edge(angle)).limits(needle(angle + np.pi / 2))[0] == SLACK
    assert structure_of(edge(angle)).limits(needle(angle + np.pi / 4))[0] < 2 * SLACK


def test_even_pictures_have_no_direction():
    assert structure_of(grey(np.full((SIDE, SIDE), 90))).limits(needle(0.3))[0] == SLACK


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 2), (5, 3)])
def test_pictures_of_any_size_have_limits(shape):
    height, width = shape
    planes = np.random.default_rng(2).integers(0, 256, (3, height, width), dtype=np.uint8)
    limits = structure_of(planes, 0).limits(needle(0.3, at=0.5))
    assert limits.shape == (1,) and limits[0] >= SLACK


@pytest.mark.parametrize("power", range(1, 6))
def test_scales_just_below_a_power_of_two_have_limits(power):
    """Their logarithm and that of twice as much were rounded to different sides of a whole number."""
    scale = np.nextafter(np.float32(2**power), np.float32(0))
    assert structure_of(texture(), 0).limits(needle(0.3, scales=(40, scale)))[0] >= SLACK


def test_what_is_too_long_is_made_rounder_and_keeps_its_area():
    splats = Splats.from_arrays(np.ones((4, 2)), [[8, 2], [2, 8], [32, 2], [2, 32]], [0.1] * 4, np.ones((4, 3)))
    bounded = rounder(splats, np.float32([4, 4, 4, 4]))
    np.testing.assert_allclose(bounded.parameters[:2], splats.parameters[:2], rtol=1e-6)
    np.testing.assert_allclose(bounded.parameters[2, 2:4], [16, 4], rtol=1e-6)
    np.testing.assert_allclose(bounded.parameters[3, 2:4], [4, 16], rtol=1e-6)
    others = [0, 1, 4, 5, 6, 7]
    np.testing.assert_array_equal(bounded.parameters[:, others], splats.parameters[:, others])


def fitted(planes, count):
    engine = load_engine("cpu", threads=1)
    pyramid = Pyramid.of(planes, coarsest_level(base_scale(SIDE, SIDE, count)))
    start = Splats(initialise_adaptive(planes, 1.0, count, seed=0)).clipped(SIDE, SIDE)
    return fit(engine, pyramid, start, EFFORTS[3], seed=0, progress=lambda done: None)


def test_fits_of_texture_have_no_needles():
    splats = fitted(texture(), 60)
    limits = structure_of(texture(), coarsest_level(base_scale(SIDE, SIDE, 60))).limits(splats)
    assert np.quantile(aspects(splats), 0.9) < 2 * SLACK
    assert (aspects(splats) <= 3 * limits).all()  # they are looked at now and then only


def test_fits_of_an_edge_have_needles_along_it():
    angle = 0.4
    splats = fitted(edge(angle), 60)
    strongest = np.argsort(np.abs(splats.colour).sum(axis=1) * splats.scale.prod(axis=1))[-8:]
    longest = max(strongest, key=lambda i: aspects(splats)[i])
    turn = splats.parameters[longest, 4] + (np.pi / 2 if np.argmax(splats.scale[longest]) else 0)
    assert aspects(splats)[longest] > 3 * SLACK
    assert abs(np.sin(turn - angle)) < 0.1
