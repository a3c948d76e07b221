"""PNG files written strip by strip, read by Pillow."""

import io
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from smartsplat.pictures import png_writer, reading
from smartsplat.pictures.png_writer import PngWriter, joined_adler
from tests.photos import photo


def written(pixels, cuts=(), **options):
    stream = io.BytesIO()
    height, width = pixels.shape[:2]
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    with PngWriter(stream, width, height, channels=channels, bits=8 * pixels.itemsize, **options) as png:
        for part in np.split(pixels, cuts):
            png.write(part)
    return stream.getvalue()


def read(data):
    with Image.open(io.BytesIO(data)) as image:
        image.load()  # checks every checksum
        return np.asarray(image), image.info


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 40), st.integers(1, 40), st.booleans(), st.lists(st.integers(0, 40), max_size=4), st.integers(0, 9),
)  # fmt: skip
def test_pillow_reads_what_was_written(height, width, grey, cuts, seed):
    shape = (height, width) if grey else (height, width, 3)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    found, _ = read(written(pixels, sorted(min(cut, height) for cut in cuts), threads=2))
    assert np.array_equal(found, pixels)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bits_come_back(channels):
    """Of greys as Pillow has them; of others its upper bytes are right, and all by our own reader."""
    pixels = np.random.default_rng(channels).integers(0, 65536, (31, 17, channels), dtype=np.uint16)
    data = written(pixels[:, :, 0] if channels == 1 else pixels, [9, 20])
    found = reading.read(data)
    grey = pixels[:, :, [0] * 3 + [1] * (channels == 2)] if channels < 3 else pixels
    assert np.array_equal(found.with_alpha(), grey)
    if channels != 2:
        assert np.array_equal(read(data)[0].reshape(pixels.shape) >> (8 if channels == 1 else 0), pixels >> 8)


@pytest.mark.parametrize("deflate", ["isal", "zlib"])
def test_many_blocks_are_one_stream(monkeypatch, deflate):
    if deflate == "zlib":
        monkeypatch.setattr(png_writer, "deflate", zlib)
    else:
        pytest.importorskip("isal", reason="has no wheel here")
    monkeypatch.setattr(png_writer, "BLOCK_BYTES", 4000)
    pixels = photo(300, 200)
    data = written(pixels, [77], threads=3)
    assert np.array_equal(read(data)[0], pixels)
    assert len(data) < 0.9 * pixels.nbytes
    assert data == written(pixels, [77], threads=1)


def test_what_is_said_of_a_picture_comes_back():
    exif = Image.Exif()
    exif[0x010E] = "a title"
    said = {"icc_profile": b"profile" * 99, "exif": exif.tobytes(), "xmp": b"<x:xmpmeta/>", "dpi": (300, 150)}
    data = written(photo(20, 10), said=said)
    assert read(data)[1]["icc_profile"] == b"profile" * 99
    assert read(data)[1]["XML:com.adobe.xmp"] == "<x:xmpmeta/>"
    assert np.allclose(read(data)[1]["dpi"], (300, 150), atol=0.02)
    with Image.open(io.BytesIO(data)) as image:
        assert image.getexif()[0x010E] == "a title"


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_checksums_are_joined_as_zlib_would(first, second):
    assert joined_adler(zlib.adler32(first), zlib.adler32(second), len(second)) == zlib.adler32(first + second)


def test_rows_too_many_or_missing_are_errors():
    pixels = photo(20, 10)
    with pytest.raises(ValueError, match="left"):
        PngWriter(io.BytesIO(), 20, 10, channels=3).write(np.zeros((11, 20, 3), np.uint8))
    with pytest.raises(ValueError, match="missing"), PngWriter(io.BytesIO(), 20, 10, channels=3) as png:
        png.write(pixels[:9])
    with pytest.raises(ValueError, match="left"), PngWriter(io.BytesIO(), 20, 10, channels=1) as png:
        png.write(pixels)


def test_an_error_in_the_block_leaves_the_file_unfinished():
    stream = io.BytesIO()
    with pytest.raises(RuntimeError), PngWriter(stream, 20, 10, channels=3) as png:
        png.write(photo(20, 10))
        raise RuntimeError
    assert b"IEND" not in stream.getvalue()
