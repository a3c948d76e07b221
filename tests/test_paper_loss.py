"""Eq. 22 of the paper: L1 and SSIM of the picture clamped to [0, 1], with gradients inside only."""

from dataclasses import replace

import numpy as np
import pytest

from smartsplat.engines import Loss, load_engine
from smartsplat.engines.reference import ReferenceCanvas
from smartsplat.model.splats import Splats
from smartsplat.model.view import View
from tests.conftest import random_planes, random_splats
from tests.oracles.fitting import moved

LAMBDAS = [0.0, 0.8, 0.9, 1.0]


def overexposed(rng, count, width, height, scales=(1.5, 6.0)):
    """Splats as the paper's start has them: so many colours of the picture that large parts go beyond 1, or below 0."""
    splats = random_splats(rng, count, width, height, scales, amplitude=0.9)
    parameters = splats.parameters.copy()
    parameters[:, 5:] += 0.3
    return Splats(parameters)


def naive_ssim(a, b):
    """Mean SSIM over all pixels and channels [H, W, 3], window by window, with zeros beyond the border."""
    taps = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window = np.outer(taps, taps) / taps.sum() ** 2
    a, b = (np.pad(p, ((5, 5), (5, 5), (0, 0))) for p in (a, b))
    values = []
    for y in range(a.shape[0] - 10):
        for x in range(a.shape[1] - 10):
            for c in range(3):
                p, q = a[y : y + 11, x : x + 11, c], b[y : y + 11, x : x + 11, c]
                mp, mq = (window * p).sum(), (window * q).sum()
                vp, vq = (window * p * p).sum() - mp**2, (window * q * q).sum() - mq**2
                cov = (window * p * q).sum() - mp * mq
                upper = (2 * mp * mq + 0.01**2) * (2 * cov + 0.03**2)
                values.append(upper / ((mp**2 + mq**2 + 0.01**2) * (vp + vq + 0.03**2)))
    return np.mean(values)


@pytest.mark.parametrize("name", ["reference", "cpu"])
@pytest.mark.parametrize("lambda_l", LAMBDAS)
def test_the_loss_is_its_formula_of_the_clamped_picture(rng, name, lambda_l):
    target = random_planes(rng, 23, 19)
    frame = load_engine(name).canvas(View(23, 19), ssim=True).place(overexposed(rng, 12, 23, 19))
    picture, goal = np.clip(frame.render().astype(np.float64), 0, 1), target.transpose(1, 2, 0) / 255
    beyond = np.mean((frame.render() < 0) | (frame.render() > 1))
    assert 0.2 < beyond < 0.8  # a test of a picture that is nowhere clamped would be none
    expected = lambda_l * np.abs(picture - goal).mean() + (1 - lambda_l) * (1 - naive_ssim(picture, goal))
    assert frame.gradient(target, Loss("l1+ssim", lambda_l))[0] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("lambda_l", [0.0, 0.9])
def test_its_gradient_is_that_of_central_differences(rng, lambda_l):
    """The reference's, in double precision."""
    target, loss = random_planes(rng, 26, 20), Loss("l1+ssim", lambda_l)
    frame = ReferenceCanvas(View(26, 20)).place(overexposed(rng, 5, 26, 20, (2.0, 8.0)))
    assert 0.1 < np.mean((frame.sums() < 0) | (frame.sums() > 1)) < 0.9
    gradient, step = frame.gradient(target, loss)[1].astype(np.float64), 1e-6
    found = np.zeros(gradient.size)
    for i in range(gradient.size):
        direction = np.zeros(gradient.size)
        direction[i] = step
        losses = [
            replace(frame, parameters=moved(frame.parameters, s * direction.reshape(-1, 8))).gradient(target, loss)[0]
            for s in (1, -1)
        ]
        found[i] = (losses[0] - losses[1]) / (2 * step)
    # A pixel that crosses a target, an end of the range or the cutoff within the step would be off by far more.
    np.testing.assert_allclose(gradient.ravel(), found, rtol=2e-3, atol=2e-6)


@pytest.mark.parametrize("lambda_l", LAMBDAS)
@pytest.mark.parametrize("size", [(40, 30), (150, 131), (64, 5)])
def test_the_cpu_s_gradient_is_the_reference_s(rng, instruction_set, lambda_l, size):
    target, loss = random_planes(rng, *size), Loss("l1+ssim", lambda_l)
    splats = overexposed(rng, 40, *size)
    (value, gradient), (expected_value, expected) = (
        load_engine(name).canvas(View(*size), ssim=True).place(splats).gradient(target, loss)
        for name in ("cpu", "reference")
    )
    assert value == pytest.approx(expected_value, rel=1e-4)
    # L1's sign and the clamp flip whole pixels where a sum is within rounding of its target or of an end.
    np.testing.assert_allclose(gradient, expected, atol=5e-3 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["reference", "cpu"])
@pytest.mark.parametrize("lambda_l", LAMBDAS)
@pytest.mark.parametrize("colour", [1.5, -0.5])
def test_where_all_is_beyond_nothing_moves(name, lambda_l, colour):
    """Other than with the plain losses, which pull overexposed sums back unless their target is saturated."""
    splats = Splats.from_arrays([[10, 8]], [[200, 200]], [0.3], [[colour] * 3])
    target = np.full((3, 16, 20), 100, np.uint8)
    frame = load_engine(name).canvas(View(20, 16), ssim=True).place(splats)
    assert not frame.gradient(target, Loss("l1+ssim", lambda_l))[1].any()
    assert frame.gradient(target, Loss("l1"))[1].any()


@pytest.mark.parametrize("level", [0, 255])
def test_saturated_targets_are_reached_from_inside(level):
    """There is a gradient up to the very end of the range, and none beyond."""
    target = np.full((3, 12, 12), level, np.uint8)
    for colour, moves in ((0.5, True), (0.9, True), (1.3 if level else -0.3, False)):
        splats = Splats.from_arrays([[6, 6]], [[1e4, 1e4]], [0], [[colour] * 3])
        gradient = load_engine().canvas(View(12, 12), ssim=True).place(splats).gradient(target, Loss("l1+ssim", 1.0))[1]
        assert gradient[:, 5:].any() == moves
        if moves:
            assert (np.sign(gradient[0, 5:]) == (-1 if level else 1)).all()
