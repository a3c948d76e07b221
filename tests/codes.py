"""Sets of splat codes for property tests."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from smartsplat import _native
from smartsplat.coding.format import CENTRE_UNIT, GREATEST_ENERGY, GREATEST_RATIO, GREATEST_SIZE, LEAST_SIZE
from smartsplat.coding.splat_codes import COLOURS, ENERGY, RATIO, SIZE, TURN, X, Y

GREATEST_COLOUR = 500_000

# The logarithm of a size has steps of 2^(SIZE_STEP - energy), that of a ratio of 2^(RATIO_STEP - energy).
SIZE_STEP, RATIO_STEP = 0, 1

# The same examples at every run, so that a failure can be had again.
repeatable = settings(deadline=None, derandomize=True, database=None, max_examples=120)


def pick(rng, least, most, count, extreme):
    """Numbers of a range of each row, ends included: all over it, or only at its ends."""
    least, most = np.broadcast_to(least, count), np.broadcast_to(most, count)
    drawn = rng.integers(least, most + 1)
    return np.where(rng.random(count) < 0.5, least, most) if extreme else drawn


def in_steps(logarithm, energy, step):
    """The whole number of steps in a logarithm."""
    return np.trunc(logarithm * np.exp2(energy - step)).astype(np.int64)


def shapes(codes):
    """Logarithms, base 2, of the sizes and of the ratios that codes stand for."""
    energy = codes[:, ENERGY].astype(float)
    return codes[:, SIZE] * np.exp2(SIZE_STEP - energy), codes[:, RATIO] * np.exp2(RATIO_STEP - energy)


def make_codes(seed, count, width, height, *, extreme=False, coincident=False):
    """Valid codes [count, 9] within a picture of that size; all fields reach the ends of their ranges."""
    rng = np.random.default_rng(seed)
    codes = np.zeros((count, 9), np.int32)
    energy = pick(rng, 0, GREATEST_ENERGY, count, extreme)
    codes[:, ENERGY] = energy
    sizes = (in_steps(bound, energy, SIZE_STEP) for bound in (LEAST_SIZE, GREATEST_SIZE))
    codes[:, SIZE] = pick(rng, *sizes, count, extreme)
    codes[:, RATIO] = pick(rng, 0, in_steps(GREATEST_RATIO, energy, RATIO_STEP), count, extreme)
    codes[:, TURN] = pick(rng, 0, (1 << _native.splat_precision(codes)[:, 0]) - 1, count, extreme)
    for column, side in ((X, width), (Y, height)):
        codes[:, column] = pick(rng, 0, side * CENTRE_UNIT - 1, count, extreme)
        if coincident and count:
            codes[:, column] = codes[0, column]
    reach = GREATEST_COLOUR if extreme else int(rng.choice([1, 30, GREATEST_COLOUR]))
    codes[:, COLOURS] = rng.integers(-reach, reach + 1, (count, 3))
    return codes


@st.composite
def sets_of_codes(draw, most=300):
    """Codes, width and height."""
    width, height = draw(st.sampled_from([(1, 1), (1, 37), (5000, 3), (3, 5000), (640, 480), (7, 5)]))
    count = draw(st.integers(0, most))
    codes = make_codes(
        draw(st.integers(0, 2**32 - 1)), count, width, height,
        extreme=draw(st.booleans()), coincident=draw(st.booleans()),
    )  # fmt: skip
    return codes, width, height
