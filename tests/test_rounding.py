"""Rounding in turns: who is rounded when, who may move meanwhile, and that it pays."""

import math
import sys

import numpy as np
import pytest

from smartsplat import _native
from smartsplat.coding.format import CENTRE_UNIT, splat_step
from smartsplat.coding.splat_codes import X, Y, dequantise, quantise, round_centres
from smartsplat.coding.splat_section import write_splats
from smartsplat.engines import load_engine
from smartsplat.fitting.gauss_newton import FIRST_DAMPING
from smartsplat.model.splats import Splats
from smartsplat.model.view import View
from smartsplat.pictures.planes import to_planes
from smartsplat.pipeline import rounding
from smartsplat.pipeline.rate import PRODUCTS
from smartsplat.pipeline.rounding import Polish, round_in_turns
from tests.oracles import fitting
from tests.photos import photo

WIDTH, HEIGHT = 60, 45
COUNT = 40
STEP = splat_step(100)  # of which shapes lose a quarter of the error on top: 5 bytes a splat
TARGET = to_planes(photo(WIDTH, HEIGHT))


def canvas():
    return load_engine().canvas(View(WIDTH, HEIGHT))


def fitted():
    """Splats that are as good as they get."""
    rng = np.random.default_rng(8)
    splats = Splats.from_arrays(
        rng.uniform([2, 2], [WIDTH - 2, HEIGHT - 2], (COUNT, 2)),
        np.exp(rng.uniform(*np.log([3, 8]), (COUNT, 2))),
        rng.uniform(0, 3, COUNT),
        np.full((COUNT, 3), 0.1),
    )
    state = rounding.start_newton(canvas().place(splats), TARGET)
    for _ in range(25):
        state = rounding.newton_step(state, TARGET, rounding.Bounds.of(WIDTH, HEIGHT), 10)
    return state.frame.splats


@pytest.fixture(scope="module")
def splats():
    return fitted()


def turned(splats, rounds, **options):
    """Codes of splats rounded in so many rounds."""
    polish = Polish(canvas(), TARGET, rounds, **options)
    return round_in_turns(canvas(), TARGET, splats, STEP, polish, products=PRODUCTS)


def error_of(codes):
    return canvas().place(dequantise(codes, STEP)).decoded_error(TARGET)


class Watch:
    """The Gauss-Newton steps between the rounds: what is held, and the splats before and after."""

    def __init__(self, monkeypatch):
        self.held, self.before, self.after, self.damping = [], [], [], []
        step = rounding.newton_step

        def watched(state, target, bounds, products, *, held, limits, threads):
            found = step(state, target, bounds, products, held=held, limits=limits, threads=threads)
            self.held.append(held.copy())
            self.before.append(state.frame.splats.parameters)
            self.after.append(found.frame.splats.parameters)
            self.damping.append((state.damping, found.damping))
            return found

        monkeypatch.setattr(rounding, "newton_step", watched)


def shapes_of(parameters, rows):
    """The rounded shapes of some splats, as their codes stand for."""
    codes = quantise(Splats(np.ascontiguousarray(parameters[rows])), STEP, WIDTH, HEIGHT)
    return dequantise(round_centres(codes, WIDTH, HEIGHT), STEP).parameters[:, :5]


@pytest.mark.parametrize("rounds", [2, 3, 5])
def test_an_equal_share_is_rounded_in_each_round_and_stays(splats, monkeypatch, rounds):
    watch = Watch(monkeypatch)
    codes = turned(splats, rounds)
    assert len(watch.held) == rounds - 1
    rounded, given = np.zeros(COUNT, bool), splats.parameters
    for held, before, after in zip(watch.held, watch.before, watch.after, strict=True):
        new = held & ~rounded
        assert (held >= rounded).all()
        assert abs(new.sum() - COUNT / rounds) < 1
        # Those of this round have got their rounded shapes; nothing else has changed.
        np.testing.assert_allclose(before[new, :5], shapes_of(given, new), rtol=1e-6)
        np.testing.assert_array_equal(before[~new], given[~new])
        np.testing.assert_array_equal(before[:, 5:], given[:, 5:])
        # The step leaves their shapes, and moves the others.
        np.testing.assert_array_equal(after[held, :5], before[held, :5])
        assert (after[~held, :5] != before[~held, :5]).any(axis=1).all()
        assert (after[:, 5:] != before[:, 5:]).any(axis=1).all()
        rounded, given = held, after
    last = ~rounded
    assert abs(last.sum() - COUNT / rounds) < 1
    shapes = dequantise(codes, STEP).parameters[:, :5]
    np.testing.assert_allclose(shapes[last], shapes_of(given, last), rtol=1e-6)
    np.testing.assert_allclose(shapes[~last], given[~last, :5], rtol=1e-6)


def test_the_damping_goes_on_from_round_to_round(splats, monkeypatch):
    watch = Watch(monkeypatch)
    turned(splats, 4)
    assert watch.damping[0][0] == FIRST_DAMPING
    assert [damping for damping, _ in watch.damping[1:]] == [damping for _, damping in watch.damping[:-1]]
    assert len({damping for damping, _ in watch.damping}) > 1


def test_those_of_a_round_are_drawn_from_all_over(splats, monkeypatch):
    watch = Watch(monkeypatch)
    turned(splats, 2)
    first = np.flatnonzero(watch.held[0])
    assert 5 < (first < COUNT / 2).sum() < 15


def test_one_round_rounds_all_at_once(splats, monkeypatch):
    watch = Watch(monkeypatch)
    codes = turned(splats, 1)
    assert not watch.held
    expected = round_centres(quantise(splats, STEP, WIDTH, HEIGHT), WIDTH, HEIGHT)
    np.testing.assert_array_equal(codes[:, :6], expected[:, :6])


@pytest.mark.parametrize("rounds", [1, 3])
def test_colours_are_solved_for_the_rounded_shapes(splats, rounds):
    """Nearly as good as dense least squares, but for their own rounding."""
    polish = Polish(canvas(), TARGET, rounds)
    codes, unsolved = (
        round_in_turns(canvas(), TARGET, splats, STEP, polish, products=products) for products in (PRODUCTS, 0)
    )
    np.testing.assert_array_equal(codes[:, :6], unsolved[:, :6])
    decoded, goal = dequantise(codes, STEP), (TARGET / 255).reshape(3, -1).T
    weights = fitting.weights(decoded.parameters.astype(np.float64), View(WIDTH, HEIGHT)).reshape(COUNT, -1)
    gram = weights @ weights.T
    best = np.linalg.solve(gram + 1e-4 * np.diag(np.diag(gram)), weights @ goal)
    steps = STEP / np.sqrt(np.pi * decoded.scale.prod(axis=1))
    least, found, before = (
        float(((weights.T @ colours - goal) ** 2).sum())
        for colours in (best, decoded.colour, dequantise(unsolved, STEP).colour)
    )
    allowed = 3 * (steps**2 / 12 * np.diag(gram)).sum()  # each colour is off by a twelfth of its step, squared
    assert least < found < least + 2 * allowed + 0.05 * least
    assert found < before


def test_more_rounds_lose_less(splats, monkeypatch):
    """What docs/decisions.md says of photographs; here of a small part of one, at several steps together."""
    gains = []
    for step_index in range(80, 116, 3):
        monkeypatch.setattr(sys.modules[__name__], "STEP", splat_step(step_index))
        gains.append(math.log(error_of(turned(splats, 1)) / error_of(turned(splats, 8))))
    assert np.mean(gains) > 0.05  # seen: 0.11 to 0.12


def test_they_may_move_on_a_coarser_level(splats):
    half = View(WIDTH // 2, (HEIGHT + 1) // 2, zoom=0.5, blur=0.15)
    target = to_planes(np.ascontiguousarray(photo(WIDTH, HEIGHT)[::2, ::2]))
    polish = Polish(load_engine().canvas(half), target, 4)
    codes = round_in_turns(canvas(), TARGET, splats, STEP, polish, products=PRODUCTS)
    assert error_of(codes) < 1.2 * error_of(turned(splats, 1))


def test_codes_are_in_the_splats_order_and_the_splats_stay(splats):
    before = splats.parameters.copy()
    codes = turned(splats, 3)
    np.testing.assert_array_equal(splats.parameters, before)
    assert codes.shape == (COUNT, 9)
    decoded = dequantise(codes, STEP)
    near = np.linalg.norm(decoded.xy - splats.xy, axis=1) < 0.5 * splats.scale.max(axis=1)
    assert near.all()


@pytest.mark.parametrize("threads", [1, 3])
def test_codes_do_not_depend_on_the_threads(splats, threads):
    np.testing.assert_array_equal(turned(splats, 3, threads=threads), turned(splats, 3))


def test_no_splats_are_no_trouble():
    none = Splats(np.zeros((0, 8), np.float32))
    assert turned(none, 1).shape == (0, 9)


# Centres as the stream rounds them


@pytest.mark.parametrize("step_index", [60, 90, 100])
def test_centres_are_rounded_as_the_stream_does(splats, step_index):
    """But for steps wider than the stream's cells, of which there are none here, and for the ridge's slope, for which
    it has the ratio of the axes in sixteenths of an octave: a few end one step beside."""
    codes = quantise(splats, splat_step(step_index), WIDTH, HEIGHT)
    rounded, streamed = round_centres(codes, WIDTH, HEIGHT), write_splats(codes, step_index, WIDTH, HEIGHT)[1]
    assert (rounded[:, :2] != codes[:, :2]).any(axis=1).mean() > 0.5
    np.testing.assert_array_equal(rounded[:, 2:], codes[:, 2:])
    rounded, streamed = (c[np.lexsort(c[:, [X, *range(2, 9)]].T)] for c in (rounded, streamed))
    np.testing.assert_array_equal(np.delete(rounded, Y, axis=1), np.delete(streamed, Y, axis=1))
    assert (rounded[:, Y] == streamed[:, Y]).mean() > 0.9
    assert np.abs(rounded[:, Y] - streamed[:, Y]).max() <= np.left_shift(
        1, 8 - _native.splat_precision(codes)[:, 2].min()
    )


def test_a_centre_rounded_in_x_moves_along_the_ridge():
    """Of a needle at 45 degrees: it is shifted as far in y as in x, and so hardly seen to move."""
    splats = Splats.from_arrays([[30.3, 20.4]], [[18, 1.1]], [np.pi / 4], [[0.3, 0.3, 0.3]])
    codes = quantise(splats, splat_step(200), WIDTH, HEIGHT)
    rounded = round_centres(codes, WIDTH, HEIGHT)
    dx, dy = (int(rounded[0, k] - codes[0, k]) for k in (X, Y))
    assert abs(dx) > 0.3 * CENTRE_UNIT
    across = abs(dx - dy) / np.sqrt(2)
    assert across < 0.5 * abs(dx)
