"""Pictures that are decoded and written strip by strip: as those that are made at once, in less memory."""

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import smartsplat
from smartsplat.coding.container import Container
from smartsplat.coding.format import LATTICE, SPLATS
from smartsplat.coding.lattice_section import Spectrum, write_lattice
from smartsplat.coding.splat_section import write_splats
from smartsplat.file import parts, splatfile
from smartsplat.model.lattice import Lattice
from smartsplat.pictures import tiff_writer
from smartsplat.pictures.jpeg_writer import BAND, JpegWriter
from smartsplat.pictures.tiff_writer import TiffWriter
from smartsplat.pictures.writing import Described, save_strips
from tests.chunked import make_file
from tests.lattices import photo_lattice


def picture(height, width, channels=3, seed=1):
    rng = np.random.default_rng(seed)
    ramp = np.add.outer(np.arange(height), np.arange(width))[:, :, None] // np.arange(2, 2 + channels)
    return np.squeeze((ramp + rng.integers(0, 40, (height, width, channels))).astype(np.uint8))


def jpeg_of(pixels, cuts, **options):
    stream = io.BytesIO()
    writer = JpegWriter(stream, len(pixels), {"quality": 95} | options)
    for rows in np.split(pixels, cuts):
        writer.write(rows)
    writer.close()
    return Image.open(io.BytesIO(stream.getvalue()))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("height", "width", "cuts"),
    [(1, 1, []), (BAND, 33, []), (BAND + 1, 8, [BAND]), (700, 95, [1, 2, 190, 191, 640]), (1030, 17, [512, 1024])],
)
def test_a_jpeg_of_strips_is_that_of_the_whole_picture(height, width, channels, cuts):
    pixels = picture(height, width, channels).reshape((height, width, channels)[: 1 + (channels > 1) + 1])
    whole = io.BytesIO()
    Image.fromarray(pixels).save(whole, "JPEG", quality=95, subsampling=0)
    np.testing.assert_array_equal(np.asarray(jpeg_of(pixels, cuts)), np.asarray(Image.open(whole)))


def test_a_jpeg_of_strips_keeps_what_is_said_of_it():
    exif = Image.Exif()
    exif[0x010F] = "camera"
    image = jpeg_of(picture(200, 50), [64], icc_profile=b"profile" * 20_000, exif=exif.tobytes(), dpi=(300, 300))
    assert image.info["icc_profile"] == b"profile" * 20_000
    assert (image.getexif()[0x010F], image.info["dpi"]) == ("camera", (300, 300))


def test_rows_of_a_jpeg_are_counted():
    writer = JpegWriter(io.BytesIO(), 10, {})
    writer.write(picture(4, 5))
    with pytest.raises(ValueError, match="6 are left"):
        writer.write(picture(7, 5))
    with pytest.raises(ValueError, match="6 rows are missing"):
        writer.close()


@pytest.mark.parametrize("extension", ["png", "tiff", "jpg"])
def test_strips_are_saved_as_the_whole_picture(tmp_path, extension):
    pixels = picture(333, 70)
    for name, cuts in (("whole", []), ("strips", [64, 128, 320])):
        save_strips(tmp_path / f"{name}.{extension}", np.split(pixels, cuts), Described(70, 333, 3))
    whole, strips = (np.asarray(Image.open(tmp_path / f"{name}.{extension}")) for name in ("whole", "strips"))
    np.testing.assert_array_equal(strips, whole)


# More than 4 GiB of pixels


@pytest.mark.parametrize("bits", [8, 16])
def test_a_bigtiff_comes_back(monkeypatch, bits):
    monkeypatch.setattr(tiff_writer, "GREATEST_CLASSIC", 1000)
    pixels = picture(300, 200, 1).astype(f"u{bits // 8}")
    stream = io.BytesIO()
    tiff = TiffWriter(stream, 200, 300, channels=1, bits=bits, said={"dpi": (72, 72), "xmp": b"<x/>"})
    tiff.write(pixels)
    tiff.close()
    assert stream.getvalue()[2] == 43
    image = Image.open(io.BytesIO(stream.getvalue()))
    assert image.info["dpi"] == (72, 72)
    np.testing.assert_array_equal(np.asarray(image), pixels)


def test_offsets_beyond_four_gibibytes(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    stream = io.BytesIO()
    TiffWriter(stream, 50_000, 50_000, channels=3)
    head = stream.getvalue()
    directory = Image.open(io.BytesIO(head)).tag_v2
    offsets = directory[273]
    assert (len(offsets), offsets[0]) == (50_000, len(head))
    assert offsets[-1] == len(head) + 49_999 * 150_000 > 1 << 32


# Decoding


@pytest.mark.parametrize("spacing", [1, 2, 4])
@pytest.mark.parametrize(("scale", "region"), [(1, None), (0.5, None), (1, (13, 70, 500, 300))])
def test_strips_of_parts_are_those_of_the_whole(monkeypatch, spacing, scale, region):
    file = smartsplat.open(make_file(700, 900, spacing, 6))
    whole = file.render(scale=scale, region=region)
    monkeypatch.setattr(splatfile, "MOST_WHOLE", 1000)
    monkeypatch.setattr(parts, "PART_NODES", 700 * 128 // spacing**2)
    monkeypatch.setattr("smartsplat.file.renderer.STRIP_BYTES", 700 * 3 * 64)
    strips = list(smartsplat.open(file.to_bytes()).strips(scale=scale, region=region))
    assert len(strips) > 3
    difference = np.abs(np.concatenate(strips).astype(int) - whole)
    assert difference.max() <= 1
    assert np.count_nonzero(difference) <= 1e-3 * difference.size


MEASURED = """
import sys
from smartsplat.cli import main
from smartsplat.file import parts, splatfile
from smartsplat.memory import peak_rss
import smartsplat.file.renderer as renderer
splatfile.MOST_WHOLE, splatfile.MOST_SPLATS = 0, int(sys.argv[4])
parts.PART_NODES, renderer.STRIP_BYTES = 200_000, 1 << 20
try:
    main(["decode", sys.argv[1], sys.argv[2], "--threads", "1", "--engine", sys.argv[3]])
except SystemExit as ended:
    assert not ended.code, ended.code
print(peak_rss())
"""


def large_file():
    """A lattice of 4096 x 2560 nodes, 126 MB."""
    values = np.tile(photo_lattice(1368, 912, 1).values, (1, 3, 3))[:, :2560, :4096]
    spectrum = Spectrum.of(Lattice(4096, 2560, 1, np.ascontiguousarray(values)), grey=False)
    sections = {SPLATS: write_splats(np.zeros((0, 9), np.int32), 0, 4096, 2560)[0]}
    sections[LATTICE] = write_lattice(spectrum, 6400, square_log=8).section
    return Container(4096, 2560, sections=sections).to_bytes()


def test_strips_need_less_memory_than_the_whole_lattice(tmp_path):
    path = tmp_path / "a.ssplat"
    path.write_bytes(large_file())
    peaks, pictures = {}, {}
    for name, engine, most in (("slabs", "auto", -1), ("swept", "auto", 0), ("whole", "cpu", 0)):
        out = tmp_path / f"{name}.jpg"
        command = [sys.executable, "-c", MEASURED, str(path), str(out), engine, str(most)]
        peaks[name] = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        pictures[name] = np.asarray(Image.open(out))
    np.testing.assert_array_equal(pictures["slabs"], pictures["whole"])  # lattices alone come out the same
    np.testing.assert_array_equal(pictures["swept"], pictures["whole"])
    assert max(peaks["slabs"], peaks["swept"]) < 0.7 * peaks["whole"]
