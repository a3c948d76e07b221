"""Windows: parts of a picture that are fitted in turn, each seen through an engine of its own."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import smartsplat
from smartsplat.engines import Loss, load_engine
from smartsplat.engines.window import WindowEngine
from smartsplat.fitting.levels import Pyramid, exact_zoom
from smartsplat.model.lattice import Lattice, lattice_shape
from smartsplat.model.splats import Splats
from smartsplat.model.view import View
from smartsplat.model.window import ALIGNMENT, Window, windows_of
from smartsplat.pictures.planes import shrunk, to_planes
from smartsplat.pipeline import encode as encoding
from smartsplat.pipeline import pilot, windowed
from smartsplat.pipeline.compose import compose
from smartsplat.pipeline.job import Job
from smartsplat.pipeline.pilot import LARGE, Choice
from smartsplat.pipeline.plan import LATTICE_SHARED, finer_spacing, plan_for, spacing_for
from smartsplat.pipeline.windowed import compose_windows, picture_windows
from tests.conftest import random_planes, random_splats
from tests.photos import photo


def job_of(pixels, effort=2, threads=1, engine=None):
    return Job(to_planes(pixels), False, engine or load_engine("cpu", threads), effort)


# Where they are


@pytest.mark.parametrize("size", [(1920, 1080), (15360, 8640), (5000, 70), (1, 100_000), (64, 64), (333, 777)], ids=str)
@pytest.mark.parametrize("most", [64 * 64, 1 << 18, 1 << 21])
def test_windows_cover_every_pixel_once(size, most):
    width, height = size
    windows = windows_of(width, height, most)
    assert sum(window.pixels for window in windows) == width * height
    assert all(min(window.width, window.height) > 0 for window in windows)
    lefts, tops = {window.left for window in windows}, {window.top for window in windows}
    assert len(windows) == len(lefts) * len(tops) == len({(window.left, window.top) for window in windows})
    assert all(at % ALIGNMENT == 0 for at in lefts | tops)
    assert max(w.left + w.width for w in windows) == width
    assert max(w.top + w.height for w in windows) == height
    longest = max(max(window.width, window.height) for window in windows)
    assert max(window.pixels for window in windows) <= most + 2 * ALIGNMENT * longest


def test_windows_grow_where_the_picture_goes_on():
    assert Window(64, 0, 64, 100).grown(10, 500, 105) == Window(54, 0, 84, 105)
    assert Window(0, 0, 64, 64).grown(10, 64, 64) == Window(0, 0, 64, 64)


def test_what_reaches_a_window_is_all_that_shows_there(rng):
    splats, window = random_splats(rng, 300, 120, 90, scales=(0.5, 20)), Window(40, 30, 33, 21)
    reached = window.reached_by(splats)
    shows = []
    for row in splats.parameters:
        row = row.copy()
        row[5:] = 1
        view = View(window.width, window.height, left=window.left, top=window.top)
        shows.append(load_engine("cpu").canvas(view).place(Splats(row[None])).render().any())
    assert not (np.array(shows) & ~reached).any()
    assert reached.sum() <= sum(shows) * 1.3
    assert 10 < sum(shows) < 290


def test_small_pictures_are_one_window_and_large_ones_have_bytes_for_each():
    small, large = (SimpleNamespace(width=8000, height=height, pixels=8000 * height) for height in (4000, 16_000))
    assert small.pixels == LARGE
    assert len(picture_windows(small, 500_000)) == 1
    many, few = picture_windows(large, 4_000_000), picture_windows(large, 100_000)
    assert len(many) >= 64
    assert len(few) > 1
    assert 100_000 / len(few) > 12_000


# What is seen through them


@pytest.fixture
def seen(rng):
    """A window's engine, its own splats, and all splats of the picture with the window's own first."""
    everything = random_splats(rng, 60, 90, 70)
    window = Window(20, 16, 40, 30)
    own = everything.parameters[:25].copy()
    own[:, :2] -= (window.left, window.top)
    engine = WindowEngine(load_engine("cpu"), window, Splats(everything.parameters[25:]))
    return engine, Splats(own), everything


@pytest.mark.parametrize("zoom", [1.0, 0.5])
def test_a_window_shows_what_the_picture_shows_there(rng, seen, zoom):
    engine, own, everything = seen
    values = rng.normal(0, 0.1, (3, *lattice_shape(90, 70, 2))).astype(np.float32)
    lattice = Lattice(90, 70, 2, values)
    view = View(round(40 * zoom), round(30 * zoom), zoom=zoom, blur=0.15)
    frame = engine.canvas(view, lattice).place(own)
    whole = load_engine("cpu").canvas(View(round(90 * zoom), round(70 * zoom), zoom=zoom, blur=0.15), lattice)
    left, top = round(20 * zoom), round(16 * zoom)
    expected = whole.place(everything).render()[top : top + view.height, left : left + view.width]
    assert np.allclose(frame.render(), expected, atol=2e-5)
    assert frame.splats is own
    assert frame.canvas.view == view


def test_derivatives_are_by_the_window_s_own_splats(rng, seen):
    engine, own, everything = seen
    view, target = View(40, 30), random_planes(rng, 40, 30)
    frame = engine.canvas(view).place(own)
    whole = load_engine("cpu").canvas(View(40, 30, left=20, top=16)).place(everything)
    loss, gradient = frame.gradient(target, Loss("l2"))
    full_loss, full = whole.gradient(target, Loss("l2"))
    assert loss == pytest.approx(full_loss)
    assert np.allclose(gradient, full[:25], rtol=1e-3, atol=1e-6)
    assert np.allclose(frame.colour_diagonal(), whole.colour_diagonal()[:25], rtol=1e-4, atol=1e-6)
    for columns in (8, 3):
        direction = rng.normal(size=(25, columns))
        still = np.concatenate([direction, np.zeros((35, columns))])
        assert np.allclose(frame.normal_product(direction), whole.normal_product(still)[:25], rtol=1e-3, atol=1e-4)
    cotangent = rng.normal(size=(30, 40, 3))
    assert np.allclose(frame.vjp(cotangent), whole.vjp(cotangent)[:25], rtol=1e-3, atol=1e-4)


# Levels of any zoom


def test_levels_are_of_the_zoom_that_was_asked_for():
    planes = to_planes(photo(150, 101))
    for zoom in (0.9, 0.5, 0.31, 0.1):
        pyramid = Pyramid.down_to(planes, zoom)
        assert pyramid.zoom(pyramid.coarsest) == pytest.approx(zoom)
        assert pyramid.zoom(0) == 1
        for level in range(1, len(pyramid.levels)):
            view = pyramid.view(level)
            assert pyramid.levels[level].shape == (3, view.height, view.width)
            assert view.width - 1 < 150 * view.zoom + level
            assert view.width >= 150 * view.zoom
    assert exact_zoom(1.4) == pytest.approx(0.7)
    assert exact_zoom(0.2) == 1


def test_shrinking_keeps_ramps_where_they_are():
    """A pixel of the smaller picture shows what lies at the same place of the larger one."""
    ramp = np.tile(np.arange(200, dtype=np.uint8), (3, 50, 1))
    for zoom in (0.8, 0.5, 0.37):
        small = shrunk(ramp, zoom)
        expected = (np.arange(small.shape[2]) + 0.5) / zoom - 0.5
        inner = slice(3, -4)
        assert np.abs(small[0, 5, inner] - expected[inner]).max() <= 1


# The whole way


def composed(job, budget, side, share=0.4):
    """With windows of that side, px."""
    plan = plan_for(job.pixels, budget, share, grey=job.grey)
    return compose_windows(replace(job, thrifty=True), plan, windows_of(job.width, job.height, side * side))


def test_windows_fill_the_budget_and_are_as_good_as_one():
    job, budget = job_of(photo(256, 192)), 1500
    whole, parts = composed(job, budget, 1024), composed(job, budget, 110)
    for composition in (whole, parts):
        assert 0.96 * budget < composition.length <= budget + LATTICE_SHARED
        assert len(composition.splats.codes) > 80
    assert parts.error < 1.12 * whole.error


def test_one_window_is_the_usual_composition():
    """But for the splats' step, which is not made to fill their budget."""
    job, budget = replace(job_of(photo(128, 128)), thrifty=True), 1200
    usual = compose(job, plan_for(job.pixels, budget, 0.4, grey=False))
    assert composed(job, budget, 1024).error == pytest.approx(usual.error, rel=0.05)


def test_every_splat_starts_in_one_window():
    job = job_of(photo(200, 130))
    parts = windowed._parts(job, 500, windows_of(200, 130, 64 * 64))
    assert sum(len(part.start) for part in parts) == 500
    for part in parts:
        inside = part.start.xy - (part.window.left, part.window.top)
        assert (inside >= 0).all()
        assert (inside <= (part.window.width, part.window.height)).all()


def test_windows_without_splats_are_passed_over():
    """One half of the picture is black."""
    pixels = photo(256, 128)
    pixels[:, 100:] = 0
    found = composed(job_of(pixels), 700, 128, share=0.1)
    assert 0 < found.length <= 700 + LATTICE_SHARED
    assert found.splats.splats.xy[:, 0].max() < 160


def test_borders_of_windows_do_not_show():
    pixels = photo(256, 256)
    job = job_of(pixels)
    windows = windows_of(256, 256, 128 * 128)
    near = np.zeros((256, 256), bool)
    for window in windows:
        near[:, max(0, window.left - 4) : window.left + 4] |= window.left > 0
        near[max(0, window.top - 4) : window.top + 4] |= window.top > 0
    ratios = []
    for side in (128, 1024):
        composition = composed(job, 2000, side)
        lattice = composition.lattice.decoded() if composition.lattice else None
        shown = job.canvas(lattice).place(composition.splats.splats).render_bytes()
        error = ((shown.astype(float) - pixels) ** 2).sum(axis=2)
        ratios.append(error[near].mean() / error[~near].mean())
    assert ratios[0] < 1.25 * ratios[1]


def test_the_number_of_threads_changes_no_byte():
    one, two = (composed(job_of(photo(192, 128), threads=threads), 1200, 64) for threads in (1, 2))
    assert one.splats.section == two.splats.section
    assert one.lattice.section == two.lattice.section


def test_a_fit_needs_the_memory_of_a_window(monkeypatch):
    """But for the lattice, which is of the whole picture, nothing is asked of more pixels than a window and margins."""
    asked = []
    canvas = WindowEngine.canvas

    def watched(self, view, lattice=None, **options):
        asked.append(view.width * view.height)
        return canvas(self, view, lattice, **options)

    monkeypatch.setattr(WindowEngine, "canvas", watched)
    whole, usual = [], Job.canvas
    monkeypatch.setattr(Job, "canvas", lambda self, lattice=None: whole.append(self.pixels) or usual(self, lattice))
    composed(job_of(photo(320, 256)), 2500, 64)
    assert len(asked) > 3 * 20
    assert max(asked) <= (64 + 2 * 64) ** 2
    assert sum(pixels == 320 * 256 for pixels in whole) <= 4


def test_large_pictures_go_through_windows_and_the_better_way_is_taken(large, monkeypatch):
    found = []

    def watched(*arguments):
        found.append(compose_windows(*arguments))
        return found[-1]

    monkeypatch.setattr(encoding, "compose_windows", watched)
    monkeypatch.setattr(encoding, "choose_share", lambda *_: Choice(0.4))
    file = smartsplat.encode(photo(160, 128), size=1500, effort=3)
    assert len(file) <= 1500
    error = ((smartsplat.decode(file.to_bytes()).astype(float) - photo(160, 128)) ** 2).sum()
    assert error == pytest.approx(psnr_error(file.report.psnr, 160 * 128 * 3), rel=1e-6)
    job = job_of(photo(160, 128))
    alone = compose(job, plan_for(job.pixels, found[0].length, 0.0, grey=False))
    assert len(found) == 1
    assert error <= min(found[0].error, 1.02 * alone.error)


def test_the_least_effort_gives_large_pictures_a_lattice_alone(large):
    assert smartsplat.encode(photo(160, 128), size=1500, effort=1).report.splats == 0


def test_trials_of_large_pictures_have_some_effort(large, monkeypatch):
    efforts = []
    tried = {0.0: SimpleNamespace(cost=1)}
    monkeypatch.setattr(pilot, "try_shares", lambda trial, *_, **__: efforts.append(trial.effort) or tried)
    monkeypatch.setattr(pilot, "best_share", lambda tried: 0.0)
    for effort in (2, 3, 5):
        pilot.choose_share(job_of(photo(160, 128), effort=effort), 1500)
    assert efforts == [2, 2, 3]


def psnr_error(psnr, samples):
    """The sum of squared errors of a PSNR."""
    return 255**2 * samples / 10 ** (psnr / 10)


# Spacing by trial


def test_a_finer_lattice_is_never_more_than_decoders_read():
    for pixels in (33e6, 50e6, 65e6, 133e6, 399e6, 401e6, 2e9):
        for ratio in (5, 40, 119, 200, 299, 301, 500, 1000, 5000):
            budget = int(3 * pixels / ratio)
            finer, usual = finer_spacing(pixels, budget), spacing_for(pixels, budget)
            if finer is None:
                continue
            assert finer == usual / 2
            assert pixels / finer**2 <= 33e6 + 40 * budget
            assert pixels <= 4e8
    assert finer_spacing(133e6, 8_000_000) == 1
    assert finer_spacing(133e6, 2_000_000) is None
    assert finer_spacing(133e6, 800_000) == 2


def test_the_spacing_is_finer_where_that_is_much_better(large, monkeypatch, rng):
    monkeypatch.setattr(pilot, "spacing_for", lambda *_: 2)
    monkeypatch.setattr(pilot, "finer_spacing", lambda *_: 1)
    rich, noise = photo(160, 128), rng.normal(90, 20, (128, 160, 3)).clip(0, 255).astype(np.uint8)
    assert pilot.choose_spacing(job_of(rich), 8000) == 1
    assert pilot.choose_spacing(job_of(noise), 1000) == 2
    monkeypatch.setattr(pilot, "finer_spacing", lambda *_: None)
    assert pilot.choose_spacing(job_of(rich), 8000) == 2


def test_large_pictures_get_the_spacing_of_their_trial(large, monkeypatch):
    for spacing in (1, 4):
        monkeypatch.setattr(encoding, "choose_spacing", lambda *_, spacing=spacing: spacing)
        for effort in (1, 2):
            assert smartsplat.encode(photo(160, 128), size=1500, effort=effort).lattice.spacing == spacing
