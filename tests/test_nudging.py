"""Nudging of rounded splats: what moves, that it pays, and that it stays within the format's ranges."""

import numpy as np
import pytest

import smartsplat
from smartsplat import _native
from smartsplat.coding.format import CENTRE_UNIT, GREATEST_RATIO, splat_step
from smartsplat.coding.splat_codes import ENERGY, RATIO, TURN, X, Y, dequantise, quantise, visible
from smartsplat.coding.splat_section import write_splats
from smartsplat.engines import Loss, load_engine
from smartsplat.model.splats import Splats
from smartsplat.model.view import View
from smartsplat.pictures.planes import to_planes
from smartsplat.pipeline.nudging import _curvature, _difference, nudged
from tests.conftest import random_splats
from tests.photos import photo

WIDTH, HEIGHT = 60, 45
STEP_INDEX = 100
STEP = splat_step(STEP_INDEX)
TARGET = to_planes(photo(WIDTH, HEIGHT))


def canvas(threads=1):
    return load_engine(threads=threads).canvas(View(WIDTH, HEIGHT))


def error_of(codes):
    return canvas().place(dequantise(codes, STEP)).gradient(TARGET, Loss("l2"))[0]


@pytest.fixture(scope="module")
def codes():
    """As they are decoded, of splats that fit badly, some of them at the picture's border."""
    splats = random_splats(np.random.default_rng(3), 40, WIDTH, HEIGHT).clipped(WIDTH, HEIGHT)
    codes = visible(quantise(splats, STEP, WIDTH, HEIGHT))
    return write_splats(codes, STEP_INDEX, WIDTH, HEIGHT)[1]


def test_the_error_falls(codes):
    assert error_of(nudged(canvas(), TARGET, codes, STEP, 15)) < 0.97 * error_of(codes)


def test_more_rounds_are_no_worse_than_none(codes):
    assert np.array_equal(nudged(canvas(), TARGET, codes, STEP, 0), codes)


def test_what_is_nudged_is_decoded_as_it_was(codes):
    """Centres stay on their steps, angles within a turn: the stream changes nothing but the order."""
    found = visible(nudged(canvas(), TARGET, codes, STEP, 40))
    written = write_splats(found, STEP_INDEX, WIDTH, HEIGHT)[1]
    assert sorted(map(tuple, written)) == sorted(map(tuple, found))


def test_ranges_and_energy_classes_stay(codes):
    found = nudged(canvas(), TARGET, codes, STEP, 60)
    assert np.array_equal(found[:, ENERGY], codes[:, ENERGY])
    assert found[:, [X, Y, RATIO, TURN]].min() >= 0
    for code, side in ((X, WIDTH), (Y, HEIGHT)):  # the middle of a wide step may be beyond it all the same
        beyond = found[:, code] >= side * CENTRE_UNIT
        assert np.array_equal(found[beyond, code], codes[beyond, code])


def test_an_exact_picture_stays(codes):
    target = to_planes(canvas().place(dequantise(codes, STEP)).render_bytes())
    found = nudged(canvas(), target, codes, STEP, 5)
    before, after = (canvas().place(dequantise(c, STEP)).decoded_error(target) for c in (codes, found))
    assert after == before == 0


@pytest.mark.parametrize("threads", [2, 5])
def test_codes_do_not_depend_on_the_threads(threads):
    """On a picture of several tiles."""
    view, target = View(200, 150), to_planes(photo(200, 150))
    codes = quantise(random_splats(np.random.default_rng(3), 150, 200, 150).clipped(200, 150), STEP, 200, 150)
    one, several = (nudged(load_engine(threads=n).canvas(view), target, codes, STEP, 8) for n in (1, threads))
    assert np.array_equal(one, several)
    assert not np.array_equal(one, codes)


def test_what_fitted_ones_become_is_what_is_decoded():
    """An angle next to another may have the centre in other steps; few centres have steps wider than their cells."""
    pixels, view, step = photo(200, 150), View(200, 150), splat_step(110)
    fitted = smartsplat.encode(pixels, size=2500, effort=2, lattice="none").splats
    codes = write_splats(visible(quantise(fitted, step, 200, 150)), 110, 200, 150)[1]
    found = nudged(load_engine().canvas(view), to_planes(pixels), codes, step, 15)
    assert (found != codes).any(axis=1).sum() > 50
    assert np.array_equal(_native.splat_precision(found), _native.splat_precision(codes))
    found = visible(found)
    written = write_splats(found, 110, 200, 150)[1]
    assert len(set(map(tuple, written.tolist())) & set(map(tuple, found.tolist()))) > 0.97 * len(found)


@pytest.mark.parametrize("step_index", [0, 40, STEP_INDEX])
def test_the_longest_splats_get_no_longer(step_index):
    """The picture is of lines beyond what the format can say of one; with fine steps the codes are large numbers."""
    step = splat_step(step_index)
    pixels = np.zeros((20, 5000, 3), np.uint8)
    pixels[5::10] = 220
    splats = Splats.from_arrays([[2500, 5.5], [2500, 15.5]], [[900, 0.8], [900, 0.8]], [0, 0], [[0.8] * 3] * 2)
    codes = quantise(splats, step, 5000, 20)
    longest = GREATEST_RATIO * 2.0 ** (codes[:, ENERGY] - 1)
    assert (codes[:, RATIO] == longest).all()
    found = nudged(load_engine().canvas(View(5000, 20)), to_planes(pixels), codes, step, 20)
    assert (found[:, RATIO] <= longest).all()
    assert write_splats(found, step_index, 5000, 20)
    assert smartsplat.encode(pixels, size=260, threads=1, lattice="none").report.splats > 0


def test_no_splats_are_no_trouble():
    assert len(nudged(canvas(), TARGET, np.zeros((0, 9), np.int32), STEP, 3)) == 0


def test_the_curvature_is_that_of_a_splat_by_itself():
    """Half the squared error of one splat against another that is close to it, far from all borders."""
    view = View(200, 200)
    splat = Splats.from_arrays([[100, 100]], [[14, 6]], [0.4], [[0.5, 0.2, -0.3]])
    for change in np.eye(8) * [0.5, 0.5, 0.2, 0.2, 0.02, 0.01, 0.01, 0.01]:
        other = Splats((splat.parameters + change).astype(np.float32))
        shown = [load_engine().canvas(view).place(s).render().astype(np.float64) for s in (splat, other)]
        expected = ((shown[1] - shown[0]) ** 2).sum()
        assert _curvature(splat, _difference(splat, other))[0] == pytest.approx(expected, rel=0.06)
