"""The command line as scripts see it: exit codes, JSON on stdout, whole files."""

import inspect
import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from PIL.ExifTags import Base

import smartsplat
from smartsplat import engines
from smartsplat.cli import encode_options
from smartsplat.cli.encode_options import PAPERS
from smartsplat.cli.options import ENGINES
from smartsplat.cli.process import build_parser
from smartsplat.fitting.paper import STEPS
from smartsplat.fitting.schedule import DEFAULT_EFFORT
from smartsplat.metrics import psnr
from smartsplat.model.recipe import RECIPES
from smartsplat.pictures.picture import DEFAULT_MAX_PIXELS
from tests.commands import assert_fails, finish, names, parsed, start
from tests.photos import grey_photo, photo
from tests.profiles import DISPLAY_P3, rgb_profile, srgb_parametric

PROFILE = rgb_profile(DISPLAY_P3, srgb_parametric())

ENCODE_KEYS = {
    "input", "output", "width", "height", "bytes", "cr", "cr_nominal", "bpp", "splats", "psnr",
    "encode_seconds", "peak_rss_bytes", "engine", "preset", "effort", "seed",
}  # fmt: skip


def test_encode_decode_info_compare_in_processes_of_their_own(folder):
    row = parsed(finish(start("encode", "a.png", "b.ssplat", "--cr", "20", "-e", "2", "--json", "-q")))
    assert row.keys() >= ENCODE_KEYS
    assert (row["input"], row["output"], row["width"], row["height"]) == ("a.png", "b.ssplat", 60, 40)
    assert row["bytes"] == (folder / "b.ssplat").stat().st_size <= 360
    assert row["cr"] == pytest.approx(7200 / row["bytes"])
    assert row["bpp"] == pytest.approx(8 * row["bytes"] / 2400)
    info = parsed(finish(start("info", "b.ssplat", "--json")))
    assert row["cr_nominal"] == pytest.approx(7200 / (7 * row["splats"] + info["lattice_bytes"]))
    assert (row["engine"], row["preset"], row["effort"], row["seed"]) == ("cpu", "default", 2, 0)
    assert row["encode_seconds"] > 0
    assert 10e6 < row["peak_rss_bytes"] < 1e9

    row = parsed(finish(start("decode", "b.ssplat", "b.png", "--json")))
    assert (row["width"], row["height"]) == (60, 40)
    assert row["decode_seconds"] > 0
    np.testing.assert_array_equal(np.asarray(Image.open("b.png")), smartsplat.decode("b.ssplat"))

    info = parsed(finish(start("info", "b.ssplat", "--json")))
    assert (info["width"], info["height"], info["bytes"]) == (60, 40, (folder / "b.ssplat").stat().st_size)

    row = parsed(finish(start("compare", "a.png", "b.ssplat", "--json")))
    assert row["psnr"] == pytest.approx(psnr(smartsplat.decode("b.ssplat"), photo(60, 40)))
    assert 0 < row["ssim"] < 1
    assert row["ms_ssim"] is None  # too small for five scales
    assert names(folder) == ["a.png", "a.ssplat", "b.png", "b.ssplat"]


def test_figures_for_people(folder, run):
    for arguments in (
        ["encode", "a.png", "b.ssplat", "-e", "1"],
        ["info", "a.ssplat"],
        ["compare", "a.png", "a.ssplat"],
    ):
        code, out, err = run(*arguments)
        assert (code, err) == (0, "")
        assert out
    assert run("encode", "a.png", "b.ssplat", "-e", "1", "-f", "-q") == (0, "", "")
    assert run("decode", "a.ssplat", "b.png") == (0, "", "")


@pytest.mark.parametrize("target", [("--cr", "25"), ("--size", "0.3k"), ("--size", "288"), ("--bpp", "0.96")])
def test_targets_in_bytes(folder, run, target):
    allowed = 300 if target[1] == "0.3k" else 288
    row = parsed(run("encode", "a.png", "b.ssplat", "-e", "1", *target, "--json"))
    assert allowed - 9 <= row["bytes"] <= allowed


def test_a_target_in_decibels(folder, run):
    row = parsed(run("encode", "a.png", "b.ssplat", "-e", "1", "--psnr", "31", "--json", "-q"))
    assert row["psnr"] >= 31
    assert psnr(smartsplat.decode("b.ssplat"), photo(60, 40)) == pytest.approx(row["psnr"], abs=1e-5)


def test_the_options_say_what_the_library_does():
    """They have copies of its names and defaults, for --help loads nothing of it."""
    signature = inspect.signature(smartsplat.encode).parameters
    defaults = build_parser().parse_args(["encode", "a", "b"])
    assert ENGINES == engines.ENGINES
    assert defaults.max_pixels == DEFAULT_MAX_PIXELS
    assert tuple(RECIPES) == PAPERS
    assert f"(default {DEFAULT_EFFORT})" in inspect.getsource(encode_options)
    assert f"(default {STEPS})" in inspect.getsource(encode_options)
    assert signature["log_every"].default == encode_options.LOG_EVERY
    for name in (
        "cr", "size", "bpp", "psnr", "splats", "effort", "preset", "lattice", "tune", "engine", "seed", "threads",
        "steps", "checkpoint", "flatten", "value_range", "memory", "dask", "workers",
    ):  # fmt: skip
        assert getattr(defaults, name) == signature[name].default


def test_options_reach_the_encoder(folder, run):
    row = parsed(
        run(
            "encode",
            "a.png",
            "b.ssplat",
            "--preset",
            "paper",
            "--steps",
            "3",
            "--seed",
            "7",
            "-j",
            "1",
            "--json",
        )
    )
    assert (row["preset"], row["steps"], row["seed"]) == ("paper", 3, 7)
    assert row["psnr_float"] > 0


def test_the_seed_decides(folder, run):
    for name, seed in (("x", 1), ("y", 1), ("z", 2)):
        run("encode", "a.png", f"{name}.ssplat", "-e", "1", "--seed", seed)
    x, y, z = ((folder / f"{name}.ssplat").read_bytes() for name in "xyz")
    assert x == y != z


def test_decodes_parts_and_sizes(folder, run):
    for options, size in (
        (["--scale", "0.5"], (30, 20)),
        (["--width", "120"], (120, 80)),
        (["--region", "10,5,20,30"], (20, 30)),
        (["--region", "10,5,20,30", "--width", "10"], (10, 15)),
        (["--region", "0.5,0,20,30", "--scale", "2"], (40, 60)),
    ):
        row = parsed(run("decode", "a.ssplat", "b.png", "-f", "--json", *options))
        assert (row["width"], row["height"]) == Image.open("b.png").size == size


@pytest.mark.parametrize("name", ["b.png", "b.jpg", "b.JPEG", "b.webp", "b.tif", "b.tiff"])
def test_decodes_to_every_format(folder, run, name):
    assert run("decode", "a.ssplat", name)[0] == 0
    decoded = np.asarray(Image.open(name).convert("RGB"))
    assert psnr(decoded, smartsplat.decode("a.ssplat")) > 35


def test_compares_pictures_and_files_in_any_order(folder, run):
    row = parsed(run("compare", "a.ssplat", "a.png", "--json"))
    assert row["psnr"] > 25
    row = parsed(run("compare", "a.png", "a.png", "--json"))
    assert (row["psnr"], row["ssim"]) == (None, 1.0)  # JSON has no infinity


def test_large_enough_pictures_have_ms_ssim(folder, run):
    Image.fromarray(photo(170, 161)).save("c.png")
    Image.fromarray(photo(170, 161, 901)).save("d.png")
    assert 0 < parsed(run("compare", "c.png", "d.png", "--json"))["ms_ssim"] < 1


def test_the_reference_engine_decodes(folder, run):
    assert run("decode", "a.ssplat", "b.png", "--engine", "reference")[0] == 0
    assert psnr(np.asarray(Image.open("b.png")), smartsplat.decode("a.ssplat")) > 50


def test_demo(folder, run, monkeypatch):
    """On a small picture: the packaged one takes half a minute."""
    buffer = io.BytesIO()
    Image.fromarray(photo(320, 240)).save(buffer, "WEBP", lossless=True)
    monkeypatch.setattr("smartsplat.demo.picture_bytes", buffer.getvalue)
    code, out, err = run("demo", "out")
    assert (code, err) == (0, "")
    for ratio in (50, 200, 1000):
        assert (folder / f"out/flower-cr{ratio}.ssplat").stat().st_size <= 320 * 240 * 3 / ratio
        with Image.open(folder / f"out/flower-cr{ratio}.png") as decoded:
            assert decoded.size == (320, 240)
        assert f"\n{ratio:>6} " in out
    assert {"flower.webp", "contact-sheet.png"} <= set(names(folder / "out"))
    assert_fails(run("demo", "a.png/out"), "a.png/out")
    assert_fails(run("demo", "a.png"), "a.png")


@pytest.mark.parametrize("arguments", [["--help"], ["encode", "--help"], ["bench", "--help"], ["--version"]])
def test_help(run, arguments):
    code, out, err = run(*arguments)
    assert (code, err) == (0, "")
    assert "smartsplat" in out


# What they load


def loaded_by(*arguments):
    """Modules that a command imports."""
    command = [sys.executable, "-X", "importtime", "-m", "smartsplat", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert "smartsplat.cli" in loaded
    return loaded


@pytest.mark.parametrize(
    "arguments",
    [
        ["info", "a.ssplat"], ["info", "a.ssplat", "--json"], ["--help"], ["decode", "--help"],
        ["demo", "--help"], ["bench", "--help"], ["bench", "rd", "--help"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_info_and_help_load_nothing_heavy(folder, arguments):
    heavy = {
        "numpy",
        "scipy",
        "PIL",
        "tqdm",
        "smartsplat.api",
        "smartsplat.demo",
        "smartsplat.engines",
        "smartsplat.pictures.picture",
    }
    loaded = loaded_by(*arguments)
    assert not loaded & heavy
    assert ("smartsplat._native" in loaded) == ("a.ssplat" in arguments)  # the core reads the header
    assert not {name for name in loaded if name.startswith("smartsplat.bench")}


@pytest.mark.parametrize(
    "arguments", [["encode", "a.png", "b.ssplat", "-e", "1", "-q"], ["decode", "a.ssplat", "b.png"]]
)
def test_the_bench_is_loaded_by_nothing_else(folder, arguments):
    loaded = loaded_by(*arguments)
    assert "smartsplat.file.splatfile" in loaded
    assert not {name for name in loaded if name.startswith("smartsplat.bench")}


# Metadata


def test_orientation_profile_and_exif_survive(folder, run):
    exif = Image.Exif()
    exif[Base.Orientation], exif[Base.Make] = 6, "camera"
    Image.fromarray(photo(60, 40)).save("t.png", exif=exif, icc_profile=PROFILE)
    row = parsed(run("encode", "t.png", "t.ssplat", "-e", "1", "--size", "1500", "--json"))
    assert (row["width"], row["height"]) == (40, 60)
    assert run("decode", "t.ssplat", "d.jpg")[0] == 0
    with Image.open("d.jpg") as decoded:
        assert decoded.size == (40, 60)
        assert decoded.info["icc_profile"] == PROFILE
        assert decoded.getexif()[Base.Make] == "camera"
        assert decoded.getexif().get(Base.Orientation, 1) == 1
        upright = np.ascontiguousarray(np.rot90(photo(60, 40), -1))
        assert psnr(np.asarray(decoded), upright) > 25
    assert parsed(run("info", "t.ssplat", "--json"))["icc_bytes"] > 0


def test_grey_pictures_stay_grey(folder, run):
    Image.fromarray(grey_photo(60, 40)).save("g.png")
    assert run("encode", "g.png", "g.ssplat", "-e", "1", "-q")[0] == 0
    assert parsed(run("info", "g.ssplat", "--json"))["channels"] == 1
    assert run("decode", "g.ssplat", "h.png")[0] == 0
    assert Image.open("h.png").mode == "L"
    assert parsed(run("compare", "g.png", "g.ssplat", "--json"))["psnr"] > 25


def test_a_colour_in_place_of_alpha(folder, run):
    Image.fromarray(np.dstack([photo(60, 40), np.full((40, 60), 99, np.uint8)])).save("t.png")
    assert_fails(run("encode", "t.png", "t.ssplat", "--flatten", "no-colour"), "no-colour")
    assert run("encode", "t.png", "t.ssplat", "--flatten", "#ff8000", "-e", "1", "-q") == (0, "", "")
    assert parsed(run("info", "t.ssplat", "--json"))["channels"] == 3
    assert run("encode", "t.png", "t.ssplat", "-f", "-e", "1", "-q") == (0, "", "")
    assert parsed(run("info", "t.ssplat", "--json"))["channels"] == 4


def test_damaged_exif_is_no_reason_to_fail_or_complain(folder):
    Image.fromarray(photo(60, 40)).save("t.png", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01\x03\0")
    assert finish(start("encode", "t.png", "t.ssplat", "-e", "1", "-q")) == (0, "", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_shells_can_complete_commands_and_options(shell):
    pytest.importorskip("shtab", reason="needs the extra completion")
    command = [sys.executable, "-m", "smartsplat", "--print-completion", shell]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "encode" in done.stdout and "effort" in done.stdout and done.stderr == ""


def test_no_other_shells():
    done = subprocess.run(
        [sys.executable, "-m", "smartsplat", "--print-completion", "fish"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and "fish" in done.stderr
