"""Arrays on a device do as NumPy's own, for all that fits ask of them."""

import numpy as np
import pytest

from tests.cards import DEVICE, torch

from smartsplat import _native  # isort: skip
from smartsplat.fitting.elongation import rounder  # isort: skip
from smartsplat.fitting.adam import Adam, AdamRates  # isort: skip
from smartsplat.fitting.bounds import Bounds  # isort: skip
from smartsplat.fitting.gauss_newton import IsolatedBlocks  # isort: skip
from smartsplat.fitting.relocation import importance  # isort: skip
from smartsplat.gpu.arrays import DeviceArray, on_device  # isort: skip
from smartsplat.model.splats import Splats  # isort: skip
from smartsplat.model.view import View  # isort: skip
from tests.conftest import random_splats  # isort: skip

BOUNDS = Bounds.of(60, 50)


def held(array):
    return on_device(np.asarray(array), DEVICE)


EXPRESSIONS = {
    "operators": lambda a: -(a * 2.0 - 1) / (a**2 + 0.5) + 3 * a,
    "rows by a vector of NumPy's": lambda a: np.arange(8.0) * a + a / np.arange(1.0, 9.0),
    "functions": lambda a: np.sqrt(np.abs(a)) + np.exp(a) * np.cos(a) - np.sin(a) + np.log(np.abs(a) + 1),
    "bounds": lambda a: np.minimum(1, np.maximum(a, 0.25)) + a.clip(-0.5, np.inf),
    "choice": lambda a: np.where(a < 0, -1, 1) * a.astype(np.float64) + np.where(np.isfinite(a), a, 0),
    "sums": lambda a: a.sum(axis=1) + a.mean(axis=1) + np.abs(a).max(axis=1) + a[:, :2].prod(axis=1),
    "all": lambda a: a.sum() + a.mean(),
    "medians": lambda a: np.median(a, axis=0) + np.median(a),
    "odd median": lambda a: np.median(a[:3], axis=0),
    "columns": lambda a: a[:, 2:4] * a[:, 4][:, None],
    "rows": lambda a: a[np.array([3, 0, 3])],
    "types": lambda a: a.astype(np.float64) * np.ones_like(a, dtype=np.float64) + np.zeros_like(a),
    "joined": lambda a: np.concatenate([a, a[:1], np.ones((2, 8), np.float32)]),
    "least": lambda a: np.sort(np.asarray(a[:, 0][np.argpartition(a[:, 0], 2)[:2]])),
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_expressions_have_numpy_s_values_shapes_and_types(rng, name):
    array = rng.normal(size=(6, 8)).astype(np.float32)
    expected, found = EXPRESSIONS[name](array.copy()), EXPRESSIONS[name](held(array))
    assert name == "least" or isinstance(found, DeviceArray)
    assert np.asarray(found).dtype == expected.dtype
    np.testing.assert_allclose(np.asarray(found), expected, rtol=2e-6, atol=1e-7)


def changed(a):
    a += 1
    a[:, 2:4] *= 2
    a[np.array([1, 4]), 5:] = 0
    a[np.array([True, False] * 3), :2] = np.array([7.0, 8.0])
    a[:, 7] = a[:, 0].astype(np.float64)
    b = a.copy()
    b -= 5
    return a


def test_changes_in_place_are_numpy_s(rng):
    array = rng.normal(size=(6, 8)).astype(np.float32)
    np.testing.assert_allclose(np.asarray(changed(held(array))), changed(array.copy()), rtol=1e-6)


def test_what_it_is(rng):
    array = held(rng.normal(size=(6, 8)).astype(np.float32))
    assert (array.shape, array.ndim, array.size, len(array), array.dtype) == ((6, 8), 2, 48, 6, np.float32)
    assert isinstance(float(array.sum()), float)
    assert np.isfinite(array).all()
    assert "6, 8" in repr(array)


def test_copies_to_the_host_are_apart(rng):
    source = rng.normal(size=(3, 2)).astype(np.float32)
    array = on_device(source, DEVICE)
    host = np.asarray(array)
    array += 1
    np.testing.assert_array_equal(host, source)


def test_what_it_does_not_know_is_a_type_error(rng):
    array = held(rng.normal(size=(3, 2)))
    with pytest.raises(TypeError):
        np.linalg.norm(array)
    with pytest.raises(TypeError):
        np.add.reduce(array)
    with pytest.raises(TypeError):
        _native.move(array, array, 1.0, BOUNDS, 1)


def on_the_device(splats):
    return Splats(held(splats.parameters))


def test_splats_may_be_held_elsewhere(rng):
    splats = random_splats(rng, 5, 60, 50)
    there = on_the_device(splats)
    assert len(there) == 5
    assert there.are_finite()
    np.testing.assert_array_equal(there.on_host().parameters, splats.parameters)
    np.testing.assert_array_equal(there.clipped(30, 20).on_host().parameters, splats.clipped(30, 20).parameters)
    np.testing.assert_allclose(np.asarray(importance(there)), importance(splats), rtol=1e-6)
    assert splats.on_host() is splats


def test_adam_steps_are_the_native_ones(rng):
    start = random_splats(rng, 40, 60, 50)
    adams = [Adam(40, AdamRates(), BOUNDS) for _ in range(2)]
    native, generic = start, on_the_device(start)
    for step in range(4):
        gradient = rng.normal(size=(40, 8)).astype(np.float32) * np.float32(10.0**-step)
        gradient[3, step] = np.nan
        gradient[7] = 0
        native = adams[0].step(native, gradient, 0.8)
        generic = adams[1].step(generic, held(gradient), 0.8)
        if step == 2:
            for adam in adams:
                adam.forget(np.array([1, 5]))
    np.testing.assert_allclose(generic.on_host().parameters, native.parameters, rtol=2e-5, atol=2e-5)
    np.testing.assert_allclose(np.asarray(adams[1].second), adams[0].second, rtol=1e-5)


@pytest.mark.parametrize("longest", [0.5, np.inf])
def test_moves_are_the_native_ones(rng, longest):
    splats, direction = random_splats(rng, 40, 60, 50), rng.normal(0, 3, (40, 8)).astype(np.float32)
    expected = BOUNDS.move(splats, direction, longest).parameters
    found = BOUNDS.move(on_the_device(splats), held(direction), longest).on_host().parameters
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_splats_that_are_too_long_are_made_rounder_alike(rng):
    splats, limits = random_splats(rng, 40, 60, 50), rng.uniform(1, 3, 40).astype(np.float32)
    found = rounder(on_the_device(splats), limits).on_host().parameters
    np.testing.assert_allclose(found, rounder(splats, limits).parameters, rtol=1e-6)


def test_blocks_of_gauss_newton_are_solved_alike(rng):
    splats, right = random_splats(rng, 9, 60, 50), rng.normal(size=(9, 8))
    view = View(30, 25, zoom=0.5, blur=0.15)
    expected = IsolatedBlocks(splats, view, 0.01).solve(right)
    found = IsolatedBlocks(on_the_device(splats), view, 0.01).solve(held(right))
    np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-9)


def test_no_operation_of_pytorch_that_is_not_deterministic(rng):
    """Sums of a fit are the same every time: PyTorch itself refuses what is not."""
    torch.use_deterministic_algorithms(True)
    try:
        test_blocks_of_gauss_newton_are_solved_alike(rng)
        test_adam_steps_are_the_native_ones(rng)
    finally:
        torch.use_deterministic_algorithms(False)
