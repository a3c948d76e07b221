"""The quantisation steps whose sections fill a budget: none coarser than need be, nothing left out that fits."""

import math
from dataclasses import replace

import numpy as np
import pytest

from smartsplat import _native
from smartsplat.coding.format import LATTICE_STEPS, SPLAT_STEPS, lattice_step, splat_step
from smartsplat.coding.lattice_section import LAMBDA, CodedLattice, Spectrum, write_lattice, write_lattices
from smartsplat.coding.splat_codes import dequantise, quantise, quantise_colours, visible
from smartsplat.coding.splat_section import write_splats
from smartsplat.engines import load_engine
from smartsplat.fitting.colours import solve_colours
from smartsplat.model.splats import Splats
from smartsplat.model.view import View
from smartsplat.pictures.planes import to_planes
from smartsplat.pipeline import rate, smooth
from smartsplat.pipeline.job import Job
from smartsplat.pipeline.rate import Scene, code_flat, code_nothing, fill_splats
from smartsplat.pipeline.rounding import Polish
from smartsplat.pipeline.smooth import (
    GREATEST_QUANTISED,
    Bracket,
    best_lattice,
    fill_lattice,
    finest_step_index,
    guess_step_index,
    index_of_step,
    lattice_spectrum,
)
from smartsplat.pipeline.stages import NO_SPLATS, fit_splats
from smartsplat.pipeline.tune import TUNES
from tests.lattices import photo_spectrum
from tests.photos import flat, grain, photo

WIDTH, HEIGHT, COUNT = 96, 64, 60
TARGET = to_planes(photo(WIDTH, HEIGHT))


@pytest.fixture(scope="module")
def job():
    return Job(TARGET, False, load_engine(), effort=3)


@pytest.fixture(scope="module")
def fitted(job):
    return fit_splats(job, COUNT)


@pytest.fixture(scope="module")
def scene(job, fitted):
    return Scene(job.canvas(), TARGET, fitted.splats)


def plainly(scene, step_index):
    """The section, codes and error with that step: shapes rounded, colours solved for those, and rounded."""
    step = splat_step(step_index)
    codes = write_splats(visible(quantise(scene.splats, step, WIDTH, HEIGHT)), step_index, WIDTH, HEIGHT)[1]
    rounded = dequantise(codes, step)
    solved = solve_colours(scene.canvas.place(rounded), TARGET, products=12).splats
    codes = visible(quantise_colours(solved.colour, codes, step))
    section, codes = write_splats(codes, step_index, WIDTH, HEIGHT)
    return section, codes, scene.canvas.place(dequantise(codes, step)).decoded_error(TARGET)


# Splats


@pytest.mark.parametrize("budget", range(120, 440, 25))
def test_splats_get_the_finest_step_that_fits(scene, budget):
    """Or one that leaves at most a fiftieth of the bytes; a finer one where the least splats are left out for it."""
    coded = fill_splats(scene, budget)
    assert min(0.97 * budget, budget - 8) <= len(coded.section) <= budget
    section, codes, error = plainly(scene, coded.step_index)
    if section == coded.section:
        assert coded.error == error
        finer = plainly(scene, coded.step_index - 1)[0]
        assert len(finer) > budget or len(section) >= 0.98 * budget
    else:
        assert len(section) > budget
        assert len(plainly(scene, coded.step_index + 1)[0]) < 0.97 * budget
        assert_least_are_left_out(coded, codes)


def test_the_step_is_found_in_few_solves_of_colours(scene, monkeypatch):
    """Which take nearly all of the time: it is estimated without them. It took 38 for these 13."""
    solved = []

    def solve(*arguments, **options):
        solved.append(arguments)
        return solve_colours(*arguments, **options)

    monkeypatch.setattr(rate, "solve_colours", solve)
    for budget in range(120, 440, 25):
        fill_splats(scene, budget)
    assert 13 <= len(solved) <= 52


def energies(codes):
    p = dequantise(codes, 1.0).parameters.astype(np.float64)
    return np.sort((p[:, 5:] ** 2).sum(axis=1) * p[:, 2] * p[:, 3])


def assert_least_are_left_out(coded, codes):
    """Those of all codes that are there have the greatest energies. (Their centres are coarser if they are fewer.)"""
    left = len(coded.codes)
    assert 0 < left < len(codes)
    np.testing.assert_allclose(energies(coded.codes), energies(codes)[-left:], rtol=1e-5)


def test_a_section_is_what_it_says(scene):
    coded = fill_splats(scene, 260)
    section, codes = write_splats(coded.codes, coded.step_index, WIDTH, HEIGHT)
    assert section == coded.section
    np.testing.assert_array_equal(codes, coded.codes)
    np.testing.assert_array_equal(
        coded.splats.parameters, dequantise(coded.codes, splat_step(coded.step_index)).parameters
    )
    assert scene.canvas.place(coded.splats).decoded_error(TARGET) == coded.error


def test_colours_are_solved_for_the_rounded_shapes(scene):
    """Which makes up for a part of what rounding spoils."""
    gains = []
    for budget in range(170, 310, 20):
        coded = fill_splats(scene, budget)
        step = splat_step(coded.step_index)
        unsolved = dequantise(quantise(scene.splats, step, WIDTH, HEIGHT), step)
        gains.append(math.log(scene.canvas.place(unsolved).decoded_error(TARGET) / coded.error))
    assert np.mean(gains) > 0.03  # seen: 0.07 to 0.12


def test_more_bytes_are_better(scene):
    errors = [fill_splats(scene, budget).error for budget in (120, 180, 240, 300, 360)]
    assert (np.diff(errors) < 0).all()


def test_rounding_in_turns_is_taken_where_it_is_better(job, fitted, scene):
    gains = []
    for budget in range(195, 440, 25):
        once, several = fill_splats(scene, budget), fill_splats(scene, budget, fitted.polish(job))
        assert min(0.97 * budget, budget - 8) <= len(several.section) <= budget
        gains.append(math.log(once.error / several.error))
    assert np.mean(gains) > 0.005  # seen: 0.02 to 0.07
    assert min(gains) > -0.25  # a section that is not full is exchanged for one that is


def test_rounding_in_turns_that_spoils_is_not_taken(scene):
    """Towards another picture."""
    once = fill_splats(scene, 260)
    other = np.ascontiguousarray(255 - TARGET)
    again = fill_splats(scene, 260, Polish(scene.canvas, other, 6))
    assert (again.section, again.error) == (once.section, once.error)


@pytest.mark.parametrize("budget", [60, 120, 300])
def test_where_not_all_fit_the_least_important_are_left_out(scene, budget):
    """With few bytes even the coarsest step has too many of them."""
    crowded = Scene(scene.canvas, TARGET, scattered())
    coded = fill_splats(crowded, budget)
    assert coded.step_index == SPLAT_STEPS - 1
    assert budget - 8 <= len(coded.section) <= budget
    assert_least_are_left_out(coded, plainly(crowded, SPLAT_STEPS - 1)[1])


def scattered():
    """So many strong splats that no step makes them fit."""
    rng = np.random.default_rng(2)
    return Splats.from_arrays(
        rng.uniform(0, [WIDTH, HEIGHT], (400, 2)),
        np.exp(rng.uniform(*np.log([20, 60]), (400, 2))),
        np.zeros(400),
        rng.choice([-6.0, 6.0], (400, 3)),
    )


def test_where_lengths_jump_some_are_left_out_of_a_finer_step(scene):
    """All splats are of the same energy, and go from one class to the next together."""
    rng = np.random.default_rng(4)
    colours = rng.normal(0, 1, (100, 3))
    colours *= 0.3 / np.linalg.norm(colours, axis=1, keepdims=True)
    centres, angles = rng.uniform(0, [WIDTH, HEIGHT], (100, 2)), rng.uniform(0, 3, 100)
    alike = Scene(scene.canvas, TARGET, Splats.from_arrays(centres, [[6, 3]] * 100, angles, colours))
    lengths = np.array([len(plainly(alike, index)[0]) for index in range(60, 110)])
    jump = int(np.argmax(lengths[:-1] - lengths[1:]))
    budget = int(lengths[jump] + lengths[jump + 1]) // 2
    assert lengths[jump + 1] < 0.96 * budget
    coded = fill_splats(alike, budget)
    assert coded.step_index <= 60 + jump
    assert 0.97 * budget <= len(coded.section) <= budget
    assert_least_are_left_out(coded, plainly(alike, coded.step_index)[1])


def test_no_splats_take_next_to_nothing():
    nothing = code_nothing(WIDTH, HEIGHT)
    assert len(nothing.section) <= 4
    assert len(nothing.codes) == 0
    assert math.isinf(nothing.error)


@pytest.mark.parametrize("size", [(1, 1), (60, 45), (3000, 20)], ids=str)
def test_one_colour_is_one_wide_splat(size):
    width, height = size
    planes = to_planes(flat(width, height, (200, 100, 30)))
    canvas = load_engine().canvas(View(width, height))
    mean = np.array([200, 100, 30]) / 255
    coded = code_flat(Scene(canvas, planes, Splats(np.zeros((0, 8), np.float32))), mean)
    assert coded.error == 0
    assert len(coded.codes) == 1
    picture = canvas.place(coded.splats).render()
    assert np.ptp(picture, axis=(0, 1)).max() < 1 / 255 / 4
    assert len(coded.section) < 26


# The lattice


@pytest.mark.parametrize("budget", [100, 150, 400, 1500, 4000])
def test_a_lattice_gets_the_finest_step_that_fits(budget):
    """Or one that leaves at most a hundredth of the bytes, and at high rates a thousandth, of what it could have."""
    spectrum = photo_spectrum(96, 64)
    coded = fill_lattice(spectrum, budget)
    assert 0.97 * budget <= len(coded.section) <= budget
    full = 0.999 if 8 * budget >= 4 * 96 * 64 else 0.99
    if len(coded.section) < full * budget:  # a search among lengths that hardly fall misses a few
        finer = range(coded.step_index - 40, coded.step_index - 3)
        assert sum(len(write_lattice(spectrum, index).section) <= budget for index in finer) <= 2


@pytest.mark.parametrize("start", [-1000, -30, 30, 1000])
def test_a_lattice_s_step_hardly_depends_on_where_it_is_looked_for(start):
    spectrum = photo_spectrum(96, 64)
    best = fill_lattice(spectrum, 1500)
    other = fill_lattice(spectrum, 1500, best.step_index + start)
    assert abs(other.step_index - best.step_index) < 12
    assert 0.97 * 1500 <= len(other.section) <= 1500


@pytest.mark.parametrize(("side", "sigma", "budget"), [(64, 12, 900), (72, 12, 1200), (96, 12, 950)])
def test_where_lengths_jump_a_greater_lambda_fills_the_budget(side, sigma, budget):
    """On grain, where many coefficients are alike."""
    planes = to_planes(grain(side, sigma))
    spectrum = lattice_spectrum(Job(planes, False, load_engine(), effort=1), NO_SPLATS, 1)
    coded = fill_lattice(spectrum, budget)
    steps = range(coded.step_index - 10, coded.step_index + 100)
    lengths = [len(write_lattice(spectrum, index).section) for index in steps]
    assert max(length for length in lengths if length <= budget) < 0.97 * budget
    assert 0.97 * budget <= len(coded.section) <= budget


def test_a_jump_of_lengths_is_found_by_halving(monkeypatch):
    """From steps that fit by far to those that do not at all, interpolation creeps."""

    def written(spectrum, trials, *, threads=0, square_log=None):
        return [
            (CodedLattice(bytes(10_000 if step_index < 3333 else 900), step_index, 1, 8, 8, grey=True), 1.0)
            for step_index, _ in trials
        ]

    monkeypatch.setattr(smooth, "write_lattices", written)
    coded = fill_lattice(photo_spectrum(96, 64), 1000, 6000)
    assert 3333 <= coded.step_index < 3340


def test_the_finest_step_keeps_coefficients_within_the_format():
    for greatest in (1e-6, 1.0, 300.0, 1e5):
        coefficients = np.zeros((1, 64, 64), np.float32)
        coefficients[0, 40, 41] = -greatest
        finest = finest_step_index(Spectrum(64, 64, 1, coefficients))
        assert 0 <= finest < LATTICE_STEPS
        assert greatest / lattice_step(finest) <= GREATEST_QUANTISED * 1.0001
        assert finest == 0 or greatest / lattice_step(finest - 1) > GREATEST_QUANTISED
    assert finest_step_index(Spectrum(8, 8, 1, np.zeros((1, 8, 8), np.float32))) == 0


def test_no_step_finer_than_that_is_tried():
    coefficients = np.full((1, 64, 64), 3e4, np.float32)
    spectrum = Spectrum(64, 64, 1, coefficients)
    coded = fill_lattice(spectrum, 10**6)
    assert coded.step_index == finest_step_index(spectrum) > 0
    quantised = _native.read_lattice(coded.section, 64, 64, True)[2]
    assert np.abs(quantised).max() <= GREATEST_QUANTISED


@pytest.mark.parametrize("index", [0, 1234, 5120, LATTICE_STEPS - 1])
def test_indices_of_steps(index):
    assert index_of_step(lattice_step(index)) == pytest.approx(index)


@pytest.mark.parametrize("budget", [100, 400, 1500, 5000])
def test_the_first_guess_is_near(budget):
    """Within half an octave of the step, of 256 indices each."""
    spectrum = photo_spectrum(96, 64)
    assert abs(guess_step_index(spectrum, budget) - fill_lattice(spectrum, budget).step_index) < 200


def tuned_spectrum(effort, name):
    job = Job(to_planes(photo(128, 96)), False, load_engine(), effort, tune=TUNES[name])
    return job, lattice_spectrum(job, NO_SPLATS, 1)


def error_of(spectrum, coded):
    """That of the coefficients, each times its weight."""
    difference = spectrum.coefficients - lattice_step(coded.step_index) * coded.quantised()
    weights = 1.0 if spectrum.weights is None else 2.0 ** ((spectrum.weights.astype(float) - 128) / 16)
    return float((weights * difference**2).sum())


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("square_log", [5, None])
@pytest.mark.parametrize("name", ["psnr", "ssim"])
def test_several_sections_made_at_once_are_those_made_one_by_one(name, square_log, threads):
    """And their errors are those of what they decode to."""
    spectrum = tuned_spectrum(5, name)[1]
    trials = [(4000, LAMBDA), (4700, LAMBDA), (4010, 2 * LAMBDA), (8000, LAMBDA)]
    tried = write_lattices(spectrum, trials, threads=threads, square_log=square_log)
    for (step_index, lambda_), (coded, error) in zip(trials, tried, strict=True):
        alone = write_lattice(spectrum, step_index, lambda_, square_log=square_log)
        assert (coded.section, coded.step_index) == (alone.section, alone.step_index)
        assert error == pytest.approx(error_of(spectrum, coded), rel=1e-4)


def test_the_search_does_not_depend_on_the_number_of_threads():
    job, spectrum = tuned_spectrum(5, "balanced")
    found = [
        best_lattice(replace(job, engine=load_engine(threads=threads)), spectrum, 900).section for threads in (1, 2, 5)
    ]
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("name", ["psnr", "balanced"])
def test_more_effort_tries_more_prices_of_a_bit(name):
    """From effort 2 on those of the one before as well; the least takes what fits first."""
    errors = []
    for effort in (2, 4, 8):
        job, spectrum = tuned_spectrum(effort, name)
        coded = best_lattice(job, spectrum, 700)
        assert 0.97 * 700 <= len(coded.section) <= 700
        errors.append(error_of(spectrum, coded))
    assert errors == sorted(errors, reverse=True) and errors[-1] < 0.996 * errors[0]


# The bracket


def searched(length_of, budget, first, full=0.99):
    """The indices that a search by the bracket tries."""
    bracket, indices, tried = Bracket(0, full), (first,), []
    while indices and len(tried) < 40:
        excesses = {index: math.log2(length_of(index) / budget) for index in indices}
        for index in sorted(indices, key=lambda index: -abs(excesses[index])):
            tried.append(index)
            bracket = bracket.narrowed(index, excesses[index])
        indices = bracket.following(halving=len(tried) >= 8)
    return tried


@pytest.mark.parametrize(("first", "most"), [(-300, 7), (-20, 5), (20, 5), (300, 7), (3000, 20)])
@pytest.mark.parametrize("budget", [200, 1000, 60_000])
def test_the_search_ends_soon_with_exponential_lengths(first, most, budget):
    """The nearer it begins the sooner; what it expects of lengths a step is a third off."""

    def length(index):
        return 2 ** (20 - index / 300)

    right = 300 * (20 - math.log2(budget))
    tried = searched(length, budget, round(right + first))
    assert 0.99 * budget <= length(tried[-1]) <= budget
    assert len(tried) <= most
    tried = searched(length, budget, round(right + first), 0.998)  # in pairs
    assert any(0.997 * budget <= length(index) <= budget for index in tried)
    assert len(tried) <= most + 2


def test_the_search_ends_between_neighbours_where_lengths_jump():
    tried = searched(lambda index: 5000 if index < 3333 else 200, 1000, 5000)
    assert {3332, 3333} <= set(tried)
    assert len(tried) < 30
    assert len(set(tried)) == len(tried)


def test_the_search_ends_at_the_ends():
    assert searched(lambda index: 10, 1000, 4000)[-1] == 0
    assert searched(lambda index: 5000, 1000, 4000)[-1] == LATTICE_STEPS - 1
