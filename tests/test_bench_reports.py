import xml.etree.ElementTree as ET

import pytest
from PIL import Image

from smartsplat.bench.curves import Curves
from smartsplat.bench.tables import markdown, quality_table, rate_table, seconds_table
from tests.bench_rows import made_row, made_rows


def cells(table):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_quality_of_pictures_and_mean():
    lines = cells(quality_table(Curves(made_rows()), "psnr"))
    assert lines[0] == ["picture", "codec", "CR 50", "CR 100", "CR 200", "CR 400"]
    assert [line[0] for line in lines[2:]] == ["a", "", "b", "", "**mean**", ""]
    assert [line[1] for line in lines[2:]] == ["jpeg", "smartsplat"] * 3
    assert lines[2][3] == "30.14" and lines[3][3] == "**36.14**"
    assert lines[4][3] == "31.14" and lines[6][3] == "30.64"


def test_what_is_missing_is_no_number():
    rows = [*made_rows(), made_row("a", "jpeg", 800.0, psnr=None), made_row("b", "jpeg", 800.0, psnr=20.0)]
    lines = cells(quality_table(Curves(rows), "psnr"))
    assert [line[-1] for line in lines[2:]] == ["–", "–", "**20.00**", "–", "–", "–"]


def test_an_exact_picture_is_the_best():
    exact = made_row("a", "webp", 50.0) | {"psnr": None, "ssim": 1.0}
    lines = cells(quality_table(Curves([*made_rows(), exact]), "psnr"))
    assert [line[2] for line in lines[2:5]] == ["36.14", "42.14", "**exact**"]


def test_rates_against_jpeg():
    for metric in ("psnr", "ms_ssim"):
        lines = cells(rate_table(Curves(made_rows()), metric))
        assert lines[0] == ["picture", "smartsplat"]
        assert [line[1] for line in lines[2:]] == ["-50.0 %"] * 3


def grouped_rows():
    """Three pictures in two groups, with other seconds and a third measure."""
    groups = {"a": "photographs", "b": "photographs", "c": "graphics"}
    return [
        row | {
            "group": groups[row["picture"]], "ssimulacra2": row["psnr"] + 20,
            "encode_seconds": 3.072 if ours else 0.6144, "decode_seconds": 0.3072,
        }
        for row in made_rows("abc")
        for ours in [row["codec"] == "smartsplat"]
    ]  # fmt: skip


def test_means_of_groups():
    curves = Curves(grouped_rows())
    lines = cells(quality_table(curves, "ssimulacra2"))
    assert [line[0] for line in lines[2:]] == ["a", "", "b", "", "c", "", "**mean, photographs**", ""]
    assert lines[8][3] == "50.6"  # of 50.1 and 51.1
    assert [line[0] for line in cells(rate_table(curves, "ssimulacra2"))[2:]] == [
        "a",
        "b",
        "c",
        "**mean, photographs**",
    ]
    text = markdown(grouped_rows())
    assert "### photographs (2)" in text and "### graphics (1)" in text


def test_seconds_beside_the_quality():
    curves = Curves(grouped_rows())
    lines = cells(seconds_table(curves, curves.groups["photographs"]))
    assert lines[0] == [
        "target", "codec", "PSNR [dB]", "MS-SSIM", "SSIMULACRA 2", "encoding [s/MP]", "decoding [s/MP]"
    ]  # fmt: skip
    assert [line[0] for line in lines[2:]] == ["CR 50", "", "CR 100", "", "CR 200", "", "CR 400", ""]
    assert lines[5] == ["", "smartsplat", "36.64", "0.9750", "56.6", "10", "1"]  # of 640 x 480 pixels
    assert lines[4][5] == "2"


def test_rows_without_a_measure_or_a_group():
    """Those of earlier runs have neither."""
    curves = Curves(made_rows())
    assert curves.metrics == ["psnr", "ms_ssim"] and curves.groups == {"": ["a", "b"]}
    assert "SSIMULACRA" not in markdown(made_rows())


def test_rates_where_curves_do_not_meet():
    rows = [
        *made_rows(),
        *(made_row("c", codec, cr) for codec in ("jpeg", "smartsplat") for cr in (50.0, 100.0)),
    ]
    lines = cells(rate_table(Curves(rows), "psnr"))
    assert lines[4][1] == "–"
    assert lines[5][1] == "-50.0 % (2)"


def test_document_has_every_part_and_no_rates_without_jpeg():
    text = markdown(made_rows())
    assert all(part in text for part in ("PSNR", "MS-SSIM", "against jpeg"))
    assert "against jpeg" not in markdown(made_rows(codecs=("webp", "avif")))


def test_pictures_of_one_name_are_kept_apart():
    rows = [*made_rows(("a",)), made_row("a", "jpeg", 100.0, psnr=10.0, sha256="ff" * 32)]
    assert Curves(rows).pictures == ["a (000000)", "a (ffffff)"]


@pytest.mark.parametrize("pictures", ["a", "abcd"])
def test_plots_are_written(tmp_path, pictures):
    pytest.importorskip("matplotlib")
    from smartsplat.bench.plots import draw

    files = draw(made_rows(pictures, ("jpeg", "bpg", "smartsplat", "smartsplat:9")), tmp_path)
    assert {path.name for path in files} == {
        f"rd_{metric}{kind}.{extension}"
        for metric in ("psnr", "ms_ssim") for kind in ("", "_pictures", "_seconds") for extension in ("png", "svg")
    }  # fmt: skip
    for path in files:
        if path.suffix == ".png":
            assert Image.open(path).width > 300
        else:
            assert ET.parse(path).getroot().tag.endswith("svg")
            several = {"pictures": len(pictures) + (len(pictures) > 1), "seconds": 4}
            panels = several.get(path.stem.rpartition("_")[2], 1)
            assert path.read_text().count('id="axes_') == panels


def test_no_plot_of_a_metric_that_no_row_has(tmp_path):
    pytest.importorskip("matplotlib")
    from smartsplat.bench.plots import draw

    rows = [row | {"ms_ssim": None} for row in made_rows("abcdefghij", ("jpeg",), (50.0, 100.0))]
    assert all(path.name.startswith("rd_psnr") for path in draw(rows, tmp_path))
    assert "–" in markdown(rows)


def test_plots_of_groups(tmp_path):
    pytest.importorskip("matplotlib")
    from smartsplat.bench.plots import draw

    draw(grouped_rows(), tmp_path)
    panels = {p.stem: p.read_text().count('id="axes_') for p in tmp_path.glob("rd_ssimulacra2*.svg")}
    assert panels == {"rd_ssimulacra2": 2, "rd_ssimulacra2_pictures": 4, "rd_ssimulacra2_seconds": 8}
