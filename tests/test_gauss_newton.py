"""Gauss-Newton steps against dense matrices of a tiny picture, and what must never come out of them."""

import functools
import math
from dataclasses import dataclass, replace

import numpy as np
import pytest

from smartsplat.engines import Loss, load_engine
from smartsplat.fitting import gauss_newton
from smartsplat.fitting.bounds import Bounds
from smartsplat.fitting.gauss_newton import (
    DAMPING_RANGE,
    FIRST_DAMPING,
    TRUST,
    IsolatedBlocks,
    conjugate_gradients,
    newton_step,
    start_newton,
)
from smartsplat.model.splats import Splats
from smartsplat.model.view import View
from tests.columns import assert_columns_close
from tests.conftest import random_planes
from tests.oracles import fitting

VIEW, HALF = View(40, 30), View(20, 15, zoom=0.5, blur=0.15)
BOUNDS = Bounds.of(40, 30)
COUNT = 7


def overlapping(rng, count=COUNT):
    """Splats that cover a picture of 40 x 30 px and each other."""
    return Splats.from_arrays(
        rng.uniform([4, 3], [36, 27], (count, 2)),
        np.exp(rng.uniform(*np.log([2, 7]), (count, 2))),
        rng.uniform(-4, 4, count),
        rng.normal(0.15, 0.3, (count, 3)),
    )


def frame_of(splats, view=VIEW):
    return load_engine().canvas(view).place(splats)


def picture_of(splats, view=VIEW):
    """What splats look like, as planes."""
    sums = fitting.sums(splats.parameters.astype(np.float64), view)
    return np.floor(sums.clip(0, 1) * 255 + 0.5).astype(np.uint8)


def shaken(rng, splats, size):
    """The splats moved at random by about that much, in natural units."""
    direction = rng.normal(0, size, splats.parameters.shape)
    return Splats(fitting.moved(splats.parameters.astype(np.float64), direction).astype(np.float32))


def matrix_of(splats, view=VIEW):
    jacobian = fitting.jacobian(splats.parameters.astype(np.float64), view)
    return jacobian.T @ jacobian


# The blocks that precondition


ALONE = {"whole": View(120, 80), "half": View(60, 40, zoom=0.5, blur=0.15)}


@functools.cache
def alone():
    """Splats that do not overlap, nor the border: what the blocks are exact for but for the pixels and the cutoff."""
    rng = np.random.default_rng(3)
    centres = np.stack(np.meshgrid([20, 60, 100], [20, 60]), axis=-1).reshape(-1, 2) + rng.uniform(-1, 1, (6, 2))
    scales = np.exp(rng.uniform(*np.log([2.2, 5]), (6, 2)))
    return Splats.from_arrays(centres, scales, rng.uniform(-4, 4, 6), rng.normal(0, 0.4, (6, 3)))


@functools.cache
def matrix_of_those(view):
    return matrix_of(alone(), ALONE[view])


@pytest.mark.parametrize("view", ALONE)
@pytest.mark.parametrize("damping", [0.0, 0.01, 10.0])
def test_blocks_are_those_of_splats_alone(view, damping):
    splats = alone()
    blocks, matrix = IsolatedBlocks(splats, ALONE[view], damping), matrix_of_those(view)
    for i in range(len(splats)):
        own = slice(8 * i, 8 * i + 8)
        assert np.abs(matrix[own, : 8 * i]).max(initial=0) == 0
        expected = matrix[own, own] + np.diag(blocks.damping[i])
        residuals = np.zeros((8, len(splats), 8))
        residuals[:, i] = np.eye(8)
        solved = np.stack([blocks.solve(residual)[i] for residual in residuals], axis=1)
        # A product with the inverse, since both are in quite different units: the unit matrix, about. The weights
        # that the cutoff takes away are worth half a percent.
        assert_columns_close(expected @ solved, np.eye(8), 0.02)


def test_the_solution_of_one_splat_does_not_depend_on_others(rng):
    blocks = IsolatedBlocks(overlapping(rng), VIEW, 0.01)
    residual = rng.normal(0, 1, (COUNT, 8))
    changed = residual.copy()
    changed[1:] *= 3
    np.testing.assert_array_equal(blocks.solve(changed)[0], blocks.solve(residual)[0])
    np.testing.assert_allclose(blocks.solve(2 * residual), 2 * blocks.solve(residual), rtol=1e-9)


@pytest.mark.parametrize("view", ALONE)
@pytest.mark.parametrize("damping", [0.0, 0.01, 10.0])
def test_damping_is_relative_to_the_diagonal_with_a_floor(view, damping):
    diagonal = np.diag(matrix_of_those(view)).reshape(-1, 8)
    floor = 1e-3 * np.median(diagonal, axis=0)
    expected = damping * (diagonal + floor) + floor
    assert_columns_close(IsolatedBlocks(alone(), ALONE[view], damping).damping, expected, 0.02)


# The conjugate gradients


@pytest.mark.parametrize("view", [VIEW, HALF], ids=["whole", "half"])
@pytest.mark.parametrize("held", [[], [1, 4]], ids=["all", "some held"])
def test_many_products_solve_the_dense_system(rng, view, held):
    splats = overlapping(rng)
    blocks, right = IsolatedBlocks(splats, view, 0.01), rng.normal(0, 1, (COUNT, 8))
    free = np.ones((COUNT, 8))
    free[held, :5] = 0
    found = conjugate_gradients(frame_of(splats, view), blocks, right, 400, free, tolerance=1e-7)
    rows = np.flatnonzero(free)
    matrix = matrix_of(splats, view) + np.diag(blocks.damping.ravel())
    expected = np.zeros(8 * COUNT)
    expected[rows] = np.linalg.solve(matrix[np.ix_(rows, rows)], right.ravel()[rows])
    assert_columns_close(found, expected.reshape(COUNT, 8), 1e-3)


def test_each_product_brings_it_nearer(rng):
    """In the norm of the matrix, which is what the search lowers."""
    splats = overlapping(rng)
    blocks, right, free = IsolatedBlocks(splats, VIEW, 0.01), rng.normal(0, 1, (COUNT, 8)), np.ones((COUNT, 8))
    matrix = matrix_of(splats) + np.diag(blocks.damping.ravel())
    exact = np.linalg.solve(matrix, right.ravel())
    distances = [float(exact @ matrix @ exact)]
    for products in range(1, 12):
        left = exact - conjugate_gradients(frame_of(splats), blocks, right, products, free, tolerance=0).ravel()
        distances.append(float(left @ matrix @ left))
    assert (np.diff(distances) < 0).all()
    assert distances[-1] < 0.1 * distances[0]


def test_a_rough_solution_ends_early(rng):
    counted = Counted(frame_of(overlapping(rng)))
    blocks, right = IsolatedBlocks(counted.splats, VIEW, 0.01), rng.normal(0, 1, (COUNT, 8))
    conjugate_gradients(counted, blocks, right, 3, np.ones((COUNT, 8)))
    assert len(counted.directions) == 3
    counted.directions.clear()
    conjugate_gradients(counted, blocks, right, 400, np.ones((COUNT, 8)), tolerance=0.3)
    assert 1 <= len(counted.directions) < 30


@dataclass
class Counted:
    """A frame that notes what products are asked of it, and may answer something else."""

    frame: object
    answer: object = None

    def __post_init__(self):
        self.directions = []

    def __getattr__(self, name):
        return getattr(self.frame, name)

    def normal_product(self, direction):
        self.directions.append(direction.copy())
        product = self.frame.normal_product(direction)
        return product if self.answer is None else self.answer(product)


def test_nothing_to_do_takes_no_product(rng):
    counted = Counted(frame_of(overlapping(rng)))
    blocks, nothing = IsolatedBlocks(counted.splats, VIEW, 0.01), np.zeros((COUNT, 8))
    assert not conjugate_gradients(counted, blocks, nothing, 10, np.ones((COUNT, 8))).any()
    assert not counted.directions


# Steps


def dense_direction(splats, target, damping, view=VIEW, held=()):
    """The damped Gauss-Newton direction, [N, 8]."""
    parameters = splats.parameters.astype(np.float64)
    jacobian = fitting.jacobian(parameters, view)
    jacobian.reshape(-1, COUNT, 8)[:, list(held), :5] = 0
    left = fitting.residual(fitting.sums(parameters, view), target).ravel()
    system = jacobian.T @ jacobian + np.diag(IsolatedBlocks(splats, view, damping).damping.ravel())
    return np.linalg.solve(system, -jacobian.T @ left).reshape(COUNT, 8)


@pytest.mark.parametrize("held", [(), (0, 3, 5)], ids=["all", "some held"])
@pytest.mark.parametrize("view", [VIEW, HALF], ids=["whole", "half"])
def test_a_step_is_that_of_the_dense_system(rng, monkeypatch, view, held):
    exactly = functools.partial(conjugate_gradients, tolerance=1e-6)
    monkeypatch.setattr(gauss_newton, "conjugate_gradients", exactly)
    goal = overlapping(rng)
    target, splats = picture_of(goal, view), shaken(rng, goal, 0.02)
    mask = np.isin(np.arange(COUNT), held) if held else None
    step = newton_step(start_newton(frame_of(splats, view), target), target, BOUNDS, 400, held=mask)
    direction = dense_direction(splats, target, FIRST_DAMPING, view, held)
    assert np.abs(direction[:, :5]).max() < TRUST
    expected = fitting.moved(splats.parameters.astype(np.float64), direction) - splats.parameters
    assert_columns_close(step.frame.splats.parameters - splats.parameters, expected, 5e-3)
    if held:
        np.testing.assert_array_equal(step.frame.splats.parameters[list(held), :5], splats.parameters[list(held), :5])


def test_the_state_is_what_the_frame_says(rng):
    splats, target = overlapping(rng), random_planes(rng, 40, 30)
    start = start_newton(frame_of(splats), target, 0.7)
    step = newton_step(start, target, BOUNDS, 10)
    assert start.damping == 0.7
    assert step.loss < start.loss
    for state in (start, step):
        value, gradient = state.frame.gradient(target, Loss("l2"))
        assert value == state.loss
        assert value == pytest.approx(fitting.l2(fitting.sums(state.frame.splats.parameters, VIEW), target), rel=1e-5)
        np.testing.assert_array_equal(gradient, state.gradient)
    np.testing.assert_array_equal(start.frame.splats.parameters, splats.parameters)


@pytest.mark.parametrize("seed", range(5))
def test_steps_find_the_splats_that_made_a_picture(seed):
    rng = np.random.default_rng(seed)
    goal = overlapping(rng)
    target = picture_of(goal)
    state = start_newton(frame_of(shaken(rng, goal, 0.1)), target)
    losses = [state.loss]
    for _ in range(12):
        state = newton_step(state, target, BOUNDS, 20)
        losses.append(state.loss)
    assert (np.diff(losses) <= 0).all()
    assert losses[-1] < 0.01 * losses[0]
    assert losses[-1] < 255.0**-2  # one 8-bit step; that the weights end at the cutoff is what is left


def test_steps_keep_within_the_bounds(rng):
    target = random_planes(rng, 40, 30)
    state = start_newton(frame_of(overlapping(rng)), target)
    for _ in range(8):
        state = newton_step(state, target, BOUNDS, 10)
        p = state.frame.splats.parameters
        assert ((p[:, :2] >= 0) & (p[:, :2] <= [40, 30])).all()
        assert ((p[:, 2:4] >= np.float32(0.3)) & (p[:, 2:4] <= 80)).all()
        assert (np.abs(p[:, 5:]) <= 8).all()


class Noting(Bounds):
    """Bounds that note along what they moved splats last."""

    def move(self, splats, direction, longest, *, threads=0):
        self.noted = direction, longest
        return super().move(splats, direction, longest, threads=threads)


def test_no_splat_goes_further_than_trusted(rng):
    """Not even where the quadratic model would send it far away; its colour is shortened as its geometry is."""
    goal = overlapping(rng)
    target, splats, damping = picture_of(goal), shaken(rng, goal, 0.7), DAMPING_RANGE[0]
    state, bounds = start_newton(frame_of(splats), target, damping), Noting(*BOUNDS)
    newton_step(state, target, bounds, 10)
    direction, longest = bounds.noted
    assert longest == math.inf
    right = -(target.size / 2) * state.gradient.astype(np.float64)
    free = conjugate_gradients(state.frame, IsolatedBlocks(splats, VIEW, damping), right, 10, np.ones((COUNT, 8)))
    far = np.abs(free[:, :5]).max(axis=1) > TRUST
    assert 0 < far.sum() < COUNT
    np.testing.assert_allclose(direction[~far], free[~far], rtol=1e-6)
    np.testing.assert_allclose(np.abs(direction[far, :5]).max(axis=1), TRUST, rtol=1e-6)
    ratios = direction[far] / free[far]
    np.testing.assert_allclose(ratios, np.repeat(ratios[:, :1], 8, axis=1), rtol=1e-5)


# The damping, and steps that are not taken


def of_colours(rng, factor, damping):
    """A state of which only colours will change: the loss is quadratic, and a step of that many times the gradient
    gains 2 / factor - 1 of what its model says, but for the damping."""
    goal = overlapping(rng)
    splats = Splats.from_arrays(goal.xy, goal.scale, goal.angle, goal.colour + rng.normal(0, 0.02, (COUNT, 3)))
    target = picture_of(goal).clip(1, 254)
    state = start_newton(frame_of(splats), target, damping)
    return replace(state, gradient=(factor * state.gradient).astype(np.float32)), target


@pytest.mark.parametrize(
    ("factor", "grows"), [(1, 0.3), (1.1, 0.3), (1.25, 1), (1.5, 1), (1.7, 3), (1.9, 3), (2.5, 5), (-1, 5)]
)
def test_damping_follows_how_well_the_model_predicted(rng, factor, grows):
    state, target = of_colours(rng, factor, 2e-3)
    step = newton_step(state, target, BOUNDS, 30, held=np.ones(COUNT, bool))
    assert step.damping == pytest.approx(grows * 2e-3)
    if grows == 5:
        assert (step.frame, step.loss) == (state.frame, state.loss)
        assert step.gradient is state.gradient
    else:
        assert step.loss < state.loss


@pytest.mark.parametrize(("factor", "damping"), [(1, DAMPING_RANGE[0]), (-1, DAMPING_RANGE[1])])
def test_damping_stays_in_its_range(rng, factor, damping):
    state, target = of_colours(rng, factor, damping)
    assert newton_step(state, target, BOUNDS, 30, held=np.ones(COUNT, bool)).damping == damping


def test_more_damping_makes_shorter_steps(rng):
    goal = overlapping(rng)
    target, splats = picture_of(goal), shaken(rng, goal, 0.05)
    lengths = []
    for damping in (1e-4, 0.1, 10, 1000):
        bounds = Noting(*BOUNDS)
        newton_step(start_newton(frame_of(splats), target, damping), target, bounds, 30)
        lengths.append(np.linalg.norm(bounds.noted[0]))
    assert (np.diff(lengths) < 0).all()
    assert lengths[-1] < 0.02 * lengths[0]


def test_an_exact_picture_stays(rng):
    """White from sums beyond 1: no residual at all, no step, and nothing divided by it."""
    splats = Splats.from_arrays([[20, 15]], [[300, 300]], [0.3], [[2, 2, 2]])
    target = np.full((3, 30, 40), 255, np.uint8)
    state = start_newton(frame_of(splats), target)
    assert state.loss == 0
    step = newton_step(state, target, BOUNDS, 10)
    np.testing.assert_array_equal(step.frame.splats.parameters, splats.parameters)


# What is not finite


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", range(8))
def test_steps_do_not_start_from_what_is_not_finite(rng, column, value):
    splats = overlapping(rng)
    splats.parameters[3, column] = value
    with pytest.raises(ValueError, match="not finite"):
        start_newton(frame_of(splats), random_planes(rng, 40, 30))


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("rows", [slice(3, 4), slice(None)], ids=["one", "all"])
def test_a_step_to_what_is_not_finite_is_not_taken(rng, rows, value):
    """Though the loss falls: splats that are not finite are not drawn, and the picture is black."""
    state = start_newton(frame_of(overlapping(rng)), np.zeros((3, 30, 40), np.uint8))

    class Broken(Bounds):
        def move(self, splats, direction, longest, *, threads=0):
            moved = super().move(splats, direction, longest, threads=threads)
            moved.parameters[rows, 5:] = value
            return moved

    step = newton_step(state, np.zeros((3, 30, 40), np.uint8), Broken(*BOUNDS), 10)
    assert (step.frame, step.loss) == (state.frame, state.loss)
    assert step.damping == 5 * state.damping


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_products_that_fail_do_not_spoil_the_splats(rng, value):
    target = np.zeros((3, 30, 40), np.uint8)
    frame = Counted(frame_of(overlapping(rng)), lambda product: product * np.float32(value))
    step = newton_step(start_newton(frame, target), target, BOUNDS, 10)
    assert step.frame.splats.are_finite()
    assert step.loss <= start_newton(frame, target).loss


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_gradient_that_is_not_finite_moves_nothing(rng):
    state = start_newton(frame_of(overlapping(rng)), random_planes(rng, 40, 30))
    gradient = state.gradient.copy()
    gradient[2, 1] = np.nan
    step = newton_step(replace(state, gradient=gradient), random_planes(rng, 40, 30), BOUNDS, 10)
    np.testing.assert_array_equal(step.frame.splats.parameters, state.frame.splats.parameters)
