"""Which splats are relocated, where they go, and that all else stays."""

import numpy as np
import pytest

from smartsplat.engines import Loss, load_engine
from smartsplat.engines.protocol import CELL_SIZE
from smartsplat.fitting import relocation
from smartsplat.fitting.adam import Adam, AdamRates
from smartsplat.fitting.bounds import Bounds
from smartsplat.fitting.relocation import importance, period, relocate
from smartsplat.model.splats import Splats
from smartsplat.model.view import View
from tests.conftest import random_planes
from tests.oracles import fitting

WIDTH, HEIGHT = 96, 64
COUNT = 100


def spread(rng, count=COUNT):
    """Splats of quite different importance, evenly over the picture."""
    return Splats.from_arrays(
        rng.uniform(0, [WIDTH, HEIGHT], (count, 2)),
        np.exp(rng.uniform(*np.log([2, 8]), (count, 2))),
        rng.uniform(0, 3, count),
        rng.normal(0, 0.3, (count, 3)),
    )


def adam_of(rng, count=COUNT):
    """An optimiser that has seen two gradients."""
    adam = Adam(count, AdamRates(), Bounds.of(WIDTH, HEIGHT))
    splats = spread(rng, count)
    for _ in range(2):
        splats = adam.step(splats, rng.normal(0, 1, (count, 8)).astype(np.float32), 1)
    return adam


def frame_of(splats, view=View(WIDTH, HEIGHT)):  # noqa: B008
    return load_engine().canvas(view).place(splats)


def by_importance(splats):
    """Rows, those first that add the least to the picture's energy."""
    energies = [sum(c * c for c in map(float, p[5:])) * float(p[2]) * float(p[3]) for p in splats.parameters]
    return np.argsort(energies)


def picture_with(splats, left, top, right, bottom):
    """What the splats look like, but for a rectangle of another colour."""
    planes = np.ascontiguousarray(frame_of(splats).render_bytes().transpose(2, 0, 1))
    planes[:, top:bottom, left:right] = [[[230]], [[20]], [[120]]]
    return planes


def test_importance_is_the_energy():
    """Of a splat alone, up to a factor: the sum over pixels of its squared values."""
    splats = Splats.from_arrays(
        [[30, 30]] * 4, [[3, 3], [6, 3], [3, 5], [4, 4]], [0, 1, 2, 3], [[1, 0, 0], [0, 0.5, 0], [0, 0, -2], [1, 1, 1]]
    )
    pictures = (
        fitting.weights(splats.parameters.astype(np.float64), View(60, 60))[:, None] * splats.colour[..., None, None]
    )
    energies = (pictures**2).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(importance(splats) / energies, importance(splats)[0] / energies[0], rtol=1e-3)
    assert importance(splats)[0] == 9


@pytest.mark.parametrize("steps", [1, 100, 800, 833, 5000])
def test_there_are_ten_times_at_most(steps):
    """In the first 60 % of a fit, and at least 50 steps apart."""
    assert period(steps) >= 50
    times = sum(1 for step in range(1, int(0.6 * steps) + 1) if step % period(steps) == 0)
    assert times in ((9, 10) if steps >= 800 else (0, 1))


def test_the_least_important_go_to_where_the_error_is(rng):
    splats, adam = spread(rng), adam_of(rng)
    target = picture_with(splats, 8, 16, 24, 40)
    moved = relocate(frame_of(splats), target, adam, seed=3)
    assert len(moved) == COUNT
    changed = (moved.parameters[:, :5] != splats.parameters[:, :5]).any(axis=1)
    least = by_importance(splats)[:4]
    assert set(np.flatnonzero(changed)) == set(least)
    # The error is blurred by 0.7 cells and squared, so nothing is drawn from further away.
    reach = 3 * CELL_SIZE
    xy = moved.xy[least]
    assert ((xy > [8 - reach, 16 - reach]) & (xy < [24 + reach, 40 + reach])).all()
    within = ((xy > [8 - 4, 16 - 4]) & (xy < [24 + 4, 40 + 4])).all(axis=1)
    assert within.sum() >= 2
    scale = 0.7 * np.median(splats.scale)
    np.testing.assert_allclose(moved.scale[least], scale, rtol=1e-6)
    assert not moved.angle[least].any()


def test_they_are_drawn_by_the_square_of_the_squared_error(rng):
    """Two areas, one with half the error of the other: a quarter as many go there."""
    count = 8000
    splats = Splats(np.tile(np.float32([[48, 32, 4, 4, 0, 0, 0, 0]]), (count, 1)))
    target = np.zeros((3, HEIGHT, WIDTH), np.uint8)
    target[:, 16:48, 8:24], target[:, 16:48, 72:88] = 200, 200
    target[:, 16:48:2, 72:88] = 0
    xy = relocate(frame_of(splats), target, adam_of(rng, count), seed=1).xy
    there = xy[(xy != [48, 32]).any(axis=1)]
    assert len(there) == 320
    left, right = (there[:, 0] < 40).sum(), (there[:, 0] > 56).sum()
    assert left + right == 320
    assert right / left == pytest.approx(0.25, abs=0.03)


def test_all_colours_are_solved_for(rng):
    splats, adam = spread(rng), adam_of(rng)
    target = picture_with(splats, 8, 16, 24, 40)
    before = frame_of(splats).gradient(target, Loss("l2"))[0]
    moved = relocate(frame_of(splats), target, adam, seed=3)
    assert (moved.colour != splats.colour).any(axis=1).all()
    assert frame_of(moved).gradient(target, Loss("l2"))[0] < 0.8 * before


def test_they_arrive_without_colour(rng, monkeypatch):
    monkeypatch.setattr(relocation, "solve_colours", lambda frame, target, **options: frame)
    splats = spread(rng)
    moved = relocate(frame_of(splats), picture_with(splats, 8, 16, 24, 40), adam_of(rng), seed=3)
    least = by_importance(splats)[:4]
    assert not moved.colour[least].any()
    others = np.setdiff1d(np.arange(COUNT), least)
    np.testing.assert_array_equal(moved.parameters[others], splats.parameters[others])


def test_adam_forgets_those_that_move_alone(rng):
    splats, adam = spread(rng), adam_of(rng)
    first, second = adam.first.copy(), adam.second.copy()
    relocate(frame_of(splats), picture_with(splats, 8, 16, 24, 40), adam, seed=3)
    least = by_importance(splats)[:4]
    others = np.setdiff1d(np.arange(COUNT), least)
    assert not adam.first[least].any()
    np.testing.assert_array_equal(adam.first[others], first[others])
    np.testing.assert_array_equal(adam.second[others], second[others])
    np.testing.assert_allclose(adam.second[least], np.tile(second.mean(axis=0), (4, 1)), rtol=1e-6)


def test_on_a_coarse_level_they_go_to_the_same_place_of_the_picture(rng):
    splats = spread(rng)
    view = View(WIDTH // 2, HEIGHT // 2, zoom=0.5, blur=0.15)
    target = np.ascontiguousarray(frame_of(splats, view).render_bytes().transpose(2, 0, 1))
    target[:, :16, 32:] = [[[230]], [[20]], [[120]]]  # the picture's right upper quarter, nearly
    moved = relocate(frame_of(splats, view), target, adam_of(rng), seed=3)
    xy = moved.xy[by_importance(splats)[:4]]
    assert ((xy[:, 0] > 48) & (xy[:, 1] < 48)).all()
    assert (xy[:, 0] > 64).any()


def test_draws_follow_from_the_seed(rng):
    splats = spread(rng)
    target = picture_with(splats, 8, 16, 60, 60)
    first, again, other = (relocate(frame_of(splats), target, adam_of(rng), seed).parameters for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_the_given_splats_are_not_changed(rng):
    splats = spread(rng)
    before = splats.parameters.copy()
    relocate(frame_of(splats), picture_with(splats, 8, 16, 24, 40), adam_of(rng), seed=3)
    np.testing.assert_array_equal(splats.parameters, before)


@pytest.mark.parametrize("size", [(1, 40), (7, 9), (13, 61)], ids=str)
def test_nobody_leaves_a_picture_that_ends_within_a_cell(rng, size):
    """The cells at the right and lower border are larger than what is left of the picture there."""
    width, height = size
    splats = Splats(np.tile(np.float32([[0, 0, 2, 2, 0, 0, 0, 0]]), (5000, 1)))
    adam = Adam(5000, AdamRates(), Bounds.of(width, height))
    frame = frame_of(splats, View(width, height))
    moved = relocate(frame, np.full((3, height, width), 200, np.uint8), adam, seed=1)
    assert (moved.xy != 0).any(axis=1).sum() == 200
    assert ((moved.xy >= 0) & (moved.xy <= size)).all()


def test_few_splats_and_exact_pictures_are_left_alone(rng):
    few = spread(rng, 24)
    target = random_planes(rng, WIDTH, HEIGHT)
    assert relocate(frame_of(few), target, adam_of(rng, 24), seed=1) is few
    dark = Splats.from_arrays([[48, 32]] * COUNT, [[900, 900]] * COUNT, [0] * COUNT, [[-1, -2, -3]] * COUNT)
    adam, black = adam_of(rng), np.zeros((3, HEIGHT, WIDTH), np.uint8)
    first = adam.first.copy()
    assert relocate(frame_of(dark), black, adam, seed=1) is dark
    np.testing.assert_array_equal(adam.first, first)
