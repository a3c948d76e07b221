"""The lattice in the engines, the cpu against the reference, and its colours by least squares."""

import numpy as np
import pytest

from smartsplat.engines import Loss, load_engine
from smartsplat.engines.reference import node_weights
from smartsplat.fitting.lattice import RIDGE, axis_gram, solve_lattice
from smartsplat.model.lattice import LATTICE_SCALE, Lattice, lattice_shape
from smartsplat.model.splats import Splats
from smartsplat.model.view import View
from tests.columns import assert_columns_close
from tests.conftest import random_planes, random_splats
from tests.lattices import photo_lattice, random_lattice

SIZE = 150, 131
VIEWS = [
    View(150, 131),
    View(75, 66, zoom=0.5, blur=0.15),
    View(38, 33, zoom=0.25, blur=0.07),
    View(61, 140, left=70.5, top=-6.25),
    View(90, 50, zoom=0.5, left=-20.5, top=30.0, blur=0.0625),
    View(1, 1),
    View(3, 140),
]
RENDER_VIEWS = [
    *VIEWS,
    View(200, 90, zoom=1.7, left=20.25, top=-3.5),
    View(80, 40, zoom=0.5, blur=0.06, aspect=0.6),
    View(60, 131, zoom=0.4, left=3.0, top=2.0, blur=0.07, aspect=2.5),
    View(30, 30, left=500.0, top=-400.0),
]
SPACINGS = [1, 2, 4, 16, 256]
LOSSES = [Loss("l2"), Loss("l1"), Loss("l1+ssim", 0.9)]
NOTHING = Splats(np.zeros((0, 8), np.float32))


def frames(view, splats, lattice, ssim=False):
    for name in ("cpu", "reference"):
        yield load_engine(name).canvas(view, lattice, ssim=ssim).place(splats)


def frame_of(view, splats=NOTHING, lattice=None, threads=0, name="cpu"):
    return load_engine(name, threads).canvas(view, lattice).place(splats)


# What the engines say


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("view", RENDER_VIEWS)
def test_renders_what_the_reference_renders(rng, instruction_set, view, spacing):
    cpu, reference = frames(view, NOTHING, random_lattice(rng, *SIZE, spacing))
    # Weights at the cutoff are below 2e-5, so it does not matter on which side of it they fall.
    np.testing.assert_allclose(cpu.render(), reference.render(), atol=5e-5)
    steps = cpu.render_bytes().astype(int) - reference.render_bytes()
    assert np.abs(steps).max() <= 1
    assert np.mean(steps != 0) < 5e-3


@pytest.mark.parametrize("view", RENDER_VIEWS)
def test_splats_lie_over_it(rng, instruction_set, view):
    splats, lattice = random_splats(rng, 30, *SIZE), random_lattice(rng, *SIZE, 4)
    both, alone, under = (
        frame_of(view, s, g).render() for s, g in ((splats, lattice), (splats, None), (NOTHING, lattice))
    )
    np.testing.assert_allclose(both, alone + under, atol=1e-5)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.kind)
@pytest.mark.parametrize("view", VIEWS[:5])
def test_gradients_are_the_reference_s(rng, instruction_set, view, loss):
    splats, lattice = random_splats(rng, 40, *SIZE, (1.0, 9.0)), random_lattice(rng, *SIZE, 4)
    target = random_planes(rng, view.width, view.height)
    cpu, reference = frames(view, splats, lattice, ssim=loss.kind == "l1+ssim")
    value, gradient = cpu.gradient(target, loss)
    expected_value, expected = reference.gradient(target, loss)
    assert value == pytest.approx(expected_value, rel=1e-4)
    # As in test_engines.py: signs and clamps flip whole pixels.
    assert_columns_close(gradient, expected, 5e-5 if loss.kind == "l2" else 5e-3)


@pytest.mark.parametrize("spacing", [2, 16])
@pytest.mark.parametrize("view", VIEWS)
def test_errors_are_the_reference_s(rng, instruction_set, view, spacing):
    splats, lattice = random_splats(rng, 30, *SIZE), random_lattice(rng, *SIZE, spacing)
    target = random_planes(rng, view.width, view.height)
    cpu, reference = frames(view, splats, lattice)
    assert cpu.decoded_error(target) == pytest.approx(reference.decoded_error(target), rel=2e-4)
    np.testing.assert_allclose(cpu.cell_errors(target), reference.cell_errors(target), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("view", VIEWS)
def test_residuals_are_the_reference_s(rng, instruction_set, view, spacing):
    splats, lattice = random_splats(rng, 20, *SIZE), random_lattice(rng, *SIZE, spacing)
    target = random_planes(rng, view.width, view.height)
    cpu, reference = frames(view, splats, lattice)
    expected = reference.lattice_residual(target, SIZE, spacing)
    assert expected.shape == lattice.values.shape
    residual = cpu.lattice_residual(target, SIZE, spacing)
    np.testing.assert_allclose(residual, expected, atol=1e-4 * np.abs(expected).max())


def test_reference_residuals_are_derivatives_of_the_loss(rng):
    lattice = random_lattice(rng, 20, 17, 4, amplitude=0.1)
    target = np.clip(random_planes(rng, 20, 17), 1, 254)
    splats = random_splats(rng, 5, 20, 17)

    def loss(values):
        frame = frame_of(View(20, 17), splats, Lattice(20, 17, 4, values), name="reference")
        return ((frame.sums() - target.transpose(1, 2, 0) / 255.0) ** 2).sum() / 2

    frame = frame_of(View(20, 17), splats, lattice, name="reference")
    residual, step = frame.lattice_residual(target, (20, 17), 4), np.float32(2.0**-7)
    for place in ((0, 0, 0), (1, 2, 3), (2, 4, 4), (0, 4, 0)):
        change = np.zeros_like(lattice.values)
        change[place] = step
        difference = (loss(lattice.values - change) - loss(lattice.values + change)) / (2 * float(step))
        assert residual[place] == pytest.approx(difference, rel=1e-4, abs=1e-5)


def test_products_and_diagonals_are_by_the_splats_alone(rng, instruction_set):
    splats = random_splats(rng, 40, *SIZE, (1.0, 9.0))
    direction = rng.normal(size=(40, 8)).astype(np.float32)
    with_it, without = (frame_of(VIEWS[0], splats, g) for g in (random_lattice(rng, *SIZE, 8), None))
    for width in (3, 8):
        columns = np.ascontiguousarray(direction[:, :width])
        np.testing.assert_array_equal(with_it.normal_product(columns), without.normal_product(columns))
    np.testing.assert_array_equal(with_it.colour_diagonal(), without.colour_diagonal())


@pytest.mark.parametrize("name", ["cpu", "reference"])
def test_canvases_of_other_lattices_do_not_disturb_each_other(rng, name):
    splats, target = random_splats(rng, 10, 40, 30), random_planes(rng, 40, 30)
    lattices = None, random_lattice(rng, 40, 30, 2), random_lattice(rng, 40, 30, 8)
    pictures = [frame_of(View(40, 30), splats, lattice, name=name).render() for lattice in lattices]
    assert min(np.abs(pictures[0] - other).max() for other in pictures[1:]) > 0.1
    together = [frame_of(View(40, 30), splats, lattice, name=name) for lattice in lattices]
    for frame, lattice, picture in zip(together, lattices, pictures, strict=True):
        assert frame.canvas.lattice is lattice
        np.testing.assert_array_equal(frame.render(), picture)
        frame.gradient(target, LOSSES[0])
    for frame, picture in zip(together, pictures, strict=True):
        np.testing.assert_array_equal(frame.render(), picture)


@pytest.mark.parametrize("name", ["cpu", "reference"])
def test_residuals_without_a_lattice_are_those_over_an_empty_one_and_leave_none(rng, name):
    splats, target = random_splats(rng, 10, 40, 30), random_planes(rng, 40, 30)
    frame = frame_of(View(40, 30), splats, name=name)
    before, loss = frame.render(), frame.gradient(target, LOSSES[0])[0]
    for spacing in (1, 4):
        over = frame_of(View(40, 30), splats, Lattice.empty(40, 30, spacing), name=name)
        expected = over.lattice_residual(target, (40, 30), spacing)
        assert expected.shape == (3, *lattice_shape(40, 30, spacing))
        np.testing.assert_array_equal(frame.lattice_residual(target, (40, 30), spacing), expected)
    np.testing.assert_array_equal(frame.render(), before)
    assert frame.gradient(target, LOSSES[0])[0] == loss


@pytest.mark.parametrize("name", ["cpu", "reference"])
def test_residuals_for_nodes_of_another_lattice_are_refused(rng, name):
    target, lattice = random_planes(rng, 40, 30), random_lattice(rng, 40, 30, 4)
    frame = frame_of(View(40, 30), lattice=lattice, name=name)
    assert frame.lattice_residual(target, (40, 30), 4).shape == lattice.values.shape
    for size, spacing in (((40, 30), 2), ((41, 30), 4), ((40, 29), 4)):
        with pytest.raises(ValueError, match="nodes"):
            frame.lattice_residual(target, size, spacing)


def test_equal_colours_make_a_nearly_even_picture():
    """The Gaussians are wide enough for their sum to be flat, away from the border."""
    for spacing in (1, 2, 4, 16):
        values = np.full((3, *lattice_shape(200, 180, spacing)), 0.5, np.float32)
        picture = frame_of(View(200, 180), lattice=Lattice(200, 180, spacing, values)).render()
        inside = picture[3 * spacing : 144 - 3 * spacing, 3 * spacing : 144 - 3 * spacing]
        expected = 0.5 * 2 * np.pi * LATTICE_SCALE**2  # the integral of a node over its square
        np.testing.assert_allclose(inside, expected, rtol=0.02)


def test_results_do_not_depend_on_the_number_of_threads(rng):
    target, lattice, splats = (
        random_planes(rng, 300, 260),
        random_lattice(rng, 300, 260, 2),
        random_splats(rng, 200, 300, 260),
    )
    results = []
    for threads in (1, 2, 5):
        frame = frame_of(View(300, 260), splats, lattice, threads)
        results.append((frame.render().tobytes(), frame.lattice_residual(target, (300, 260), 2).tobytes()))
    assert results[0] == results[1] == results[2]


# The data model


@pytest.mark.parametrize(
    ("width", "height", "spacing", "shape"),
    [(1, 1, 1, (1, 1)), (7, 5, 1, (5, 7)), (7, 5, 2, (3, 4)), (8, 4, 4, (1, 2)), (9, 3, 1024, (1, 1))],
)
def test_it_covers_the_picture(width, height, spacing, shape):
    assert lattice_shape(width, height, spacing) == shape
    assert Lattice.empty(width, height, spacing).values.shape == (3, *shape)
    assert not Lattice.empty(width, height, spacing).values.any()


def test_values_of_another_shape_or_type_are_refused():
    for values in (np.zeros((3, 3, 3), np.float32), np.zeros((1, 3, 4), np.float32), np.zeros((3, 3, 4))):
        with pytest.raises(ValueError, match="values"):
            Lattice(7, 5, 2, values)


# Least squares


def dense(bands):
    """The symmetric matrix of upper bands."""
    count, nodes = bands.shape
    matrix = np.zeros((nodes, nodes))
    for offset in range(count):
        diagonal = np.diag(bands[count - 1 - offset, offset:], offset)
        matrix += diagonal if offset == 0 else diagonal + diagonal.T
    return matrix


@pytest.mark.parametrize("spacing", [1, 2, 4, 16, 1024])
@pytest.mark.parametrize("pixels", [1, 2, 3, 7, 64, 101])
def test_gram_matrices_are_those_of_the_weights(pixels, spacing):
    nodes = -(-pixels // spacing)
    weights = node_weights(nodes, spacing, pixels, 1.0, 0.0, 0.0)
    expected = weights @ weights.T
    expected += RIDGE * expected.max() * np.eye(nodes)
    np.testing.assert_allclose(dense(axis_gram(nodes, spacing, pixels)), expected, atol=1e-9 * expected.max())


CASES = [(1, 1, 1), (1, 7, 1), (7, 1, 2), (3, 40, 1), (3, 40, 2), (41, 3, 8), (97, 60, 1), (97, 60, 2), (96, 64, 4)]
CASES += [(150, 131, 16), (5, 4, 8), (1, 1, 1024), (30, 20, 1024)]


def unsaturated(rng, width, height):
    """A sum beyond a saturated target would count as right, and the problem not be one of least squares."""
    return np.clip(random_planes(rng, width, height), 1, 254)


@pytest.mark.parametrize("splats", [0, 25])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_nothing_of_what_is_left_is_along_a_node(rng, case, splats):
    width, height, spacing = case
    target = unsaturated(rng, width, height)
    frame = frame_of(View(width, height), random_splats(rng, splats, width, height, amplitude=0.2))
    lattice = solve_lattice(frame, target, spacing)
    before = np.abs(frame.lattice_residual(target, (width, height), spacing)).max()
    over = frame_of(View(width, height), frame.splats, lattice)
    assert np.isfinite(lattice.values).all()
    assert np.abs(over.lattice_residual(target, (width, height), spacing)).max() < 1e-4 * before


def test_no_other_lattice_is_better(rng):
    target = unsaturated(rng, 60, 45)
    frame = frame_of(View(60, 45), random_splats(rng, 20, 60, 45))
    best = solve_lattice(frame, target, 4)

    def loss(values):
        return frame_of(View(60, 45), frame.splats, Lattice(60, 45, 4, values)).gradient(target, Loss("l2"))[0]

    least = loss(best.values)
    for size in (0.01, 0.1, 1):
        assert loss(best.values + rng.normal(0, size, best.values.shape).astype(np.float32)) > least
    assert least < loss(np.zeros_like(best.values))


@pytest.mark.parametrize("spacing", [1, 2, 4, 8])
def test_a_picture_that_a_lattice_made_is_found_again(spacing):
    photo = photo_lattice(80, 56, spacing)
    lattice = Lattice(80, 56, spacing, 0.05 + 0.35 * photo.values)
    target = np.ascontiguousarray(frame_of(View(80, 56), lattice=lattice).render_bytes().transpose(2, 0, 1))
    assert 0 < target.min() < target.max() < 255
    frame = frame_of(View(80, 56))
    again = frame_of(View(80, 56), lattice=solve_lattice(frame, target, spacing)).render_bytes()
    steps = again.astype(int) - target.transpose(1, 2, 0)
    assert np.abs(steps).max() <= 1


def test_solving_leaves_the_frame_as_it_was(rng):
    target = unsaturated(rng, 40, 30)
    frame = frame_of(View(40, 30), random_splats(rng, 10, 40, 30))
    before = frame.render()
    expected = solve_lattice(frame, target, 4)
    np.testing.assert_array_equal(frame.render(), before)
    np.testing.assert_array_equal(solve_lattice(frame, target, 4).values, expected.values)
    assert frame.canvas.lattice is None


def test_there_is_nothing_to_solve_over_a_lattice(rng):
    frame = frame_of(View(40, 30), lattice=random_lattice(rng, 40, 30, 4))
    with pytest.raises(ValueError, match="already"):
        solve_lattice(frame, unsaturated(rng, 40, 30), 4)


def test_both_engines_find_the_same(rng):
    target = unsaturated(rng, 40, 30)
    splats = random_splats(rng, 10, 40, 30)
    cpu, reference = (solve_lattice(f, target, 4) for f in frames(View(40, 30), splats, None))
    np.testing.assert_allclose(cpu.values, reference.values, atol=1e-4)
