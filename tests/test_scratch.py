"""Large arrays in files: the same bytes in bounded memory, whatever the picture comes from."""

import errno
import io
import json
import mmap
import os
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
from PIL import Image

import smartsplat
from smartsplat import scratch
from smartsplat.pictures import opening
from smartsplat.pictures.reading import load
from smartsplat.pictures.unloaded import rows_of
from smartsplat.pictures.writing import save
from smartsplat.scratch import LEAST_LIMIT, Scratch, memory_limit
from tests.photos import grey_photo, photo


@pytest.fixture
def no_room(monkeypatch):
    """Every array is too large for memory."""
    monkeypatch.setattr(scratch, "LEAST", 1)
    monkeypatch.setattr(scratch, "SHARE", 0)


def is_in_a_file(array):
    return scratch._mapped_base(array) is not None


def deep_photo():
    return (photo().astype(np.uint16) << 8) + photo(left=910)


PICTURES = {
    "colour": photo(400, 300),
    "grey": grey_photo(),
    "16 bits": deep_photo(),
    "alpha": np.dstack([photo(), grey_photo()]),
}


@pytest.mark.parametrize("effort", [1, 2])
@pytest.mark.parametrize("pixels", PICTURES.values(), ids=PICTURES.keys())
def test_bytes_do_not_depend_on_memory(monkeypatch, pixels, effort):
    expected = smartsplat.encode(pixels, cr=60, effort=effort).to_bytes()
    monkeypatch.setattr(scratch, "LEAST", 1)
    monkeypatch.setattr(scratch, "SHARE", 0)
    made, make = [], scratch._file_of
    monkeypatch.setattr(scratch, "_file_of", lambda size, folder: made.append(size) or make(size, folder))
    assert smartsplat.encode(pixels, cr=60, effort=effort, memory=LEAST_LIMIT).to_bytes() == expected
    assert pixels.shape[0] * pixels.shape[1] * 3 * pixels.dtype.itemsize in made  # the planes, for one


ENCODE = """
    import hashlib, json, resource, sys
    import smartsplat
    from smartsplat.memory import peak_rss
    path, memory, data = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    if data:
        resource.setrlimit(resource.RLIMIT_DATA, (data, data))
    file = smartsplat.encode(path, cr=200, effort=1, memory=memory, threads=2)
    digest = hashlib.sha256(file.to_bytes()).hexdigest()
    print(json.dumps({"sha256": digest, "peak": peak_rss()}))
"""


def encoded(path, memory, data=0):
    """Digest and peak memory of a process that encodes a picture, with so much of it outside of files at most."""
    arguments = [sys.executable, "-c", textwrap.dedent(ENCODE), str(path), str(memory), str(data)]
    return json.loads(subprocess.run(arguments, capture_output=True, check=True).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_large_picture_takes_no_more_than_it_is_told_to(tmp_path):
    tile = photo(1000, 750, left=600)
    save(tmp_path / "large.tif", np.tile(tile, (6, 6, 1)))  # 27 MP: 81 MB, as often as the encoder needs a copy
    free, bound = encoded(tmp_path / "large.tif", 1 << 34), encoded(tmp_path / "large.tif", LEAST_LIMIT, 400 << 20)
    assert bound["sha256"] == free["sha256"]
    assert bound["peak"] < LEAST_LIMIT < 0.75 * free["peak"]


def test_arrays_lie_in_memory_as_long_as_there_is_room():
    with Scratch((4 << 26) + scratch.LIBRARIES) as place:
        first = place.empty((1 << 26,), np.uint8)
        second = place.empty((1 << 26,), np.uint8)
        third = place.empty((1 << 26,), np.uint8)
        assert [is_in_a_file(array) for array in (first, second, third)] == [False, False, True]
        assert not is_in_a_file(place.empty((1 << 20,), np.uint8))  # small ones always
        del first
        assert not is_in_a_file(place.empty((1 << 26,), np.uint8))
        place.note(np.empty(1 << 30, np.uint8)[:1])
        assert not place.is_short_of(1 << 26)
        held = np.empty(1 << 26, np.uint8)
        place.note(held)
        assert place.is_short_of(1 << 26)


@pytest.mark.skipif(not scratch._RETURNS, reason="needs Linux")
def test_pages_are_given_back_and_keep_what_was_written(monkeypatch, tmp_path):
    monkeypatch.setattr(scratch, "FULL", 0)
    np.save(tmp_path / "a.npy", np.arange(1 << 24, dtype=np.int64))
    callers = np.load(tmp_path / "a.npy", mmap_mode="r")
    with Scratch(LEAST_LIMIT, tmp_path) as place:
        array = place.empty((1 << 25,), np.int64)
        assert is_in_a_file(array)
        array[:] = np.arange(1 << 25)
        place.note(callers)
        assert callers[-1] == (1 << 24) - 1
        until = time.monotonic() + 10
        while scratch._in_use()[1] > 1 << 27 and time.monotonic() < until:
            time.sleep(0.01)
        assert scratch._in_use()[1] < 1 << 27
        assert (array[:: 1 << 15] == np.arange(0, 1 << 25, 1 << 15)).all()
        assert (callers[:: 1 << 12] == np.arange(0, 1 << 24, 1 << 12)).all()
    assert list(tmp_path.iterdir()) == [tmp_path / "a.npy"]  # nothing of ours had a name


def test_a_full_disk_is_one_error(monkeypatch, no_room):
    def refuse(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(scratch, "_reserve", refuse)
    with pytest.raises(OSError, match="No space left"):
        smartsplat.encode(photo(), effort=1, memory=LEAST_LIMIT)


@pytest.mark.parametrize("name", ["a.tif", "a.ppm", "a.png", "a.jpg"])
@pytest.mark.parametrize("pixels", [photo(), grey_photo()], ids=["colour", "grey"])
def test_rows_are_those_of_the_loaded_picture(no_room, monkeypatch, tmp_path, name, pixels):
    if name in ("a.png", "a.jpg"):
        pytest.importorskip("pyvips")
    Image.fromarray(pixels).save(tmp_path / name, quality=90)
    expected = load(tmp_path / name)
    found = []

    def spy(image, file, place):
        found.append(rows_of(image, file, place))
        return found[-1]

    monkeypatch.setattr(opening, "rows_of", spy)
    picture = load(tmp_path / name, scratch=Scratch(LEAST_LIMIT))
    assert type(found[0]).__name__ == ("Stored" if name in ("a.tif", "a.ppm") else "Streamed")
    np.testing.assert_array_equal(picture.pixels, expected.pixels)
    assert (picture.grey, picture.bits, picture.alpha) == (expected.grey, expected.bits, None)
    assert is_in_a_file(picture.pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_rows_are_turned_upright(no_room, tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(photo()).save(tmp_path / "a.tif", exif=exif)
    expected = load(tmp_path / "a.tif").pixels
    np.testing.assert_array_equal(load(tmp_path / "a.tif", scratch=Scratch(LEAST_LIMIT)).pixels, expected)


OTHERS = {  # whose rows cannot be had without loading them
    "palette.png": Image.fromarray(photo()).quantize(),
    "alpha.png": Image.fromarray(np.dstack([photo(), grey_photo()])),
    "upwards.bmp": Image.fromarray(photo()),
    "cmyk.jpg": Image.fromarray(photo()).convert("CMYK"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_pictures_are_loaded_as_ever(no_room, tmp_path, name):
    OTHERS[name].save(tmp_path / name)
    expected, found = load(tmp_path / name), load(tmp_path / name, scratch=Scratch(LEAST_LIMIT))
    np.testing.assert_array_equal(found.pixels, expected.pixels)
    if expected.alpha is not None:
        np.testing.assert_array_equal(found.alpha, expected.alpha)


@pytest.mark.parametrize("kind", ["TIFF", "PNG", "JPEG"])
def test_a_file_that_ends_too_early_is_refused_as_ever(no_room, tmp_path, kind):
    file = io.BytesIO()
    Image.fromarray(photo()).save(file, kind)
    (tmp_path / "a").write_bytes(file.getvalue()[: len(file.getvalue()) // 2])
    for place in (scratch.MEMORY, Scratch(LEAST_LIMIT)):
        with pytest.raises(smartsplat.PictureError, match=r"^[^\n]*$"):
            load(tmp_path / "a", scratch=place)


def test_limits_that_leave_no_room_are_refused(capsys):
    from smartsplat.cli import main

    with pytest.raises(ValueError, match="memory"):
        smartsplat.encode(photo(), memory=LEAST_LIMIT - 1)
    with pytest.raises(SystemExit):
        main(["encode", "a.png", "b.ssplat", "--memory", "100M"])
    assert "at least 256Mi" in capsys.readouterr().err


def test_the_usual_limit_is_a_part_of_what_is_free():
    assert memory_limit(1 << 30) == 1 << 30
    free = scratch.available_memory()
    assert free is None or LEAST_LIMIT <= memory_limit(None) <= max(LEAST_LIMIT, 0.6 * free)


def test_what_lies_in_a_file_can_be_mapped_at_any_offset(tmp_path):
    values = np.random.default_rng(1).integers(0, 256, 3 * mmap.ALLOCATIONGRANULARITY, dtype=np.uint8)
    (tmp_path / "a").write_bytes(values.tobytes())
    with (tmp_path / "a").open("rb") as file, Scratch(LEAST_LIMIT) as place:
        for offset in (0, 1, mmap.ALLOCATIONGRANULARITY, mmap.ALLOCATIONGRANULARITY + 77):
            np.testing.assert_array_equal(place.mapped(file, offset, (20, 30), np.uint8).ravel(), values[offset:][:600])
        with pytest.raises(ValueError, match="greater than"):
            place.mapped(file, 10, (len(values),), np.uint8)
