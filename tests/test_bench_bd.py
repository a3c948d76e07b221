import math

import numpy as np
import pytest

from smartsplat.bench.bd import bd_rate, ms_ssim_db

RATES = (0.1, 0.2, 0.4, 0.8, 1.6)


def curve(rate_factor=1.0, shift=0.0, rates=RATES):
    """A bent curve: quality over the logarithm of the rate, at some multiple of the rate."""
    return [(rate * rate_factor, 30 + 4 * math.log2(rate) - 0.3 * math.log2(rate) ** 2 + shift) for rate in rates]


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.0, 1.7])
def test_a_multiple_of_the_rate_is_that_many_percent(factor):
    assert bd_rate(curve(), curve(factor)) == pytest.approx(100 * (factor - 1))


def test_order_of_points_does_not_matter():
    assert bd_rate(curve()[::-1], curve(0.8)) == pytest.approx(-20)


def test_straight_lines_of_different_slopes_against_the_integral():
    a = [(2.0**k, 10.0 * k) for k in range(5)]  # log2 rate = q / 10
    b = [(2.0 ** (1.5 * k), 10.0 * k) for k in range(5)]  # log2 rate = 1.5 q / 10
    q = np.linspace(0, 40, 100_001)
    expected = 2 ** np.mean(0.05 * q) - 1
    assert bd_rate(a, b) == pytest.approx(100 * expected, rel=1e-4)


def test_only_the_common_range_counts():
    a = [(2.0**k, 10.0 * k) for k in range(9)]
    b = [(0.5 * 2.0**k, 10.0 * k) for k in range(5)] + [(2.0**9, 50.0), (2.0**20, 60.0)]
    short = [(0.5 * 2.0**k, 10.0 * k) for k in range(5)]
    assert bd_rate(a, short) == pytest.approx(-50)
    assert bd_rate(a, b) > -50


def test_the_two_directions_are_inverse():
    there, back = bd_rate(curve(), curve(0.7, 0.5)), bd_rate(curve(0.7, 0.5), curve())
    assert (1 + there / 100) * (1 + back / 100) == pytest.approx(1)


def test_points_that_pay_nothing_are_left_out():
    worse = [*curve(0.5), (0.3, 10.0), (5.0, 31.0)]
    assert bd_rate(curve(), worse) == pytest.approx(-50)


@pytest.mark.parametrize(
    "other",
    [curve(shift=100), curve(shift=-100), [], curve()[:2], [(0.1, 30.0), (0.2, 30.0), (0.3, 30.0)]],
)
def test_no_answer_without_enough_in_common(other):
    assert bd_rate(curve(), other) is None
    assert bd_rate(other, curve()) is None


def test_ms_ssim_in_decibels():
    assert ms_ssim_db(0.9) == pytest.approx(10)
    assert ms_ssim_db(0.999) == pytest.approx(30)
    assert math.isfinite(ms_ssim_db(1.0))
