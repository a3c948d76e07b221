"""How much work a fit does, on which levels, and how long its steps are."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from smartsplat.engines import Loss, load_engine
from smartsplat.fitting import fit as fitting
from smartsplat.fitting import relocation
from smartsplat.fitting.adam import Adam
from smartsplat.fitting.levels import Pyramid, coarsest_level, margin_at
from smartsplat.fitting.schedule import DEFAULT_EFFORT, EFFORTS, Effort, Stage, stages
from smartsplat.model.lattice import Lattice
from smartsplat.model.splats import Splats
from smartsplat.model.view import View
from smartsplat.pictures.planes import to_planes
from smartsplat.sampling import initialise_adaptive
from tests.conftest import random_planes, random_splats
from tests.oracles import fitting as oracle
from tests.photos import photo

EFFORT = Effort(coarsest=40, next=10, newton=2, rounds=1, density=1000)


# Stages


def test_each_effort_does_more_than_the_one_before():
    assert list(EFFORTS) == list(range(1, 10))
    assert DEFAULT_EFFORT in EFFORTS
    for less, more in itertools.pairwise(EFFORTS.values()):
        assert more.coarsest > less.coarsest
        assert more.next > less.next
        assert more.newton >= less.newton
        assert more.rounds >= less.rounds
        assert more.density > less.density
        assert more.large_density > less.large_density
        assert 1.4 < (more.coarsest + more.next) / (less.coarsest + less.next) < 2.1


@pytest.mark.parametrize("coarsest", [1, 2, 5])
@pytest.mark.parametrize(("margin", "following"), [(1.0, 10), (0.5, 12), (0.25, 13), (0.0, 14)])
def test_a_fit_goes_from_the_coarsest_level_to_the_next(coarsest, margin, following):
    """With up to 40 % more steps there where the splats are narrow on the coarsest one."""
    assert stages(EFFORT, coarsest, margin) == (Stage(coarsest, 40), Stage(coarsest - 1, following))


@pytest.mark.parametrize("margin", [0.0, 1.0])
def test_a_fit_of_narrow_splats_has_one_level(margin):
    assert stages(EFFORT, 0, margin) == (Stage(0, 30),)


@pytest.mark.parametrize("margin", [0.0, 1.0])
def test_a_fine_fit_is_a_level_finer_where_that_can_be(margin):
    assert stages(EFFORT, 3, margin, fine=True) == (Stage(2, 30), Stage(1, 10))
    for same in ({"coarsest": 1}, {"coarsest": 0}, {"coarsest": 3, "careful": True}):
        assert stages(EFFORT, margin=margin, fine=True, **same) == stages(EFFORT, margin=margin, **same)


def test_splats_without_a_lattice_have_more_of_their_steps_on_the_finer_level():
    assert stages(EFFORT, 3, 1.0, fine=True, alone=True) == (Stage(2, 30), Stage(1, 20))
    assert stages(EFFORT, 1, 1.0, fine=True, alone=True) == (Stage(1, 22), Stage(0, 33))
    for same in ({"coarsest": 0, "fine": True}, {"coarsest": 3}):
        assert stages(EFFORT, margin=1.0, alone=True, **same) == stages(EFFORT, margin=1.0, **same)


def test_long_fits_without_a_lattice_keep_their_steps_on_the_finer_level():
    long = replace(EFFORT, next=50)
    assert stages(long, 1, 1.0, fine=True, alone=True) == (Stage(1, 22), Stage(0, 50))


# Levels


@pytest.mark.parametrize(
    ("scale", "level", "margin"),
    [(0.01, 0, 0), (0.7, 0, 0), (1.39, 0, 0.99), (1.4, 1, 0), (2.0, 1, 0.5146), (2.81, 2, 0.005), (700, 9, 0.9658)],
)
def test_splats_start_no_narrower_than_they_may(scale, level, margin):
    """0.7 px of a level: there are log2(scale / 0.7) octaves, whole ones and what is left."""
    assert coarsest_level(scale) == level
    assert margin_at(level, scale) == pytest.approx(margin, abs=6e-3)
    assert scale / 2**level >= 0.7 or level == 0
    assert scale / 2 ** (level + 1) < 0.7


def test_the_margin_is_an_octave_at_most():
    assert margin_at(0, 100.0) == 1
    assert margin_at(9, 1.0) == 0


def halved(planes):
    """Rounded means of 2 x 2 samples, those of the border counted twice."""
    planes = np.pad(planes, [(0, 0), (0, planes.shape[1] % 2), (0, planes.shape[2] % 2)], mode="edge").astype(int)
    total = planes[:, ::2, ::2] + planes[:, 1::2, ::2] + planes[:, ::2, 1::2] + planes[:, 1::2, 1::2]
    return (total + 2) // 4


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (37, 22), (64, 64)], ids=str)
def test_a_pyramid_is_made_of_halves(rng, size):
    planes = rng.integers(0, 256, (3, size[1], size[0]), dtype=np.uint8)
    pyramid = Pyramid.of(planes, 3)
    assert (pyramid.width, pyramid.height) == size
    assert pyramid.levels[0] is planes
    assert pyramid.coarsest == min(3, math.ceil(math.log2(max(size))))
    for finer, coarser in itertools.pairwise(pyramid.levels):
        np.testing.assert_array_equal(coarser, halved(finer))
    for level, here in enumerate(pyramid.levels):
        assert pyramid.pixels(level) == here[0].size
    assert Pyramid.of(planes, 0).levels == (planes,)


def test_views_of_the_levels():
    pyramid = Pyramid.of(np.zeros((3, 37, 50), np.uint8), 2)
    assert [pyramid.view(level) for level in range(3)] == [
        View(50, 37),
        View(25, 19, zoom=0.5, blur=0.15),
        View(13, 10, zoom=0.25, blur=0.15),
    ]
    lattice = Lattice.empty(50, 37, 4)
    canvas = pyramid.canvas(load_engine(), 1, lattice)
    assert (canvas.view, canvas.lattice) == (pyramid.view(1), lattice)


def test_splats_look_on_a_coarser_level_as_halves_of_the_picture_do(rng):
    """Zoom and blur of a level stand for the means of its pixels."""
    splats = random_splats(rng, 30, 128, 96, (2.0, 12.0))
    whole = load_engine().canvas(View(128, 96)).place(splats).render()
    means = whole.reshape(48, 2, 64, 2, 3).mean(axis=(1, 3))
    pyramid = Pyramid.of(np.zeros((3, 96, 128), np.uint8), 1)
    half = pyramid.canvas(load_engine(), 1).place(splats).render()
    assert np.sqrt(((half - means) ** 2).mean()) < 0.02 * means.std()


@pytest.mark.parametrize(("coarsest", "level"), [(0, 0), (1, 0), (2, 0), (3, 1), (5, 3)])
def test_the_last_steps_are_two_octaves_finer_than_the_first(coarsest, level):
    pyramid = Pyramid.of(np.zeros((3, 100, 100), np.uint8), coarsest)
    assert pyramid.coarsest == coarsest
    assert pyramid.finishing == level


# The whole fit


class Watch:
    """What a fit does: the factors of its Adam steps, the splats before each, and its relocations."""

    def __init__(self, monkeypatch):
        self.factors, self.steps, self.moves, self.rates = [], [], [], None
        step, relocate = Adam.step, relocation.relocate

        def watched_step(adam, splats, gradient, factor):
            self.factors.append(factor)
            self.steps.append(splats)
            self.rates = adam.rates
            return step(adam, splats, gradient, factor)

        def watched_relocation(frame, target, adam, seed):
            self.moves.append((adam.steps, seed, frame.canvas.view.width))
            return relocate(frame, target, adam, seed)

        monkeypatch.setattr(Adam, "step", watched_step)
        monkeypatch.setattr(relocation, "relocate", watched_relocation)


def fitted(planes, count, effort, progress=lambda done: None, seed=5):
    scale = math.sqrt(planes[0].size / (math.pi * count)) / 3  # Eq. 14
    pyramid = Pyramid.of(planes, coarsest_level(scale))
    start = Splats(initialise_adaptive(planes, 1.0, count, seed=0)).clipped(planes.shape[2], planes.shape[1])
    return pyramid, start, fitting.fit(load_engine(), pyramid, start, effort, seed=seed, progress=progress)


def test_steps_shrink_with_one_cosine_over_all_levels(monkeypatch):
    watch = Watch(monkeypatch)
    pyramid, *_ = fitted(to_planes(photo(96, 64)), 60, Effort(40, 11, 1, 1, 1000))
    assert pyramid.coarsest == 1
    total = len(watch.factors)
    scale = math.sqrt(96 * 64 / (math.pi * 60)) / 3
    assert total == 40 + round(11 * (1 + 0.4 * (1 - (math.log2(scale / 0.7) - 1))))
    expected = [((1 + math.cos(math.pi * i / total)) / 2) ** 0.7 for i in range(total)]
    np.testing.assert_allclose(watch.factors, expected)
    assert watch.factors[0] == 1
    assert watch.factors[-1] < 0.05


def test_a_fit_begins_with_the_colours_of_least_squares(monkeypatch):
    """On its coarsest level, nearly: with a ridge, and as far as fifteen products go."""
    watch, planes = Watch(monkeypatch), to_planes(photo(96, 64))
    pyramid, start, _ = fitted(planes, 60, Effort(3, 0, 0, 1, 1000))
    first, coarse = watch.steps[0], pyramid.levels[1]
    np.testing.assert_array_equal(first.parameters[:, :5], start.parameters[:, :5])
    weights = oracle.weights(start.parameters.astype(np.float64), pyramid.view(1)).reshape(60, -1)
    gram = weights @ weights.T
    ridge = 1e-2 * np.diag(np.diag(gram)) + 1e-3 * np.eye(60)
    best = np.linalg.solve(gram + ridge, weights @ (coarse / 255).reshape(3, -1).T)
    goal = (coarse / 255).reshape(3, -1).T
    least, found, nothing = (((weights.T @ c - goal) ** 2).sum() for c in (best, first.colour, 0 * best))
    assert least <= found < least + 0.01 * (nothing - least)


def test_long_fits_take_shorter_steps_of_colours(monkeypatch):
    watch = Watch(monkeypatch)
    fitted(to_planes(photo(24, 16)), 20, Effort(2000, 2200, 0, 1, 1000))
    assert len(watch.factors) == 3200
    assert watch.rates.colour == pytest.approx(0.025)


def test_relocations_come_in_the_first_part_of_a_fit(monkeypatch):
    watch = Watch(monkeypatch)
    fitted(to_planes(photo(96, 64)), 60, Effort(190, 100, 0, 1, 1000), seed=7)
    total = len(watch.factors)
    expected = [step for step in range(50, total + 1, 50) if step - 1 < 0.6 * total]
    assert [step for step, _, _ in watch.moves] == expected
    assert expected[-1] == 150
    assert len({seed for _, seed, _ in watch.moves}) == len(expected)
    assert {width for _, _, width in watch.moves} == {48}


def test_a_fit_lowers_the_error_and_more_steps_lower_it_further():
    planes, errors = to_planes(photo(96, 64)), []
    for effort in (
        Effort(0, 1, 0, 1, 1000),
        Effort(30, 10, 0, 1, 1000),
        Effort(200, 60, 0, 1, 1000),
        Effort(200, 60, 3, 1, 1000),
    ):
        pyramid, _, splats = fitted(planes, 100, effort)
        errors.append(pyramid.canvas(load_engine(), 0).place(splats).gradient(planes, Loss("l2"))[0])
        assert len(splats) == 100
        assert splats.are_finite()
        assert ((splats.xy >= 0) & (splats.xy <= [96, 64])).all()
    assert (np.diff(errors) < 0).all()
    assert errors[2] < 0.4 * errors[0]


def test_colours_at_the_start_do_not_matter_and_the_start_is_not_changed():
    planes = to_planes(photo(60, 40))
    pyramid, start, _ = fitted(planes, 50, EFFORT)
    before = start.parameters.copy()
    bright = Splats(start.parameters + np.float32([0, 0, 0, 0, 0, 0.2, 0.2, 0.2]))
    errors = []
    for splats in (start, bright):
        found = fitting.fit(load_engine(), pyramid, splats, EFFORT, seed=0, progress=lambda done: None)
        errors.append(pyramid.canvas(load_engine(), 0).place(found).gradient(planes, Loss("l2"))[0])
    assert errors[1] == pytest.approx(errors[0], rel=0.25)
    np.testing.assert_array_equal(start.parameters, before)


@pytest.mark.parametrize("count", [20, 200])
def test_progress_goes_evenly_to_the_end(count):
    seen = []
    fitted(to_planes(photo(60, 40)), count, EFFORT, seen.append)
    assert seen == sorted(seen)
    assert seen[0] < 0.1
    assert seen[-1] == pytest.approx(1)
    assert seen[-2] < 1


def test_a_step_costs_pixels_and_splats():
    pyramid = Pyramid.of(random_planes(np.random.default_rng(1), 60, 40), 2)
    assert fitting.step_cost(pyramid, 0, 100) == 2400 + 3000
    assert fitting.step_cost(pyramid, 2, 0) == 150
