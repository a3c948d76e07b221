import io
import json
import sys

import numpy as np
import pytest

from smartsplat import metrics
from smartsplat.bench.interface import Encoded
from smartsplat.bench.measure import BenchTarget, measure_all
from smartsplat.bench.rows import RowFile, latest, row_key
from smartsplat.bench.ssimulacra2 import ssimulacra2
from smartsplat.errors import FormatError
from smartsplat.pictures.writing import save
from tests.bench_rows import made_row, soft_picture


class Palette:
    """A codec that keeps the upper bits of the samples, as many as the budget allows, and counts its work."""

    name = "palette"

    def __init__(self, **settings):
        self.versions = {"palette": "1"}
        self.settings = settings
        self.encoded = 0

    def encode_to(self, pixels, allowed):
        self.encoded += 1
        for bits in range(8, 0, -1):
            if pixels.size * bits <= 8 * allowed:
                data = bytes([bits]) + (pixels >> (8 - bits)).tobytes()
                return Encoded(data, f"{bits} bits", 1, 0.5)
        return None

    def decode(self, data, width, height):
        return (np.frombuffer(data[1:], np.uint8) << (8 - data[0])).reshape(height, width, 3)


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "soft.png"
    save(path, soft_picture())
    return path


TARGETS = [BenchTarget("cr", 2), BenchTarget("bpp", 6), BenchTarget("cr", 1000)]


def test_figures_are_of_the_decoded_bytes(picture, tmp_path):
    rows = measure_all([picture], [Palette()], TARGETS, RowFile(tmp_path / "rd.jsonl"))
    original = soft_picture()
    assert [row["status"] for row in rows] == ["ok", "ok", "unreachable"]
    for row, bits in zip(rows[:2], (4, 2), strict=True):
        decoded = original >> (8 - bits) << (8 - bits)
        assert row["psnr"] == pytest.approx(metrics.psnr(original, decoded), abs=1e-5)
        assert row["bytes"] == original.size + 1
        assert row["cr"] == pytest.approx(original.size / row["bytes"])
        assert row["bpp"] == pytest.approx(24 / row["cr"])
        assert (row["width"], row["height"], row["picture"]) == (96, 64, "soft")
    assert rows[1]["target_cr"] == 4
    assert rows[0]["ms_ssim"] is None  # the picture is too small for it
    assert rows[2]["psnr"] is None and rows[2]["bytes"] is None


def test_what_is_there_is_not_measured_again(picture, tmp_path):
    path = tmp_path / "rd.jsonl"
    first, again, other = Palette(), Palette(), Palette(dither=True)
    measure_all([picture], [first], TARGETS[:2], RowFile(path))
    rows = measure_all([picture], [again], TARGETS, RowFile(path))
    assert (first.encoded, again.encoded) == (2, 1)
    assert len(rows) == 3
    assert len(measure_all([picture], [other], TARGETS, RowFile(path))) == 3
    assert other.encoded == 3
    assert len(RowFile(path).rows) == 6
    rows = measure_all([picture], [again], TARGETS, RowFile(path))
    assert again.encoded == 1
    assert all(row["settings"] == {} for row in rows)  # not those that came last


def test_the_same_name_with_other_pixels_is_another_picture(picture, tmp_path):
    path = tmp_path / "rd.jsonl"
    measure_all([picture], [Palette()], TARGETS[:1], RowFile(path))
    save(picture, soft_picture(seed=4), overwrite=True)
    codec = Palette()
    rows = measure_all([picture], [codec], TARGETS[:1], RowFile(path))
    assert codec.encoded == 1
    assert len(rows) == 1  # only what was asked for


def test_groups_are_as_asked_for_or_of_the_folder(picture, tmp_path):
    path = tmp_path / "rd.jsonl"
    rows = measure_all([picture], [Palette()], TARGETS[:1], RowFile(path))
    assert rows[0]["group"] == tmp_path.name
    codec = Palette()
    rows = measure_all([picture], [codec], TARGETS[:1], RowFile(path), groups={picture: "soft ones"})
    assert rows[0]["group"] == "soft ones" and codec.encoded == 0


def test_ssimulacra2_is_that_of_the_package():
    package = pytest.importorskip("ssimulacra2")
    from PIL import Image

    original, other = soft_picture(), soft_picture(seed=5)
    expected = package.compute_ssimulacra2(*(io.BytesIO(_png(Image.fromarray(p))) for p in (original, other)))
    assert ssimulacra2(original, other) == pytest.approx(expected)
    assert ssimulacra2(original, original) == 100 > ssimulacra2(original, other)
    assert ssimulacra2(original[:7], other[:7]) is None


def _png(image):
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def test_without_the_package_there_is_no_ssimulacra2(monkeypatch):
    monkeypatch.setitem(sys.modules, "ssimulacra2", None)
    assert ssimulacra2(soft_picture(), soft_picture(seed=5)) is None


@pytest.mark.parametrize("broken", [b'{"picture": "so', b'{"picture": "\xc3', b"{}"])
def test_a_last_line_without_end_is_dropped(tmp_path, broken):
    path = tmp_path / "rd.jsonl"
    for cr in (100.0, 200.0):
        RowFile(path).append(made_row(target_cr=cr))
    whole = path.read_bytes()
    path.write_bytes(whole + broken)
    rows = RowFile(path)
    assert [row["target_cr"] for row in rows.rows] == [100, 200]
    assert path.read_bytes() == whole
    rows.append(made_row(target_cr=300.0))
    assert [json.loads(line)["target_cr"] for line in path.read_text().splitlines()] == [100, 200, 300]


def test_rows_are_on_the_disk_at_once(tmp_path):
    rows = RowFile(tmp_path / "rd.jsonl")
    rows.append(made_row())
    assert RowFile(tmp_path / "rd.jsonl").rows == [made_row()]
    assert row_key(made_row()) in rows
    assert row_key(made_row(target_cr=7.0)) not in rows


@pytest.mark.parametrize("line", ["not json", "[1, 2]", '{"picture": "a"}'])
def test_a_damaged_file_is_refused(tmp_path, line):
    path = tmp_path / "rd.jsonl"
    path.write_text(line + "\n" + json.dumps(made_row()) + "\n")
    with pytest.raises(FormatError, match="line 1"):
        RowFile(path)


def test_of_several_versions_the_last_counts():
    old, new = made_row(psnr=30.0), made_row(psnr=31.0) | {"versions": {"lib": "2.0"}}
    assert latest([old, made_row(codec="webp"), new]) == [new, made_row(codec="webp")]
