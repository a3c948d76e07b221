"""The cpu engine against the reference; test_gradients.py has both against central differences."""

import subprocess
import sys
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from smartsplat import engines
from smartsplat.engines import MOST_THREADS, Loss, load_engine
from smartsplat.errors import SmartSplatError
from smartsplat.model.splats import Splats
from smartsplat.model.view import View
from tests.columns import assert_columns_close
from tests.conftest import random_planes, random_splats
from tests.lattices import random_lattice

LOSSES = [Loss("l2"), Loss("l1"), Loss("l1+ssim", 0.9)]
VIEWS = [
    View(150, 131),
    View(64, 64),
    View(75, 66, zoom=0.5, blur=0.15),
    View(200, 90, zoom=1.7, left=20.25, top=-3.5),
    View(80, 40, zoom=0.5, blur=0.06, aspect=0.6),
    View(1, 1),
    View(3, 140),
]


def frames(view, splats, ssim=False):
    for name in ("cpu", "reference"):
        yield load_engine(name).canvas(view, ssim=ssim).place(splats)


def assert_same_but_at_the_cutoff(actual, expected, tolerance, step):
    """Equal, except that a few weights at the cutoff may fall on either side of it."""
    difference = np.abs(actual - expected)
    assert np.mean(difference > tolerance) < 2e-3
    assert difference.max() < step


@pytest.mark.parametrize("view", VIEWS)
def test_renders_what_the_reference_renders(rng, instruction_set, view):
    splats = random_splats(rng, 60, 150, 131)
    cpu, reference = frames(view, splats)
    # Observed: below 3e-6 with 60 splats of amplitudes near 1.
    assert_same_but_at_the_cutoff(cpu.render(), reference.render(), 2e-5, 0.02)
    steps = cpu.render_bytes().astype(int) - reference.render_bytes()
    assert np.abs(steps).max() <= 3
    assert np.mean(steps != 0) < 5e-3


@pytest.mark.parametrize("scales", [(0.05, 0.3), (0.3, 40.0), (30.0, 300.0)])
def test_renders_needles_and_blankets(rng, instruction_set, scales):
    splats = random_splats(rng, 40, 200, 200, scales, amplitude=0.2)
    cpu, reference = frames(View(200, 200), splats)
    assert_same_but_at_the_cutoff(cpu.render(), reference.render(), 1e-4, 0.02)


@pytest.mark.parametrize("thickness", [0.1, 0.25, 0.6, 1.5])
def test_renders_thin_lines_at_all_angles(instruction_set, thickness):
    angles = np.linspace(0, np.pi, 32, endpoint=False)
    lengths = np.resize([3.0, 10.0, 80.0], 32)
    centres = np.stack([np.resize([64, 100, 30.3], 32), np.resize([64.5, 20, 90.7, 128], 32)], axis=1)
    scale = np.stack([lengths, np.full(32, thickness)], axis=1)
    splats = Splats.from_arrays(centres, scale, angles, np.full((32, 3), 0.3))
    cpu, reference = frames(View(150, 140), splats)
    assert_same_but_at_the_cutoff(cpu.render(), reference.render(), 1e-4, 0.02)
    assert np.isfinite(cpu.colour_diagonal()).all()


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.kind)
@pytest.mark.parametrize("view", VIEWS[:3])
def test_gradients_are_the_reference_s(rng, instruction_set, view, loss):
    splats = random_splats(rng, 50, 150, 131, (1.0, 9.0))
    target = random_planes(rng, view.width, view.height)
    cpu, reference = frames(view, splats, ssim=loss.kind == "l1+ssim")
    value, gradient = cpu.gradient(target, loss)
    expected_value, expected = reference.gradient(target, loss)
    assert value == pytest.approx(expected_value, rel=1e-4)
    # The sign of L1 and the clamp of SSIM flip whole pixels where a sum is within rounding of its target.
    assert_columns_close(gradient, expected, 5e-5 if loss.kind == "l2" else 5e-3)


@pytest.mark.parametrize("view", VIEWS[:3])
def test_normal_products_are_the_reference_s(rng, instruction_set, view):
    splats = random_splats(rng, 50, 150, 131, (1.0, 9.0))
    cpu, reference = frames(view, splats)
    for width in (3, 8):
        direction = rng.normal(size=(50, width)).astype(np.float32)
        expected = reference.normal_product(direction)
        assert_columns_close(cpu.normal_product(direction), expected, 5e-5)
    np.testing.assert_allclose(cpu.colour_diagonal(), reference.colour_diagonal(), rtol=5e-3, atol=1e-3)


def test_errors_are_the_reference_s(rng, instruction_set):
    splats = random_splats(rng, 50, 150, 131)
    target = random_planes(rng, 150, 131)
    cpu, reference = frames(VIEWS[0], splats)
    assert cpu.decoded_error(target) == pytest.approx(reference.decoded_error(target), rel=1e-4)
    np.testing.assert_allclose(cpu.cell_errors(target), reference.cell_errors(target), rtol=1e-3, atol=1e-5)


def test_results_do_not_depend_on_the_number_of_threads(rng):
    splats = random_splats(rng, 9000, 500, 400, (0.5, 20.0), amplitude=0.05)
    target = random_planes(rng, 500, 400)
    results = []
    for threads in (1, 2, 5):
        frame = load_engine("cpu", threads).canvas(View(500, 400), ssim=True).place(splats)
        value, gradient = frame.gradient(target, Loss("l1+ssim", 0.9))
        product = frame.normal_product(gradient)
        results.append((value, gradient.tobytes(), product.tobytes(), frame.render_bytes().tobytes()))
    assert results[0] == results[1] == results[2]


def test_splats_that_cannot_be_drawn_are_left_out(rng, instruction_set):
    good = random_splats(rng, 5, 60, 40)
    bad = np.tile(good.parameters[:1], (6, 1))
    bad[0, 0], bad[1, 2], bad[2, 3], bad[3, 5] = np.nan, 0, np.inf, np.inf
    bad[4, 0], bad[5, 4] = 1e30, np.nan
    cpu, _ = frames(View(60, 40), Splats(np.concatenate([good.parameters, bad])))
    expected, _ = frames(View(60, 40), good)
    np.testing.assert_array_equal(cpu.render(), expected.render())
    gradient = cpu.gradient(random_planes(rng, 60, 40), Loss("l2"))[1]
    assert np.isfinite(gradient).all()


def test_a_frame_without_splats_is_black(instruction_set):
    cpu, _ = frames(View(70, 9), Splats(np.zeros((0, 8), np.float32)))
    assert not cpu.render_bytes().any()
    assert cpu.gradient(np.zeros((3, 9, 70), np.uint8), Loss("l2"))[0] == 0


def test_unknown_engines_are_refused():
    with pytest.raises(ValueError, match="abacus"):
        load_engine("abacus")


# Values


ENGINES = ["cpu", "reference"]


def answers(frame, target, direction):
    """All that a frame can be asked, as bytes."""
    value, gradient = frame.gradient(target, Loss("l1+ssim", 0.9))
    return [
        frame.render().tobytes(),
        frame.render_bytes().tobytes(),
        value,
        gradient.tobytes(),
        frame.normal_product(direction).tobytes(),
        frame.normal_product(direction[:, 5:]).tobytes(),
        frame.colour_diagonal().tobytes(),
        frame.decoded_error(target),
        frame.cell_errors(target).tobytes(),
        frame.lattice_residual(target, (40, 30), 4).tobytes(),
    ]


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("with_lattice", [False, True])
def test_frames_of_one_canvas_do_not_disturb_each_other(rng, name, with_lattice):
    target, direction = random_planes(rng, 40, 30), rng.normal(size=(6, 8)).astype(np.float32)
    lattice = random_lattice(rng, 40, 30, 4) if with_lattice else None
    first, second = (random_splats(rng, 6, 40, 30) for _ in range(2))
    engine = load_engine(name)
    expected = [answers(engine.canvas(View(40, 30), lattice, ssim=True).place(s), target, direction)
                for s in (first, second)]  # fmt: skip
    canvas = engine.canvas(View(40, 30), lattice, ssim=True)
    a = canvas.place(first)
    assert answers(a, target, direction) == expected[0]
    b = canvas.place(second)
    assert answers(a, target, direction) == expected[0]
    assert answers(b, target, direction) == expected[1]
    assert answers(a, target, direction) == expected[0]
    assert (a.canvas, a.splats, b.splats) == (canvas, first, second)
    assert (canvas.view, canvas.lattice) == (View(40, 30), lattice)


@pytest.mark.parametrize("name", ENGINES)
def test_engines_canvases_and_frames_cannot_be_changed(rng, name):
    engine = load_engine(name, threads=3)
    canvas = engine.canvas(View(8, 8))
    frame = canvas.place(random_splats(rng, 2, 8, 8))
    for value, attribute in ((engine, "threads"), (canvas, "lattice"), (canvas, "view"), (frame, "splats")):
        with pytest.raises(FrozenInstanceError):
            setattr(value, attribute, None)


@pytest.mark.parametrize(("asked", "given"), [(0, 0), (3, 3), (10**6, MOST_THREADS)])
def test_engines_carry_their_number_of_threads(asked, given):
    assert {load_engine(name, asked).threads for name in ("auto", *ENGINES)} == {given}


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("width", [3, 8])
def test_directions_of_any_layout_and_float_type(rng, name, width):
    frame = load_engine(name).canvas(View(40, 30)).place(random_splats(rng, 6, 40, 30))
    direction = rng.normal(size=(6, width)).astype(np.float32)
    expected = frame.normal_product(direction)
    assert np.abs(expected).max() > 0.1
    wide = np.zeros((6, 2 * width), np.float32)
    wide[:, ::2] = direction
    for same in (np.asfortranarray(direction), direction.astype(np.float64), wide[:, ::2],
                 np.asfortranarray(direction.astype(np.float64))):  # fmt: skip
        product = frame.normal_product(same)
        assert product.dtype == np.float32
        assert product.flags.c_contiguous
        np.testing.assert_array_equal(product, expected)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("shape", [(6, 5), (5, 8), (7, 3), (6,), (6, 8, 1)])
def test_directions_of_other_shapes_are_refused(rng, name, shape):
    frame = load_engine(name).canvas(View(40, 30)).place(random_splats(rng, 6, 40, 30))
    with pytest.raises(ValueError, match="direction"):
        frame.normal_product(np.zeros(shape, np.float32))


@pytest.mark.parametrize(
    ("driver", "pixels", "expected"), [(True, 1 << 23, "card"), (True, (1 << 23) - 1, "cpu"), (False, 1 << 30, "cpu")]
)
def test_auto_takes_a_card_for_large_pictures_where_there_is_a_driver(monkeypatch, driver, pixels, expected):
    monkeypatch.setattr(engines, "may_have_card", lambda: driver)
    monkeypatch.setattr(engines, "_cuda", lambda threads: "card")
    found = load_engine("auto", pixels=pixels)
    assert (found if isinstance(found, str) else found.name) == expected


def test_auto_takes_the_processor_where_the_card_does_not_work(monkeypatch):
    def broken(threads):
        raise SmartSplatError("engine cuda: this card draws a splat wrongly")

    monkeypatch.setattr(engines, "may_have_card", lambda: True)
    monkeypatch.setattr(engines, "_cuda", broken)
    assert load_engine("auto", pixels=1 << 30).name == "cpu"
    with pytest.raises(SmartSplatError, match="wrongly"):
        load_engine("cuda")


def test_a_card_is_looked_for_without_loading_pytorch():
    code = "import sys; from smartsplat.engines import cards; cards.may_have_card(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", ["cpu", "reference"])
def test_engines_of_the_host_hold_arrays_as_they_are(rng, name):
    array = rng.normal(size=3)
    assert load_engine(name).hold(array) is array
