"""The command line as scripts see it: exit codes, one line on stderr, JSON on stdout, whole files."""

import errno
import inspect
import io
import itertools
import json
import os
import signal
import subprocess
import sys
import textwrap

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
from smartsplat.coding.container import Container
from smartsplat.coding.format import ICC, SPLATS
from smartsplat.coding.splat_section import write_splats
from smartsplat.errors import SmartSplatError
from smartsplat.fitting.paper import STEPS
from smartsplat.fitting.schedule import DEFAULT_EFFORT
from smartsplat.metrics import psnr
from smartsplat.model.recipe import RECIPES
from smartsplat.pictures.picture import DEFAULT_MAX_PIXELS
from tests.codes import make_codes
from tests.oracles.file import pack_splats, unpack_splats
from tests.photos import grey_photo, photo
from tests.profiles import DISPLAY_P3, rgb_profile, srgb_parametric

PROFILE = rgb_profile(DISPLAY_P3, srgb_parametric())

ENCODE_KEYS = {
    "input", "output", "width", "height", "bytes", "cr", "cr_nominal", "bpp", "splats", "psnr",
    "encode_seconds", "peak_rss_bytes", "engine", "preset", "effort", "seed",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with a picture `a.png` of 60x40 px and its file `a.ssplat`."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(photo(60, 40)).save("a.png")
    (tmp_path / "a.ssplat").write_bytes(_encoded())
    return tmp_path


def _encoded(cache=[]):  # noqa: B006 (once for all tests)
    if not cache:
        cache.append(smartsplat.encode(photo(60, 40), effort=1).to_bytes())
    return cache[0]


def start(*arguments, **options):
    """The command in a process of its own."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
    return subprocess.Popen([sys.executable, "-m", "smartsplat", *map(str, arguments)], **options)


def finish(process):
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def assert_fails(result, *words, status=1):
    """One line on stderr that has these words, nothing on stdout."""
    code, out, err = result
    assert (code, out) == (status, "")
    assert err.startswith("smartsplat: ")
    assert err.endswith("\n")
    assert err.count("\n") == 1
    for word in words:
        assert str(word) in err


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def parsed(result):
    """The one object that a command prints with --json."""
    code, out, err = result
    assert (code, err) == (0, "")
    assert out.count("\n") == 1
    return json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


# The commands


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
    for name in (
        "cr", "size", "bpp", "psnr", "splats", "effort", "preset", "lattice", "tune", "engine", "seed", "threads",
        "steps", "checkpoint", "log_every", "flatten", "value_range", "memory", "dask", "workers",
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


# Failures: exit code 1


def cut(name, share):
    data = open(name, "rb").read()  # noqa: SIM115, PTH123
    return data[: int(len(data) * share)]


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.98])
@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
def test_truncated_pictures(folder, run, suffix, share):
    Image.fromarray(photo(60, 40)).save(f"b.{suffix}")
    (folder / f"c.{suffix}").write_bytes(cut(f"b.{suffix}", share))
    assert_fails(run("encode", f"c.{suffix}", "c.ssplat"), f"c.{suffix}")
    assert_fails(run("compare", "a.png", f"c.{suffix}"), f"c.{suffix}")
    assert not (folder / "c.ssplat").exists()


def test_failures_in_a_process_of_their_own(folder):
    (folder / "text.png").write_text("no picture")
    Image.fromarray(photo(60, 40)).save("cut.tif")
    (folder / "cut.tif").write_bytes(cut("cut.tif", 0.7))
    before = names(folder)
    for arguments, word in (
        (["encode", "text.png", "b.ssplat"], "text.png"),
        (["encode", "cut.tif", "b.ssplat"], "cut.tif"),
        (["decode", "a.png", "b.png"], "a.png"),
        (["info", "a.png"], "a.png"),
    ):
        assert_fails(finish(start(*arguments)), word)
    assert names(folder) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["encode", "{}", "b.ssplat"],
        ["decode", "{}", "b.png"],
        ["info", "{}"],
        ["compare", "{}", "a.png"],
        ["compare", "a.png", "{}"],
    ],
    ids=lambda a: a[0],
)
@pytest.mark.parametrize("name", ["missing.png", "missing.ssplat", ".", "a.png/b.png"])
def test_inputs_that_cannot_be_read(folder, run, arguments, name):
    assert_fails(run(*(name if a == "{}" else a for a in arguments)), name)


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="needs /dev/zero")  # noqa: PTH110
@pytest.mark.parametrize("arguments", [["info"], ["decode", "b.png"]], ids=lambda a: a[0])
def test_endless_inputs(folder, run, arguments):
    assert_fails(run(arguments[0], "/dev/zero", *arguments[1:]), "/dev/zero")


@pytest.mark.parametrize("command", [["encode", "a.png"], ["decode", "a.ssplat"]], ids=lambda a: a[0])
def test_outputs_that_cannot_be_written(folder, run, command):
    suffix = ".ssplat" if command[0] == "encode" else ".png"
    before = names(folder)
    assert_fails(run(*command, f"a.png/x{suffix}"), f"a.png/x{suffix}")
    assert_fails(run(*command, f"missing/x{suffix}"), f"missing/x{suffix}")
    assert_fails(run(*command, f"{'x' * 300}{suffix}"), "xxx")
    (folder / f"dir{suffix}").mkdir()
    assert_fails(run(*command, f"dir{suffix}", "-f"), f"dir{suffix}")
    assert names(folder) == sorted([*before, f"dir{suffix}"])


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_an_unwritable_folder(folder, run):
    folder.chmod(0o500)
    assert_fails(run("encode", "a.png", "b.ssplat"), "b.ssplat")
    folder.chmod(0o700)


@pytest.mark.parametrize(("command", "output"), [(["encode", "a.png"], "b.ssplat"), (["decode", "a.ssplat"], "b.png")])
def test_existing_outputs_are_kept_without_f(folder, run, command, output):
    (folder / output).write_bytes(b"precious")
    assert_fails(run(*command, output), output, "-f")
    assert (folder / output).read_bytes() == b"precious"
    assert run(*command, output, "-f")[0] == 0
    assert (folder / output).read_bytes() != b"precious"


def test_a_failure_keeps_an_existing_output(folder, run):
    (folder / "b.ssplat").write_bytes(b"precious")
    assert_fails(run("encode", "a.png", "b.ssplat", "-f", "--size", "3"), "a.png", "least possible size")
    assert_fails(
        run("encode", "a.png", "b.ssplat", "-f", "--psnr", "99", "--lattice", "none", "-e", "1"), "a.png", "dB"
    )
    assert (folder / "b.ssplat").read_bytes() == b"precious"


@pytest.mark.parametrize("name", ["b.xyz", "b", "b.gif", "b.ssplat", ".png"])
def test_unknown_extensions(folder, run, name):
    assert_fails(run("decode", "a.ssplat", name), name, "extension")
    assert names(folder) == ["a.png", "a.ssplat"]


def test_sides_beyond_the_format_are_refused_before_rendering(folder, run, monkeypatch):
    monkeypatch.setattr("smartsplat.file.splatfile.SplatFile.render", lambda *_, **__: pytest.fail("rendered"))
    assert_fails(run("decode", "a.ssplat", "b.webp", "--width", "20000"), "b.webp", "16383")
    assert_fails(run("decode", "a.ssplat", "b.jpg", "--region", "0,0,60,1", "--width", "65501"), "b.jpg", "65500")


@pytest.mark.parametrize(
    "options",
    [
        ["--cr", "1e300"], ["--size", "1"],
        ["--engine", "cuda"], ["--max-pixels", "2399"], ["--psnr", "1e9", "--lattice", "none", "-e", "1"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_what_cannot_be_encoded(folder, run, options):
    assert_fails(run("encode", "a.png", "b.ssplat", *options))
    assert names(folder) == ["a.png", "a.ssplat"]


@pytest.mark.parametrize(
    "options",
    [
        ["--scale", "1e5"], ["--scale", "1e308"], ["--width", "1000000000000"], ["--max-pixels", "10"],
        ["--region", "0,0,61,5"], ["--region", "0,0,0,0"], ["--region", "60,0,1,1"], ["--engine", "cuda"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_what_cannot_be_decoded(folder, run, options):
    assert_fails(run("decode", "a.ssplat", "b.png", *options))
    assert names(folder) == ["a.png", "a.ssplat"]


def test_damaged_files(folder, run):
    damaged = bytearray(_encoded())
    damaged[-5] ^= 1
    (folder / "b.ssplat").write_bytes(damaged)
    stream = write_splats(make_codes(1, 100, 60, 40), 128, 60, 40)[0]
    part, square_log = unpack_splats(stream, 60, 40)
    part.chunks = [part.chunks[0][:150]]
    cut = pack_splats(part, square_log)
    (folder / "c.ssplat").write_bytes(Container(60, 40, False, {SPLATS: cut}).to_bytes())
    (folder / "d.ssplat").write_bytes(Container(60, 40, False, {ICC: b"no zlib", SPLATS: stream}).to_bytes())
    for name in ("b.ssplat", "c.ssplat", "d.ssplat"):
        assert_fails(run("decode", name, "x.png"), name)
    for name in ("b.ssplat", "c.ssplat"):
        assert_fails(run("compare", "a.png", name), name)
    (folder / "e.ssplat").write_bytes(damaged[:-5])
    assert_fails(run("info", "e.ssplat"), "e.ssplat")
    assert not (folder / "x.png").exists()


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (type("Both", (SmartSplatError, OSError), {})("x.png: all of it"), "x.png: all of it"),
        (type("Either", (SmartSplatError, ValueError), {})("x.png:\n not two lines"), "x.png: not two lines"),
        (FileNotFoundError(errno.ENOENT, "No such file", "x.png"), "x.png: No such file"),
        (OSError("nothing more"), "input or output: nothing more"),
        (MemoryError(), "not enough memory"),
    ],
    ids=lambda e: type(e).__name__ if isinstance(e, Exception) else "",
)
def test_the_line_of_each_kind_of_error(folder, run, monkeypatch, error, line):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("smartsplat.file.splatfile.SplatFile.open", fail)
    assert run("decode", "a.ssplat", "b.png") == (1, "", f"smartsplat: {line}\n")


def test_pictures_of_different_sizes_cannot_be_compared(folder, run):
    Image.fromarray(photo(61, 40)).save("b.png")
    assert_fails(run("compare", "a.png", "b.png"), "a.png", "b.png", "61")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110
def test_a_stdout_that_cannot_be_written_to(folder):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        code, _, err = finish(start("info", "a.ssplat", stdout=full))
    assert code == 1
    assert err.count("\n") == 1
    process = start("info", "a.ssplat")
    process.stdout.close()
    assert process.stderr.read().count("\n") <= 1
    assert process.wait() == 1


# Wrong use: exit code 2


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["bogus"], ["encode"], ["encode", "a.png"], ["decode", "a.ssplat"], ["info"],
        ["compare", "a.png"], ["info", "a.ssplat", "more"],
        *(
            ["encode", "a.png", "b.ssplat", *options]
            for options in (
                ["--cr", "0"], ["--cr", "-5"], ["--cr", "nan"], ["--cr", "inf"], ["--cr", "many"],
                ["--size", "0"], ["--size", "1e5"], ["--size", "k"], ["--size", "9" * 400],
                ["--size", "0.0001k"], ["--bpp", "0"], ["--psnr", "-1"], ["--cr", "5", "--size", "100"],
                ["--psnr", "30", "--bpp", "1"],
                ["--effort", "0"], ["--effort", "10"], ["-e", "x"], ["--seed", "-1"], ["--seed", "1.5"],
                ["--seed", "9" * 30], ["--steps", "5"], ["--preset", "paper", "--steps", "0"],
                ["--preset", "x"], ["-j", "0"], ["-j", "-2"], ["--lattice", "x"], ["--splats", "0"],
                ["--preset", "paper", "-e", "5"], ["--preset", "official-code", "--psnr", "30"],
                ["--splats", "9"], ["--splats", "9", "--cr", "5"], ["--fitted", "c.npz"],
                ["--preset", "paper", "--dask", "local"], ["--workers", "-1"], ["--memory", "100M"], ["--memory", "x"],
                ["--set", "lambda_l=0.5"], ["--preset", "paper", "--set", "lambda_l"],
                ["--preset", "paper", "--set", "lambda_l=2"], ["--preset", "paper", "--set", "lambda=0.5"],
                ["--log", "-"], ["--log", "b.ssplat"], ["--log-every", "0", "--log", "c"],
                ["--preset", "paper", "--log", "c.npz", "--fitted", "c.npz"],
                ["-j", "9" * 5000], ["--engine", "abacus"],
                ["--max-pixels", "0"], ["--max-pixels", "x"], ["--bogus"], ["--siz", "5"], ["more"],
            )
        ),
        *(
            ["decode", "a.ssplat", "b.png", *options]
            for options in (
                ["--scale", "0"], ["--scale", "-1"], ["--scale", "nan"], ["--scale", "x"], ["--width", "0"],
                ["--width", "1.5"], ["--width", "9" * 400], ["--scale", "1", "--width", "5"],
                ["--region", "1,2,3"], ["--region", "a,b,c,d"], ["--region", "nan,0,1,1"],
                ["--region=-1,0,1"], ["-j", "x"],
            )
        ),
    ],
    ids=lambda a: " ".join(a)[:60],
)  # fmt: skip
def test_wrong_use(folder, run, arguments):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "Traceback" not in err
    assert "error: " in err.splitlines()[-1] or err.startswith("smartsplat: ")
    assert names(folder) == ["a.png", "a.ssplat"]


# Interrupts

DURING_THE_FIT = """
    import smartsplat.pipeline.stages as stages
    fit = stages.fit
    def slow_fit(*arguments, **options):
        print("busy", flush=True)
        return fit(*arguments, **options)
    stages.fit = slow_fit
"""

DURING_THE_WRITING = """
    import time
    import smartsplat.pictures.files as files
    def slow(_):
        print("busy", flush=True)
        time.sleep(60)
    files.os.fsync = slow
"""


@pytest.mark.parametrize("old", [None, b"precious"], ids=["new", "existing"])
@pytest.mark.parametrize("when", [DURING_THE_FIT, DURING_THE_WRITING], ids=["fit", "writing"])
@pytest.mark.parametrize(("which", "word"), [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "terminated")])
def test_an_interrupted_encoding_leaves_everything_as_it_was(folder, which, word, when, old):
    if old:
        (folder / "b.ssplat").write_bytes(old)
    before = names(folder)
    Image.fromarray(photo(600, 500)).save("large.png")
    effort = "9" if when is DURING_THE_FIT else "1"
    script = textwrap.dedent(when) + "from smartsplat.cli import main\nmain()\n"
    process = subprocess.Popen(
        [sys.executable, "-c", script, "encode", "large.png", "b.ssplat", "-f", "-e", effort, "--cr", "300"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background job ignores it
    )  # fmt: skip
    assert process.stdout.readline() == "busy\n"
    process.send_signal(which)
    code, _, err = finish(process)
    assert_fails((code, "", err), word, status=130 if which == signal.SIGINT else 143)
    assert names(folder) == sorted([*before, "large.png"])
    if old:
        assert (folder / "b.ssplat").read_bytes() == old


AN_ERROR_IN_ITS_PLACE = """
    import time
    import smartsplat.api as api
    def turned(*_, **__):
        print("busy", flush=True)
        try:
            time.sleep(60)
        except BaseException as error:
            raise ImportError("it came while NumPy was loaded") from error
    api.encode = turned
"""


@pytest.mark.parametrize(("which", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_that_a_library_makes_an_error_of_is_still_one(folder, which, status):
    script = textwrap.dedent(AN_ERROR_IN_ITS_PLACE) + "from smartsplat.cli import main\nmain()\n"
    process = subprocess.Popen(
        [sys.executable, "-c", script, "encode", "a.png", "b.ssplat"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background job ignores it
    )  # fmt: skip
    assert process.stdout.readline() == "busy\n"
    process.send_signal(which)
    code, _, err = finish(process)
    assert_fails((code, "", err), status=status)


def test_handlers_are_as_before_afterwards(folder, run):
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    run("info", "a.ssplat")
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


DURING_AN_IMPORT = """
    import runpy, sys, time
    slow = sys.argv.pop(1)
    class Slow:
        def find_spec(name, path=None, target=None):
            if name == slow:
                print("busy", flush=True)
                try:
                    for _ in range(600):  # a signal just before a long sleep would be seen after it
                        time.sleep(0.1)
                except BaseException as error:
                    if name.startswith("smartsplat.cli") and name.count(".") == 1:
                        raise
                    raise RuntimeError("Error calling __set_name__") from error  # as Python has it within classes
    sys.meta_path.insert(0, Slow)
    runpy.run_module("smartsplat", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(
    ("slow", "which"),
    [
        ("smartsplat.cli", signal.SIGINT),
        *itertools.product(
            ["smartsplat.cli.process", "argparse", "smartsplat.errors", "smartsplat.api", "numpy", "scipy.ndimage"],
            [signal.SIGINT, signal.SIGTERM],
        ),
    ],
)
def test_a_signal_during_the_start_shows_no_traceback(folder, slow, which):
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(DURING_AN_IMPORT), slow, "encode", "a.png", "b.ssplat"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background job ignores it
    )  # fmt: skip
    assert process.stdout.readline() == "busy\n"
    process.send_signal(which)
    code, out, err = finish(process)
    assert (code, out) == (128 + which, "")
    word = "interrupted" if which == signal.SIGINT else "terminated"
    assert err == ("" if slow == "smartsplat.cli" else f"smartsplat: {word}\n")
    assert names(folder) == ["a.png", "a.ssplat"]


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
