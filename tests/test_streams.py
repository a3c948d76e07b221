"""The command line's streams and names: stdin and stdout as files, closed and full ones, odd names, slips."""

import itertools
import json
import os
import resource
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from PIL import Image

import smartsplat
from smartsplat.cli.options import byte_count, with_values_joined
from smartsplat.sampling.threads import map_in_threads
from tests.photos import photo

COMMAND = [sys.executable, "-m", "smartsplat"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with a picture and its file."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(photo(60, 40)).save("a.png")
    smartsplat.encode("a.png", effort=1).save("a.ssplat")
    return tmp_path


def run(*arguments, stdin=b"", **options):
    """Exit code, stdout and stderr, as bytes."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "timeout": 60} | options
    done = subprocess.run([*COMMAND, *arguments], input=stdin, check=False, **options)
    return done.returncode, done.stdout, done.stderr


def shell(line):
    """The same for a line of the shell, where `$S` is the command."""
    done = subprocess.run(
        ["sh", "-c", line.replace("$S", " ".join(COMMAND))], capture_output=True, check=False, timeout=60
    )
    return done.returncode, done.stdout, done.stderr


def assert_one_line(result, *words, status=1):
    code, out, err = result
    assert (code, out, err.count(b"\n")) == (status, b"", 1)
    for word in (b"smartsplat: ", *words):
        assert word in err


# - for a file


@pytest.mark.parametrize("source", ["pipe", "file"])
def test_encodes_from_stdin_to_stdout(folder, source):
    feed = "cat a.png |" if source == "pipe" else "< a.png"
    line = f"{feed} $S encode - - -e 1" if source == "pipe" else f"$S encode - - -e 1 {feed}"
    code, out, err = shell(line)
    assert (code, out) == (0, (folder / "a.ssplat").read_bytes())
    assert b"bytes" in err  # the summary is not in the file
    assert not (folder / "-").exists()


@pytest.mark.parametrize(
    ("options", "kind"), [([], "PNG"), (["--format", "jpeg"], "JPEG"), (["--format", "tiff"], "TIFF")]
)
def test_decodes_from_stdin_to_stdout(folder, options, kind):
    code, out, err = run("decode", "-", "-", "--json", *options, stdin=(folder / "a.ssplat").read_bytes())
    assert code == 0
    (folder / "b").write_bytes(out)
    with Image.open("b") as decoded:
        assert decoded.format == kind
        assert kind == "JPEG" or np.array_equal(np.asarray(decoded), smartsplat.decode("a.ssplat"))
    assert json.loads(err)["width"] == 60


def test_info_and_compare_read_stdin(folder):
    data = (folder / "a.ssplat").read_bytes()
    assert json.loads(run("info", "-", "--json", stdin=data)[1])["bytes"] == len(data)
    direct = run("compare", "a.png", "a.ssplat")
    assert direct[0] == 0
    assert run("compare", "a.png", "-", stdin=data)[1] == direct[1]
    assert run("compare", "-", "a.ssplat", stdin=(folder / "a.png").read_bytes())[1] == direct[1]
    assert_one_line(run("compare", "-", "-", stdin=data), status=2)


def test_what_is_wrong_with_stdin_is_one_line(folder):
    picture = (folder / "a.png").read_bytes()
    for arguments in (["decode", "-", "x.png"], ["info", "-"]):
        assert_one_line(run(*arguments, stdin=picture), b"<stdin>")
    assert_one_line(run("encode", "-", "x.ssplat", stdin=picture[:100]), b"<stdin>")
    assert_one_line(shell("$S encode - x.ssplat <&-"), b"<stdin>")
    assert_one_line(run("decode", "a.ssplat", "x.png", "--format", "png"), b"--format", status=2)


def test_a_file_may_be_called_minus(folder):
    assert run("encode", "a.png", "./-", "-e", "1", "-q") == (0, b"", b"")
    assert (folder / "-").read_bytes() == (folder / "a.ssplat").read_bytes()


# Streams that are closed or full


HELP = ("--help", "--version", "encode --help", "bench rd -h")


def test_a_closed_stdout(folder):
    assert shell("$S encode a.png b.ssplat -e 1 >&-") == (0, b"", b"")  # the file is what was asked for
    assert (folder / "b.ssplat").read_bytes() == (folder / "a.ssplat").read_bytes()
    for line in ("info a.ssplat", "info a.ssplat --json", "compare a.png a.png", "encode a.png c.ssplat -e 1 --json"):
        assert_one_line(shell(f"$S {line} >&-"), b"<stdout>")
    assert_one_line(shell("$S encode a.png - -e 1 >&-"), b"<stdout>")
    for line in HELP:
        assert_one_line(shell(f"$S {line} >&-"), b"<stdout>")


def test_a_closed_stderr(folder):
    assert shell("$S encode a.png b.ssplat -e 1 -q 2>&-") == (0, b"", b"")
    assert shell("$S info missing 2>&-") == (1, b"", b"")
    assert shell("$S encode 2>&-") == (2, b"", b"")


def test_all_closed(folder):
    assert shell("$S encode a.png b.ssplat -e 1 <&- >&- 2>&-")[0] == 0
    assert (folder / "b.ssplat").read_bytes() == (folder / "a.ssplat").read_bytes()
    assert shell("$S decode a.ssplat b.png <&- >&- 2>&-")[0] == 0
    assert np.array_equal(np.asarray(Image.open("b.png")), smartsplat.decode("a.ssplat"))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110
def test_full_streams(folder):
    assert shell("$S encode a.png b.ssplat -e 1 >/dev/full") == (0, b"", b"")
    for line in ("info a.ssplat", "encode a.png c.ssplat -e 1 --json", "encode a.png - -e 1", "decode a.ssplat -"):
        assert_one_line(shell(f"$S {line} >/dev/full"), b"<stdout>")
    for line, buffered in itertools.product((*HELP, "info a.ssplat --json"), ("", "1")):
        assert_one_line(shell(f"PYTHONUNBUFFERED={buffered} $S {line} >/dev/full"), b"<stdout>")
    assert shell("$S info missing 2>/dev/full") == (1, b"", b"")


# Names


ODD = [b"x\xff", "ä ö".encode(), b"-x", b"a\nb", b"\x1b[31m"]


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_odd_names(folder, name, encoding):
    picture, file = b"./" + name + b".png", b"./" + name + b".ssplat"
    (folder / os.fsdecode(picture)).write_bytes((folder / "a.png").read_bytes())
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    for arguments in (
        [b"encode", picture, file, b"-e", b"1"],
        [b"info", file],
        [b"compare", picture, file],
        [b"decode", file, b"out.png"],
    ):
        code, _, err = run(*arguments, env=environment)
        assert (code, err) == (0, b"")
    assert json.loads(run(b"info", file, b"--json", env=environment)[1])["file"] == os.fsdecode(file)
    assert_one_line(run(b"encode", picture, file, env=environment), b"exists")


# Slips


@pytest.mark.parametrize("name", ["new/", "new/.", "a.png/"])
def test_an_output_that_names_a_folder(folder, name):
    assert_one_line(run("encode", "a.png", name, "-f"), name.encode())
    assert sorted(os.listdir()) == ["a.png", "a.ssplat"]  # noqa: PTH208


@pytest.mark.parametrize("how", ["same", "link", "hard link", "other way"])
def test_the_input_is_not_written_over(folder, how):
    (folder / "plain").write_bytes((folder / "a.png").read_bytes())
    output = "plain" if how == "same" else "./x/../plain" if how == "other way" else "other"
    (folder / "x").mkdir()
    if how == "link":
        (folder / "other").symlink_to("plain")
    if how == "hard link":
        (folder / "other").hardlink_to("plain")
    assert_one_line(run("encode", "plain", output, "-f"), b"input")
    assert_one_line(shell(f"$S encode - {output} -f < plain"), b"input")
    assert (folder / "plain").read_bytes() == (folder / "a.png").read_bytes()
    (folder / "b.png").write_bytes((folder / "a.ssplat").read_bytes())
    assert_one_line(run("decode", "b.png", "b.png", "-f"), b"input")


@pytest.mark.parametrize("name", ["b.png", "b.JPG", "b.webp", "b.tif", "b.avif"])
def test_encoding_to_a_picture_s_name_is_refused(folder, name):
    assert_one_line(run("encode", "a.png", name, "-f"), name.encode())
    assert not (folder / name).exists()


def test_files_are_known_by_what_they_hold(folder):
    (folder / "b.png").write_bytes((folder / "a.ssplat").read_bytes())
    (folder / "c.ssplat").write_bytes((folder / "a.png").read_bytes())
    expected = run("compare", "a.png", "a.ssplat")[1]
    assert run("compare", "c.ssplat", "b.png")[1] == expected
    assert run("info", "b.png")[0] == run("decode", "b.png", "d.png")[0] == 0


def test_compare_lays_a_colour_under_transparent_pictures(folder):
    Image.fromarray(np.dstack([photo(60, 40), np.full((40, 60), 99, np.uint8)])).save("t.png")
    assert b"psnr_alpha" in run("compare", "t.png", "a.ssplat")[1]
    assert b"psnr_alpha" not in run("compare", "t.png", "a.ssplat", "--flatten", "white")[1]


@pytest.mark.parametrize("arguments", [["--region", "-1,0,5,5"], ["--region", "-.5,0,5,5"], ["--region=-1,0,5,5"]])
def test_negative_regions_are_outside(folder, arguments):
    assert_one_line(run("decode", "a.ssplat", "b.png", *arguments), b"not within")


def test_only_values_of_regions_are_joined():
    assert with_values_joined(["--region", "-1,2,3,4", "-f"]) == ["--region=-1,2,3,4", "-f"]
    for kept in (["--region", "-f"], ["--region", "1,2,3,4"], ["-1"], ["--", "--region", "-1"], []):
        assert with_values_joined(kept) == kept


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("500", 500), ("500b", 500), ("500k", 500_000), ("500KB", 500_000), ("500kb", 500_000), ("500 kB", 500_000),
        ("1.5K", 1500), ("2M", 2_000_000), ("2mb", 2_000_000), ("1GB", 10**9), ("500KiB", 512_000),
        ("500kib", 512_000), ("1.5ki", 1536), ("2MiB", 2 << 20), ("1gib", 1 << 30),
    ],
)  # fmt: skip
def test_sizes(text, expected):
    assert byte_count(text) == expected


@pytest.mark.parametrize("more", [["--size", "100M"], ["--cr", "1e-300"], ["--bpp", "1e308"], ["--size", "7201"]])
def test_more_bytes_than_are_needed(folder, more):
    row = json.loads(run("encode", "a.png", "b.ssplat", "-e", "1", "--json", *more)[1])
    assert 1000 < row["bytes"] <= 7200
    assert row["psnr"] is None or row["psnr"] > 40


# Little memory, no threads


@pytest.mark.parametrize("megabytes", [110, 220, 400, 700])
def test_little_memory_is_one_line(folder, megabytes):
    limit = megabytes << 20

    def confine():
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    for arguments in (["info", "a.ssplat"], ["decode", "a.ssplat", "b.png", "-f", "-j", "8"]):
        code, _, err = run(*arguments, preexec_fn=confine)
        assert code in (0, 1)
        assert err.count(b"\n") == code
        assert b"Traceback" not in err


@pytest.mark.parametrize("megabytes", [130, 160, 180, 240, 300])
def test_encoding_in_little_memory_is_one_line(folder, megabytes):
    """At 160 and 180 MB SciPy's OpenBLAS looked for memory without end, at 240 MB NumPy's ended the process, at
    300 MB glibc did, for a thread that had none."""
    limit = megabytes << 20
    code, out, err = run(
        "encode", "a.png", "b.ssplat", "-f", "-q", "-e", "1", "-j", "8",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )  # fmt: skip
    assert code in (0, 1)
    assert (out, err.count(b"\n")) == (b"", code)
    assert code == 0 or err.startswith(b"smartsplat: ")


@pytest.mark.parametrize("megabytes", [500, 1060])
def test_threads_begin_only_where_they_leave_room(folder, megabytes):
    """As many threads as began took all of the address space: SciPy could not be loaded, or the process ended."""
    Image.fromarray(photo(400, 300)).save("b.png")
    limit = megabytes << 20
    done = run(
        "encode", "b.png", "b.ssplat", "-q", "-e", "1", "-j", "64",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )  # fmt: skip
    assert done == (0, b"", b"")


def test_scipy_is_loaded_where_there_is_room(folder):
    """An encoding in a process with little more address space than it has loads none, and says so."""
    work = """
        import resource
        from smartsplat.libraries import ROOM, load_scipy
        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
        for room in (ROOM - (16 << 20), ROOM + (16 << 20)):
            resource.setrlimit(resource.RLIMIT_AS, (used + room, resource.RLIM_INFINITY))
            try:
                print(load_scipy("scipy.ndimage").__name__)
            except MemoryError as error:
                print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(work)], capture_output=True, check=True, text=True, timeout=60,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.stdout == "there is no room for SciPy\nscipy.ndimage\n"


def test_threads_that_cannot_be_started_are_done_without(monkeypatch):
    def refuse(_):
        raise RuntimeError("can't start new thread")

    assert map_in_threads(lambda x: x * x, range(100), 8) == [x * x for x in range(100)]
    monkeypatch.setattr("threading.Thread.start", refuse)
    assert map_in_threads(lambda x: x * x, range(100), 8) == [x * x for x in range(100)]


def test_errors_in_threads_are_raised():
    def fail(x):
        if x == 7:
            raise KeyError(x)
        return x

    with pytest.raises(KeyError):
        map_in_threads(fail, range(100), 4)
    assert map_in_threads(fail, [], 4) == []


@pytest.mark.parametrize("error", [RuntimeError("can't\nstart new thread"), ImportError("no map"), SystemError()])
def test_unexpected_errors_are_one_line(folder, monkeypatch, capfd, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("smartsplat.file.splatfile.SplatFile.open", fail)
    from smartsplat.cli import main

    with pytest.raises(SystemExit) as caught:
        main(["decode", "a.ssplat", "b.png"])
    assert_one_line((caught.value.code, *(text.encode() for text in capfd.readouterr())))
