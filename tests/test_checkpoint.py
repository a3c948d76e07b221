"""A fit that is broken off goes on from its checkpoint to the same bytes."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

import smartsplat
from smartsplat.cli import main
from smartsplat.cli.steprows import rows_to
from smartsplat.errors import CheckpointError, OutputError
from smartsplat.fitting import checkpoint as checkpoints
from tests.photos import photo

STEPS = 120


def encode(pixels=None, steps=STEPS, preset="paper", **options):
    return smartsplat.encode(photo() if pixels is None else pixels, cr=20, preset=preset, steps=steps, **options)


class StopError(Exception):
    pass


def stop_at(share):
    """A progress that breaks the fit off."""

    def progress(done):
        if done >= share:
            raise StopError

    return progress


@pytest.fixture(scope="module")
def whole():
    return {preset: encode(preset=preset).to_bytes() for preset in ("paper", "official-code")}


@pytest.mark.parametrize("preset", ["paper", "official-code"])
def test_a_fit_goes_on_to_the_same_bytes(tmp_path, whole, preset):
    path = tmp_path / "a"
    with pytest.raises(StopError):
        encode(preset=preset, checkpoint=path, progress=stop_at(0.4))
    with np.load(path) as arrays:
        assert json.loads(str(arrays["head"]))["steps"] == 48
    with pytest.raises(StopError):  # and again, further on
        encode(preset=preset, checkpoint=path, progress=stop_at(0.7), threads=1)
    assert encode(preset=preset, checkpoint=path).to_bytes() == whole[preset]
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_without_a_file_it_is_an_ordinary_fit_and_then_a_finished_one(tmp_path, whole):
    path = tmp_path / "a"
    assert encode(checkpoint=path).to_bytes() == whole["paper"]
    written, rows = path.read_bytes(), []
    assert encode(checkpoint=path, log=rows.append).to_bytes() == whole["paper"]  # nothing is left to do
    assert [row["step"] for row in rows] == [STEPS]
    assert path.read_bytes() == written


def test_finished_fits_can_have_more_steps(tmp_path, whole):
    path = tmp_path / "a"
    encode(steps=50, checkpoint=path)
    assert encode(checkpoint=path).to_bytes() == whole["paper"]


def test_the_clock_goes_on(tmp_path):
    path, rows = tmp_path / "a", []
    with pytest.raises(StopError):
        encode(checkpoint=path, progress=stop_at(0.5), log=rows.append, log_every=30)
    first = rows[-1]
    encode(checkpoint=path, log=rows.append, log_every=30)
    assert [row["step"] for row in rows] == [0, 30, 60, 90, 120][: len(rows)]
    assert rows[3]["seconds"] > first["seconds"]
    assert rows[3]["seconds"] < first["seconds"] + 30


def test_it_is_written_now_and_then(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "SECONDS", 0.0)
    monkeypatch.setattr(checkpoints, "LEAST_SHARE", 0)
    seen = []

    def progress(done):
        if 0 < done < 1:
            with np.load(tmp_path / "a") as arrays:
                seen.append(json.loads(str(arrays["head"]))["steps"])

    encode(steps=6, checkpoint=tmp_path / "a", progress=progress)
    assert seen == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"pixels": photo(96, 64, left=905)}, ["another picture"]), ({"pixels": photo(64, 96)}, ["another picture"]),
        ({"seed": 3}, ["seed 0, not 3"]), ({"splats": 130, "cr": None}, ["count 131, not 130"]),
        ({"constants": {"lambda_l": 0.8, "neighbours": 4}}, ["lambda_l 0.9, not 0.8", "neighbours 3, not 4"]),
        ({"preset": "official-code"}, ["start text, not code"]),
        ({"engine": "reference"}, ["engine cpu, not reference"]),
        ({"steps": 3}, ["5 steps", "3 asked for"]),
    ],
    ids=str,
)  # fmt: skip
def test_checkpoints_of_something_else_are_refused_and_kept(tmp_path, options, words):
    path = tmp_path / "a"
    encode(steps=5, checkpoint=path)
    before = path.read_bytes()
    options = {"pixels": photo(), "steps": 9, "cr": 20, "preset": "paper"} | options
    with pytest.raises(CheckpointError) as caught:
        smartsplat.encode(options.pop("pixels"), checkpoint=path, **options)
    for word in [*words, str(path)]:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before


def test_files_that_are_none_are_refused_and_kept(tmp_path):
    path = tmp_path / "a"
    encode(steps=5, checkpoint=path)
    good = path.read_bytes()
    smaller = tmp_path / "b"
    np.savez(smaller.open("wb"), head=np.array("{}"), parameters=np.zeros((3, 8)))
    encode(steps=1).fitted.save(tmp_path / "c.npz")
    for bad in (b"", b"hello", good[:100], good[:-40], good.replace(b"NUMPY", b"NUMPI"), smaller.read_bytes(),
                (tmp_path / "c.npz").read_bytes()):  # fmt: skip
        path.write_bytes(bad)
        with pytest.raises(CheckpointError, match="is no checkpoint") as caught:
            encode(checkpoint=path)
        assert "\n" not in str(caught.value)
        assert path.read_bytes() == bad


# The command, killed


@pytest.fixture
def folder(tmp_path):
    Image.fromarray(photo(240, 180)).save(tmp_path / "a.png")
    return tmp_path


COMMAND = ["encode", "a.png", "b.ssplat", "--preset", "paper", "--cr", "20", "--checkpoint", "c", "--log", "d",
           "--log-every", "25"]  # fmt: skip


def start(folder, *arguments, often=True):
    """The command in a process of its own, whose checkpoint is written often."""
    program = "import sys; from smartsplat.cli import main; main(sys.argv[1:])"
    if often:
        program = f"from smartsplat.fitting import checkpoint as c; c.SECONDS, c.LEAST_SHARE = 0.02, 0; {program}"
    return subprocess.Popen([sys.executable, "-c", program, *COMMAND, *arguments], cwd=folder, stderr=subprocess.PIPE)


def steps_in(path):
    with np.load(path) as arrays:
        return json.loads(str(arrays["head"]))["steps"]


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda s: s.name)
def test_a_killed_command_goes_on_to_the_same_file(folder, number):
    killed = start(folder, "--steps", "100000", often=number == signal.SIGKILL)
    deadline = time.monotonic() + 60
    while not (folder / "d").exists() or (folder / "d").read_text().count("\n") < 4:  # 75 steps were done
        assert time.monotonic() < deadline
        assert killed.poll() is None
        time.sleep(0.02)
    killed.send_signal(number)
    killed.communicate(timeout=30)
    assert not (folder / "b.ssplat").exists()
    done = steps_in(folder / "c")
    assert 75 <= done < 100_000 or number == signal.SIGKILL
    assert 1 <= done < 100_000
    for name in ("c", "d"):
        assert (folder / name).exists()
    steps = done + 30
    again = start(folder, "--steps", str(steps))
    assert again.communicate(timeout=60)[1] == b""
    expected = smartsplat.encode(photo(240, 180), cr=20, preset="paper", steps=steps)
    assert (folder / "b.ssplat").read_bytes() == expected.to_bytes()
    logged = [json.loads(line)["step"] for line in (folder / "d").read_text().splitlines()]
    assert logged == [*range(0, steps, 25), steps][: len(logged)]
    assert sorted(p.name for p in folder.iterdir()) == ["a.png", "b.ssplat", "c", "d"]


@pytest.fixture
def run(folder, monkeypatch, capfd):
    """Runs the command in this process: its exit code and stderr."""
    monkeypatch.chdir(folder)

    def call(*arguments):
        with pytest.raises(SystemExit) as caught:
            main([*arguments, "--steps", "3"])
        return caught.value.code, capfd.readouterr().err

    return call


def test_a_checkpoint_of_another_picture_is_one_line(folder, run):
    Image.fromarray(photo(240, 180, left=905)).save(folder / "x.png")
    assert run(*COMMAND) == (0, "")
    assert run("encode", "x.png", "y.ssplat", *COMMAND[3:]) == (1, "smartsplat: c: is of another picture\n")
    assert not (folder / "y.ssplat").exists()


def test_logs_are_not_written_over(folder, run):
    (folder / "d").write_text("precious")
    code, err = run(*COMMAND)
    assert (code, err.count("\n")) == (1, 1)
    assert "exists" in err
    assert (folder / "d").read_text() == "precious"
    assert run(*COMMAND, "-f") == (0, "")
    assert [json.loads(line)["step"] for line in (folder / "d").read_text().splitlines()] == [0, 3]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110
def test_a_log_that_finds_no_room_is_named():
    with pytest.raises(OutputError, match=r"^/dev/full: .*space"), rows_to("/dev/full") as log:
        log({"step": 0, "loss": 0.5})


@pytest.mark.parametrize("option", ["--checkpoint", "--log", "--fitted"])
def test_files_beside_the_output_are_not_the_input(folder, run, option):
    before = (folder / "a.png").read_bytes()
    code, err = run("encode", "a.png", "b.ssplat", "--preset", "paper", "-f", option, "a.png")
    assert (code, err.count("\n")) == (1, 1)
    assert (folder / "a.png").read_bytes() == before
    assert not (folder / "b.ssplat").exists()
