"""Gradients and products of the Gauss-Newton matrix against central differences of a plain picture, each column by
itself: of splats of all sorts, in views as large as the picture and coarser ones."""

import functools
import zlib

import numpy as np
import pytest

from smartsplat.engines import Loss, load_engine
from smartsplat.model.splats import Splats
from smartsplat.model.view import View
from tests.columns import assert_columns_close
from tests.conftest import random_planes
from tests.oracles import fitting

COUNT = 6
VIEWS = [View(40, 30), View(20, 15, zoom=0.5, blur=0.15), View(25, 19, left=11.5, top=-2.25)]
LOSSES = {"l2": fitting.l2, "l1": fitting.l1, "l1+ssim": fitting.paper_loss}

# Relative to the norm of each column: x, y, two scales, angle, three colours. Seen: a tenth of it.
TOLERANCE = np.array([5e-5, 5e-5, 5e-5, 5e-5, 2e-4, 2e-5, 2e-5, 2e-5])


def inside(rng):
    return rng.uniform([8, 6], [32, 24], (COUNT, 2))


SORTS = {
    "ordinary": lambda rng: (inside(rng), np.exp(rng.uniform(*np.log([1.5, 6]), (COUNT, 2)))),
    "partly outside": lambda rng: (
        [[-2, 5], [41.5, 20], [20, -3], [15, 33], [-3, -3], [43, 31]],
        rng.uniform(2, 7, (COUNT, 2)),
    ),
    "smaller than a pixel": lambda rng: (inside(rng), rng.uniform(0.3, 0.6, (COUNT, 2))),
    "larger than the picture": lambda rng: (
        rng.uniform([-10, -10], [50, 40], (COUNT, 2)),
        rng.uniform(60, 300, (COUNT, 2)),
    ),
    "needles": lambda rng: (
        inside(rng),
        np.stack([rng.uniform(8, 25, COUNT), rng.uniform(0.4, 0.9, COUNT)], axis=1),
    ),
}


@functools.cache
def splats_of(sort):
    rng = np.random.default_rng(zlib.crc32(sort.encode()))
    centres, scales = SORTS[sort](rng)
    return Splats.from_arrays(centres, scales, rng.uniform(-4, 4, COUNT), rng.uniform(-0.04, 0.16, (COUNT, 3)))


def target_of(view):
    return random_planes(np.random.default_rng(view.width), view.width, view.height)


@functools.cache
def expected_loss(sort, view, kind):
    """The value and the gradient."""
    parameters, target, loss = splats_of(sort).parameters.astype(np.float64), target_of(view), LOSSES[kind]
    return loss(fitting.sums(parameters, view), target), fitting.gradient(loss, parameters, view, target)


@functools.cache
def expected_matrix(sort, view):
    """J^T J, [8 N, 8 N]."""
    jacobian = fitting.jacobian(splats_of(sort).parameters.astype(np.float64), view)
    return jacobian.T @ jacobian


def frame_of(view, splats, name="cpu"):
    return load_engine(name).canvas(view, ssim=True).place(splats)


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("view", VIEWS, ids=["whole", "half", "part"])
@pytest.mark.parametrize("sort", SORTS)
def test_gradients_are_central_differences(instruction_set, sort, view, kind):
    value, expected = expected_loss(sort, view, kind)
    found, gradient = frame_of(view, splats_of(sort)).gradient(target_of(view), Loss(kind, 0.9))
    assert found == pytest.approx(value, rel=5e-6)
    assert_columns_close(gradient, expected, TOLERANCE)


@pytest.mark.parametrize("view", VIEWS, ids=["whole", "half", "part"])
@pytest.mark.parametrize("sort", SORTS)
def test_products_are_those_of_the_dense_matrix(rng, instruction_set, sort, view):
    frame, matrix = frame_of(view, splats_of(sort)), expected_matrix(sort, view)
    for _ in range(2):
        direction = rng.normal(size=(COUNT, 8)).astype(np.float32)
        expected = (matrix @ direction.ravel()).reshape(COUNT, 8)
        assert_columns_close(frame.normal_product(direction), expected, TOLERANCE)


@pytest.mark.parametrize("view", VIEWS, ids=["whole", "half", "part"])
def test_products_are_those_of_the_dense_matrix_by_each_parameter(instruction_set, view):
    """A direction along one column of one splat tells a fault in that column from those in others."""
    frame, matrix = frame_of(view, splats_of("ordinary")), expected_matrix("ordinary", view)
    found = np.stack([frame.normal_product(np.float32(one.reshape(COUNT, 8))).ravel() for one in np.eye(8 * COUNT)])
    assert_columns_close(found, matrix, np.tile(5 * TOLERANCE, COUNT))
    np.testing.assert_allclose(found, found.T, atol=1e-5 * np.abs(matrix).max())


@pytest.mark.parametrize("view", VIEWS, ids=["whole", "half", "part"])
@pytest.mark.parametrize("sort", SORTS)
def test_colours_have_the_gram_matrix_of_the_weights(rng, instruction_set, sort, view):
    frame, splats = frame_of(view, splats_of(sort)), splats_of(sort)
    weights = fitting.weights(splats.parameters.astype(np.float64), view).reshape(COUNT, -1)
    direction = rng.normal(size=(COUNT, 3)).astype(np.float32)
    assert_columns_close(frame.normal_product(direction), weights @ weights.T @ direction, 2e-5)
    np.testing.assert_allclose(frame.colour_diagonal(), (weights**2).sum(axis=1), rtol=2e-5)


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("name", ["cpu", "reference"])
def test_round_splats_have_no_gradient_by_their_angle(rng, name, kind):
    scales = np.repeat(rng.uniform(1, 5, (COUNT, 1)), 2, axis=1)
    splats = Splats.from_arrays(inside(rng), scales, rng.uniform(-4, 4, COUNT), rng.uniform(-0.04, 0.16, (COUNT, 3)))
    gradient = frame_of(VIEWS[0], splats, name).gradient(target_of(VIEWS[0]), Loss(kind, 0.9))[1]
    assert np.abs(gradient[:, 4]).max() < 1e-6 * np.abs(gradient[:, 2:4]).max()


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("view", VIEWS, ids=["whole", "half", "part"])
@pytest.mark.parametrize("sort", SORTS)
def test_the_reference_has_the_same_gradients(sort, view, kind):
    """Another derivation of the same: by hand, where the oracle takes differences."""
    value, expected = expected_loss(sort, view, kind)
    found, gradient = frame_of(view, splats_of(sort), "reference").gradient(target_of(view), Loss(kind, 0.9))
    assert found == pytest.approx(value, rel=1e-9)
    assert_columns_close(gradient, expected, 1e-5)


@pytest.mark.parametrize("view", VIEWS, ids=["whole", "half", "part"])
@pytest.mark.parametrize("sort", SORTS)
def test_the_reference_has_the_same_products(rng, sort, view):
    direction = rng.normal(size=(COUNT, 8)).astype(np.float32)
    expected = (expected_matrix(sort, view) @ direction.ravel()).reshape(COUNT, 8)
    assert_columns_close(frame_of(view, splats_of(sort), "reference").normal_product(direction), expected, 1e-5)
