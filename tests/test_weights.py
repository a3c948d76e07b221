"""What errors count at each place: in losses, gradients, products and solves, by plain pictures and dense matrices."""

import numpy as np
import pytest

from smartsplat.engines import Loss, load_engine
from smartsplat.engines.protocol import CELL_SIZE, cells_of
from smartsplat.engines.window import WindowEngine
from smartsplat.fitting.bounds import Bounds
from smartsplat.fitting.colours import solve_colours
from smartsplat.fitting.gauss_newton import newton_step, start_newton
from smartsplat.model.splats import Splats
from smartsplat.model.view import View
from smartsplat.model.window import Window
from tests.columns import assert_columns_close
from tests.conftest import random_planes
from tests.oracles import fitting

COUNT = 6
VIEWS = [View(40, 30), View(20, 15, zoom=0.5, blur=0.15), View(150, 70, left=-60, top=-20)]
IDS = ["whole", "half", "several tiles"]


def random_splats(rng, count=COUNT):
    return Splats.from_arrays(
        rng.uniform([3, 3], [37, 27], (count, 2)), np.exp(rng.uniform(*np.log([1.5, 6]), (count, 2))),
        rng.uniform(-4, 4, count), rng.uniform(-0.04, 0.16, (count, 3)),
    )  # fmt: skip


def random_weights(rng, view):
    return np.exp(rng.normal(0, 1, cells_of(view))).astype(np.float32)


def spread(weights, view):
    """For each pixel."""
    return np.kron(weights.astype(np.float64), np.ones((CELL_SIZE, CELL_SIZE)))[: view.height, : view.width]


def squared(weights, view):
    """The loss."""
    at = spread(weights, view)
    return lambda found, target: float((at * fitting.residual(found, target) ** 2).mean())


@pytest.mark.parametrize("view", VIEWS, ids=IDS)
def test_gradients_are_central_differences(instruction_set, rng, view):
    splats, weights = random_splats(rng), random_weights(rng, view)
    target, parameters = random_planes(rng, view.width, view.height), splats.parameters.astype(np.float64)
    loss = squared(weights, view)
    value, gradient = load_engine().canvas(view, weights=weights).place(splats).gradient(target, Loss("l2"))
    assert value == pytest.approx(loss(fitting.sums(parameters, view), target), rel=5e-6)
    assert_columns_close(gradient, fitting.gradient(loss, parameters, view, target), 2e-4)


@pytest.mark.parametrize("view", VIEWS, ids=IDS)
def test_products_are_those_of_the_dense_matrix(instruction_set, rng, view):
    splats, weights = random_splats(rng), random_weights(rng, view)
    frame = load_engine().canvas(view, weights=weights).place(splats)
    jacobian = fitting.jacobian(splats.parameters.astype(np.float64), view)
    weighted = jacobian * np.broadcast_to(spread(weights, view), (3, view.height, view.width)).reshape(-1, 1)
    direction = rng.normal(size=(COUNT, 8)).astype(np.float32)
    expected = (jacobian.T @ (weighted @ direction.ravel())).reshape(COUNT, 8)
    assert_columns_close(frame.normal_product(direction), expected, 2e-4)
    by_colours = np.concatenate([np.zeros((COUNT, 5), np.float32), direction[:, 5:]], axis=1)
    expected = (jacobian.T @ (weighted @ by_colours.ravel())).reshape(COUNT, 8)[:, 5:]
    assert_columns_close(frame.normal_product(direction[:, 5:]), expected, 2e-5)


@pytest.mark.parametrize("view", VIEWS, ids=IDS)
def test_the_reference_agrees(rng, view):
    splats, weights = random_splats(rng), random_weights(rng, view)
    target, direction = random_planes(rng, view.width, view.height), rng.normal(size=(COUNT, 8))
    cpu, reference = (load_engine(name).canvas(view, weights=weights).place(splats) for name in ("cpu", "reference"))
    (value, gradient), (expected_value, expected) = (f.gradient(target, Loss("l2")) for f in (cpu, reference))
    assert value == pytest.approx(expected_value, rel=5e-6)
    assert_columns_close(gradient, expected, 2e-4)
    assert_columns_close(cpu.normal_product(direction), reference.normal_product(direction), 2e-4)


def test_all_else_counts_every_pixel_the_same(rng):
    view, splats = VIEWS[0], random_splats(rng)
    target, weights = random_planes(rng, 40, 30), random_weights(rng, view)
    weighted = load_engine().canvas(view, weights=weights).place(splats)
    plain = load_engine().canvas(view).place(splats)
    assert weighted.decoded_error(target) == plain.decoded_error(target)
    np.testing.assert_array_equal(weighted.cell_errors(target), plain.cell_errors(target))
    np.testing.assert_array_equal(weighted.colour_diagonal(), plain.colour_diagonal())
    assert weighted.gradient(target, Loss("l1"))[0] == plain.gradient(target, Loss("l1"))[0]


@pytest.mark.parametrize("name", ["cpu", "reference"])
@pytest.mark.parametrize("shape", [(4, 4), (5, 4), (30, 40), (4,)])
def test_weights_of_another_shape_are_refused(name, shape):
    with pytest.raises(ValueError, match="weights"):
        load_engine(name).canvas(VIEWS[0], weights=np.ones(shape, np.float32))


def test_colours_are_the_weighted_least_squares(rng):
    view, splats = VIEWS[0], random_splats(rng)
    target, weights = random_planes(rng, 40, 30).clip(40, 200), random_weights(rng, view)
    frame = load_engine().canvas(view, weights=weights).place(splats)
    found = solve_colours(frame, target, products=60, damping=1e-9, floor=1e-9).splats.colour
    rows = fitting.weights(splats.parameters.astype(np.float64), view).reshape(COUNT, -1)
    at = spread(weights, view).ravel()
    expected = np.linalg.solve((rows * at) @ rows.T, (rows * at) @ (target / 255).reshape(3, -1).T)
    np.testing.assert_allclose(found, expected, atol=2e-3 * np.abs(expected).max())


def test_steps_take_errors_where_they_count_least(rng):
    """Of two halves the one that counts a hundred times as much gets better, beyond what it gets where all count."""
    view, start, target = View(48, 32), random_splats(rng, 12), random_planes(rng, 48, 32)
    errors = {}
    for name, left in (("plain", 1), ("weighted", 100)):
        weights = np.ones(cells_of(view), np.float32)
        weights[:, :3] = left
        state = start_newton(load_engine().canvas(view, weights=weights).place(start), target)
        for _ in range(6):
            state = newton_step(state, target, Bounds.of(48, 32), 10)
        errors[name] = state.frame.cell_errors(target)
    assert errors["weighted"][:, :3].sum() < errors["plain"][:, :3].sum()
    assert errors["weighted"][:, 3:].sum() > errors["plain"][:, 3:].sum()


def test_windows_have_their_own(rng):
    view, weights = View(24, 16), random_weights(rng, View(24, 16))
    own, around = random_splats(rng, 3), random_splats(rng, 2)
    target = random_planes(rng, 24, 16)
    engine = WindowEngine(load_engine(), Window(8, 8, 24, 16), around)
    frame = engine.canvas(view, weights=weights).place(own)
    parameters = own.parameters.copy()
    parameters[:, :2] += 8
    everything = Splats(np.concatenate([parameters, around.parameters]))
    whole = load_engine().canvas(View(24, 16, left=8, top=8), weights=weights).place(everything)
    value, gradient = frame.gradient(target, Loss("l2"))
    expected_value, expected = whole.gradient(target, Loss("l2"))
    assert value == expected_value
    np.testing.assert_array_equal(gradient, expected[:3])
    assert frame.canvas.weights is weights
