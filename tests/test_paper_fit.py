"""The paper's optimisation against plain code: gradients by the raw parameters, Adam's steps, and the loop."""

import numpy as np
import pytest

from smartsplat.engines import Loss, load_engine
from smartsplat.fitting.bounds import Bounds
from smartsplat.fitting.paper import LAMBDA_L, RATES, RELATIVE_EPSILON, PlainAdam, fit_paper, raw_gradient
from smartsplat.model.splats import Splats
from smartsplat.model.view import View
from smartsplat.pictures.planes import to_planes
from tests.columns import assert_columns_close
from tests.oracles import fitting
from tests.photos import photo

WIDTH, HEIGHT = 40, 30
VIEW = View(WIDTH, HEIGHT)
COUNT = 6

UNITS = np.array([WIDTH / 2, HEIGHT / 2, 1, 1, 1, 1, 1, 1])
"""px of the paper's unit of a centre, which runs from -1 to 1 across the picture."""

PAPER_RATES = np.array([1e-4, 1e-4, 5e-2, 5e-2, 1e-3, 5e-3, 5e-3, 5e-3])


def some_splats(rng):
    return Splats.from_arrays(
        rng.uniform([8, 6], [32, 24], (COUNT, 2)),
        rng.uniform(1.5, 6, (COUNT, 2)),
        rng.uniform(0, 6, COUNT),
        rng.uniform(0.1, 0.6, (COUNT, 3)),
    )


def raw(loss, parameters, target):
    """Central differences by x, y, both scales, angle and colour."""
    return fitting.derivatives(lambda p: loss(fitting.sums(p, VIEW, parameters), target), parameters, fitting.added)


def test_the_paper_s_constants():
    assert LAMBDA_L == 0.9
    assert RATES == {"centre": 1e-4, "colour": 5e-3, "scale": 5e-2, "angle": 1e-3}


@pytest.mark.parametrize(("kind", "loss"), [("l2", fitting.l2), ("l1+ssim", fitting.paper_loss)])
def test_raw_gradients_are_central_differences(rng, kind, loss):
    splats, target = some_splats(rng), to_planes(photo(WIDTH, HEIGHT))
    natural = load_engine().canvas(VIEW, ssim=True).place(splats).gradient(target, Loss(kind, LAMBDA_L))[1]
    assert_columns_close(raw_gradient(splats, natural), raw(loss, splats.parameters.astype(np.float64), target), 2e-4)


def natural_of(splats, gradient):
    """Raw gradients in natural units."""
    c, s = np.cos(splats.angle.astype(np.float64)), np.sin(splats.angle.astype(np.float64))
    x, y = gradient[:, 0], gradient[:, 1]
    shape = [(c * x + s * y) * splats.scale[:, 0], (c * y - s * x) * splats.scale[:, 1]]
    shape += [gradient[:, 2] * splats.scale[:, 0], gradient[:, 3] * splats.scale[:, 1]]
    return np.column_stack([*shape, gradient[:, 4:]]).astype(np.float32)


def test_steps_are_those_of_plain_adam_in_the_paper_s_units(rng):
    adam, splats, seen = PlainAdam(COUNT, WIDTH, HEIGHT), some_splats(rng), []
    sizes = np.array([1, 1, 1, 1e-6, 1e-7, 1])[:, None]  # of the splats: some hardly show
    for _ in range(5):
        gradient = sizes * rng.normal(0, 1, (COUNT, 8)) * np.array([1, 2, 0.3, 0.4, 0.05, 7, 8, 9]) * 1e-6
        seen.append(gradient * UNITS)
        change = fitting.plain_adam(seen, PAPER_RATES, RELATIVE_EPSILON) * UNITS
        before, splats = splats, adam.step(splats, natural_of(splats, gradient))
        # Positions are single precision: at 30 px that is 2e-6, where a step has 2e-3.
        assert_columns_close(splats.parameters.astype(np.float64) - before.parameters, change, 2e-3)


def test_the_first_step_has_the_length_of_the_rates(rng):
    splats = some_splats(rng)
    moved = PlainAdam(COUNT, WIDTH, HEIGHT).step(splats, natural_of(splats, np.ones((COUNT, 8))))
    change = np.tile(-PAPER_RATES * UNITS, (COUNT, 1))
    assert_columns_close(moved.parameters.astype(np.float64) - splats.parameters, change, 2e-3)


def test_a_splat_without_gradient_stays(rng):
    splats, gradient = some_splats(rng), rng.normal(0, 1, (COUNT, 8))
    gradient[2], gradient[4, 5] = 0, np.nan
    moved = PlainAdam(COUNT, WIDTH, HEIGHT).step(splats, natural_of(splats, gradient)).parameters
    np.testing.assert_array_equal(moved[2], splats.parameters[2])
    assert moved[4, 5] == splats.parameters[4, 5]
    assert np.isfinite(moved).all()


def test_parameters_stay_within_the_bounds():
    """Scales pass through abs(), as in the released code: those that would become negative come back."""
    p = np.float32([[0.001, 29.9999, 0.31, 80.0, 0, 7.999, -7.999, 0]])
    splats, bounds = Splats(p), Bounds.of(WIDTH, HEIGHT)
    towards = natural_of(splats, np.float64([[1, -1, 1, -1, 0, -1, 1, 0]]))
    moved = PlainAdam(1, WIDTH, HEIGHT).step(splats, towards).parameters[0]
    assert moved.tolist() == [0, 30, np.float32(0.3), bounds.greatest_scale, 0, 8, -8, 0]
    negative = Splats(p * np.float32([1, 1, -1, 1, 1, 1, 1, 1]))
    still = PlainAdam(1, WIDTH, HEIGHT).step(negative, np.zeros((1, 8), np.float32)).parameters[0]
    assert still[2] == np.float32(0.31)


@pytest.mark.parametrize("steps", [1, 4])
def test_a_fit_is_the_plain_loop(rng, steps):
    splats, target = some_splats(rng), to_planes(photo(WIDTH, HEIGHT))
    told = []
    found = fit_paper(load_engine(), target, splats, steps, told.append)
    parameters, seen = splats.parameters.astype(np.float64), []
    for _ in range(steps):
        seen.append(raw(fitting.paper_loss, parameters, target) * UNITS)
        parameters = parameters + fitting.plain_adam(seen, PAPER_RATES, RELATIVE_EPSILON) * UNITS
    change = parameters - splats.parameters
    assert_columns_close(found.parameters.astype(np.float64) - splats.parameters, change, 5e-3)
    assert told == pytest.approx([(i + 1) / steps for i in range(steps)])


def test_a_fit_lowers_eq_22(rng):
    splats, target = some_splats(rng), to_planes(photo(WIDTH, HEIGHT))
    losses = [fitting.paper_loss(fitting.sums(splats.parameters.astype(np.float64), VIEW), target)]
    for steps in (20, 60):
        found = fit_paper(load_engine(), target, splats, steps, lambda done: None)
        losses.append(fitting.paper_loss(fitting.sums(found.parameters.astype(np.float64), VIEW), target))
    assert (np.diff(losses) < -0.01).all()
