"""The paper's loss at every sample: one splat on each pixel, too small for others, whose colour is the sum there.

The gradient by the colours is then that by the sums, and each of them can be compared with plain code. Sizes are those
at which the engine goes different ways: narrower than a vector, whole and broken tiles, one or several blocks of
columns and of rows, one or several bands.
"""

import numpy as np
import pytest

from smartsplat.engines import Loss, load_engine
from smartsplat.model.splats import Splats
from smartsplat.model.view import View
from tests.oracles.ssim import paper_loss

SIZES = [(1, 1), (3, 140), (64, 64), (75, 66), (131, 9), (511, 70), (640, 21), (641, 75), (1200, 37), (40, 1100)]

SSIM_ALONE = 0.0


def on_pixels(colours):
    """Splats of those colours [3, H, W], each of which is seen on its own pixel alone."""
    _, height, width = colours.shape
    y, x = np.mgrid[:height, :width] + 0.5
    centres, count = np.stack([x, y], axis=-1).reshape(-1, 2), height * width
    return Splats.from_arrays(centres, np.full((count, 2), 0.1), np.zeros(count), colours.reshape(3, -1).T)


def pictures(rng, width, height, noise=0.08, level=None):
    """A picture [3, H, W] and a target that it is near to; some of its samples are beyond [0, 1]."""
    y, x = np.mgrid[:height, :width]
    waves = 0.5 + 0.55 * np.sin(np.stack([x / 7 + y / 31, x / 90 - y / 5, x / 3 + y / 4]))
    goal = waves if level is None else np.full_like(waves, level)
    target = np.floor(255 * (goal + rng.normal(0, noise / 4, goal.shape)).clip(0, 1) + 0.5).astype(np.uint8)
    return goal + rng.normal(0, noise, goal.shape), target


def at_pixels(colours, target, share, threads=0):
    """The sums [3, H, W] of splats of those colours, one on each pixel; the engine's loss and derivatives by them."""
    _, height, width = colours.shape
    frame = load_engine("cpu", threads).canvas(View(width, height)).place(on_pixels(colours))
    sums = frame.render().transpose(2, 0, 1).astype(np.float64)
    np.testing.assert_allclose(sums, colours, rtol=3e-7)
    value, gradient = frame.gradient(target, Loss("l1+ssim", share))
    return sums, value, gradient[:, 5:].T.reshape(sums.shape).astype(np.float64)


def assert_gradients_close(found, expected):
    """Within 1e-4, of the norm and of the greatest."""
    assert np.linalg.norm(found - expected) < 1e-4 * np.linalg.norm(expected)
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("share", [SSIM_ALONE, 0.9])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: "{}x{}".format(*size))
def test_every_sample_has_the_derivative_of_plain_code(rng, instruction_set, size, share):
    colours, target = pictures(rng, *size)
    sums, value, gradient = at_pixels(colours, target, share)
    expected_value, expected = paper_loss(sums, target, share)
    assert value == pytest.approx(expected_value, rel=1e-5)
    assert_gradients_close(gradient, expected)


@pytest.mark.parametrize("level", [0.02, 0.5, 0.98])
@pytest.mark.parametrize("noise", [0.004, 0.03])
def test_flat_pictures_lose_no_digits(rng, instruction_set, level, noise):
    """Variances are small there, and the means that they are taken from are not."""
    colours, target = pictures(rng, 90, 70, noise, level)
    sums, value, gradient = at_pixels(colours, target, SSIM_ALONE)
    expected_value, expected = paper_loss(sums, target, SSIM_ALONE)
    assert value == pytest.approx(expected_value, rel=1e-4, abs=1e-8)
    assert np.linalg.norm(gradient - expected) < 1e-4 * np.linalg.norm(expected)


def test_where_the_sums_are_right_there_is_no_loss(rng, instruction_set):
    target = rng.integers(1, 255, (3, 70, 90), dtype=np.uint8)
    _, value, gradient = at_pixels(target / 255, target, SSIM_ALONE)
    # What is left is the rounding of the target's samples.
    assert abs(value) < 1e-6
    assert np.abs(gradient).max() * gradient.size < 1e-4


def test_plain_code_has_the_derivatives_of_central_differences(rng):
    sums, target = pictures(rng, 17, 14)
    _, gradient = paper_loss(sums, target, 0.6)
    step, x = 1e-6, sums.clip(0, 1)
    clear = (np.abs(x - target / 255) > 2 * step) & (np.minimum(np.abs(sums), np.abs(sums - 1)) > 2 * step)
    for at in zip(*np.nonzero(clear), strict=True):
        losses = []
        for sign in (1, -1):
            changed = sums.copy()
            changed[at] += sign * step
            losses.append(paper_loss(changed, target, 0.6)[0])
        assert gradient[at] == pytest.approx((losses[0] - losses[1]) / (2 * step), rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("size", [(641, 75), (70, 600)])
def test_neither_threads_nor_what_was_there_before_change_it(rng, instruction_set, size):
    colours, target = pictures(rng, *size)
    _, once, expected = at_pixels(colours, target, 0.9, threads=1)
    at_pixels(*pictures(rng, 700, 150), 0.9)  # leaves other numbers in the memory that passes share
    for threads in (1, 2, 5):
        _, value, gradient = at_pixels(colours, target, 0.9, threads)
        assert value == once
        np.testing.assert_array_equal(gradient, expected)
