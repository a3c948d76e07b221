"""Sheets about files: what stands on them is right, whatever the file is like."""

import base64
import io
import json
import math
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import smartsplat
from smartsplat import metrics
from smartsplat.model.splats import Splats
from smartsplat.reporting import charts, sheet
from smartsplat.reporting.reducing import Reducer, fitting, reduced
from smartsplat.reporting.splats import counts, inside, outlines
from tests.photos import grey_photo, photo

WIDTH, HEIGHT = 60, 40

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with a picture `a.png` and its file `a.ssplat`."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(photo(WIDTH, HEIGHT)).save("a.png")
    smartsplat.encode(photo(WIDTH, HEIGHT), cr=20, effort=1).save("a.ssplat")
    return tmp_path


def panels(path):
    """Pictures of a page by their captions."""
    found = re.findall(r'<img src="data:image/png;base64,([^"]*)" alt="([^"]*)"', path.read_text(encoding="utf-8"))
    return {name: np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))) for data, name in found}


def gain_of(found):
    """By how much the error is enlarged among such panels."""
    return next(int(name.split()[1]) for name in found if name.startswith("error"))


def assert_fails(result, *words, status=1):
    code, out, err = result
    assert (code, out, err.count("\n")) == (status, "", 1)
    assert err.startswith("smartsplat: ")
    for word in words:
        assert word in err


def test_a_page_shows_what_it_says(folder, run):
    code, out, err = run("report", "a.ssplat", "a.png", "-o", "a.html", "--codecs", "jpeg", "--json")
    assert (code, err) == (0, "")
    original, decoded = photo(WIDTH, HEIGHT), smartsplat.decode("a.ssplat")
    found = panels(folder / "a.html")
    factor = sheet.SIDE // WIDTH
    grown = {name: p[factor // 2 :: factor, factor // 2 :: factor] for name, p in found.items()}
    np.testing.assert_array_equal(grown["original"], original)
    np.testing.assert_array_equal(grown["decoded"], decoded)
    difference, gain = abs(original.astype(int) - decoded), gain_of(found)
    np.testing.assert_array_equal(grown[f"error, {gain} times"], np.minimum(difference * gain, 255))
    assert 100 < np.quantile(difference, 0.995) * gain <= 255

    row, size = json.loads(out), (folder / "a.ssplat").stat().st_size
    assert (row["width"], row["height"], row["bytes"], row["output"]) == (WIDTH, HEIGHT, size, "a.html")
    assert row["psnr"] == pytest.approx(metrics.psnr(original, decoded))
    assert row["ssim"] == pytest.approx(metrics.ssim(original, decoded))
    assert row["ms_ssim"] is None  # too small
    assert row["codecs"]["jpeg"] is None or row["codecs"]["jpeg"]["bytes"] <= size


def test_a_page_needs_nothing_else(folder, run):
    assert run("report", "a.ssplat", "a.png", "-o", "a.html", "--codecs", "none")[0] == 0
    text = (folder / "a.html").read_text(encoding="utf-8")
    assert "http" not in text
    assert all(address.startswith("data:") for address in re.findall(r'(?:src|href)="([^"]*)"', text))
    for chart in re.findall(r"<svg.*?</svg>", text):
        ElementTree.fromstring(chart)
    assert "<svg" in text


def test_names_do_not_become_markup(folder, run):
    (folder / "a.ssplat").rename("<b>&.ssplat")
    assert run("report", "<b>&.ssplat", "-o", "b.html")[0] == 0
    assert "<b>" not in (folder / "b.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("shape", [(1, 1), (40, 700), (900, 3)])
def test_pictures_of_every_shape_have_a_sheet(folder, run, shape):
    pixels = np.full((*shape, 3), 200, np.uint8) if shape == (1, 1) else photo(*shape[::-1])
    smartsplat.encode(pixels, effort=1, size=400).save("b.ssplat")
    Image.fromarray(pixels).save("b.png")
    assert run("report", "b.ssplat", "b.png", "--codecs", "none")[0] == 0
    picture = np.asarray(Image.open("b.report.png"))
    assert picture.shape[1] > 3 * sheet.SIDE
    assert 300 < picture.shape[0] < 3000


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.ssplat")), ids=lambda path: path.stem)
def test_every_kind_of_file_has_a_sheet(folder, run, path):
    assert run("report", path, "-o", "b.html")[0] == 0
    found, text = panels(folder / "b.html"), (folder / "b.html").read_text(encoding="utf-8")
    file = smartsplat.open(path)
    assert ("no splats" in text) == (len(file.splats) == 0)
    assert any(name.startswith("density") for name in found) == (len(file.splats) > 0)
    assert sum(int(n.replace(",", "")) for n in re.findall(r">([\d,]+) bytes, ", text)) == len(file)


def test_a_grey_original(folder, run):
    Image.fromarray(grey_photo(50, 30)).save("b.png")
    smartsplat.encode("b.png", effort=1, size=400).save("b.ssplat")
    code, out, _ = run("report", "b.ssplat", "b.png", "--codecs", "none", "--json")
    assert code == 0
    assert json.loads(out)["psnr"] == pytest.approx(metrics.psnr(smartsplat.decode("b.ssplat"), grey_photo(50, 30)))


def test_codecs_stand_beside_it(folder, run):
    pixels = photo(320, 200)
    Image.fromarray(pixels).save("b.png")
    smartsplat.encode(pixels, cr=20, effort=1).save("b.ssplat")
    _, out, _ = run("report", "b.ssplat", "b.png", "-o", "b.html", "--codecs", "jpeg,webp:0", "--json")
    row = json.loads(out)
    for name in ("jpeg", "webp:0"):
        assert 0 < row["codecs"][name]["bytes"] <= row["bytes"]
        assert 15 < row["codecs"][name]["psnr"] < 60
        assert 0 < row["codecs"][name]["ms_ssim"] < 1
    text = (folder / "b.html").read_text(encoding="utf-8")
    assert text.count("<svg") == 2
    assert f"{row['codecs']['jpeg']['psnr']:.2f}" in text


def test_an_exact_copy_has_no_error(folder, run):
    Image.fromarray(smartsplat.decode("a.ssplat")).save("same.png")
    code, out, _ = run("report", "a.ssplat", "same.png", "-o", "a.html", "--codecs", "none", "--json")
    assert code == 0
    assert json.loads(out)["psnr"] is None  # infinite
    found = panels(folder / "a.html")
    assert not found[f"error, {gain_of(found)} times"].any()


def test_large_pictures_are_measured_strip_by_strip(folder, run, monkeypatch):
    pixels = photo(500, 300)
    Image.fromarray(pixels).save("b.png")
    smartsplat.encode(pixels, cr=20, effort=1).save("b.ssplat")
    arguments = ("report", "b.ssplat", "b.png", "-f", "--codecs", "none", "--json", "-o")
    whole = json.loads(run(*arguments, "whole.html")[1])
    monkeypatch.setattr(sheet, "MOST_COMPARED", 1000)
    monkeypatch.setattr("smartsplat.file.renderer.STRIP_BYTES", 1)  # rows of tiles
    parts = json.loads(run(*arguments, "parts.html")[1])
    assert parts["psnr"] == pytest.approx(whole["psnr"])
    assert parts["ssim"] is parts["ms_ssim"] is None
    first, second = panels(folder / "whole.html"), panels(folder / "parts.html")
    for name in ("decoded", "original", f"error, {gain_of(first)} times"):
        np.testing.assert_array_equal(first[name], second[name])


def test_errors_are_one_line_and_write_nothing(folder, run):
    (folder / "bad.ssplat").write_bytes((folder / "a.ssplat").read_bytes()[:-9])
    Image.fromarray(photo(61, 40)).save("other.png")
    assert_fails(run("report", "bad.ssplat"), "bad.ssplat")
    assert_fails(run("report", "none.ssplat"), "none.ssplat")
    assert_fails(run("report", "a.ssplat", "other.png"), "other.png", "61 x 40")
    assert_fails(run("report", "a.ssplat", "none.png"), "none.png")
    assert_fails(run("report", "a.ssplat", "-o", "b.gif"), "b.gif", status=2)
    assert_fails(run("report", "a.ssplat", "--codecs", "jpeg"), "original", status=2)
    assert_fails(run("report", "a.ssplat", "a.png", "--codecs", "gif"), "gif", status=2)
    assert_fails(run("report", "a.ssplat", "a.png", "--codecs", "smartsplat"), "smartsplat", status=2)
    assert_fails(run("report", "-"), "-o", status=2)
    (folder / "a.report.png").write_bytes(b"kept")
    assert_fails(run("report", "a.ssplat"), "a.report.png", "-f")
    assert_fails(run("report", "a.ssplat", "a.png", "-o", "a.png", "-f"), "a.png", "input")
    assert (folder / "a.report.png").read_bytes() == b"kept"
    assert sorted(p.name for p in folder.iterdir()) == ["a.png", "a.report.png", "a.ssplat", "bad.ssplat", "other.png"]


# Its parts


@pytest.mark.parametrize(("width", "height", "size"), [(7, 5, (3, 2)), (64, 64, (64, 64)), (100, 3, (33, 1))])
def test_reduced_pixels_are_means(width, height, size):
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    reducer = Reducer(width, height, size)
    for top in range(0, height, 2):
        reducer.add(pixels[top : top + 2])
    for row in range(size[1]):
        for column in range(size[0]):
            part = pixels[
                row * height // size[1] : (row + 1) * height // size[1],
                column * width // size[0] : (column + 1) * width // size[0],
            ]
            np.testing.assert_allclose(reducer.result()[row, column], part.mean(axis=(0, 1)))
    np.testing.assert_array_equal(reduced(pixels, size), np.floor(reducer.result() + 0.5))


def test_sizes_that_fit():
    assert fitting(15360, 8640, 480) == (480, 270)
    assert fitting(1, 5000, 480) == (1, 480)
    assert fitting(30, 20, 480) == (30, 20)


def splats_at(xy, scale):
    n = len(xy)
    return Splats.from_arrays(xy, [scale] * n, np.zeros(n), [[0.5, -1.0, 0.0]] * n)


def test_outlines_lie_one_deviation_away():
    image = np.asarray(outlines(splats_at([(150, 120)], (40, 20)), (300, 200), 2.0, (100, 80)))
    drawn = np.argwhere(image.any(axis=2))
    assert len(drawn)
    y, x = (drawn / 2 + (80, 100)).T
    away = np.hypot((x - 150) / 40, (y - 120) / 20)
    assert abs(away - 1).max() < 0.08
    assert image[tuple(drawn[0])].tolist() == [80 + 175 // 2, 255, 80]


def test_of_many_splats_the_largest_are_drawn(monkeypatch):
    monkeypatch.setattr("smartsplat.reporting.splats.MOST_OUTLINES", 1)
    both = Splats(np.concatenate([splats_at([(20, 20)], (5, 5)).parameters, splats_at([(70, 20)], (9, 9)).parameters]))
    image = np.asarray(outlines(both, (100, 40), 1.0))
    assert not image[:, :40].any()
    assert image[:, 60:].any()


def test_counts_and_neighbours():
    rng = np.random.default_rng(2)
    xy = rng.uniform((0, 0), (90, 60), (300, 2))
    splats = splats_at(xy, (3, 2))
    found = counts(splats, 90, 60, (9, 6))
    for row in range(6):
        for column in range(9):
            assert found[row, column] == sum(1 for x, y in splats.xy if x // 10 == column and y // 10 == row)
    near = {tuple(p) for p in inside(splats, 30, 20, 10).xy.tolist()}
    assert near == {tuple(p) for p in splats.xy.tolist() if 27 < p[0] < 43 and 17 < p[1] < 33}


def test_bars_are_as_long_as_the_numbers():
    chart = charts.bars("bytes", [("a", 300), ("b", 100), ("c", 0)], "bytes")
    lengths = [mark.width for mark in chart.marks if isinstance(mark, charts.Box)]
    assert lengths[0] == pytest.approx(3 * lengths[1])
    assert "25.0 %" in next(m.text for m in chart.marks if isinstance(m, charts.Text) and m.text.startswith("100 "))


def test_curves_go_right_and_up():
    chart = charts.curves("t", [("a", [(1, 30), (4, 40)]), ("b", [(2, 35)])], "x", "y")
    lines = [mark for mark in chart.marks if isinstance(mark, charts.Line) and mark.colour != charts.INK]
    assert len(lines) == 1
    (x0, y0), (x1, y1) = lines[0].places
    assert x0 < x1
    assert y0 > y1
    dots = [m.centre for m in chart.marks if isinstance(m, charts.Dot) and m.colour == charts.COLOURS[1]]
    assert dots[0] == pytest.approx(((x0 + x1) / 2, (y0 + y1) / 2))  # 2 is half way from 1 to 4
    assert all(math.isfinite(v) for line in lines for place in line.places for v in place)


def test_both_ways_to_draw_a_chart_agree():
    chart = charts.Chart("t", 100, 50, (charts.Box(10, 10, 30, 20, "#D55E00"), charts.Text((50, 40), "a < b")))
    image = np.asarray(charts.paint(chart))
    assert image[20, 20].tolist() == [0xD5, 0x5E, 0x00]
    assert (image[45, 5] == 255).all()
    root = ElementTree.fromstring(charts.svg(chart))
    assert root[0].attrib == {"x": "10.0", "y": "10.0", "width": "30.0", "height": "20.0", "fill": "#D55E00"}
    assert root[1].text == "a < b"
