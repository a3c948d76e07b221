"""Batches: which pictures, by whom, killed workers, and what is on the disk in the end."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

import smartsplat
from smartsplat.batch.jobs import find_jobs
from smartsplat.batch.processes import run_here
from smartsplat.batch.work import Task
from smartsplat.errors import OutputError, PictureError
from tests import workers
from tests.photos import photo

NEEDS_KILL = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder with three pictures, one of them below, and a file that is none."""
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "below").mkdir()
    pixels = photo(96, 64)
    for name, part in (("a.png", pixels), ("b.jpg", pixels[::-1].copy()), ("below/c.png", pixels[:, ::-1].copy())):
        Image.fromarray(part).save(folder / name)
    (folder / "broken.png").write_bytes((folder / "a.png").read_bytes()[:500])
    (folder / "text.txt").write_text("no picture")
    return folder


def batch(*arguments):
    command = [sys.executable, "-m", "smartsplat", "batch", *map(str, arguments), "-e", "1", "--cr", "20"]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def tasks(count, options=None):
    return [Task(k, bytes([k]), (options or (lambda _: {}))(k)) for k in range(count)]


def test_every_picture_becomes_the_file_that_encode_makes(pictures, tmp_path):
    done = batch(pictures, tmp_path / "out", "--json")
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert len(lines) == 2 and "broken.png" in lines[0] and "1 of 4" in lines[1]
    found = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.ssplat"))
    assert found == ["a.ssplat", "b.ssplat", "below/c.ssplat"]
    for name, source in (("a.ssplat", "a.png"), ("b.ssplat", "b.jpg"), ("below/c.ssplat", "below/c.png")):
        alone = smartsplat.encode(pictures / source, effort=1, cr=20)
        assert (tmp_path / "out" / name).read_bytes() == alone.to_bytes()
    figures = json.loads(done.stdout)
    assert (figures["encoded"], figures["kept"], figures["failed"]) == (3, 0, 1)
    assert figures["bytes"] == sum(path.stat().st_size for path in (tmp_path / "out").rglob("*.ssplat"))
    assert all(row["psnr"] > 20 for row in figures["files"])


def test_what_is_there_is_kept_unless_it_is_forced(pictures, tmp_path):
    (tmp_path / "a.ssplat").write_bytes(b"mine")
    kept = batch(pictures / "a.png", pictures / "b.jpg", tmp_path)
    assert kept.returncode == 0 and (tmp_path / "a.ssplat").read_bytes() == b"mine"
    assert (tmp_path / "b.ssplat").exists()
    forced = batch(pictures / "a.png", tmp_path, "-f", "-q")
    assert forced.returncode == 0 and forced.stdout == ""
    assert smartsplat.open(tmp_path / "a.ssplat").shape == (64, 96, 3)


def test_an_interrupted_batch_leaves_whole_files_and_goes_on(pictures, tmp_path):
    command = [sys.executable, "-m", "smartsplat", "batch", str(pictures / "a.png"), str(pictures / "b.jpg"),
               str(tmp_path), "-w", "1", "-e", "9", "--cr", "5"]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (tmp_path / "a.ssplat").exists() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    left = sorted(path.name for path in tmp_path.iterdir())
    if process.returncode == 0:  # it was done before the signal came
        assert left == ["a.ssplat", "b.ssplat"]
        return
    assert process.returncode == 130 and said.strip() == "smartsplat: interrupted"
    assert left == ["a.ssplat"]
    assert smartsplat.open(tmp_path / "a.ssplat").shape == (64, 96, 3)


def test_patterns_folders_and_files_are_found_once(pictures, tmp_path):
    jobs = find_jobs([str(pictures / "*.png"), str(pictures), str(pictures / "a.png")], str(tmp_path))
    names = [job.output.relative_to(tmp_path).as_posix() for job in jobs]
    assert sorted(names) == ["a.ssplat", "b.ssplat", "below/c.ssplat", "broken.ssplat"]


def test_pictures_of_one_name_keep_their_extensions(tmp_path):
    for name in ("a.png", "a.jpg", "b.png"):
        Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / name)
    names = {job.source.name: job.output.name for job in find_jobs([str(tmp_path)], "out")}
    assert names == {"a.png": "a.png.ssplat", "a.jpg": "a.jpg.ssplat", "b.png": "b.ssplat"}
    (tmp_path / "more").mkdir()
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "more" / "a.png")
    with pytest.raises(OutputError, match=r"a\.png\.ssplat"):
        find_jobs([str(tmp_path / "a.png"), str(tmp_path / "more" / "a.png")], "out")


@pytest.mark.parametrize("name", ["missing.png", "nothing*.png", ""])
def test_inputs_that_are_not_there_are_refused(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(PictureError):
        find_jobs([str(tmp_path / name) if name else str(tmp_path / "empty")], "out")


def test_a_folder_that_is_a_file_is_refused(pictures, tmp_path):
    (tmp_path / "file").touch()
    done = batch(pictures / "a.png", tmp_path / "file")
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and "not a folder" in done.stderr


def test_outcomes_of_all_tasks_come():
    found = {outcome.number: outcome.data for outcome in run_here(workers.double, tasks(7), 3)}
    assert found == {k: bytes([k, k]) for k in range(7)}
    assert list(run_here(workers.double, [], 3)) == []


@NEEDS_KILL
def test_a_killed_worker_costs_its_task_a_try(tmp_path):
    work = tasks(5, lambda k: {"folder": str(tmp_path), "dies": k in (1, 2)})
    found = {outcome.number: outcome.data for outcome in run_here(workers.killed_once, work, 2)}
    assert found == {k: bytes([k, k]) for k in range(5)}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "2"]


@NEEDS_KILL
def test_a_task_that_kills_all_its_workers_fails_alone():
    found = {o.number: o for o in run_here(workers.killed_always, tasks(4, lambda k: {"dies": k == 2}), 2)}
    assert [found[k].data is None for k in range(4)] == [False, False, True, False]
    assert "killed" in found[2].error


def test_workers_end_with_who_asked_for_them():
    outcomes = run_here(workers.slow, tasks(3, lambda k: {"seconds": 0.01 if k == 0 else 60}), 2)
    assert next(outcomes).number == 0
    began = time.monotonic()
    outcomes.close()
    assert time.monotonic() - began < 10


def test_a_cluster_makes_the_same_files(pictures, tmp_path):
    pytest.importorskip("distributed", reason="needs the extra dask")
    here, there = tmp_path / "here", tmp_path / "there"
    batch(pictures, here)
    done = batch(pictures, there, "--dask", "local", "-w", "2")
    assert done.returncode == 1 and "broken.png" in done.stderr and "1 of 4" in done.stderr
    files = {path.relative_to(here): path.read_bytes() for path in here.rglob("*.ssplat")}
    assert len(files) == 3
    assert files == {path.relative_to(there): path.read_bytes() for path in there.rglob("*.ssplat")}


@NEEDS_KILL
def test_a_killed_worker_of_a_cluster_costs_its_task_a_try(tmp_path):
    pytest.importorskip("distributed", reason="needs the extra dask")
    from smartsplat.batch.cluster import run_on_cluster

    work = tasks(6, lambda k: {"folder": str(tmp_path), "dies": k == 3})
    found = {o.number: o.data for o in run_on_cluster(workers.killed_once, work, "local", 2)}
    assert found == {k: bytes([k, k]) for k in range(6)}
    assert [path.name for path in tmp_path.iterdir()] == ["3"]


def test_a_cluster_that_is_not_there_is_one_line(pictures, tmp_path, monkeypatch):
    pytest.importorskip("distributed", reason="needs the extra dask")
    from smartsplat import cluster
    from smartsplat.batch.cluster import run_on_cluster

    monkeypatch.setattr(cluster, "PATIENCE", 0.5)
    with pytest.raises(cluster.ClusterError, match="127"):
        list(run_on_cluster(workers.double, tasks(1), "tcp://127.0.0.1:9"))
