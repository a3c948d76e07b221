"""The command line when it fails: exit codes, one line on stderr, nothing half-written."""

import errno
import os

import pytest
from PIL import Image

from smartsplat.coding.container import Container
from smartsplat.coding.format import ICC, SPLATS
from smartsplat.coding.splat_section import write_splats
from smartsplat.errors import SmartSplatError
from tests.codes import make_codes
from tests.commands import assert_fails, finish, names, start
from tests.oracles.file import pack_splats, unpack_splats
from tests.photos import photo


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
    damaged = bytearray((folder / "a.ssplat").read_bytes())
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
                ["--preset", "paper", "--dask", "local"], ["--workers", "-1"], ["--workers", "2"],
                ["--lattice", "none", "--dask", "local"], ["--lattice", "none", "--checkpoint", "c"],
                ["--memory", "100M"], ["--memory", "x"],
                ["--set", "lambda_l=0.5"], ["--preset", "paper", "--set", "lambda_l"],
                ["--preset", "paper", "--set", "lambda_l=2"], ["--preset", "paper", "--set", "lambda=0.5"],
                ["--log", "-"], ["--log", "b.ssplat"], ["--log-every", "0", "--log", "c"],
                ["--log-every", "5"], ["--cr", "inf"],
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
