"""Adam in natural units against its definition, and moves within bounds."""

import math

import numpy as np
import pytest

from smartsplat import _native
from smartsplat.fitting.adam import USUAL_STEPS, Adam, AdamRates
from smartsplat.fitting.bounds import GREATEST_COLOUR, Bounds
from smartsplat.model.splats import Splats
from tests.columns import assert_columns_close
from tests.conftest import random_splats
from tests.oracles import fitting

BOUNDS = Bounds.of(60, 40)
COUNT = 30

GRADIENT_SIZES = np.array([1e-3, 2e-3, 5e-4, 1e-3, 3e-5, 1e-2, 2e-2, 5e-3])


def gradients(rng, count, steps):
    """Of quite different sizes from column to column and from splat to splat, as those of a fit are."""
    rows = np.exp(rng.normal(0, 1.5, (count, 1)))
    return [(rng.normal(0, 1, (count, 8)) * rows * GRADIENT_SIZES).astype(np.float32) for _ in range(steps)]


def middling(rng, count=COUNT):
    """Splats far from all bounds."""
    return Splats.from_arrays(
        rng.uniform([20, 15], [40, 25], (count, 2)),
        rng.uniform(1.5, 4, (count, 2)),
        rng.uniform(-4, 4, count),
        rng.normal(0, 0.4, (count, 3)),
    )


def plain_step(parameters, seen, rates, factor):
    """Parameters after the step that follows the gradients seen, by the definition."""
    row = np.repeat([rates.centre, rates.scale, rates.angle, rates.colour], [2, 2, 1, 3]) * factor
    past = [gradient.astype(np.float64) for gradient in seen]
    direction = fitting.adam_direction(past, row, rates.beta1, rates.beta2, rates.epsilon)
    return fitting.moved(parameters, direction.clip(-rates.longest_move, rates.longest_move))


@pytest.mark.parametrize(
    "rates",
    [AdamRates(), AdamRates(0.02, 0.03, 0.01, 0.04, beta1=0.8, beta2=0.99, epsilon=0.1), AdamRates(centre=3.0)],
    ids=["usual", "others", "longest move"],
)
def test_steps_are_those_of_the_definition(rng, rates):
    splats, seen = middling(rng), []
    adam, expected = Adam(COUNT, rates, BOUNDS), splats.parameters.astype(np.float64)
    for gradient, factor in zip(gradients(rng, COUNT, 6), (1, 1, 0.8, 0.5, 0.1, 0), strict=True):
        seen.append(gradient)
        before, splats = splats, adam.step(splats, gradient, factor)
        change = plain_step(expected, seen, rates, factor) - expected
        expected = expected + change
        assert_columns_close(splats.parameters - before.parameters, change, 2e-4, least=0.1)
        np.testing.assert_allclose(splats.parameters, expected, atol=5e-5)
    assert adam.steps == 6


def test_the_usual_rates():
    """Of the eight parameters: the figures that docs/decisions.md gives, scaled."""
    assert AdamRates().row(1) == (0.25, 0.25, 0.15, 0.15, 0.15, 0.05, 0.05, 0.05)
    assert AdamRates().row(0.5) == (0.125, 0.125, 0.075, 0.075, 0.075, 0.025, 0.025, 0.025)


@pytest.mark.parametrize(("steps", "colour"), [(1, 0.05), (USUAL_STEPS, 0.05), (4 * USUAL_STEPS, 0.025)])
def test_colours_move_less_in_long_fits(steps, colour):
    rates = AdamRates().in_steps(steps)
    assert rates.colour == pytest.approx(colour)
    assert (rates.centre, rates.scale, rates.angle) == (0.25, 0.15, 0.15)


def test_a_splat_without_gradient_stays_and_so_does_one_of_no_number(rng):
    splats, gradient = middling(rng), gradients(rng, COUNT, 1)[0]
    gradient[4], gradient[7, 2], gradient[9, 6], gradient[11, 0] = 0, np.nan, np.inf, -np.inf
    clean = np.where(np.isfinite(gradient), gradient, 0)
    found, expected = (Adam(COUNT, AdamRates(), BOUNDS).step(splats, g, 1) for g in (gradient, clean))
    np.testing.assert_array_equal(found.parameters, expected.parameters)
    np.testing.assert_array_equal(found.parameters[4], splats.parameters[4])
    assert found.parameters[7, 2] == splats.parameters[7, 2]
    assert (found.parameters[8] != splats.parameters[8]).all()


def test_no_gradient_at_all_moves_nothing(rng):
    splats = middling(rng)
    found = Adam(COUNT, AdamRates(), BOUNDS).step(splats, np.zeros((COUNT, 8), np.float32), 1)
    np.testing.assert_array_equal(found.parameters, splats.parameters)


def test_the_first_step_is_as_long_as_the_rate(rng):
    """Whatever the gradient's size: that of a column which all splats share."""
    splats = middling(rng)
    for size in (1e-12, 1.0, 1e6):
        gradient = np.full((COUNT, 8), size, np.float32)
        found = Adam(COUNT, AdamRates(), BOUNDS).step(splats, gradient, 1).parameters
        np.testing.assert_allclose(found[:, 5:] - splats.colour, -0.05, rtol=2e-3)
        np.testing.assert_allclose(np.log(found[:, 2:4] / splats.scale), -0.15, rtol=2e-3)


def test_splats_and_gradients_that_were_given_are_not_changed(rng):
    splats, gradient = middling(rng), gradients(rng, COUNT, 1)[0]
    before = splats.parameters.copy(), gradient.copy()
    Adam(COUNT, AdamRates(), BOUNDS).step(splats, gradient, 1)
    np.testing.assert_array_equal(splats.parameters, before[0])
    np.testing.assert_array_equal(gradient, before[1])


def test_forgetting_starts_anew_for_some(rng):
    adam, splats = Adam(COUNT, AdamRates(), BOUNDS), middling(rng)
    for gradient in gradients(rng, COUNT, 3):
        splats = adam.step(splats, gradient, 1)
    first, second, rows = adam.first.copy(), adam.second.copy(), np.array([2, 17])
    adam.forget(rows)
    others = np.setdiff1d(np.arange(COUNT), rows)
    np.testing.assert_array_equal(adam.first[others], first[others])
    np.testing.assert_array_equal(adam.second[others], second[others])
    assert not adam.first[rows].any()
    # As if they had had the typical gradients, so that their next steps are neither long nor none.
    np.testing.assert_allclose(adam.second[rows], np.tile(second.astype(np.float64).mean(axis=0), (2, 1)), rtol=1e-5)
    assert adam.steps == 3


def test_steps_of_many_splats_do_not_depend_on_the_threads(rng):
    count = 9001  # more than two parts
    splats, given = middling(rng, count), gradients(rng, count, 2)
    results = []
    for threads in (1, 2, 5):
        adam, found = Adam(count, AdamRates(), BOUNDS, threads=threads), splats
        for gradient in given:
            found = adam.step(found, gradient, 1)
        results.append(found.parameters.tobytes())
    assert results[0] == results[1] == results[2]
    expected = splats.parameters.astype(np.float64)
    for steps in (1, 2):
        expected = plain_step(expected, given[:steps], AdamRates(), 1)
    np.testing.assert_allclose(np.frombuffer(results[0], np.float32).reshape(count, 8), expected, atol=1e-4)


# Moves


def test_moves_are_along_the_own_axes(rng):
    splats, direction = middling(rng), rng.normal(0, 0.2, (COUNT, 8))
    found = BOUNDS.move(splats, direction.astype(np.float32), math.inf).parameters
    expected = fitting.moved(splats.parameters.astype(np.float64), direction)
    assert_columns_close(found - splats.parameters, expected - splats.parameters, 1e-5)


def test_a_move_by_hand():
    """A quarter turn: along the first axis is down, along the second to the left."""
    splat = Splats.from_arrays([[30, 20]], [[4, 2]], [math.pi / 2], [[0.1, 0.2, 0.3]])
    found = BOUNDS.move(splat, np.float32([[0.5, 0.25, math.log(2), -math.log(2), 0.1, 1, -1, 0]]), math.inf)
    expected = [[30 - 0.25 * 2, 20 + 0.5 * 4, 8, 1, math.pi / 2 + 0.1, 1.1, -0.8, 0.3]]
    np.testing.assert_allclose(found.parameters, expected, rtol=1e-6)


def test_no_component_of_a_move_is_longer_than_allowed(rng):
    splats, direction = middling(rng), rng.normal(0, 1, (COUNT, 8)).astype(np.float32)
    assert np.mean(np.abs(direction) > 0.3) > 0.5
    found = BOUNDS.move(splats, direction, 0.3)
    np.testing.assert_array_equal(found.parameters, BOUNDS.move(splats, direction.clip(-0.3, 0.3), math.inf).parameters)


def test_bounds_of_a_picture():
    assert Bounds.of(60, 40) == (60, 40, 0.3, 120, GREATEST_COLOUR)
    assert Bounds.of(40, 60) == (40, 60, 0.3, 120, GREATEST_COLOUR)


@pytest.mark.parametrize("way", [1, -1])
def test_parameters_stay_within_the_bounds(rng, way):
    splats = random_splats(rng, COUNT, 60, 40, (0.3, 100))
    moves = np.full((COUNT, 8), way * 50, np.float32)
    moves[:, 5:] = way * np.float32([5, 9, 1e6])
    p = BOUNDS.move(splats, moves, math.inf).parameters
    assert ((p[:, :2] >= 0) & (p[:, :2] <= [60, 40])).all()
    assert set(p[:, 2:4].ravel()) == {np.float32(120 if way > 0 else 0.3)}
    np.testing.assert_allclose(p[:, 4], splats.angle + way * 50, atol=1e-4)  # angles go round
    expected = (splats.colour + way * np.float32([5, 9, 1e6])).clip(-8, 8)
    np.testing.assert_allclose(p[:, 5:], expected, atol=1e-5)
    for far in ((-40, 20), (90, 20), (30, -50), (30, 90)):
        splat = Splats.from_arrays([far], [[3, 3]], [0], [[0, 0, 0]])
        found = BOUNDS.move(splat, np.zeros((1, 8), np.float32), 1).xy[0]
        assert tuple(found) == (min(max(far[0], 0), 60), min(max(far[1], 0), 40))


# The native face


def test_arrays_of_other_shapes_and_those_that_would_be_copied_are_refused():
    rows, bounds = np.zeros((4, 8), np.float32), tuple(BOUNDS)

    def step(parameters=rows, gradient=rows, first=rows, second=rows):
        _native.adam_step(parameters, gradient, first, second, (0.1,) * 8, (0.9, 0.9), 1, 1e-3, 0.5, bounds)

    step(rows.copy(), rows, rows.copy(), rows.copy())
    for name in ("parameters", "gradient", "first", "second"):
        with pytest.raises(ValueError, match="shape"):
            step(**{name: np.zeros((5, 8), np.float32)})
    with pytest.raises(ValueError, match="shape"):
        step(*[np.zeros((4, 7), np.float32)] * 4)
    # A converted copy would be changed, and thrown away.
    for name in ("parameters", "first", "second"):
        for other in (rows.astype(np.float64), np.asfortranarray(rows)):
            with pytest.raises(TypeError):
                step(**{name: other})
    with pytest.raises(TypeError):
        _native.move(np.asfortranarray(rows), rows, 1.0, bounds)
    with pytest.raises(ValueError, match="shape"):
        _native.move(rows.copy(), np.zeros((4, 3), np.float32), 1.0, bounds)


@pytest.mark.parametrize("convert", [np.asfortranarray, lambda a: a.astype(np.float64)], ids=["fortran", "float64"])
def test_gradients_and_directions_of_any_layout_and_type(rng, convert):
    splats, gradient = middling(rng), gradients(rng, COUNT, 1)[0]
    found, expected = (Adam(COUNT, AdamRates(), BOUNDS).step(splats, g, 1) for g in (convert(gradient), gradient))
    np.testing.assert_array_equal(found.parameters, expected.parameters)
    found, expected = (BOUNDS.move(splats, g, 1) for g in (convert(gradient), gradient))
    np.testing.assert_array_equal(found.parameters, expected.parameters)
