"""What the compared systems are made of, against plain code: Adan, SSIM, draws, covariances, the camera."""

import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, sobel
from scipy.spatial.transform import Rotation

from smartsplat.metrics import floats

torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra: torch)")

from smartsplat.bench.systems import draws  # noqa: E402
from smartsplat.bench.systems.adan import Adan  # noqa: E402
from smartsplat.bench.systems.gaussianimage import cholesky_conics  # noqa: E402
from smartsplat.bench.systems.gaussians3d import (  # noqa: E402
    covariances_3d,
    mean_distances,
    project,
    random_quaternions,
)
from smartsplat.bench.systems.harmonics import harmonics  # noqa: E402
from smartsplat.bench.systems.image_gs import Judge, blurred  # noqa: E402
from smartsplat.bench.systems.interface import step_decay  # noqa: E402
from smartsplat.bench.systems.lig import NO_ELLIPSE, drawn_covariances, inverses  # noqa: E402
from smartsplat.bench.systems.losses import similarity_error, squared_error  # noqa: E402


def random(seed=0):
    return torch.Generator().manual_seed(seed)


# The optimiser


def naive_adan(start, gradients, rate):
    """Algorithm 1 of Adan for one number, with betas as in the text, and moments corrected for their zero start."""
    b1, b2, b3 = 0.02, 0.08, 0.01
    x, m, v, n, before = start, 0.0, 0.0, 0.0, None
    for k, g in enumerate(gradients, 1):
        change = 0.0 if before is None else g - before
        m = (1 - b1) * m + b1 * g
        v = (1 - b2) * v + b2 * change
        n = (1 - b3) * n + b3 * (g + (1 - b2) * change) ** 2
        length = rate / (math.sqrt(n / (1 - (1 - b3) ** k)) + 1e-8)
        x -= length * (m / (1 - (1 - b1) ** k) + (1 - b2) * v / (1 - (1 - b2) ** k))
        before = g
    return x


def test_adan_is_its_published_definition():
    rng = np.random.default_rng(1)
    start, gradients = rng.normal(size=(3, 2)), rng.normal(size=(40, 3, 2)) * 10.0 ** rng.integers(-6, 3, (1, 3, 2))
    parameter = torch.tensor(start, requires_grad=True)
    optimiser = Adan([parameter])
    for gradient in gradients:
        parameter.grad = torch.tensor(gradient)
        optimiser.step(0.01)
        assert parameter.grad is None
    expected = [[naive_adan(start[i, j], gradients[:, i, j], 0.01) for j in range(2)] for i in range(3)]
    np.testing.assert_allclose(parameter.detach(), expected, rtol=1e-9)


def test_adan_finds_a_minimum():
    parameter = torch.tensor([5.0, -3.0], requires_grad=True)
    optimiser = Adan([parameter])
    for _ in range(400):
        torch.autograd.backward(((parameter - torch.tensor([1.0, 2.0])) ** 2).sum())
        optimiser.step(0.05)
    assert torch.allclose(parameter, torch.tensor([1.0, 2.0]), atol=0.1)


def test_rates_fall_by_steps():
    assert [step_decay(1.0, steps, 20_000, 0.5) for steps in (0, 19_999, 20_000, 49_999)] == [1, 1, 0.5, 0.25]


# Pictures


@pytest.mark.parametrize("shape", [(30, 41), (11, 12), (7, 9)])
def test_similarity_is_the_metric_with_zeros_beyond(shape):
    rng = np.random.default_rng(2)
    a, b = (rng.random((*shape, 3)).astype(np.float32) for _ in range(2))
    found = float(similarity_error(torch.from_numpy(b), torch.from_numpy(a), ssim=1))
    assert found == pytest.approx(floats.compare(b, a)[1], abs=1e-5)


LOSSES = {
    "similarity": lambda x, t: similarity_error(x, t, ssim=1),
    "both": lambda x, t: similarity_error(x, t, absolute=1, ssim=-0.1),
    "clamped": lambda x, t: similarity_error(x, t, absolute=1, ssim=0.1, clamped=True),
    "squared": squared_error,
    "squared below 1": lambda x, t: squared_error(x, t, low=-math.inf),
}


def pictures(height, width, channels):
    """One with samples on both sides of [0, 1], and one within it."""
    picture, target = torch.rand(2, height, width, channels, dtype=torch.float64, generator=random(1))
    return 2 * picture - 0.5, target


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_losses_have_gradients(loss):
    picture, target = pictures(7, 4, 2)
    assert torch.autograd.gradcheck(lambda x: 3 * loss(x, target), picture.requires_grad_())


@pytest.mark.parametrize("shape", [(9, 11, 3), (70, 83, 1), (40, 1400, 2), (300, 50, 3)])
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_losses_are_the_same_in_single_precision(loss, shape):
    picture, target = (values.float() for values in pictures(*shape))  # the same samples in both precisions
    values, gradients = [], []
    for precision in (torch.float32, torch.float64):
        x = picture.detach().to(precision).requires_grad_()
        value = loss(x, target.to(precision))
        gradients.append(torch.autograd.grad(value, x)[0].double() * x.numel())
        values.append(float(value.detach()))
    assert values[0] == pytest.approx(values[1], abs=1e-6)
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-4)


def test_squared_error_is_that_of_the_clamped_picture():
    picture, target = pictures(33, 21, 3)
    for low in (0.0, -math.inf):
        expected = float(torch.nn.functional.mse_loss(picture.clamp(low, 1), target))
        assert float(squared_error(picture, target, low=low)) == pytest.approx(expected, rel=1e-12)
    clamped = picture.clamp(0, 1)
    expected = float((clamped - target).abs().mean() + similarity_error(clamped, target, ssim=0.1))
    assert float(LOSSES["clamped"](picture, target)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("padding", "mode"), [("zeros", "constant"), ("reflect", "reflect")])
def test_sobel(padding, mode):
    planes = np.random.default_rng(3).random((2, 9, 12)).astype(np.float32)
    across, down = draws.sobel(torch.from_numpy(planes), padding)
    for plane, x, y in zip(planes, across, down, strict=True):
        np.testing.assert_allclose(x, sobel(plane, axis=1, mode=mode), atol=1e-5)
        np.testing.assert_allclose(y, sobel(plane, axis=0, mode=mode), atol=1e-5)


def test_blur_grows_with_the_picture():
    small = torch.rand(399, 400, 3, generator=random())
    assert blurred(small) is small
    middle = torch.rand(400, 410, 3, generator=random())
    for picture, side in ((middle, 3), (torch.rand(20, 200_000, 1, generator=random()), 5)):
        reach = side // 2
        sigma = 0.3 * ((side - 1) / 2 - 1) + 0.8
        expected = gaussian_filter(picture.numpy(), (sigma, sigma, 0), radius=(reach, reach, 0), mode="mirror")
        np.testing.assert_allclose(blurred(picture), expected, atol=1e-5)


# Draws


def test_draws_are_by_weight_and_without_replacement():
    weights = torch.tensor([0.0, 1.0, 2.0, 0.0, 5.0])
    generator, firsts = random(4), np.zeros(5)
    for _ in range(2000):
        drawn = draws.draw_pixels(weights, 2, generator)
        assert len(set(drawn.tolist())) == 2
        firsts[int(drawn[0])] += 1
    np.testing.assert_allclose(firsts / 2000, weights / 8, atol=0.04)
    assert sorted(draws.draw_pixels(weights, 9, generator).tolist()) == [1, 2, 4]


def test_centres_of_pixels():
    centres = draws.pixel_centres(torch.tensor([0, 6, 7, 20]), 7)
    assert centres.tolist() == [[0.5, 0.5], [6.5, 0.5], [0.5, 1.5], [6.5, 2.5]]


@pytest.mark.parametrize(("steps", "interval"), [(50_000, 500), (10_000, 500), (2000, 100), (50, 2), (3, 1)])
def test_short_fits_grow_in_proportion(steps, interval):
    assert draws.growth_interval(steps) == interval


# Covariances


def test_conics_of_cholesky_factors():
    factors = torch.rand(50, 3, generator=random(), dtype=torch.float64) + torch.tensor([0.5, 0, 0.5])
    lower = torch.zeros(50, 2, 2, dtype=torch.float64)
    lower[:, 0, 0], lower[:, 1, 0], lower[:, 1, 1] = factors.unbind(1)
    expected = torch.linalg.inv(lower @ lower.transpose(1, 2))
    found = cholesky_conics(factors)
    assert torch.allclose(found, torch.stack([expected[:, 0, 0], expected[:, 0, 1], expected[:, 1, 1]], 1))


def test_a_factor_without_size_has_a_finite_conic():
    factors = torch.tensor([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]], requires_grad=True)
    conics = cholesky_conics(factors)
    torch.autograd.backward(conics.sum())
    assert torch.isfinite(conics).all() and torch.isfinite(factors.grad).all()


def test_inverses_of_covariances():
    covariances = torch.tensor([[2.0, 0.5, 1.0], [1.0, 1.0, 1.0], [1.0, 2.0, 1.0], [-1.0, 0.0, -1.0]])
    covariances.requires_grad_()
    found = inverses(covariances)
    torch.autograd.backward(found.sum())
    assert torch.allclose(found[0], torch.tensor([1.0, -0.5, 2.0]) / 1.75)
    assert all(conic.tolist() == list(NO_ELLIPSE) for conic in found[1:])
    assert covariances.grad[0].abs().min() > 0 and not covariances.grad[1:].any()


def test_drawn_covariances_are_ellipses():
    a, b, c = drawn_covariances(4000, random()).unbind(1)
    assert (a * c > b * b).all()
    assert min(a.min(), b.min(), c.min()) >= 0 and max(a.max(), b.max(), c.max()) < 1
    # of uniform numbers under that condition, by integration: the mean of b is (1/2 - 3/8) / (4/9)
    assert float(b.mean()) == pytest.approx(9 / 32, abs=0.01)


# The camera


def test_harmonics_are_orthonormal():
    """Over the sphere, by a rule that is exact for the products: Gauss-Legendre in z, equal angles around."""
    nodes, weights = np.polynomial.legendre.leggauss(8)
    turns = 2 * np.pi * np.arange(16) / 16
    z, turn = np.meshgrid(nodes, turns, indexing="ij")
    flat = np.sqrt(1 - z**2)
    directions = np.stack([flat * np.cos(turn), flat * np.sin(turn), z], axis=-1).reshape(-1, 3)
    values = harmonics(torch.from_numpy(directions)).numpy()
    area = np.repeat(weights, 16) * 2 * np.pi / 16
    np.testing.assert_allclose(values.T @ (values * area[:, None]), np.eye(16), atol=1e-12)


def test_harmonics_have_the_order_and_signs_of_splatting():
    x, y, z = harmonics(torch.eye(3, dtype=torch.float64)).numpy()
    assert x[0] == pytest.approx(0.28209479177387814)
    assert (y[1], z[2], x[3]) == pytest.approx((-0.4886025119029199, 0.4886025119029199, -0.4886025119029199))
    assert (z[6], x[8], z[12]) == pytest.approx((0.6307831305050401, 0.5462742152960396, 0.7463526651802308))
    diagonal = harmonics(torch.full((1, 3), 3**-0.5, dtype=torch.float64)).numpy()[0]
    assert diagonal[[4, 5, 7]] == pytest.approx(
        np.array([1.0925484305920792, -1.0925484305920792, -1.0925484305920792]) / 3
    )
    assert diagonal[10] == pytest.approx(2.890611442640554 / 3**1.5)
    assert x[15] == pytest.approx(-0.5900435899266435) and x[13] == pytest.approx(0.4570457994644658)
    assert y[9] == pytest.approx(0.5900435899266435) and y[11] == pytest.approx(0.4570457994644658)


def test_rotations_are_uniform_and_unit():
    quaternions = random_quaternions(3000, random())
    assert torch.allclose(quaternions.norm(dim=1), torch.ones(3000), atol=1e-5)
    axes = Rotation.from_quat(quaternions.numpy()).apply([0, 0, 1])
    assert np.abs(axes.mean(axis=0)).max() < 0.05
    np.testing.assert_allclose(np.histogram(axes[:, 2], 4, (-1, 1))[0] / 3000, 0.25, atol=0.03)


def test_covariances_in_space():
    quaternions = 3 * random_quaternions(20, random())
    scales = torch.rand(20, 3, generator=random(1)) + 0.1
    found = covariances_3d(quaternions, scales).numpy()
    for q, s, covariance in zip(quaternions.numpy(), scales.numpy(), found, strict=True):
        rotation = Rotation.from_quat(np.roll(q, -1)).as_matrix()  # SciPy has the real part last
        np.testing.assert_allclose(covariance, rotation @ np.diag(s**2) @ rotation.T, atol=1e-6)


def test_projection_by_differences():
    """The centre where the camera sees it, and the covariance by the derivative of that."""
    height, width = 40, 60
    camera = (torch.rand(10, 3, generator=random(), dtype=torch.float64) - 0.5) * torch.tensor(
        [8, 5, 4]
    ) + torch.tensor([0, 0, 7])
    factors = torch.rand(10, 3, 3, generator=random(1), dtype=torch.float64)
    covariances = factors @ factors.transpose(1, 2)

    def seen(p):
        return np.array([30 * p[0] / p[2] + 30, 30 * p[1] / p[2] + 20])

    means, conics = project(camera, covariances, height, width)
    for p, covariance, mean, conic in zip(
        camera.numpy(), covariances.numpy(), means.numpy(), conics.numpy(), strict=True
    ):
        np.testing.assert_allclose(mean, seen(p))
        step = 1e-6 * np.eye(3)
        jacobian = np.stack([(seen(p + h) - seen(p - h)) / 2e-6 for h in step], axis=1)
        flat = jacobian @ covariance @ jacobian.T + 0.3 * np.eye(2)
        np.testing.assert_allclose(conic, np.linalg.inv(flat)[[0, 0, 1], [0, 1, 1]], rtol=1e-6, atol=1e-9)


def test_shapes_far_outside_are_those_at_the_limit():
    covariances = torch.eye(3).repeat(2, 1, 1)
    _, conics = project(torch.tensor([[50.0, 0.0, 1.0], [1.3, 0.0, 1.0]]), covariances, 40, 60)
    assert torch.equal(conics[0], conics[1])


def test_distances_to_three_neighbours():
    points = torch.rand(30, 3, generator=random())
    expected = [np.sort((points - p).norm(dim=1))[1:4].mean() for p in points]
    np.testing.assert_allclose(mean_distances(points), expected, rtol=1e-5)
    assert mean_distances(points[:1]).tolist() == [1]
    assert mean_distances(points[:2])[0] == pytest.approx(float((points[0] - points[1]).norm()))


# When Image-GS has enough


def test_a_fit_is_judged_by_both_figures():
    judge = Judge()
    assert not judge.out_of_patience(20.0, 0.5)
    told = [judge.out_of_patience(20.0 + k, 0.5) for k in range(1, 11)]  # PSNR alone does not count
    assert told == [False] * 9 + [True] and judge.slowings == 1
    assert not judge.out_of_patience(20.2, 0.502)
    assert [judge.out_of_patience(20.2, 0.6) for _ in range(10)] == [False] * 9 + [True]
    assert judge.slowings == 2
