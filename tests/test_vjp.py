"""Products of a cotangent with the Jacobian of the sums: the engines against central differences and each other."""

from dataclasses import replace

import numpy as np
import pytest

from smartsplat.engines import Loss, load_engine
from smartsplat.model.lattice import lattice_shape
from smartsplat.model.view import View
from tests.conftest import random_planes, random_splats
from tests.lattices import random_lattice
from tests.oracles.fitting import moved

ENGINES = ["cpu", "reference"]
COLUMNS = ["along", "across", "log sx", "log sy", "angle", "red", "green", "blue"]
VIEWS = [
    View(150, 131),
    View(75, 66, zoom=0.5, blur=0.15),
    View(200, 90, zoom=1.7, left=20.25, top=-3.5),
    View(1, 1),
    View(3, 140),
]


def frame_of(name, view, splats, lattice=None):
    return load_engine(name).canvas(view, lattice).place(splats)


def cotangent_for(rng, view):
    return rng.normal(size=(view.height, view.width, 3)).astype(np.float32)


def differences(frame, cotangent, column, step=1e-6):
    """Central differences [N] of the sums' product with the cotangent, by one column of natural units."""
    by_splat = []
    for splat in range(len(frame.parameters)):
        direction = np.zeros_like(frame.parameters)
        direction[splat, column] = step
        sums = [replace(frame, parameters=moved(frame.parameters, sign * direction)).sums() for sign in (1, -1)]
        by_splat.append(float(((sums[0] - sums[1]) * cotangent).sum()) / (2 * step))
    return np.array(by_splat)


@pytest.mark.parametrize("view", [View(40, 30), View(20, 15, zoom=0.5, blur=0.15)])
@pytest.mark.parametrize("column", range(8), ids=COLUMNS)
@pytest.mark.parametrize("name", ENGINES)
def test_each_column_is_that_of_central_differences(rng, name, view, column):
    splats = random_splats(rng, 6, 40, 30, (2.0, 6.0))
    cotangent = cotangent_for(rng, view)
    expected = differences(frame_of("reference", view, splats), cotangent, column)
    actual = frame_of(name, view, splats).vjp(cotangent)[:, column]
    assert np.abs(expected).max() > 0.1
    # A pixel that crosses the cutoff within the step would be off by far more than this.
    np.testing.assert_allclose(actual, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("view", VIEWS)
def test_the_cpu_s_products_are_the_reference_s(rng, instruction_set, view):
    splats = random_splats(rng, 50, 150, 131, (0.3, 60.0))
    cotangent = cotangent_for(rng, view)
    actual, expected = (frame_of(name, view, splats).vjp(cotangent) for name in ENGINES)
    np.testing.assert_allclose(actual, expected, atol=1e-3 * np.abs(expected).max())
    actual, expected = (frame_of(name, view, splats).lattice_vjp(cotangent, (150, 131), 4) for name in ENGINES)
    np.testing.assert_allclose(actual, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("name", ENGINES)
def test_with_a_loss_s_gradient_it_is_the_gradient_of_the_loss(rng, name):
    splats, target = random_splats(rng, 9, 70, 66, amplitude=0.1), random_planes(rng, 70, 66).clip(1, 254)
    frame = frame_of(name, View(70, 66), splats, random_lattice(rng, 70, 66, 2))
    by_sums = 2 * (frame.render() - target.transpose(1, 2, 0) / np.float32(255)) / target.size
    expected = frame.gradient(target, Loss("l2"))[1]
    np.testing.assert_allclose(frame.vjp(by_sums), expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("spacing", [1, 2, 4, 16])
@pytest.mark.parametrize("view", VIEWS[:3])
@pytest.mark.parametrize("name", ENGINES)
def test_the_lattice_s_product_is_the_transpose_of_its_rendering(rng, name, view, spacing):
    lattice, cotangent = random_lattice(rng, 150, 131, spacing), cotangent_for(rng, view)
    none = random_splats(rng, 0, 1, 1)
    rendered = frame_of("reference", view, none, lattice).sums()  # linear in the values: no differences are needed
    product = frame_of(name, view, none).lattice_vjp(cotangent, (150, 131), spacing)
    assert product.shape == (3, *lattice_shape(150, 131, spacing))
    scale = float(np.linalg.norm(product) * np.linalg.norm(lattice.values))
    assert (product * lattice.values).sum() == pytest.approx((rendered * cotangent).sum(), abs=1e-6 * scale)


@pytest.mark.parametrize("name", ENGINES)
def test_cotangents_of_any_layout_and_float_type(rng, name):
    frame = frame_of(name, View(40, 30), random_splats(rng, 6, 40, 30))
    cotangent = cotangent_for(rng, View(40, 30))
    expected, nodes = frame.vjp(cotangent), frame.lattice_vjp(cotangent, (40, 30), 3)
    planar = np.ascontiguousarray(cotangent.transpose(2, 0, 1)).transpose(1, 2, 0)
    for same in (np.asfortranarray(cotangent), cotangent.astype(np.float64), planar):
        product = frame.vjp(same)
        assert product.dtype == np.float32
        np.testing.assert_array_equal(product, expected)
        np.testing.assert_array_equal(frame.lattice_vjp(same, (40, 30), 3), nodes)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("shape", [(40, 30, 3), (30, 40), (30, 40, 1), (30, 40, 4)])
def test_cotangents_of_other_shapes_are_refused(rng, name, shape):
    frame = frame_of(name, View(40, 30), random_splats(rng, 6, 40, 30))
    with pytest.raises(ValueError, match="cotangent"):
        frame.vjp(np.zeros(shape, np.float32))
    with pytest.raises(ValueError, match="cotangent"):
        frame.lattice_vjp(np.zeros(shape, np.float32), (40, 30), 4)


@pytest.mark.parametrize("name", ENGINES)
def test_stretched_views_have_no_gradients(rng, name):
    frame = frame_of(name, View(40, 30, aspect=0.9), random_splats(rng, 6, 40, 30))
    with pytest.raises(ValueError, match="aspect"):
        frame.vjp(np.zeros((30, 40, 3), np.float32))


def test_products_do_not_depend_on_the_number_of_threads(rng):
    splats, cotangent = random_splats(rng, 5000, 300, 200), cotangent_for(rng, View(300, 200))
    frames = [load_engine("cpu", threads).canvas(View(300, 200)).place(splats) for threads in (1, 2, 5)]
    assert len({frame.vjp(cotangent).tobytes() for frame in frames}) == 1
    assert len({frame.lattice_vjp(cotangent, (300, 200), 2).tobytes() for frame in frames}) == 1
