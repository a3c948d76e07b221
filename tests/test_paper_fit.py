"""The paper's optimiser: plain Adam on plain parameters, against the same number by number."""

import itertools
import math

import numpy as np
import pytest

from smartsplat.engines import Loss, load_engine
from smartsplat.engines.reference import ReferenceCanvas
from smartsplat.fitting.paper import BETAS, EPSILON, PaperState, Parameters, fit_paper
from smartsplat.fitting.steplog import StepLog, float_error
from smartsplat.model.recipe import RECIPES, Recipe
from smartsplat.model.splats import Splats
from smartsplat.model.view import View
from smartsplat.pictures.planes import to_planes
from tests.columns import assert_columns_close
from tests.conftest import random_planes, random_splats
from tests.oracles import fitting
from tests.photos import photo

WIDTH, HEIGHT = 40, 30
ANGLES = ["radians", "turns", "sigmoid"]


def recipe(**constants):
    return Recipe().changed(constants)


def naive_splats(p, kind):
    """What parameters stand for, one number after the other."""
    rows = []
    for x, y, sx, sy, a, *colour in p:
        angle = {"radians": a, "turns": 2 * math.pi * a, "sigmoid": 2 * math.pi / (1 + math.exp(-a))}[kind]
        rows.append([WIDTH / 2 * x + WIDTH / 2, HEIGHT / 2 * y + HEIGHT / 2, abs(sx), abs(sy), angle, *colour])
    return np.array(rows)


@pytest.mark.parametrize("kind", ANGLES)
def test_parameters_stand_for_splats(rng, kind):
    parameters = Parameters(recipe(angle=kind), WIDTH, HEIGHT)
    splats = random_splats(rng, 20, WIDTH, HEIGHT)
    splats.parameters[:, 4] = rng.uniform(0.01, 2 * np.pi - 0.01, 20)
    p = parameters.of(splats)
    np.testing.assert_allclose(parameters.splats(p).parameters, splats.parameters, rtol=2e-6, atol=2e-6)
    p[::2, 2] *= -1
    p[::3, 3] *= -1
    np.testing.assert_allclose(parameters.splats(p).parameters, naive_splats(p, kind), rtol=2e-6, atol=2e-6)


def test_half_a_turn_is_zero_of_a_sigmoid():
    """Where the published code starts all angles."""
    splats = Splats.from_arrays([[1, 2]], [[3, 4]], [np.pi], [[0.1, 0.2, 0.3]])
    assert Parameters(recipe(angle="sigmoid"), 8, 8).of(splats)[0, 4] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("kind", ANGLES)
def test_gradients_by_the_parameters_are_central_differences(rng, kind):
    parameters = Parameters(recipe(angle=kind), WIDTH, HEIGHT)
    target, loss = random_planes(rng, WIDTH, HEIGHT), Loss("l1+ssim", 0.9)
    p = parameters.of(random_splats(rng, 3, WIDTH, HEIGHT, (2.0, 6.0), amplitude=0.3))
    p[:, 4] = rng.uniform(-1, 1, 3)
    p[::2, 2] *= -1
    p[1::2, 3] *= -1
    canvas = ReferenceCanvas(View(WIDTH, HEIGHT))

    def frame(p):
        placed = canvas.place(parameters.splats(p))
        object.__setattr__(placed, "parameters", naive_splats(p, kind))  # in double precision
        return placed

    gradient = parameters.gradient(p, frame(p).gradient(target, loss)[1])
    for i in range(p.size):
        step = np.zeros(p.size)
        step[i] = 1e-6
        low, high = (frame(p + s * step.reshape(p.shape)).gradient(target, loss)[0] for s in (-1, 1))
        assert gradient.flat[i] == pytest.approx((high - low) / 2e-6, rel=3e-3, abs=3e-5)


def test_gradients_that_are_no_numbers_count_as_zero():
    parameters = Parameters(Recipe(), WIDTH, HEIGHT)
    p = np.array([[0, 0, 0.0, 1, 0, 0.5, 0.5, 0.5]])
    gradient = parameters.gradient(p, np.array([[1, 1, 1, 1, np.nan, np.inf, 2, 3]], np.float32))
    assert np.isfinite(gradient).all()
    np.testing.assert_array_equal(gradient[0, 3:], [1, 0, 0, 2, 3])


def test_steps_are_those_of_adam(rng):
    rates = rng.uniform(0.001, 0.1, 8)
    gradients = rng.normal(0, 1, (7, 3, 8)) * 10.0 ** rng.integers(-9, 2, (1, 3, 8))
    start = rng.normal(0, 1, (3, 8))
    state = PaperState.before(start)
    for gradient in gradients:
        state = state.after(gradient, rates)
    assert state.steps == 7
    changes = [fitting.plain_adam(list(gradients[: k + 1]), rates) for k in range(7)]
    np.testing.assert_allclose(state.parameters, start + np.sum(changes, axis=0), rtol=1e-9)
    assert (BETAS, EPSILON) == ((0.9, 0.999), 1e-15)


@pytest.mark.parametrize("preset", RECIPES)
def test_rates_are_the_four_numbers_of_the_paper(preset):
    rates = Parameters(RECIPES[preset], 100, 50).rates
    np.testing.assert_array_equal(rates, [1e-4, 1e-4, 5e-2, 5e-2, 1e-3, 5e-3, 5e-3, 5e-3])


def test_a_fit_is_these_steps_and_nothing_else(rng):
    target = random_planes(rng, WIDTH, HEIGHT)
    parameters = Parameters(recipe(lambda_l=0.6, rate_scale=0.3), WIDTH, HEIGHT)
    start = parameters.of(random_splats(rng, 15, WIDTH, HEIGHT))
    canvas = load_engine().canvas(View(WIDTH, HEIGHT), ssim=True)
    kept = []
    state = fit_paper(
        canvas, target, parameters, PaperState.before(start), 12,
        keep=kept.append, log=StepLog(), progress=lambda _: None,
    )  # fmt: skip
    expected = PaperState.before(start)
    for _ in range(12):
        natural = canvas.place(parameters.splats(expected.parameters)).gradient(target, Loss("l1+ssim", 0.6))[1]
        expected = expected.after(parameters.gradient(expected.parameters, natural), parameters.rates)
    np.testing.assert_array_equal(state.parameters, expected.parameters)
    assert [k.steps for k in kept] == list(range(1, 13))


@pytest.mark.parametrize("kind", ANGLES)
def test_a_fit_is_the_plain_loop(rng, kind):
    """Central differences of Eq. 22 by the parameters, and Adam as published."""
    view, target = View(WIDTH, HEIGHT), to_planes(photo(WIDTH, HEIGHT))
    parameters = Parameters(recipe(angle=kind), WIDTH, HEIGHT)
    splats = Splats.from_arrays(
        rng.uniform([8, 6], [32, 24], (6, 2)),
        rng.uniform(1.5, 6, (6, 2)),
        rng.uniform(1, 6, 6),
        rng.uniform(0.1, 0.6, (6, 3)),
    )
    start = parameters.of(splats)
    found = fit_paper(
        load_engine().canvas(view, ssim=True), target, parameters, PaperState.before(start), 3,
        keep=lambda _: None, log=StepLog(), progress=lambda _: None,
    )  # fmt: skip
    p, seen = start, []
    for _ in range(3):
        support = naive_splats(p, kind)

        def loss(q, support=support):
            return fitting.paper_loss(fitting.sums(naive_splats(q, kind), view, support), target)

        seen.append(fitting.derivatives(loss, p, fitting.added))
        p = p + fitting.plain_adam(seen, parameters.rates)
    assert_columns_close(found.parameters - start, p - start, 5e-3)


def test_nothing_holds_the_parameters(rng):
    """No floor under scales, no border for centres, no limit for colours: they go where the gradient says."""
    parameters = Parameters(recipe(rate_centre=1.0, rate_scale=1.0, rate_colour=20.0), WIDTH, HEIGHT)
    state = PaperState.before(parameters.of(random_splats(rng, 4, WIDTH, HEIGHT, (0.4, 0.9))))
    splats = parameters.splats(state.after(np.ones((4, 8)), parameters.rates).parameters)
    assert (splats.xy < [0, 0]).any()
    assert splats.scale.min() < 0.3
    assert splats.colour.min() < -15


@pytest.mark.parametrize("preset", RECIPES)
def test_fits_get_better_from_step_to_step(rng, preset):
    target = random_planes(rng, 64, 48)
    parameters = Parameters(RECIPES[preset], 64, 48)
    start = parameters.of(random_splats(rng, 60, 64, 48, (3, 5)))
    canvas, rows = load_engine().canvas(View(64, 48), ssim=True), []
    fit_paper(
        canvas, target, parameters, PaperState.before(start), 150,
        keep=lambda _: None, log=StepLog(rows.append, 50), progress=lambda _: None,
    )  # fmt: skip
    assert [row["step"] for row in rows] == [0, 50, 100, 150]
    assert all(after["loss"] < before["loss"] for before, after in itertools.pairwise(rows))


def test_rows_tell_the_loss_and_the_psnr_of_what_is_not_rounded(rng):
    target, loss, rows = random_planes(rng, 37, 21), Loss("l1+ssim", 0.7), []
    frame = load_engine().canvas(View(37, 21), ssim=True).place(random_splats(rng, 30, 37, 21))
    error = ((np.clip(frame.render().astype(np.float64), 0, 1) - target.transpose(1, 2, 0) / 255) ** 2).sum()
    assert float_error(frame, target) == pytest.approx(error, rel=1e-5)
    log = StepLog(rows.append, 10)
    for step in (10, 11, 19, 20):
        log.at(step, lambda: frame, target, loss)
    log.at(23, lambda: frame, target, loss, last=True)
    assert [row["step"] for row in rows] == [10, 20, 23]
    assert rows[0]["loss"] == frame.gradient(target, loss)[0]
    assert rows[0]["psnr"] == pytest.approx(10 * math.log10(target.size / error), abs=1e-4)
    assert 0 < rows[0]["seconds"] < rows[1]["seconds"] < rows[2]["seconds"]


def test_a_silent_log_places_nothing():
    StepLog().at(0, lambda: pytest.fail("placed"), np.zeros((3, 1, 1), np.uint8), Loss("l2"), last=True)


@pytest.mark.parametrize(
    ("constants", "words"),
    [
        ({"lambda_g": 1.1}, "lambda_g"), ({"lambda_m": -0.1}, "lambda_m"), ({"lambda_l": "x"}, "lambda_l"),
        ({"neighbours": 0}, "neighbours"), ({"neighbours": 1.5}, "neighbours"), ({"tile": 0}, "tile"),
        ({"rate_angle": -1}, "rate_angle"), ({"rate_centre": float("nan")}, "rate_centre"), ({"start": "x"}, "text"),
        ({"angle": "degrees"}, "sigmoid"), ({"counts_itself": 1}, "counts_itself"), ({"lambda": 1}, "lambda_l"),
    ],
    ids=str,
)  # fmt: skip
def test_constants_out_of_range_are_refused_by_name(constants, words):
    with pytest.raises(ValueError, match=words) as caught:
        Recipe().changed(constants)
    assert "\n" not in str(caught.value)
