"""Processes of the bench's cells: what they tell of memory, and that they end with the job, however that ends."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from smartsplat.bench.methods import measure
from smartsplat.bench.methods.interface import Outcome
from smartsplat.bench.methods.measure import Extras
from smartsplat.pictures.writing import save
from tests.photos import thumbnail

needs_proc = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc")  # noqa: PTH112


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "thumb.png"
    save(path, thumbnail())
    return path


def running(argument):
    """Processes that have such a text among their arguments."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes()
        except OSError:  # it has just ended
            continue
        if argument.encode() in line and int(folder.name) != os.getpid():
            found.append(int(folder.name))
    return found


def becomes(expected, seconds=20):
    """Whether a condition comes true in that time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if expected():
            return True
        time.sleep(0.02)
    return False


@needs_proc
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_a_job_that_is_ended_leaves_no_process(picture, tmp_path, number, status):
    """An interrupt goes to all of a terminal's processes, that is to the job's group, a kill to the job alone."""
    out = tmp_path / "out"
    command = [sys.executable, "-m", "smartsplat", "bench", "table1", picture, "--methods", "smartsplat:paper",
               "--cr", "20", "--steps", "10000000", "--out", out, "-q"]  # fmt: skip
    job = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, process_group=0,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    )  # fmt: skip
    argument = json.dumps(str(picture))  # of the process of the cell

    def fits():
        return [n for n in running(argument) if re.search(rb"_native", Path(f"/proc/{n}/maps").read_bytes())]

    try:
        assert becomes(fits)
        (os.kill if number == signal.SIGKILL else os.killpg)(job.pid, number)
        _, error = job.communicate(timeout=20)
        left = becomes(lambda: not running(argument))
    finally:
        job.kill()
        for process in running(argument):
            os.kill(process, signal.SIGKILL)
    assert left
    assert job.returncode == status
    assert error.count(b"\n") == (status > 0) and b"Traceback" not in error
    assert not (out / "table1.jsonl").exists()  # no row of a cell that nobody measured


def test_memory_is_the_methods_and_not_that_of_the_metrics(monkeypatch):
    """What is held when the method is done counts, not what is held when its figures are known."""
    order = []

    class Method:
        name, versions, settings = "made", {}, {}

        def run(self, pixels, *_):
            order.append("run")
            picture = np.zeros(pixels.shape, np.float32)
            return Outcome(nominal_bytes=7, bytes=8, total_seconds=1.0, frame=lambda: None, picture=picture)

    monkeypatch.setattr(measure, "peak_rss", lambda: order.append("asked") or 1000 * len(order))
    compare = measure.compare_fully
    monkeypatch.setattr(measure, "compare_fully", lambda *a, **k: order.append("compared") or compare(*a, **k))
    row = measure.measure(thumbnail(), Method(), 20.0, Extras(memory=True))
    assert order == ["asked", "run", "asked", "compared"]
    assert (row["base_bytes"], row["peak_bytes"]) == (1000, 3000)
    assert "peak_bytes" not in measure.measure(thumbnail(), Method(), 20.0)


LOADING = """
import sys
from smartsplat.bench.methods.make import make_method
from smartsplat.bench.systems import fit
from smartsplat.pipeline import encode
from tests.photos import thumbnail

there = set()

def noted(begin):
    def begun(*arguments):
        there.update(sys.modules)
        return begin(*arguments)
    return begun

fit.Clock, encode.encode_picture = noted(fit.Clock), noted(encode.encode_picture)
for name in ("smartsplat:paper", "lig"):
    there.clear()
    make_method(name, steps=2, seed=0, threads=1).run(thumbnail(), 20.0, None, 1)
    print(name, *sorted(set(sys.modules) - there))
"""


def test_libraries_are_loaded_before_the_clock_starts():
    """SciPy took half a second of the start of a fit, PyTorch's optimisers three."""
    pytest.importorskip("torch", reason="PyTorch is not installed (extra: torch)")
    done = subprocess.run([sys.executable, "-c", LOADING], capture_output=True, text=True, check=True, timeout=120,
                          cwd=Path(__file__).parent.parent)  # fmt: skip
    assert done.stdout.splitlines() == ["smartsplat:paper", "lig"]
