"""Rows of the paper's tables: measured once, resumed, failing alone; and what is made from them."""

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from smartsplat import metrics
from smartsplat.bench.methods import alone, measure
from smartsplat.bench.methods.alone import Errand, measure_alone
from smartsplat.bench.methods.interface import Outcome
from smartsplat.bench.methods.make import make_method
from smartsplat.bench.methods.measure import FIGURES, Extras
from smartsplat.bench.methods.names import METHODS, check_method, is_classical
from smartsplat.bench.paper import cells, convergence, figure4, table1, table2
from smartsplat.bench.paper.cells import Plan, cell_key, measure_cells
from smartsplat.bench.paper.sheet import Panel, Strip, draw_sheet, most_detailed
from smartsplat.bench.rows import RowFile
from smartsplat.cli import bench_paper
from smartsplat.errors import FormatError, SmartSplatError
from smartsplat.metrics import floats
from smartsplat.metrics.same import ssim_same
from smartsplat.pictures.reading import load
from smartsplat.pictures.writing import save
from tests.photos import thumbnail


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "thumb.png"
    save(path, thumbnail())
    return path


class Made:
    """A method of this process that gives the picture a little too bright, the less the smaller the ratio."""

    def __init__(self, name="jpeg", fails=(), **settings):
        self.name, self.settings, self.fails = name, settings, fails
        self.versions = {"made": "1"}
        self.runs = []

    def run(self, pixels, cr, log, every):
        self.runs.append(cr)
        if cr in self.fails:
            raise self.fails[cr]
        if cr > 900:
            return None
        if log:
            for step, psnr in ((0, 10.0), (every, 20.0), (2 * every, float("inf"))):
                log({"step": step, "seconds": step / 4, "psnr": psnr})
        picture = (pixels / 255 + cr / 1000).clip(0, 1).astype(np.float32)
        return Outcome(
            nominal_bytes=70, bytes=320, total_seconds=2.5, frame=lambda: None, picture=picture, splats=10, steps=40,
            start_seconds=0.5, seconds=2.0,
        )  # fmt: skip


@pytest.fixture
def made(monkeypatch):
    """Methods by name, which take the place of those that there are."""
    methods = {}
    monkeypatch.setattr(cells, "make_method", lambda name, **_: methods[name])
    return methods


def measured(plan, path):
    return measure_cells(plan, RowFile(path, cell_key))


# Names


def test_the_command_line_knows_the_same_names():
    """It has them in its help, for which it does not load the bench."""
    assert bench_paper.METHODS == METHODS


def test_names():
    for name in (*METHODS, "smartsplat:9", "jxl:3", "avif:4"):
        check_method(name)
    for wrong in ("gi", "smartsplat:lattice", "lig:2", "3dgs:official", "jpeg:5", ""):
        with pytest.raises(ValueError, match=r"method|codec"):
            check_method(wrong)
    assert [name for name in METHODS if is_classical(name)] == ["jpeg", "webp", "jxl", "avif"]
    assert is_classical("jxl:3") and not is_classical("smartsplat:9")


# A cell


def test_figures_of_a_float_picture():
    row = measure.measure(thumbnail(), Made(), 20.0, Extras(every=5, frames=2))
    picture = (thumbnail() / 255 + 0.02).clip(0, 1).astype(np.float32)
    expected, same = floats.compare(picture, thumbnail())
    assert row["psnr"] == pytest.approx(expected["psnr"], abs=1e-5)
    assert row["ssim"] == pytest.approx(same, abs=1e-5)
    assert row["ms_ssim"] is None and row["file_psnr"] is None
    assert row["cr_nominal"] == pytest.approx(thumbnail().size / 70)
    assert row["cr_real"] == pytest.approx(thumbnail().size / 320)
    assert row["frame_seconds"] >= 0
    assert [(point["step"], point["psnr"]) for point in row["log"]] == [(0, 10.0), (5, 20.0), (10, None)]


def test_figures_of_a_file():
    row = measure.measure(thumbnail(), make_method("jpeg", steps=1, seed=0, threads=1), 8.0)
    assert row["bytes"] <= thumbnail().size / 8 and row["cr_real"] == row["cr_nominal"] >= 8
    assert row["splats"] is None and row["steps"] is None
    assert (row["psnr"], row["ssim"]) == (row["file_psnr"], row["file_ssim"])
    codec = make_method("jpeg", steps=1, seed=0, threads=1)
    decoded = codec.run(thumbnail(), 8.0, None, 1).decoded
    assert row["psnr"] == pytest.approx(metrics.psnr(thumbnail(), decoded), abs=1e-5)
    assert row["ssim"] == pytest.approx(ssim_same(thumbnail(), decoded), abs=1e-5)


@pytest.mark.parametrize("name", ["smartsplat", "smartsplat:1", "smartsplat:splats", "smartsplat:paper"])
def test_figures_of_our_own(name):
    pixels = thumbnail()
    row = measure.measure(pixels, make_method(name, steps=20, seed=0, threads=1), 20.0, Extras(every=10, frames=1))
    splats_only = name.partition(":")[2] in ("splats", "paper")
    assert row["status"] == "ok" and row["file_psnr"] > 10 and row["frame_seconds"] > 0
    if splats_only:
        assert row["splats"] == pixels.size // 140
        assert row["cr_nominal"] == pytest.approx(pixels.size / (7 * row["splats"]))
        assert row["psnr"] >= row["file_psnr"] - 0.3
        assert row["log"][-1]["psnr"] == pytest.approx(row["psnr"], abs=1e-3)
        assert row["seconds"] > 0 and row["start_seconds"] > 0
        assert row["steps"] == (20 if name == "smartsplat:paper" else None)
    else:
        assert row["bytes"] <= pixels.size / 20 and row["psnr"] == row["file_psnr"]
    assert 18 < row["cr_real"] < 40


def test_a_saved_picture_is_the_one_that_was_measured(tmp_path):
    path = tmp_path / "new" / "picture.png"
    row = measure.measure(thumbnail(), Made(), 20.0, Extras(save=path))
    assert metrics.psnr(load(path).pixels, thumbnail()) == pytest.approx(row["psnr"], abs=0.2)


# Cells


def test_what_is_there_is_not_measured_again(picture, tmp_path, made):
    made["jpeg"], made["webp"] = Made(), Made("webp")
    plan = Plan([picture], ["jpeg", "webp"], [20.0, 50.0], 7)
    rows = measured(plan, tmp_path / "rows")
    assert [(row["method"], row["cr"]) for row in rows] == [
        ("jpeg", 20), ("jpeg", 50), ("webp", 20), ("webp", 50)
    ]  # fmt: skip
    again = measured(dataclasses.replace(plan, crs=[50.0, 100.0], methods=["webp"]), tmp_path / "rows")
    assert made["webp"].runs == [20, 50, 100] and again[0] == rows[3]
    made["jpeg"] = Made(quality="other")
    assert [row["settings"] for row in measured(plan, tmp_path / "rows")][:2] == [{"quality": "other"}] * 2
    assert len(RowFile(tmp_path / "rows", cell_key).rows) == 7
    row = rows[0]
    assert (row["image"], row["width"], row["height"], row["seed"]) == ("thumb", 64, 48, 0)
    assert row["commit"] and row["machine"] and row["date"] and len(row["sha256"]) == 64


def test_an_interrupted_job_goes_on(picture, tmp_path, made):
    made["jpeg"] = Made(fails={50.0: KeyboardInterrupt()})
    plan = Plan([picture], ["jpeg"], [20.0, 50.0], 7)
    with pytest.raises(KeyboardInterrupt):
        measured(plan, tmp_path / "rows")
    with (tmp_path / "rows").open("a") as file:
        file.write('{"half a li')
    made["jpeg"] = Made()
    assert [row["status"] for row in measured(plan, tmp_path / "rows")] == ["ok", "ok"]
    assert made["jpeg"].runs == [50]


def test_cells_that_fail_say_why_and_the_others_are_measured(picture, tmp_path, made):
    fails = {20.0: SmartSplatError("the loss is nan"), 50.0: MemoryError(), 100.0: IndexError("three")}
    made["jpeg"] = Made(fails=fails)
    plan = Plan([picture], ["jpeg"], [20.0, 50.0, 100.0, 200.0, 1000.0], 7)
    rows = measured(plan, tmp_path / "rows")
    assert [row["status"] for row in rows] == [
        "failed: the loss is nan", "failed: out of memory", "failed: IndexError: three", "ok", "unreachable",
    ]  # fmt: skip
    assert all(row[name] is None for row in (*rows[:3], rows[4]) for name in FIGURES)
    assert measured(plan, tmp_path / "rows") == rows
    made["jpeg"] = Made()
    again = measured(dataclasses.replace(plan, stale=measure.has_failed), tmp_path / "rows")
    assert [row["status"] for row in again] == ["ok"] * 4 + ["unreachable"] and made["jpeg"].runs == [20, 50, 100]
    assert measured(plan, tmp_path / "rows") == again  # the last row of a cell counts


def test_times_of_another_machine_or_number_of_threads_do_not_count(picture, tmp_path, made):
    made["jpeg"] = Made()
    plan = cells.timed_here(Plan([picture], ["jpeg"], [20.0], 7))
    first = measured(plan, tmp_path / "rows")
    assert measured(plan, tmp_path / "rows") == first and made["jpeg"].runs == [20]
    two = dataclasses.replace(plan, threads=2)
    assert measured(two, tmp_path / "rows") == first  # the plan says whose times count
    again = measured(cells.timed_here(two), tmp_path / "rows")
    assert made["jpeg"].runs == [20, 20] and again[0]["machine"].endswith(", 2 used")


def test_rows_of_something_else_are_refused(tmp_path):
    (tmp_path / "rows").write_text('{"picture": "a"}\n')
    with pytest.raises(FormatError, match="line 1"):
        RowFile(tmp_path / "rows", cell_key)


# Processes


def test_a_process_of_its_own(picture):
    row = measure_alone(Errand(picture, 10**6, "smartsplat:paper", 20.0, 10, 0, 1, Extras(every=5, frames=1)))
    here = measure.measure(thumbnail(), make_method("smartsplat:paper", steps=10, seed=0, threads=1), 20.0)
    assert row["status"] == "ok" and row["psnr"] == here["psnr"] and row["bytes"] == here["bytes"]
    assert [point["step"] for point in row["log"]] == [0, 5, 10] and row["frame_seconds"] > 0
    assert 10e6 < row["base_bytes"] <= row["peak_bytes"] < 4e9


def test_a_process_that_cannot_do_it(tmp_path):
    row = measure_alone(Errand(tmp_path / "none.png", 10**6, "smartsplat:splats", 20.0, 10, 0, 1))
    assert row["status"].startswith("failed: FileNotFoundError: ")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell and signals")
def test_a_process_that_is_killed(picture, tmp_path, monkeypatch):
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nkill -9 $$\n")
    program.chmod(0o755)
    monkeypatch.setattr(alone.sys, "executable", str(program))
    row = measure_alone(Errand(picture, 10**6, "gi-rs", 20.0, 10, 0, 1))
    assert "SIGKILL" in row["status"] and "memory" in row["status"]
    program.write_text("#!/bin/sh\nexit 3\n")
    assert measure_alone(Errand(picture, 10**6, "gi-rs", 20.0, 10, 0, 1))["status"].endswith("status 3")


def test_an_errand_survives_its_way(tmp_path):
    for save_to in (None, tmp_path / "a b.png"):
        errand = Errand(tmp_path / "ä.png", 5, "lig", 2.5, 3, 4, 2, Extras(1, 2, save_to))
        assert Errand.from_json(errand.to_json()) == errand


# Tables


def made_row(image="a", method="gi-rs", cr=20.0, psnr=30.0, status="ok", **more):
    figures = dict.fromkeys(FIGURES)
    if status == "ok":
        figures |= {
            "psnr": psnr, "ms_ssim": 0.9, "ssim": 0.8, "cr_real": cr / 2, "cr_nominal": cr, "splats": 10, "bytes": 99,
            "steps": 100, "seconds": 20.0, "start_seconds": 0.25, "total_seconds": 20.5,
        }  # fmt: skip
    return {
        "image": image, "width": 9, "height": 9, "sha256": "00" * 32, "method": method, "settings": {"steps": 100},
        "versions": {}, "cr": cr, "seed": 0, "commit": "c", "machine": "m", "date": "d", "status": status,
    } | figures | more  # fmt: skip


def lines_under(text, heading):
    table = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line[:1] == "|"]


def test_table1_has_the_papers_layout():
    rows = [
        *(made_row(image, "gi-rs", cr, psnr) for image, psnr in (("a", 20.0), ("b", 21.0)) for cr in (50.0, 20.0)),
        *(made_row(image, "3dgs", cr, 22.0, ms_ssim=None) for image in "ab" for cr in (50.0, 20.0)),
        made_row("a", "jpeg", 20.0, 25.0, file_psnr=25.0), made_row("b", "jpeg", 20.0, status="unreachable"),
        made_row("a", "lig", 20.0, 25.0), made_row("b", "lig", 20.0, status="failed: out of memory"),
        made_row("a", "webp", 20.0, psnr=None), made_row("b", "webp", 20.0),
        *(made_row(image, "smartsplat:paper", 20.0, 24.0, file_psnr=23.0, file_ms_ssim=0.7) for image in "ab"),
    ]  # fmt: skip
    text = table1.markdown(rows)
    assert lines_under(text, "PSNR [dB] / MS-SSIM") == [
        ["CR", "gi-rs", "3dgs", "jpeg", "lig", "webp", "smartsplat:paper"],
        ["---", *["---:"] * 6],
        ["20", "20.50 / 0.9000", "22.00 / –", "–", "failed (1 of 2)", "exact", "**24.00** / 0.9000"],
        ["50", "20.50 / 0.9000", "**22.00** / –", "–", "–", "–", "–"],
    ]
    assert lines_under(text, "Real CR")[2][1:3] == ["10.0", "10.0"]
    assert lines_under(text, "Files: PSNR [dB] / MS-SSIM")[2][-1] == "**23.00** / 0.7000"
    assert lines_under(text, "PSNR [dB] of each picture")[3][:4] == ["a", "50", "20.00", "22.00"]
    assert "- b, CR 20, lig: failed: out of memory" in text and "- b, CR 20, jpeg: unreachable" in text
    assert "steps 100" in text


def test_a_table_of_one_picture():
    text = table1.markdown([made_row()])
    assert "each picture" not in text and "without figures" not in text and "Files" not in text


def test_table2():
    more = {"frame_seconds": 0.02, "peak_bytes": 3_200_000_000, "base_bytes": 300_000_000}
    rows = [
        made_row(**more),
        made_row(method="smartsplat", steps=None, seconds=None, start_seconds=None, **more),
        made_row(method="lig", status="failed: x", peak_bytes=None),
    ]
    text = table2.markdown(rows)
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    assert lines[2] == ["a", "20", "gi-rs", "5.00", "0.25", "20.0", "20.5", "3.20 (0.30)", "50.0", "30.00", "0.8000"]
    assert lines[3][2:6] == ["smartsplat", "–", "–", "–"] and len(lines) == 4
    assert "lig: failed: x" in text


def log(*points):
    return [{"step": step, "seconds": seconds, "psnr": psnr} for step, seconds, psnr in points]


def test_convergence_says_when_others_are_as_good():
    rows = [
        made_row(
            method="smartsplat:paper",
            log=log((0, 1, 10.0), (50, 5, 20.0)),
            total_seconds=6.0,
            file_psnr=19.0,
            file_ssim=0.5,
        ),
        made_row(method="gi-rs", log=log((0, 1, 9.0), (50, 2, 12.0))),
        made_row(
            method="smartsplat",
            log=log((0, 0.5, 15.0), (30, 0.75, 22.0), (60, 1, None)),
            total_seconds=2.0,
            file_ssim=1.0,
        ),
        made_row(method="lig", status="failed: x"),
    ]
    text = convergence.markdown(rows)
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    assert [line[2:] for line in lines[2:]] == [
        ["smartsplat:paper", "20.00", "50", "5.0", "19.00", "6.0", "5.0 s (step 50)"],
        ["gi-rs", "12.00", "50", "2.0", "–", "–", "–"],
        ["smartsplat", "exact", "60", "1.0", "exact", "2.0", "0.8 s (step 30)"],
    ]
    assert "lig: failed: x" in text


def test_convergence_is_drawn(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed (extra: bench)")
    rows = [
        made_row(log=log((0, 1, 10.0), (50, 5, 20.0))),
        made_row(image="b", cr=7.5, log=log((0, 1, 9.0), (9, 2, None))),
    ]
    files = convergence.draw(rows, tmp_path)
    assert [file.name for file in files] == [
        "convergence_a_cr20.png", "convergence_a_cr20.svg", "convergence_b_cr7.5.png", "convergence_b_cr7.5.svg",
    ]  # fmt: skip
    assert load(files[0]).pixels.std() > 1


# The sheet


def test_the_sheet_has_crops_and_errors():
    original = np.full((20, 30, 3), 100, np.uint8)
    other = original.copy()
    other[:10] += 7
    strip = Strip("title", original, [Panel("gi-rs", "20 dB", other), Panel("lig", "failed: x", None)])
    sheet = draw_sheet([strip, strip])
    factor, line = 8, 18
    high, wide = 20 * factor, 30 * factor
    assert sheet.shape == (2 * (2 * high + 3 * line + 12), 3 * (wide + 6), 3)
    assert (sheet[line : line + high, :wide] == 100).all()
    second = slice(wide + 6, 2 * wide + 6)
    assert (sheet[line : line + high // 2, second] == 107).all()
    errors = sheet[3 * line + high : 3 * line + 2 * high, second]
    assert (errors[: high // 2] == 42).all() and not errors[high // 2 :].any()
    assert (sheet[line : line + high, 2 * (wide + 6) : 3 * wide + 12] == 0xC0).all()


def test_the_crop_with_most_detail():
    pixels = np.zeros((100, 150, 3), np.uint8)
    pixels[70:95:2, 110:140:2] = 255
    x, y, width, height = most_detailed(pixels, 40)
    assert (width, height) == (40, 40)
    assert x <= 112 and x + 40 >= 138 and y <= 72 and y + 40 >= 93
    assert most_detailed(pixels, 120) == (30, 0, 120, 100)


def test_figure4_makes_only_what_is_missing(picture, tmp_path, made):
    made["jpeg"], made["webp"] = Made(), Made("webp", fails={20.0: SmartSplatError("no")})
    plan = Plan([picture], ["jpeg", "webp"], [20.0], 7)
    sheet = figure4.figure4(plan, None, tmp_path / "out")
    kept = list((tmp_path / "out" / "figure4").iterdir())
    assert len(kept) == 1 and load(kept[0]).pixels.shape == (48, 64, 3)
    first = load(sheet).pixels
    assert figure4.figure4(plan, (60.0, 40.0, 100.0, 100.0), tmp_path / "out") == sheet
    assert load(sheet).pixels.shape != first.shape and made["jpeg"].runs == [20]
    kept[0].unlink()
    figure4.figure4(plan, None, tmp_path / "out")
    assert np.array_equal(load(sheet).pixels, first) and made["jpeg"].runs == [20, 20] and made["webp"].runs == [20]


# The command line, in test_bench_paper_command.py


def test_progress_of_a_cell():
    assert cells.progress_line(made_row()) == "a, CR 20, gi-rs: 30.00 dB, 10 splats, real CR 10.0, 20.50 s"
    assert cells.progress_line(made_row(status="unreachable")) == "a, CR 20, gi-rs: unreachable"
    assert "exact, real" in cells.progress_line(made_row(psnr=None, splats=None))


def test_rows_are_json(picture, tmp_path, made):
    made["jpeg"] = Made()
    measured(Plan([picture], ["jpeg"], [20.0], 7), tmp_path / "rows")
    row = json.loads((tmp_path / "rows").read_text())
    wanted = {"image", "method", "cr_nominal", "cr_real", "splats", "psnr", "ms_ssim", "ssim", "steps", "seconds",
              "status", "seed", "versions", "commit", "machine"}  # fmt: skip
    assert wanted <= set(row)


def test_an_engine_that_is_asked_for_stands_in_the_settings_and_reaches_the_process():
    plan = Plan([], ["smartsplat", "smartsplat:paper", "jpeg"], [20.0], 7, engine="reference")
    made = plan.made()
    assert made["smartsplat"].settings["engine"] == made["smartsplat:paper"].settings["engine"] == "reference"
    assert "engine" not in dataclasses.replace(plan, engine="auto").made()["smartsplat"].settings
    errand = plan.errand(Path("x.png"), {"method": "smartsplat", "cr": 20.0})
    assert alone.Errand.from_json(errand.to_json()).engine == "reference"


def test_the_engine_that_is_asked_for_computes():
    row = measure.measure(thumbnail()[:12, :16], make_method("smartsplat:paper", steps=1, seed=0, threads=1,
                                                             engine="reference"), 20.0, Extras(frames=1))  # fmt: skip
    assert row["status"] == "ok"
    assert row["steps"] == 1
    assert row["frame_seconds"] > 0


def test_memory_of_a_card_stands_beside_the_process_s():
    row = {"peak_bytes": 3_000_000_000, "base_bytes": 1_000_000_000}
    assert table2._memory(row) == "3.00 (1.00)"
    assert table2._memory(row | {"card_bytes": 2_500_000_000}) == "3.00 (1.00), card 2.50"
