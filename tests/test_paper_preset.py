"""The presets of the paper's, whole: how many splats, from which constants, and what of it stands in the file."""

import json

import numpy as np
import pytest
from PIL import Image

import smartsplat
from smartsplat.cli import main
from smartsplat.coding.container import Container
from smartsplat.coding.format import SPLATS, splat_step
from smartsplat.coding.splat_codes import quantise
from smartsplat.coding.splat_section import read_codes
from smartsplat.engines import Loss, load_engine
from smartsplat.errors import TargetError
from smartsplat.fitting.paper import PaperState, Parameters
from smartsplat.metrics import compare, floats
from smartsplat.metrics.same import ssim_same
from smartsplat.model.recipe import RECIPES, Recipe
from smartsplat.model.splats import Splats
from smartsplat.model.view import View
from smartsplat.pictures.planes import to_planes
from smartsplat.pipeline.paper import with_centres_inside
from smartsplat.pipeline.target import Target
from smartsplat.sampling import initialise, initialise_as_the_code
from tests.conftest import random_splats
from tests.photos import flat, grey_photo, photo

PRESETS = list(RECIPES)


def encode(pixels, preset="paper", steps=3, **options):
    return smartsplat.encode(pixels, preset=preset, steps=steps, **options)


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
    """Runs a command in a folder with a picture a.png of 96 x 64: its exit code, what it prints as JSON, stderr."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(photo()).save("a.png")

    def call(*arguments):
        with pytest.raises(SystemExit) as caught:
            main([*arguments, "--json"])
        out, err = capfd.readouterr()
        return caught.value.code, json.loads(out) if out else None, err

    return call


# Eq. 5: how many


@pytest.mark.parametrize(
    ("target", "size", "count"),
    [
        ({"cr": 200}, (512, 512), 561), ({"cr": 200}, (64, 64), 8), ({"cr": 50}, (10848, 16320), 1517480),
        ({"cr": 20}, (96, 64), 131), ({"size": 700}, (96, 64), 100), ({"size": 706}, (96, 64), 100),
        ({"bpp": 0.56}, (100, 100), 100), ({"cr": 1e300}, (9, 9), 1), ({"cr": 1e-300}, (96, 64), 3510),
        ({}, (512, 512), 1123), ({"splats": 17}, (96, 64), 17),
    ],
    ids=str,
)  # fmt: skip
def test_as_many_splats_as_eq_5_says(target, size, count):
    assert Target(**target).nominal_count(*size) == count


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("pixels", [photo(64, 64), photo(), grey_photo()], ids=lambda p: str(p.shape))
def test_so_many_are_fitted_whatever_the_file_has_room_for(preset, pixels):
    height, width = pixels.shape[:2]
    for cr in (20, 60):
        file = encode(pixels, preset, cr=cr)
        report = file.report
        assert report.splats_fitted == len(file.fitted) == int(3 * height * width / (7 * cr))
        assert report.splats <= report.splats_fitted


def test_the_nominal_ratio_is_that_of_the_fitted_splats(run):
    _, row, _ = run("encode", "a.png", "b.ssplat", "--preset", "paper", "--cr", "60", "--steps", "3")
    assert row["splats_fitted"] == 43 >= row["splats"]
    assert row["cr_nominal"] == pytest.approx(3 * 96 * 64 / (7 * 43))
    assert row["cr"] >= 60


@pytest.mark.parametrize("options", [{"preset": "paper", "steps": 3}, {"lattice": "none", "effort": 1}], ids=str)
def test_a_number_of_splats_can_be_asked_for(options):
    file = smartsplat.encode(photo(), splats=90, **options)
    assert file.report.splats_fitted == len(file.fitted) == 90
    assert 80 <= file.report.splats <= 90
    assert len(file) < 7 * 90 + 30
    with pytest.raises(TargetError, match="6144"):
        smartsplat.encode(photo(), splats=6145, **options)


# The constants


def by_hand(pixels, recipe, count, steps, seed=0):
    """What a preset fits, put together from what other tests check."""
    planes = to_planes(pixels)
    start = initialise if recipe.start == "text" else initialise_as_the_code
    splats = start(
        planes, count, seed=seed, lambda_g=recipe.lambda_g, lambda_m=recipe.lambda_m, neighbours=recipe.neighbours,
        counts_itself=recipe.counts_itself, tile=recipe.tile,
    )  # fmt: skip
    parameters = Parameters(recipe, pixels.shape[1], pixels.shape[0])
    state = PaperState.before(parameters.of(Splats(splats)))
    canvas = load_engine().canvas(View(pixels.shape[1], pixels.shape[0]), ssim=True)
    for _ in range(steps):
        frame = canvas.place(parameters.splats(state.parameters))
        natural = frame.gradient(planes, Loss("l1+ssim", recipe.lambda_l))[1]
        state = state.after(parameters.gradient(state.parameters, natural), parameters.rates)
    return parameters.splats(state.parameters)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(
    "constants",
    [
        {}, {"lambda_g": 0.2}, {"lambda_m": 0.1}, {"neighbours": 5}, {"counts_itself": False}, {"tile": 32},
        {"lambda_l": 0.3}, {"rate_centre": 1e-2}, {"rate_colour": 0.1}, {"rate_scale": 0.3}, {"rate_angle": 0.1},
        {"angle": "turns"}, {"start": "code", "angle": "radians"},
    ],
    ids=str,
)  # fmt: skip
def test_every_constant_acts_as_it_says(preset, constants):
    recipe = RECIPES[preset].changed(constants)
    file = encode(photo(), preset, cr=20, constants=constants)
    np.testing.assert_array_equal(file.fitted.splats.parameters, by_hand(photo(), recipe, 131, 3).parameters)
    assert file.report.constants == recipe.as_dict()
    if constants and recipe != RECIPES[preset]:
        plain = encode(photo(), preset, cr=20).fitted.splats.parameters
        assert (plain != file.fitted.splats.parameters).any()


def test_the_presets_differ_as_docs_paper_md_says():
    paper, code = (RECIPES[name].as_dict() for name in ("paper", "official-code"))
    different = {name: (paper[name], code[name]) for name in paper if paper[name] != code[name]}
    assert different == {"start": ("text", "code"), "lambda_l": (0.9, 0.8), "angle": ("radians", "sigmoid")}
    numbers = ("lambda_g", "lambda_m", "neighbours", "tile", "lambda_l")
    assert [paper[name] for name in numbers] == [0.7, 0.9, 3, 1024, 0.9]
    assert Recipe() == RECIPES["paper"]


@pytest.mark.parametrize("preset", PRESETS)
def test_more_steps_are_better_and_seeds_matter(preset):
    short, long = (encode(photo(), preset, steps, cr=20).report for steps in (30, 200))
    assert (short.preset, short.steps, short.effort, short.lattice) == (preset, 30, None, "none")
    assert short.psnr_float > 12
    assert long.psnr_float > short.psnr_float + 1
    assert encode(photo(), preset, 30, cr=20, seed=1).report.psnr_float != short.psnr_float


# What is beyond the paper is off


@pytest.mark.parametrize("preset", PRESETS)
def test_the_file_holds_the_fitted_splats_and_nothing_better(preset):
    """Neither shapes nor colours are fitted again: all codes but those of centres are the fitted ones rounded."""
    file = encode(photo(), preset, 60, cr=20)
    codes, step_index = read_codes(Container.from_bytes(file.to_bytes()).sections[SPLATS], 96, 64)
    inside = with_centres_inside(file.fitted.splats, 96, 64)
    rounded = {*map(tuple, quantise(inside, splat_step(step_index), 96, 64)[:, 2:])}
    assert {*map(tuple, codes[:, 2:])} <= rounded
    assert len(codes) > 0.9 * 131
    assert file.report.psnr < file.report.psnr_float + 0.05
    again = smartsplat.encode(photo(), cr=20, lattice="none", effort=1)  # the default fit does both
    codes, step_index = read_codes(Container.from_bytes(again.to_bytes()).sections[SPLATS], 96, 64)
    rounded = {*map(tuple, quantise(again.fitted.splats, splat_step(step_index), 96, 64)[:, 2:])}
    assert len({*map(tuple, codes[:, 2:])} - rounded) > 10


def test_centres_beyond_the_picture_are_moved_to_its_border_with_their_colour_there(rng):
    """A file has none beyond; all others stay as they are, to the last bit."""
    splats = random_splats(rng, 200, 40, 30)
    moved = with_centres_inside(splats, 40, 30)
    beyond = ((splats.xy < 0) | (splats.xy > [40, 30])).any(axis=1)
    assert 20 < beyond.sum() < 180
    np.testing.assert_array_equal(moved.parameters[~beyond], splats.parameters[~beyond])
    np.testing.assert_array_equal(moved.xy, splats.xy.clip(0, [40, 30]))
    for before, after in zip(splats.parameters[beyond], moved.parameters[beyond], strict=True):
        dx, dy = after[:2] - before[:2]
        c, s = np.cos(before[4]), np.sin(before[4])
        q = ((c * dx + s * dy) / before[2]) ** 2 + ((c * dy - s * dx) / before[3]) ** 2
        weight = np.exp(-q / 2) if q <= 2 * np.log(255) else 0
        np.testing.assert_allclose(after[5:], weight * before[5:], rtol=1e-4, atol=1e-7)
        np.testing.assert_array_equal(after[2:5], before[2:5])


def test_a_flat_picture_is_fitted_too():
    file = encode(flat(), steps=20, cr=20)
    assert file.report.splats_fitted == 131


@pytest.mark.parametrize("preset", PRESETS)
def test_figures_are_those_of_the_decoded_picture_and_of_the_splats(preset):
    pixels = photo(180, 170)
    assert encode(pixels, preset, 1, cr=20).report.quality is None
    file = encode(pixels, preset, 20, cr=20, measure=True)
    decoded, picture = file.render(), file.fitted.render()
    report = file.report
    assert dict(report.quality) == pytest.approx(
        compare(pixels, decoded) | {"ssim_same": ssim_same(pixels, decoded)}, rel=1e-9
    )
    values, same = floats.compare(picture, pixels)
    assert dict(report.quality_float) == pytest.approx(values | {"ssim_same": same}, rel=1e-9)
    assert report.psnr == pytest.approx(report.quality["psnr"], abs=1e-5)
    assert report.psnr_float == pytest.approx(report.quality_float["psnr"], abs=1e-4)


def test_figures_of_the_command(run, tmp_path):
    _, row, _ = run("encode", "a.png", "b.ssplat", "--preset", "official-code", "--cr", "20", "--steps", "4",
                    "--set", "lambda_l=0.5", "--set", "neighbours=4", "--set", "counts_itself=false",
                    "--fitted", "c.npz", "--log", "d", "--log-every", "3")  # fmt: skip
    file = encode(photo(), "official-code", 4, cr=20, measure=True,
                  constants={"lambda_l": 0.5, "neighbours": 4, "counts_itself": False})  # fmt: skip
    assert (tmp_path / "b.ssplat").read_bytes() == file.to_bytes()
    assert row["constants"] == file.report.constants
    assert (row["preset"], row["effort"], row["steps"], row["lattice"]) == ("official-code", None, 4, "none")
    assert row["psnr_float"] == pytest.approx(file.report.psnr_float)
    for name in ("ssim", "ms_ssim", "ssim_same"):
        assert row[name] == file.report.quality[name]
        assert row[f"{name}_float"] == file.report.quality_float[name]
    saved = smartsplat.SplatSet.open(tmp_path / "c.npz")
    np.testing.assert_array_equal(saved.splats.parameters, file.fitted.splats.parameters)
    rows = [json.loads(line) for line in (tmp_path / "d").read_text().splitlines()]
    assert [r["step"] for r in rows] == [0, 3, 4]
    assert rows[-1]["psnr"] == pytest.approx(row["psnr_float"], abs=1e-5)


def test_saved_sets_are_compared_without_rounding(run, tmp_path):
    file = encode(photo(), cr=20, measure=True)
    for name in ("b.npz", "b.ply"):
        file.fitted.save(tmp_path / name)
        for order in (("a.png", name), (name, "a.png")):
            row = run("compare", *order)[1]
            for metric in ("psnr", "ssim", "ssim_same"):
                assert row[metric] == pytest.approx(file.report.quality_float[metric], abs=1e-4)
    assert run("compare", "b.npz", "b.ply")[1]["psnr"] > 90
    file.save(tmp_path / "b.ssplat")
    row = run("compare", "a.png", "b.ssplat")[1]
    assert row["ssim_same"] == pytest.approx(file.report.quality["ssim_same"])
    data = (tmp_path / "b.npz").read_bytes()
    (tmp_path / "c.npz").write_bytes(data[:-40])
    code, _, err = run("compare", "a.png", "c.npz")
    assert (code, err.count("\n")) == (1, 1)
    assert "c.npz" in err


# Splats alone with the default fit


def test_splats_alone():
    pixels = photo(240, 180)
    file = smartsplat.encode(pixels, cr=60, lattice="none", effort=2, measure=True)
    assert file.lattice is None
    assert len(file) <= 3 * 240 * 180 / 60
    assert file.report.quality["psnr"] == pytest.approx(file.report.psnr, abs=1e-5)
    assert file.report.quality_float["psnr"] > 25
    assert file.report.constants is None
    one_colour = smartsplat.encode(flat(), lattice="none")
    assert one_colour.report.splats_fitted == 1
    assert len(one_colour) < 60


def test_the_default_fit_tells_of_its_steps_at_full_size():
    rows, pixels = [], photo(240, 180)
    file = smartsplat.encode(pixels, cr=60, lattice="none", effort=1, log=rows.append, log_every=25)
    steps = [row["step"] for row in rows]
    assert steps[:-1] == [0, 25, 50, 75]  # 60 and some 20 of Adam, and one of Gauss-Newton
    assert 75 < steps[-1] < 85
    assert rows[-1]["psnr"] == pytest.approx(file.report.psnr_float, abs=1e-5)
    assert rows[0]["psnr"] < rows[1]["psnr"] < rows[-1]["psnr"]
    assert [row["seconds"] for row in rows] == sorted(row["seconds"] for row in rows)
    assert smartsplat.encode(pixels, cr=60, lattice="none", effort=1).to_bytes() == file.to_bytes()
