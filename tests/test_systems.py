"""The compared systems: starts and schedules against their recipes, and what they gain in a few steps."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from tests.photos import flat, thumbnail

torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra: torch)")

from smartsplat.bench.methods.names import SYSTEMS as NAMES  # noqa: E402
from smartsplat.bench.systems import image_gs, image_gs_harness, lig  # noqa: E402
from smartsplat.bench.systems.fit import DivergedError, fit  # noqa: E402
from smartsplat.bench.systems.losses import similarity_error  # noqa: E402
from smartsplat.bench.systems.registry import SYSTEMS  # noqa: E402
from tests import naive_blends  # noqa: E402
from tests.systems import CR, FITS, SEED, STEPS, gain  # noqa: E402

HEIGHT, WIDTH = 48, 64
MEASURED = json.loads((Path(__file__).parent / "data" / "system_gains.json").read_text(encoding="utf-8"))
MARGIN = 0.2
"""Part of a measured gain that may be missing."""


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def target():
    return torch.from_numpy(thumbnail().astype(np.float32) / 255)


def begun(name, count=2000, steps=50, seed=1):
    return SYSTEMS[name](target(), count, steps, torch.Generator().manual_seed(seed))


def is_uniform(values, low, high):
    """Whether numbers are in [low, high) and their first moments as if uniform there."""
    v = (values.detach().double().reshape(-1) - low) / (high - low)
    assert v.min() > -1e-6 and v.max() < 1 + 1e-6
    return abs(v.mean() - 0.5) < 0.03 and abs((v**2).mean() - 1 / 3) < 0.03


# Gains


def test_the_measured_run_is_the_one_that_is_made():
    assert (MEASURED["steps"], MEASURED["cr"], MEASURED["seed"]) == (STEPS, CR, SEED)
    assert tuple(MEASURED["psnr"]) == FITS


@pytest.mark.parametrize("name", FITS)
def test_a_short_fit_gains_what_it_gained(name):
    before, after = MEASURED["psnr"][name]
    first, last = gain(name)
    assert first == pytest.approx(before, abs=0.5)
    assert last - first >= (1 - MARGIN) * (after - before) > 0


# What all have in common


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_decides(name):
    fits = [fit(SYSTEMS[name], thumbnail(), 12, 4, seed=seed).picture() for seed in (3, 3, 4)]
    assert np.array_equal(fits[0], fits[1]) and not np.array_equal(fits[0], fits[2])
    assert fits[0].shape == (HEIGHT, WIDTH, 3) and fits[0].dtype == np.float32
    assert fits[0].min() >= 0 and fits[0].max() <= 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_splats(name, count):
    fitted = fit(SYSTEMS[name], thumbnail(), count, 30, seed=1)
    assert fitted.steps == 30 and fitted.system.count == count
    assert np.isfinite(fitted.picture()).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_flat_picture_and_a_small_one(name):
    for pixels in (flat(24, 16), thumbnail()[:3, :2]):
        assert np.isfinite(fit(SYSTEMS[name], pixels, 4, 25, seed=1).picture()).all()


@pytest.mark.parametrize("name", NAMES)
def test_numbers_of_a_splat_are_those_of_its_parameters(name):
    system = begun(name, count=40, steps=2)
    for _ in range(2):
        system.step()
    held = [system] if name != "lig" else [system._coarse, system._fine]
    tensors = [
        tensor
        for part in held
        for value in vars(part).values()
        for tensor in (value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value])
        if isinstance(tensor, torch.Tensor) and tensor.requires_grad
    ]
    assert sum(tensor.numel() for tensor in tensors) == system.numbers * system.count


def test_the_log_is_of_the_picture_and_takes_no_time():
    rows = []
    fitted = fit(SYSTEMS["gi-rs"], thumbnail(), 30, 7, seed=1, log=rows.append, every=3)
    assert [row["step"] for row in rows] == [0, 3, 6, 7]
    error = ((fitted.picture().astype(float) - thumbnail() / 255) ** 2).mean()
    assert rows[-1]["psnr"] == pytest.approx(-10 * math.log10(error))
    seconds = [row["seconds"] for row in rows]
    assert seconds == sorted(seconds) and seconds[-1] <= fitted.start_seconds + fitted.seconds


def test_a_loss_that_is_no_number_ends_the_fit():
    class Diverging(SYSTEMS["gi-rs"]):
        def step(self):
            return torch.tensor(math.nan) if self._steps == 2 else super().step()

    with pytest.raises(DivergedError, match="nan at step 3"):
        fit(Diverging, thumbnail(), 5, 10, seed=1)


# GaussianImage


def test_start_of_gaussianimage_rs():
    system = begun("gi-rs")
    places, (shape, turns) = torch.tanh(system._places), system._shape
    assert len(places) == 2000 and is_uniform(places, -1, 1)
    assert is_uniform(shape, 0, 1) and is_uniform(turns, 0, 1) and is_uniform(system._colours, 0, 1)
    half = torch.tensor([WIDTH / 2, HEIGHT / 2])
    expected = naive_blends.rasterize(
        (places + 1) * half, shape + 0.5, 2 * math.pi * torch.sigmoid(turns), system._colours, HEIGHT, WIDTH
    )
    assert torch.allclose(system.picture(), expected.detach().clamp(0, 1), atol=1e-3)


def test_start_of_gaussianimage_cholesky():
    system = begun("gi-cholesky", count=500)
    factors = system._shape[0]
    assert is_uniform(factors[:, 1], 0, 1) and is_uniform(factors[:, [0, 2]], 0.5, 1.5)
    assert is_uniform(torch.tanh(system._places), -1, 1) and is_uniform(system._colours, 0, 1)


# LIG


def test_start_of_lig():
    coarse = begun("lig", count=8003)._coarse
    assert coarse.count == 1000  # int(8003 / 8)
    assert is_uniform(coarse._means[:, 0], 0, WIDTH / 2) and is_uniform(coarse._means[:, 1], 0, HEIGHT / 2)
    assert not coarse._colours.any()
    squares = target().reshape(HEIGHT // 2, 2, WIDTH // 2, 2, 3).mean(dim=(1, 3))
    assert torch.allclose(coarse._target, squares, atol=1e-6)


def test_levels_of_lig():
    system = begun("lig", count=160, steps=11)
    for _ in range(5):
        system.step()
    assert system._fine is None and system.count == 20
    coarse, below = system._coarse.drawn().detach(), system.picture()
    system.step()
    assert system.count == 160
    low, spread = system._range
    residual = target() - below + 0.5
    assert low == pytest.approx(float(residual.min())) and spread == pytest.approx(float(residual.max()) - low)
    assert torch.allclose(system._fine._target, (residual - low) / spread, atol=1e-6)
    for _ in range(5):
        system.step()
    assert torch.equal(system._coarse.drawn(), coarse)  # stands still
    shown = below + system._fine.drawn().detach() * spread + low - 0.5
    assert torch.allclose(system.picture(), shown.clamp(0, 1), atol=1e-6)


def test_a_splat_of_lig_that_is_no_ellipse_shows_nothing_and_stays():
    level = lig.Level(target(), 3, torch.Generator().manual_seed(1))
    with torch.no_grad():
        level._colours.fill_(0.5)
        level._covariances[1] = torch.tensor([1.0, 2.0, 1.0])
    before = level._means.detach().clone()
    level.step()
    moved = (level._means.detach() != before).any(dim=1)
    assert moved.tolist() == [True, False, True]


# 3DGS


def test_start_of_3dgs():
    system = begun("3dgs")
    assert is_uniform(system._centres, -1, 1) and is_uniform(system._base, 0, 1) and not system._rest.any()
    assert torch.allclose(torch.sigmoid(system._opacities), torch.tensor(0.1))
    assert torch.allclose(system._rotations.norm(dim=1), torch.tensor(1.0))
    assert system._rest.shape == (2000, 15, 3) and torch.equal(system._scales[:, 0], system._scales[:, 2])


def test_3dgs_composes_over_white_nearest_first():
    system = begun("3dgs", count=6)
    with torch.no_grad():
        system._opacities.fill_(2.0)
        system._scales.fill_(-1.0)
    centres, order = system._centres.detach(), torch.argsort(system._centres.detach()[:, 2])
    assert not torch.equal(order, torch.arange(6))
    picture = torch.ones(HEIGHT, WIDTH, 3)
    y, x = torch.meshgrid(torch.arange(HEIGHT) + 0.5, torch.arange(WIDTH) + 0.5, indexing="ij")
    for i in reversed(order.tolist()):  # the farthest first: each is laid over what is behind it
        depth = centres[i, 2] + 8
        sx, sy = (32 / depth * centres[i, k] / depth for k in (0, 1))
        scale = math.exp(-1.0)
        jacobian = torch.tensor([[32 / depth, 0, -sx], [0, 32 / depth, -sy]])
        conic = torch.linalg.inv(scale**2 * jacobian @ jacobian.T + 0.3 * torch.eye(2))
        dx, dy = x - 32 - 32 * centres[i, 0] / depth, y - 24 - 32 * centres[i, 1] / depth
        q = conic[0, 0] * dx * dx + 2 * conic[0, 1] * dx * dy + conic[1, 1] * dy * dy
        alpha = torch.where(q <= naive_blends.SUPPORT, torch.exp(-q / 2) / (1 + math.exp(-2.0)), 0.0)[..., None]
        colour = (system._base.detach()[i, 0] * 0.28209479177387814 + 0.5).clamp(min=0)
        picture = alpha * colour + (1 - alpha) * picture
    assert torch.allclose(system.picture(), picture.clamp(max=1), atol=1e-4)


def test_3dgs_does_not_see_what_is_behind_the_camera():
    system = begun("3dgs", count=3)
    with torch.no_grad():
        system._centres[:, 2] = torch.tensor([-8.5, -8.0, -20.0])
    assert torch.equal(system.picture(), torch.ones(HEIGHT, WIDTH, 3))
    assert math.isfinite(float(system.step())) and all(torch.isfinite(p).all() for p in system._optimiser._parameters)


# Image-GS, both


def indices_of(places):
    """Of the pixels in whose middles places, px, lie."""
    assert torch.allclose(places - places.floor(), torch.tensor(0.5), atol=1e-3)
    return (places[:, 1].floor() * WIDTH + places[:, 0].floor()).long()


def test_start_of_the_harness_image_gs():
    system = begun("image-gs", count=1001)
    p = system._parameters
    assert system.count == 500
    indices = indices_of((p["places"] + 1) * torch.tensor([WIDTH / 2, HEIGHT / 2]))
    assert len(set(indices.tolist())) == 500
    assert torch.equal(p["colours"], target().view(-1, 3)[indices])
    assert (p["inverse_scales"] == 0.2).all() and not p["turns"].any()


def test_weights_of_the_harness_image_gs():
    weights = image_gs_harness.start_weights(target()).view(HEIGHT, WIDTH)
    assert float(weights.sum()) == pytest.approx(1, abs=1e-6)
    luma = np.pad(thumbnail() @ [0.299, 0.587, 0.114] / 255, 1)
    kernel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    gradient = np.empty((HEIGHT, WIDTH))
    for y in range(HEIGHT):
        for x in range(WIDTH):
            window = luma[y : y + 3, x : x + 3]
            gradient[y, x] = math.hypot((window * kernel).sum(), (window * kernel.T).sum())
    np.testing.assert_allclose(weights, 0.7 * gradient / gradient.sum() + 0.3 / gradient.size, atol=1e-8)


@pytest.mark.parametrize(
    ("name", "counts"),
    [("image-gs", [41, 51, 61, 71, 81, 83, 83]), ("image-gs:official", [42, 53, 64, 75, 83, 83, 83])],
)
def test_splats_are_added_until_all_are_there(name, counts):
    system = begun(name, count=83, steps=60)  # every third step
    found = [system.count]
    for _ in range(18):
        system.step()
        found.append(system.count)
    assert found == [count for count in counts for _ in range(3)][:19]


def test_growth_of_the_harness_image_gs():
    system = begun("image-gs", count=80, steps=40)
    system.step()
    before = {name: p.detach().clone() for name, p in system._parameters.items()}
    error = (system.picture() - target()).abs().mean(dim=2).view(-1)
    first = {n: system._optimiser.state[p]["exp_avg"].clone() for n, p in system._parameters.items()}
    system.step()
    indices = indices_of((system._parameters["places"][40:] + 1) * torch.tensor([WIDTH / 2, HEIGHT / 2]))
    largest = set(torch.topk(error, 1000).indices.tolist())
    assert len(indices) == 10 and set(indices.tolist()) <= largest
    assert torch.equal(system._parameters["colours"][40:], target().view(-1, 3)[indices])
    for name, parameter in system._parameters.items():
        moments = system._optimiser.state[parameter]
        assert moments["exp_avg"].shape == parameter.shape and not moments["exp_avg"][40:].any()
        assert not moments["exp_avg_sq"][40:].any() and float(moments["step"]) == 2
        assert (parameter[:40] - before[name]).abs().max() > 0
        assert not torch.equal(moments["exp_avg"][:40], first[name])
    system.step()
    moved = {n: bool(system._optimiser.state[p]["exp_avg"][40:].any()) for n, p in system._parameters.items()}
    assert moved == {"places": True, "colours": True, "inverse_scales": True, "turns": False}  # they are still round


def test_the_loss_of_the_harness_image_gs_grows_with_similarity():
    system = begun("image-gs", count=80)
    picture = system.picture()
    expected = (picture - target()).abs().mean() + similarity_error(picture, target(), ssim=0.1)
    assert float(system.step()) == pytest.approx(float(expected), rel=1e-5)


def test_start_of_the_official_image_gs():
    system = begun("image-gs:official", count=999)
    p = system._parameters
    assert system.count == 500
    indices = indices_of(p["places"] * torch.tensor([WIDTH, HEIGHT]))
    assert torch.equal(p["colours"], target().view(-1, 3)[indices])
    assert (p["inverse_scales"] == 0.2).all() and not p["angles"].any()
    channels = target().permute(2, 0, 1).double()
    padded = torch.nn.functional.pad(channels.unsqueeze(1), (1, 1, 1, 1), mode="replicate")
    kernel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=torch.float64)
    strength = sum(torch.nn.functional.conv2d(padded, k[None, None]) ** 2 for k in (kernel, kernel.T)).sum((0, 1))
    assert strength.view(-1)[indices[150:]].mean() > 2 * strength.mean()  # 70 % by the gradient's square
    assert strength.view(-1)[indices[:150]].mean() < 1.5 * strength.mean()  # 30 % anywhere


def test_the_official_image_gs_is_the_normalised_mean_of_the_strongest():
    system = begun("image-gs:official", count=40)
    p = {name: value.detach().double() for name, value in system._parameters.items()}
    expected = naive_blends.rasterize(
        p["places"] * torch.tensor([WIDTH, HEIGHT]), 1 / p["inverse_scales"], p["angles"], p["colours"],
        HEIGHT, WIDTH, blend="topk", k=10,
    )  # fmt: skip
    assert torch.allclose(system.picture().double(), expected.clamp(0, 1), atol=1e-4)
    loss = (expected - target()).abs().mean() + 0.1 - similarity_error(expected.float(), target(), ssim=0.1)
    assert float(system.step()) == pytest.approx(float(loss), rel=1e-3)


def test_growth_of_the_official_image_gs():
    system = begun("image-gs:official", count=80, steps=20)
    optimiser = system._optimiser
    system.step()
    assert system.count == 50 and system._optimiser is not optimiser and not system._optimiser.state
    old = {name: value.detach()[:40] for name, value in system._parameters.items()}
    sums = naive_blends.rasterize(
        old["places"] * torch.tensor([WIDTH, HEIGHT]), 1 / old["inverse_scales"], old["angles"], old["colours"],
        HEIGHT, WIDTH, blend="topk",
    )  # fmt: skip
    error = target() - sums.clamp(0, 1)
    indices = indices_of(system._parameters["places"][40:] * torch.tensor([WIDTH, HEIGHT]))
    assert torch.allclose(system._parameters["colours"][40:], error.view(-1, 3)[indices], atol=1e-4)
    strength = error.abs().mean(dim=2).view(-1) ** 2
    assert strength[indices].mean() > strength.mean()


def test_the_official_image_gs_slows_down_once_and_ends(monkeypatch):
    monkeypatch.setattr(image_gs, "JUDGE_EVERY", 1)
    monkeypatch.setattr(image_gs, "PATIENCE", 3)
    monkeypatch.setattr(image_gs, "LEAST_GAIN", {"psnr": 99.0, "ssim": 99.0})
    system = begun("image-gs:official", count=1)
    rates = []
    while not system.finished:
        system.step()
        rates.append(system._optimiser.param_groups[0]["lr"] / 5e-4)
    assert rates == pytest.approx([1, 1, 0.1, 0.1, 0.1, 0.01])


def test_the_official_image_gs_ends_after_its_most_steps(monkeypatch):
    monkeypatch.setattr(image_gs, "MOST_STEPS", 4)
    fitted = fit(SYSTEMS["image-gs:official"], thumbnail(), 3, 10, seed=1)
    assert fitted.steps == 4
