"""The engine cuda against the reference, small; and whole fits with it against the cpu engine's."""

import functools
import math
import weakref

import numpy as np
import pytest

from tests.cards import DEVICE, few_programs, torch  # noqa: F401

from smartsplat.engines import Loss, load_engine  # isort: skip
from smartsplat.engines.protocol import cells_of  # isort: skip

from smartsplat.engines.cuda import CudaEngine, checked  # isort: skip
from smartsplat.engines.window import WindowEngine  # isort: skip
from smartsplat.errors import LimitError, SmartSplatError  # isort: skip
from smartsplat.file.splatfile import SplatFile  # isort: skip
from smartsplat.fitting.fit import fit  # isort: skip
from smartsplat.fitting.levels import Pyramid  # isort: skip
from smartsplat.fitting.paper import PaperState, Parameters, fit_paper  # isort: skip
from smartsplat.fitting.schedule import Effort  # isort: skip
from smartsplat.fitting.steplog import StepLog  # isort: skip
from smartsplat.gpu.frames import Limits  # isort: skip
from smartsplat.gpu.memory import fit_bytes  # isort: skip
from smartsplat.model.recipe import RECIPES  # isort: skip
from smartsplat.model.splats import Splats  # isort: skip
from smartsplat.model.view import View  # isort: skip
from smartsplat.model.window import Window  # isort: skip
from smartsplat.pictures.planes import to_planes  # isort: skip
from smartsplat.pictures.reading import read  # isort: skip
from smartsplat.pipeline.encode import encode_picture  # isort: skip
from smartsplat.pipeline.options import Options  # isort: skip
from smartsplat.pipeline.target import Target  # isort: skip
from tests.columns import assert_columns_close  # isort: skip
from tests.conftest import random_planes, random_splats  # isort: skip
from tests.lattices import random_lattice  # isort: skip

SIZE = (40, 36)
VIEWS = [
    View(34, 20),
    View(20, 18, zoom=0.5, blur=0.15),
    View(22, 35, zoom=1.7, left=13.25, top=-3.5),
]
STRETCHED = View(20, 11, zoom=0.5, blur=0.06, aspect=0.6)
BANDS = Limits(pairs=4, kept=8, pixels=1)
"""Lists and bands of a row of tiles each."""

ENGINE = functools.partial(CudaEngine, device=DEVICE)


def frames(view, splats, lattice=None, ssim=False, limits=BANDS):
    for engine in (ENGINE(limits=limits), load_engine("reference")):
        yield engine.canvas(view, lattice, ssim=ssim).place(splats)


def assert_close(actual, expected, tolerance=2e-5):
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    assert np.abs(actual - expected).max() <= tolerance * np.abs(expected).max()


@pytest.mark.parametrize("with_lattice", [False, True])
@pytest.mark.parametrize("view", [*VIEWS, STRETCHED])
def test_shows_what_the_reference_shows(rng, view, with_lattice):
    lattice = random_lattice(rng, *SIZE, 4) if with_lattice else None
    cuda, reference = frames(view, random_splats(rng, 5, *SIZE), lattice)
    target = random_planes(rng, view.width, view.height)
    assert_close(cuda.render(), reference.render())
    assert np.abs(cuda.render_bytes().astype(int) - reference.render_bytes()).max() <= 1
    assert cuda.decoded_error(target) == pytest.approx(reference.decoded_error(target), rel=1e-4)
    assert_close(cuda.cell_errors(target), reference.cell_errors(target))


@pytest.mark.parametrize("loss", [Loss("l2"), Loss("l1"), Loss("l1+ssim", 0.7)], ids=lambda loss: loss.kind)
@pytest.mark.parametrize("view", VIEWS)
def test_losses_and_gradients_are_the_reference_s(rng, view, loss):
    lattice = random_lattice(rng, *SIZE, 4) if view.zoom < 1 else None
    splats = random_splats(rng, 4, *SIZE, (1.0, 6.0))
    splats.colour[:] = np.abs(splats.colour)  # similarity has no gradient where the sums are below 0
    cuda, reference = frames(view, splats, lattice, ssim=True)
    target = random_planes(rng, view.width, view.height)
    value, gradient = cuda.gradient(target, loss)
    expected_value, expected = reference.gradient(target, loss)
    assert value == pytest.approx(expected_value, rel=1e-5)
    # The sign of L1 and the clamp of SSIM flip whole pixels where a sum is within rounding of its target.
    assert_columns_close(gradient, expected, 2e-5 if loss.kind == "l2" else 2e-3)


def test_bands_do_not_change_the_loss_of_similarity(rng):
    view, splats = View(20, 50), random_splats(rng, 4, 20, 50, (1.0, 6.0))
    target = random_planes(rng, 20, 50)
    values, gradients = [], []
    for limits in (BANDS, Limits()):
        value, gradient = next(frames(view, splats, ssim=True, limits=limits)).gradient(target, Loss("l1+ssim", 0.5))
        values.append(value)
        gradients.append(np.asarray(gradient))
    assert values[0] == pytest.approx(values[1], rel=1e-6)
    assert_close(*gradients)


@pytest.mark.parametrize("view", VIEWS[:2])
def test_products_are_the_reference_s(rng, view):
    splats = random_splats(rng, 4, *SIZE)
    cuda, reference = frames(view, splats)
    direction, cotangent = rng.normal(size=(4, 8)), rng.normal(size=(view.height, view.width, 3))
    assert_columns_close(cuda.normal_product(direction), reference.normal_product(direction), 2e-5)
    assert_columns_close(cuda.normal_product(direction[:, 5:]), reference.normal_product(direction[:, 5:]), 2e-5)
    assert_columns_close(cuda.vjp(cotangent), reference.vjp(cotangent), 2e-5)
    assert_close(cuda.colour_diagonal(), reference.colour_diagonal())


@pytest.mark.parametrize("view", VIEWS)
def test_weighted_losses_and_products_are_the_reference_s(rng, view):
    splats, target = random_splats(rng, 4, *SIZE, (1.0, 6.0)), random_planes(rng, view.width, view.height)
    weights = np.exp(rng.normal(0, 1, cells_of(view))).astype(np.float32)
    cuda, reference = (
        engine.canvas(view, weights=weights).place(splats)
        for engine in (ENGINE(limits=BANDS), load_engine("reference"))
    )
    (value, gradient), (expected_value, expected) = (f.gradient(target, Loss("l2")) for f in (cuda, reference))
    assert value == pytest.approx(expected_value, rel=1e-5)
    assert_columns_close(gradient, expected, 2e-5)
    direction = rng.normal(size=(4, 8))
    assert_columns_close(cuda.normal_product(direction), reference.normal_product(direction), 2e-5)
    assert_columns_close(cuda.normal_product(direction[:, 5:]), reference.normal_product(direction[:, 5:]), 2e-5)


@pytest.mark.parametrize(("view", "spacing"), [(VIEWS[1], 1), (VIEWS[2], 4), (VIEWS[1], 16)])
def test_the_lattice_s_sums_are_the_reference_s(rng, view, spacing):
    cuda, reference = frames(view, random_splats(rng, 2, *SIZE), random_lattice(rng, *SIZE, spacing))
    target, cotangent = random_planes(rng, view.width, view.height), rng.normal(size=(view.height, view.width, 3))
    assert_close(cuda.render(), reference.render())
    assert_close(cuda.lattice_residual(target, SIZE, spacing), reference.lattice_residual(target, SIZE, spacing))
    assert_close(cuda.lattice_vjp(cotangent, SIZE, spacing), reference.lattice_vjp(cotangent, SIZE, spacing))


def test_places_of_a_very_wide_lattice_are_exact(rng):
    view = View(18, 3, left=16360.0, top=5.0)
    lattice = random_lattice(rng, 16384, 12, 1)
    cuda, reference = frames(view, random_splats(rng, 0, 1, 1), lattice)
    assert_close(cuda.render(), reference.render(), 1e-6)


def test_splats_that_cannot_be_drawn_show_nothing(rng):
    good = random_splats(rng, 2, 16, 16)
    bad = np.repeat(good.parameters[:1], 8, axis=0)
    bad[range(8), range(8)] = [np.nan, np.inf, 0, -1, np.nan, np.nan, -np.inf, 1]
    bad[7, 2] = 1e25
    target, view = random_planes(rng, 16, 16), View(16, 16)
    frame, alone = (next(frames(view, s)) for s in (Splats(np.concatenate([good.parameters, bad])), good))
    np.testing.assert_array_equal(frame.render(), alone.render())
    gradient = np.asarray(frame.gradient(target, Loss("l2"))[1])
    np.testing.assert_array_equal(gradient[:2], np.asarray(alone.gradient(target, Loss("l2"))[1]))
    assert not gradient[2:].any()


def test_no_splats_are_black_and_have_no_gradients(rng):
    frame = next(frames(View(9, 20), random_splats(rng, 0, 1, 1), ssim=True))
    assert not frame.render().any()
    assert frame.gradient(random_planes(rng, 9, 20), Loss("l1+ssim"))[1].shape == (0, 8)
    assert frame.normal_product(np.zeros((0, 3))).shape == (0, 3)


def test_windows_hold_the_splats_around_them(rng):
    own, around = random_splats(rng, 2, 20, 16), random_splats(rng, 3, 40, 36)
    window, target = Window(12, 8, 20, 16), random_planes(rng, 20, 16)
    made = [WindowEngine(e, window, around).canvas(View(20, 16)).place(own) for e in (ENGINE(), load_engine("cpu"))]
    assert_close(made[0].render(), made[1].render())
    direction = rng.normal(size=(2, 8)).astype(np.float32)
    assert_columns_close(made[0].gradient(target, Loss("l2"))[1], made[1].gradient(target, Loss("l2"))[1], 5e-5)
    assert_columns_close(made[0].normal_product(direction), made[1].normal_product(direction), 5e-5)


def test_what_is_asked_wrongly_is_one_clear_error(rng):
    frame = next(frames(View(9, 7), random_splats(rng, 2, 9, 7)))
    with pytest.raises(ValueError, match=r"a target must be uint8 \[3, 7, 9\]"):
        frame.gradient(random_planes(rng, 7, 9), Loss("l2"))
    with pytest.raises(ValueError, match="not made for the loss"):
        frame.gradient(random_planes(rng, 9, 7), Loss("l1+ssim"))
    with pytest.raises(ValueError, match="direction"):
        frame.normal_product(np.zeros((3, 8)))
    with pytest.raises(ValueError, match="cotangent"):
        frame.vjp(np.zeros((9, 7, 3)))
    with pytest.raises(ValueError, match="aspect"):
        next(frames(STRETCHED, random_splats(rng, 2, 9, 7))).gradient(random_planes(rng, 20, 11), Loss("l2"))


def test_a_view_of_too_many_overlapping_splats_is_refused(rng):
    parameters = np.tile(np.float32([[20, 20, 400, 400, 0, 0.1, 0.1, 0.1]]), (200_000, 1))
    views = ENGINE().views(40, 36, Splats(parameters), None)
    with pytest.raises(LimitError, match="max_work"):
        views.render(View(160, 150), np.empty((150, 160, 3), np.uint8), threads=0)


@pytest.mark.parametrize(("dtype", "shape"), [(np.uint8, (20, 34, 3)), (np.float32, (20, 34))])
def test_views_are_the_cpu_s(rng, dtype, shape):
    splats, lattice = random_splats(rng, 4, *SIZE), random_lattice(rng, *SIZE, 4)
    outs = np.zeros((2, *shape), dtype)
    for out, engine in zip(outs, (ENGINE(limits=BANDS), load_engine("cpu")), strict=True):
        engine.views(*SIZE, splats, lattice).render(View(34, 20, zoom=0.9, blur=0.02), out, threads=0)
    assert np.abs(outs[0].astype(float) - outs[1]).max() <= (1 if dtype == np.uint8 else 1e-5)
    assert outs[1].any()


def test_the_check_of_a_card_passes_here_and_says_what_is_wrong(monkeypatch):
    checked.cache_clear()
    checked(DEVICE)
    checked.cache_clear()
    monkeypatch.setattr("smartsplat.gpu.frames.WEIGHED", 3)  # no power of two
    if DEVICE.type == "cpu":
        monkeypatch.setattr("smartsplat.engines.cuda._fill", lambda out, frame, what: out.fill(0))
        with pytest.raises(SmartSplatError, match="draws a splat wrongly"):
            checked(DEVICE)
    else:
        with pytest.raises(SmartSplatError, match="this card cannot draw"):
            checked(DEVICE)
    checked.cache_clear()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a card")
def test_without_a_card_it_is_one_clear_line():
    with pytest.raises(SmartSplatError, match=r"^engine cuda: PyTorch sees no graphics card of NVIDIA or AMD here$"):
        load_engine("cuda")
    assert load_engine("auto", pixels=10**9).name == "cpu"


# Whole fits


def waves(width, height):
    y, x = np.mgrid[:height, :width]
    channels = [128 + 90 * np.sin(x / 5) + 20 * np.cos(y / 3), 100 + 80 * np.cos((x + y) / 6), 120 + 5.0 * x - 3 * y]
    return np.stack(channels, axis=2).clip(0, 255).astype(np.uint8)


def test_a_fit_is_the_cpu_s():
    """All of it: colours, Adam, relocation of none, Gauss-Newton; positions to a thousandth of a pixel."""
    planes = to_planes(waves(16, 16))
    start = Splats.from_arrays([[4, 5], [11, 4], [8, 12]], [[3, 2], [2, 3], [4, 2]], [0.1, 1, 2], np.zeros((3, 3)))
    effort = Effort(coarsest=4, next=2, newton=1, rounds=1, density=1)
    found, expected = (
        fit(e, Pyramid((planes,)), start, effort, seed=0, progress=lambda _: None)
        for e in (ENGINE(), load_engine("cpu"))
    )
    assert isinstance(found.parameters, np.ndarray)
    np.testing.assert_allclose(found.parameters, expected.parameters, atol=1e-3)
    assert np.abs(expected.parameters - start.parameters).max() > 0.1


def test_the_paper_s_fit_is_the_cpu_s():
    planes, parameters = to_planes(waves(16, 12)), Parameters(RECIPES["paper"], 16, 12)
    start = Splats.from_arrays([[4, 5], [11, 4]], [[3, 2], [2, 3]], [0.1, 1], np.full((2, 3), 0.5))
    results = []
    for engine in (ENGINE(), load_engine("cpu")):
        state = PaperState.before(parameters.of(start)).held(engine)
        canvas = engine.canvas(View(16, 12), ssim=True)
        state = fit_paper(
            canvas,
            engine.hold(planes),
            parameters,
            state,
            3,
            keep=lambda _: None,
            log=StepLog(),
            progress=lambda _: None,
        )
        results.append(parameters.splats(state.parameters).on_host().parameters)
    np.testing.assert_allclose(*results, atol=1e-4)
    assert np.abs(results[1] - start.parameters).max() > 1e-3


def test_a_file_is_as_good_as_the_cpu_s_and_decodes_alike():
    pixels = waves(16, 16)
    options = Options(Target(splats=3), preset="paper", steps=2)
    picture = read(pixels)
    found, expected = (encode_picture(picture, options, e, lambda _: None) for e in (ENGINE(), load_engine("cpu")))
    assert found.report.engine == "cuda"
    assert abs(found.report.psnr - expected.report.psnr) < 0.03
    assert abs(len(found) - len(expected)) <= 2
    out = np.empty((16, 16, 3), np.uint8)
    file = SplatFile(found.to_bytes())
    ENGINE().views(16, 16, file.decode_splats(), file.decode_lattice()).render(View(16, 16), out, threads=0)
    assert np.abs(out.astype(int) - file.render(engine="cpu")).max() <= 1


# Memory


class LiveBytes(torch.utils._python_dispatch.TorchDispatchMode):
    """The most bytes of tensors that were there at a time, of those made meanwhile."""

    def __init__(self):
        super().__init__()
        self.now = self.most = 0
        self.known = weakref.WeakSet()

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        made = function(*arguments, **(options or {}))
        for tensor in torch.utils._pytree.tree_leaves(made):
            if isinstance(tensor, torch.Tensor):
                self._note(tensor.untyped_storage())
        return made

    def _note(self, storage):
        if storage in self.known:
            return
        self.known.add(storage)
        size = storage.nbytes()
        self.now += size
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self._gone, size)

    def _gone(self, size):
        self.now -= size


@pytest.mark.parametrize("kind", ["l2", "l1+ssim"])
def test_a_fit_takes_no_more_memory_than_is_said(rng, monkeypatch, kind):
    """With kernels of bands that do nothing, so that the picture can be large; splats are sorted as they are."""
    width, height, count, limits = 320, 208, 120, Limits(pairs=400, kept=800, pixels=1 << 13)
    splats, planes = random_splats(rng, count, width, height, (2.0, 9.0)), random_planes(rng, width, height)
    engine = ENGINE(limits=limits)
    frame = engine.canvas(View(width, height)).place(splats)._frame
    assert len(frame.groups) > 1
    lists = [frame.lists(group).sorted for group in range(len(frame.groups))]
    pairs, spans = sum(one.members.shape[0] for one in lists), sum(one.spans for one in lists)
    fit_limit = fit_bytes(width, height, count, pairs, spans, ssim=kind != "l2", limits=limits)
    del frame, lists
    monkeypatch.setattr("smartsplat.gpu.frames.launch", lambda *_, **__: None)
    monkeypatch.setattr("smartsplat.gpu.similarity.launch", lambda *_, **__: None)
    monkeypatch.setattr("smartsplat.gpu.blending.launch", lambda *_, **__: None)
    with LiveBytes() as live:
        canvas, target = engine.canvas(View(width, height), ssim=True), engine.hold(planes)
        canvas.place(splats).gradient(target, Loss(kind))
    assert 0.2 * fit_limit < live.most <= fit_limit


@pytest.mark.parametrize(("width", "height"), [(15360, 8640), (15360, 11520), (16384, 16384)])
def test_16k_takes_at_most_four_gigabytes(width, height):
    """N of Eq. 5 at CR 200 and what round splats of the scale of their start touch, and half as much again."""
    count = round(3 * width * height / (7 * 200))
    rows = 2 * 3.33 * math.sqrt(width * height / (math.pi * count)) / 16 + 1
    pairs, spans = round(1.5 * count * rows**2), round(1.5 * count * rows)
    assert fit_bytes(width, height, count, pairs, spans) <= 4e9
    assert fit_bytes(width, height, count, pairs, spans, spacing=2, ssim=False) <= 4e9
