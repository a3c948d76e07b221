"""The paper's tables and figures from the command line, end to end on a thumbnail."""

import json
import subprocess
import sys

import pytest

from smartsplat.pictures.reading import load
from smartsplat.pictures.writing import save
from tests.photos import thumbnail
from tests.test_bench_command import run


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "thumb.png"
    save(path, thumbnail())
    return path


def rows_of(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_table1(picture, tmp_path, capsys):
    pytest.importorskip("torch", reason="PyTorch is not installed (extra: torch)")
    out = tmp_path / "new" / "folder"
    command = ("bench", "table1", picture, "--methods", "smartsplat:paper,gi-rs,jpeg", "--cr", "8", "--steps", "20",
               "--out", out)  # fmt: skip
    assert run(*command) == 0
    shown = capsys.readouterr()
    rows = rows_of(out / "table1.jsonl")
    assert [(row["method"], row["cr"], row["status"]) for row in rows] == [
        ("smartsplat:paper", 8, "ok"), ("gi-rs", 8, "ok"), ("jpeg", 8, "ok"),
    ]  # fmt: skip
    assert rows[0]["splats"] == rows[1]["splats"] == 9216 // 56 and rows[0]["steps"] == rows[1]["steps"] == 20
    assert rows[1]["bytes"] == 32 * rows[1]["splats"] and rows[1]["versions"]["torch"]
    assert (out / "table1.md").read_text(encoding="utf-8") == shown.out
    assert "| CR | smartsplat:paper | gi-rs | jpeg |" in shown.out and len(shown.err.splitlines()) == 3
    assert run(*command) == 0
    assert capsys.readouterr().err == "" and len(rows_of(out / "table1.jsonl")) == 3


def test_table2_and_convergence(picture, tmp_path, capsys):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed (extra: bench)")
    common = (picture, "--cr", "20", "--out", tmp_path, "-q", "--steps", "10")
    assert run("bench", "table2", *common, "--methods", "smartsplat:splats", "--frames", "3") == 0
    assert "| thumb | 20 | smartsplat:splats |" in capsys.readouterr().out
    row = rows_of(tmp_path / "table2.jsonl")[0]
    assert row["frame_seconds"] > 0 and row["peak_bytes"] >= row["base_bytes"] and "log" not in row
    assert run("bench", "convergence", *common, "--methods", "smartsplat:paper", "--every", "4") == 0
    assert "| thumb | 20 | smartsplat:paper |" in capsys.readouterr().out
    row = rows_of(tmp_path / "convergence.jsonl")[0]
    assert [point["step"] for point in row["log"]] == [0, 4, 8, 10]
    assert (tmp_path / "convergence_thumb_cr20.svg").exists() and (tmp_path / "convergence.md").exists()


def test_figure4(picture, tmp_path, capsys):
    command = ("bench", "figure4", picture, "--methods", "jpeg,webp", "--cr", "8", "--out", tmp_path, "-q",
               "--region", "10,10,32,16")  # fmt: skip
    assert run(*command) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "figure4.png")
    assert load(tmp_path / "figure4.png").pixels.shape[1] == 3 * (8 * 32 + 6)


@pytest.mark.parametrize(
    "wrong", [["--methods", "gi"], ["--methods", "jpeg:5"], ["--cr", "0"], ["--steps", "0"], ["--every", "5"]]
)
def test_wrong_use(picture, tmp_path, wrong):
    assert run("bench", "table1", picture, "--out", tmp_path / "out", *wrong) == 2
    assert not (tmp_path / "out").exists()


def test_without_torch_the_systems_are_one_line(picture, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert run("bench", "table1", picture, "--methods", "jpeg,lig", "--out", tmp_path / "out") == 1
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1 and "pip install 'smartsplat[torch]'" in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["table1", "table2", "convergence", "figure4"])
def test_a_picture_that_is_not_there_is_told_before_anything_is_measured(picture, tmp_path, capsys, command):
    if command == "convergence":
        pytest.importorskip("matplotlib", reason="matplotlib is not installed (extra: bench)")
    missing = tmp_path / "missing.png"
    assert run("bench", command, picture, missing, "--methods", "jpeg", "--out", tmp_path / "out") == 1
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1 and "missing.png" in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["table1", "table2", "convergence", "figure4"])
def test_help_loads_nothing_heavy(command):
    script = (
        "import sys\nfrom smartsplat.cli import main\n"
        f"try: main(['bench', '{command}', '--help'])\nexcept SystemExit as end: assert end.code == 0\n"
        "assert not {'numpy', 'PIL', 'matplotlib', 'torch', 'smartsplat._native'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
