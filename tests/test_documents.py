"""What the documents say: figures are those of the rows, files that they name are there."""

import json
import re
import statistics
from collections import defaultdict
from pathlib import Path

import pytest

import smartsplat
from tests.test_architecture import RANKS

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), RESULTS / "README.md", ROOT / "web" / "README.md"]
MADE = {"cli.md", "format.md"}
"""Pages of the site that docs/hooks.py makes."""

TO_COME = "benchmarks/results/gpu.jsonl"
"""Once there is a card."""

ROWS = {
    "**SmartSplat**, `--tune psnr`": "smartsplat psnr",
    "**SmartSplat**": "smartsplat",
    "**SmartSplat** (`balanced`, the default)": "smartsplat",
    "AVIF (speed 6)": "avif",
    "AVIF, speed 6": "avif",
    "JPEG XL": "jxl",
    "JPEG XL, effort 7": "jxl",
    "WebP": "webp",
    "JPEG": "jpeg",
}
"""Codecs of `bench rd` as tables call them."""

pytestmark = pytest.mark.skipif(not RESULTS.is_dir(), reason="only in a checkout")


def means(folder):
    """PSNR and MS-SSIM by codec and target, over the pictures of a folder's rows."""
    found = defaultdict(list)
    for line in (RESULTS / folder / "rd.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        found[row["codec"], row["target"]].append((row["psnr"], row["ms_ssim"]))
    return {key: tuple(map(statistics.fmean, zip(*rows, strict=True))) for key, rows in found.items()}


def cells_of(document):
    """Cells of the tables that have a column for each CR: codec, target and figures."""
    targets = []
    for line in (ROOT / document).read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if any(cell.startswith("CR ") for cell in cells):
            targets = cells
        elif cells[0] in ROWS and targets:
            for target, cell in zip(targets, cells, strict=False):
                if target.startswith("CR "):
                    yield ROWS[cells[0]], target, [float(figure) for figure in cell.split(" / ")]
        elif not line.startswith("|"):
            targets = []


@pytest.mark.parametrize("document", ["README.md", "docs/figures.md"])
def test_means_are_those_of_the_rows(document):
    measured, cells = means("rd"), list(cells_of(document))
    assert len(cells) == 30
    for codec, target, figures in cells:
        for figure, mean, last in zip(figures, measured[codec, target], (0.01, 0.0001), strict=False):
            assert figure == pytest.approx(mean, abs=0.501 * last + 1e-9), (codec, target)


def test_differences_of_bytes_are_those_of_the_tables():
    tables = (RESULTS / "rd" / "rd.md").read_text(encoding="utf-8").split("## Bjøntegaard")[1]
    lines = [[c.strip(" *") for c in line.strip("|").split("|")] for line in tables.splitlines()]
    names = next(cells for cells in lines if cells[0] == "picture")
    means_of_both = [cells for cells in lines if cells[0] == "mean"]
    measured = {codec: both for codec, *both in zip(names, *means_of_both, strict=True) if codec != "picture"}
    said = {}
    for line in (ROOT / "docs" / "figures.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] in ROWS and len(cells) == 7 and cells[-1]:
            said[ROWS[cells[0]]] = cells[-1].split(" / ")
    assert said == measured


def test_all_results_are_explained():
    text = (RESULTS / "README.md").read_text(encoding="utf-8")
    table = [line for line in text.splitlines() if line.startswith("|")]
    there = {path.name for path in RESULTS.iterdir()} - {"README.md"}
    named = {name.rstrip("/") for line in table for name in re.findall(r"`([^`]+)`", line.split("|")[1])}
    missing = {name for line in table if "(not there yet)" in line for name in re.findall(r"`([^`]+)`", line)[:1]}
    assert named - missing == there


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document):
    text = document.read_text(encoding="utf-8")
    links = {link for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link}
    assert {link for link in links if link not in MADE and not (document.parent / link).exists()} == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_that_are_named_are_there(document):
    text = document.read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:docs|tests|benchmarks|native|web|src)/[\w./-]+)`", text))
    assert {name for name in named - {TO_COME} if not (ROOT / name).exists()} == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_tests_and_benchmarks_that_are_named_are_there(document):
    text = document.read_text(encoding="utf-8")
    modules = set(re.findall(r"python -m ((?:benchmarks|tests)\.[\w.]*\w)", text))
    tests = {f"tests.{name}" for name in re.findall(r"`(test_\w+)`", text)}
    assert {name for name in modules | tests if not (ROOT / f"{name.replace('.', '/')}.py").exists()} == set()


def test_every_room_has_its_row():
    lines = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").splitlines()
    named = {name for line in lines if line.startswith("|") for name in re.findall(r"`(\w+)`", line.split("|")[1])}
    assert {room for line in RANKS for room in line} - {"__init__", "__main__"} <= named


def test_all_that_is_public_is_on_the_page_of_python():
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^(?: +- |::: [\w.]+\.)(\w+)$", text, re.MULTILINE))
    assert set(smartsplat.__all__) - {"__version__"} <= listed
