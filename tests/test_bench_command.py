import json
import subprocess
import sys

import pytest

from smartsplat.cli import main
from smartsplat.pictures.writing import save
from tests.bench_rows import soft_picture


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return ended.value.code


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "soft.png"
    save(path, soft_picture())
    return path


def test_rates_and_distortions_end_to_end(picture, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    out = tmp_path / "new" / "folder"
    command = ("bench", "rd", picture, "--codecs", "jpeg,webp", "--cr", "8,16", "--out", out)
    assert run(*command) == 0
    shown = capsys.readouterr()
    assert "| soft | jpeg |" in shown.out
    assert len(shown.err.splitlines()) == 4
    rows = [json.loads(line) for line in (out / "rd.jsonl").read_text().splitlines()]
    assert [(row["codec"], row["target_cr"]) for row in rows] == [
        ("jpeg", 8), ("jpeg", 16), ("webp", 8), ("webp", 16),
    ]  # fmt: skip
    assert all(row["cr"] >= row["target_cr"] and row["psnr"] > 20 for row in rows)
    assert all(row["commit"] and row["machine"] and row["date"] for row in rows)
    assert (out / "rd.md").read_text() == shown.out
    assert (out / "rd_psnr.png").exists() and (out / "rd_psnr_pictures.svg").exists()
    assert run(*command) == 0
    assert capsys.readouterr().err == ""  # all of it was there
    assert len((out / "rd.jsonl").read_text().splitlines()) == 4


def test_bits_for_each_pixel(picture, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    assert run("bench", "rd", picture, "--codecs", "jpeg", "--bpp", "3", "--out", tmp_path, "-q") == 0
    shown = capsys.readouterr()
    assert shown.err == "" and "3 bpp" in shown.out
    row = json.loads((tmp_path / "rd.jsonl").read_text())
    assert row["bpp"] <= 3 and row["target_cr"] == 8


@pytest.mark.parametrize(
    "wrong",
    [["--codecs", "bpg"], ["--codecs", "jpeg:5"], ["--cr", "0"], ["--cr", "x"], ["--cr", "9", "--bpp", "1"],
     ["--efforts", "10"], ["--tunes", "psnr,x"], ["--factors", "0"]],
)  # fmt: skip
def test_wrong_use(picture, tmp_path, wrong):
    assert run("bench", "rd", picture, "--out", tmp_path / "out", *wrong) == 2
    assert not (tmp_path / "out").exists()


def test_groups(picture, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    other = tmp_path / "other.png"
    save(other, soft_picture(seed=4))
    out = tmp_path / "out"
    groups = ("--group", "waves", picture, other, "--group", "grain", other)
    assert run("bench", "rd", *groups, "--codecs", "jpeg", "--cr", "8", "--out", out, "-q") == 0
    assert "### waves (1)" in capsys.readouterr().out
    groups = [json.loads(line)["group"] for line in (out / "rd.jsonl").read_text().splitlines()]
    assert groups == ["waves", "grain"]


@pytest.mark.parametrize("wrong", [[], ["--group", "empty"]])
def test_no_pictures(tmp_path, capsys, wrong):
    assert run("bench", "rd", *wrong, "--out", tmp_path / "out") == 2
    assert "pictures" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_a_missing_picture_is_one_line(picture, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    assert run("bench", "rd", picture, tmp_path / "no.png", "--codecs", "jpeg", "--out", tmp_path / "out") == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("module", "codec"), [("matplotlib", "jpeg"), ("imagecodecs", "jxl")])
def test_a_missing_extra_is_one_line(picture, tmp_path, monkeypatch, capsys, module, codec):
    if module == "imagecodecs":
        pytest.importorskip("matplotlib")
    for name in [name for name in sys.modules if name.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    assert run("bench", "rd", picture, "--codecs", codec, "--out", tmp_path / "out") == 1
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert module in error and "pip install 'smartsplat[bench]'" in error
    assert not (tmp_path / "out").exists()


def test_help_loads_nothing_heavy():
    script = (
        "import sys\nfrom smartsplat.cli import main\n"
        "try: main(['bench', 'rd', '--help'])\nexcept SystemExit as end: assert end.code == 0\n"
        "assert not {'numpy', 'PIL', 'matplotlib', 'imagecodecs', 'smartsplat._native'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
