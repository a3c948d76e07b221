"""The search for the slope at which blocks fill a budget, on made-up lengths."""

import numpy as np
import pytest

from smartsplat.coding.format import LATTICE_STEPS_PER_OCTAVE
from smartsplat.pipeline.blocks import SAMPLE_ROWS, spread_places
from smartsplat.pipeline.slopes import FULL, NEAR, NEARLY_FULL, Slopes


def searched(slopes, filled_at, trials=12):
    """The parts of the budget that are filled at the steps tried, by step."""
    tried, step = {}, slopes.first
    while step is not None and len(tried) < trials:
        assert slopes.fine <= step <= slopes.coarse
        assert step not in tried
        tried[step] = filled_at(step)
        step = slopes.after(step, tried[step])
    return tried


def falling(full_at, octaves=1.0):
    """Lengths that halve with each so many octaves, and fill the budget at a step."""
    return lambda step: 2 ** ((full_at - step) / LATTICE_STEPS_PER_OCTAVE / octaves)


def best_of(tried):
    return max((filled for filled in tried.values() if filled <= 1), default=0)


@pytest.mark.parametrize("full_at", [2700, 3333, 4000, 4444, 5400])
@pytest.mark.parametrize("octaves", [0.3, 1, 3])
def test_the_budget_is_nearly_filled(full_at, octaves):
    tried = searched(Slopes(2628, 5500, 3800), falling(full_at, octaves), trials=8)
    assert best_of(tried) >= min(FULL, 2 ** (-NEAR / LATTICE_STEPS_PER_OCTAVE / octaves))


def test_where_all_fits_the_finest_is_tried():
    assert list(searched(Slopes(2628, 5500, 3800), lambda step: 0.5)) == [3800, 2628]


def test_where_nothing_fits_the_coarsest_is_tried():
    assert list(searched(Slopes(2628, 5500, 3800), lambda step: 40.0))[-1] == 5500


def test_lengths_that_grow_at_first_do_not_end_the_search():
    filled = {2628: 1.42, 4500: 1.45, 5000: 1.5, 5300: 0.9, 5500: 0.1}
    steps, parts = list(filled), list(filled.values())
    assert best_of(searched(Slopes(2628, 5500, 4500), lambda step: np.interp(step, steps, parts), trials=8)) > 0.8


@pytest.mark.parametrize("dearer", [0.4, 1, 2.5])
def test_a_sample_only_says_where_to_begin(dearer):
    whole = falling(4100)
    plain, guess = Slopes(2628, 5500, 3500), Slopes(2628, 5500, 3500)
    searched(guess, lambda step: dearer * whole(step))
    tried = searched(guess.narrowed(plain), whole)
    assert best_of(tried) >= NEARLY_FULL
    assert dearer != 1 or len(tried) == 1


def test_a_sample_of_which_nothing_fits_says_nothing():
    plain, guess = Slopes(2628, 5500, 3500), Slopes(2628, 5500, 3500)
    searched(guess, lambda step: 40.0)
    assert guess.narrowed(plain) == plain


@pytest.mark.parametrize("tiles", [(8, 15), (11, 15), (23, 15), (8, 16), (8, 8), (15, 8), (4, 40), (31, 17)])
def test_sampled_tiles_are_spread(tiles):
    columns, rows = tiles
    places = spread_places(columns, rows)
    assert len(set(places)) == SAMPLE_ROWS**2
    for side, along in ((rows, [y for y, _ in places]), (columns, [x for _, x in places])):
        assert 0 <= min(along) < side / 4
        assert side * 3 / 4 <= max(along) + 1 <= side
        assert len(set(along)) >= SAMPLE_ROWS
