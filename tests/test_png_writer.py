"""PNG files written strip by strip, read by Pillow."""

import io
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from smartsplat.pictures import png_writer
from smartsplat.pictures.png_writer import PngWriter, joined_adler
from tests.photos import photo


def written(pixels, cuts=(), **options):
    stream = io.BytesIO()
    height, width = pixels.shape[:2]
    with PngWriter(stream, width, height, grey=pixels.ndim == 2, **options) as png:
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


def test_profile_and_exif_come_back():
    exif = Image.Exif()
    exif[0x010E] = "a title"
    data = written(photo(20, 10), icc=b"profile" * 99, exif=exif.tobytes().removeprefix(b"Exif\0\0"))
    assert read(data)[1]["icc_profile"] == b"profile" * 99
    with Image.open(io.BytesIO(data)) as image:
        assert image.getexif()[0x010E] == "a title"


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_checksums_are_joined_as_zlib_would(first, second):
    assert joined_adler(zlib.adler32(first), zlib.adler32(second), len(second)) == zlib.adler32(first + second)


def test_rows_too_many_or_missing_are_errors():
    pixels = photo(20, 10)
    with pytest.raises(ValueError, match="left"):
        PngWriter(io.BytesIO(), 20, 10, grey=False).write(np.zeros((11, 20, 3), np.uint8))
    with pytest.raises(ValueError, match="missing"), PngWriter(io.BytesIO(), 20, 10, grey=False) as png:
        png.write(pixels[:9])
    with pytest.raises(ValueError, match="left"), PngWriter(io.BytesIO(), 20, 10, grey=True) as png:
        png.write(pixels)


def test_an_error_in_the_block_leaves_the_file_unfinished():
    stream = io.BytesIO()
    with pytest.raises(RuntimeError), PngWriter(stream, 20, 10, grey=False) as png:
        png.write(photo(20, 10))
        raise RuntimeError
    assert b"IEND" not in stream.getvalue()
