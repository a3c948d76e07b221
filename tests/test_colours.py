"""Colours of splats against dense least squares."""

import numpy as np
import pytest

from smartsplat.engines import Loss, load_engine
from smartsplat.fitting.bounds import GREATEST_COLOUR
from smartsplat.fitting.colours import solve_colours
from smartsplat.model.splats import Splats
from smartsplat.model.view import View
from tests.conftest import random_planes
from tests.lattices import random_lattice
from tests.oracles import fitting

VIEWS = [View(40, 30), View(20, 15, zoom=0.5, blur=0.15)]
COUNT = 12


def random_splats(rng, count=COUNT):
    """Splats within the picture: those of which little shows would take great colours."""
    return Splats.from_arrays(
        rng.uniform([3, 3], [37, 27], (count, 2)),
        np.exp(rng.uniform(*np.log([2.5, 9]), (count, 2))),
        rng.uniform(-4, 4, count),
        rng.normal(0, 0.4, (count, 3)),
    )


def frame_of(splats, view=VIEWS[0], lattice=None):
    return load_engine().canvas(view, lattice).place(splats)


def unsaturated(rng, view):
    """A sum beyond a saturated target would count as right, and the problem not be one of least squares."""
    return random_planes(rng, view.width, view.height).clip(40, 200)


def by_dense_matrices(splats, view, target, damping, floor, under=0.0):
    """The colours [N, 3] that minimise the squared error and the ridge."""
    weights = fitting.weights(splats.parameters.astype(np.float64), view).reshape(len(splats), -1)
    gram = weights @ weights.T
    ridge = damping * np.diag(gram) + floor
    goal = (target / 255 - under).reshape(3, -1)
    return np.linalg.solve(gram + np.diag(ridge), weights @ goal.T)


@pytest.mark.parametrize("view", VIEWS, ids=["whole", "half"])
@pytest.mark.parametrize(("damping", "floor"), [(1e-2, 1e-3), (1e-4, 1e-3), (0.05, 2.0)])
def test_many_products_give_the_least_squares(rng, view, damping, floor):
    splats, target = random_splats(rng), unsaturated(rng, view)
    solved = solve_colours(frame_of(splats, view), target, products=200, damping=damping, floor=floor)
    expected = by_dense_matrices(splats, view, target, damping, floor)
    assert np.abs(expected).max() < GREATEST_COLOUR
    np.testing.assert_allclose(solved.splats.colour, expected, atol=2e-4)
    np.testing.assert_array_equal(solved.splats.parameters[:, :5], splats.parameters[:, :5])
    assert solved.canvas.view == view


def test_it_does_not_matter_where_many_products_start(rng):
    splats, target = random_splats(rng), unsaturated(rng, VIEWS[0])
    black = Splats.from_arrays(splats.xy, splats.scale, splats.angle, np.zeros((COUNT, 3)))
    found = [solve_colours(frame_of(s), target, products=200, damping=1e-2).splats.colour for s in (splats, black)]
    np.testing.assert_allclose(found[0], found[1], atol=1e-3)


def test_a_lattice_under_the_splats_counts(rng):
    splats, target = random_splats(rng), unsaturated(rng, VIEWS[0])
    lattice = random_lattice(rng, 40, 30, 4, amplitude=0.1)
    solved = solve_colours(frame_of(splats, lattice=lattice), target, products=200, damping=1e-2)
    assert solved.canvas.lattice is lattice
    nothing = Splats(np.zeros((0, 8), np.float32))
    under = frame_of(nothing, lattice=lattice).render().astype(np.float64).transpose(2, 0, 1)
    expected = by_dense_matrices(splats, VIEWS[0], target, 1e-2, 1e-3, under)
    np.testing.assert_allclose(solved.splats.colour, expected, atol=5e-4)


def test_each_product_lowers_what_is_minimised(rng):
    """The squared error and the ridge together, as conjugate gradients promise."""
    splats, target = random_splats(rng, 40), unsaturated(rng, VIEWS[0])
    weights = fitting.weights(splats.parameters.astype(np.float64), VIEWS[0]).reshape(40, -1)
    ridge = 1e-2 * (weights**2).sum(axis=1) + 1e-3

    def cost(colours):
        left = weights.T @ colours - (target / 255).reshape(3, -1).T
        return float((left**2).sum() + (ridge[:, None] * colours**2).sum())

    costs = [
        cost(solve_colours(frame_of(splats), target, products=n, damping=1e-2).splats.colour.astype(np.float64))
        for n in range(13)
    ]
    least = cost(by_dense_matrices(splats, VIEWS[0], target, 1e-2, 1e-3))
    assert (np.diff(costs) < 0).all()
    assert least < costs[-1] < least + 0.01 * (costs[0] - least)


def test_channels_do_not_mix(rng):
    splats, target = random_splats(rng), unsaturated(rng, VIEWS[0])
    other = target.copy()
    other[1] = 255 - other[1]
    first, second = (solve_colours(frame_of(splats), t, products=6, damping=1e-2).splats for t in (target, other))
    np.testing.assert_array_equal(first.colour[:, [0, 2]], second.colour[:, [0, 2]])
    assert np.abs(first.colour[:, 1] - second.colour[:, 1]).max() > 0.1


def test_no_products_change_nothing(rng):
    splats, target = random_splats(rng), unsaturated(rng, VIEWS[0])
    solved = solve_colours(frame_of(splats), target, products=0)
    np.testing.assert_array_equal(solved.splats.parameters, splats.parameters)


def test_a_search_that_raises_the_error_is_thrown_away(rng):
    """So much of a ridge wants black; the colours that are there are the best already."""
    splats, target = random_splats(rng), unsaturated(rng, VIEWS[0])
    best = solve_colours(frame_of(splats), target, products=100, damping=1e-6, floor=0)
    again = solve_colours(best, target, products=100, damping=100)
    assert again is best


def test_colours_stay_within_their_bounds():
    """A splat of which only the hem is within the picture would take any amplitude to whiten it."""
    splats = Splats.from_arrays([[-9, 15]], [[3, 3]], [0], [[0, 0, 0]])
    target = np.full((3, 30, 40), 200, np.uint8)
    expected = by_dense_matrices(splats, VIEWS[0], target, 1e-9, 0)
    assert expected.min() > 2 * GREATEST_COLOUR
    solved = solve_colours(frame_of(splats), target, products=5, damping=1e-9, floor=0)
    np.testing.assert_array_equal(solved.splats.colour, GREATEST_COLOUR)


def test_a_splat_that_shows_nothing_loses_its_colour():
    seen, unseen = ([20, 15], [4, 4], 0, [0.1, 0.2, 0.3]), ([-90, -90], [4, 4], 0, [0.5, 0.5, 0.5])
    splats = Splats.from_arrays(*(list(column) for column in zip(seen, unseen, strict=True)))
    solved = solve_colours(frame_of(splats), np.full((3, 30, 40), 128, np.uint8), products=5).splats
    np.testing.assert_allclose(solved.colour[1], 0, atol=1e-6)
    assert (solved.colour[0] > 0.3).all()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_colours_that_are_not_finite_are_not_taken(rng, value):
    """Though the error falls: on black, a picture whose splats cannot be drawn is exact."""
    splats, target = random_splats(rng), np.zeros((3, 30, 40), np.uint8)
    frame = frame_of(splats)

    class Broken:
        """A frame whose products are not finite."""

        def __init__(self):
            self.splats, self.canvas = frame.splats, frame.canvas
            self.gradient, self.colour_diagonal = frame.gradient, frame.colour_diagonal

        def normal_product(self, direction):
            return frame.normal_product(direction) * np.float32(value)

    broken = Broken()
    assert frame.gradient(target, Loss("l2"))[0] > 0
    solved = solve_colours(broken, target, products=5)
    assert solved.splats.are_finite()
