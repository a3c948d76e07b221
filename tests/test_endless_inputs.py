"""Inputs without an end, or with far more bytes than they can need: one line, after few bytes."""

import io
import os
import subprocess
import sys
import threading
import zlib

import numpy as np
import pytest
from PIL import Image

import smartsplat
from smartsplat import _native
from smartsplat.errors import FormatError, PictureError
from smartsplat.pictures.reading import read
from tests.odd_files import chunk, png
from tests.oracles.file import File, Part
from tests.oracles.numbers import write_number
from tests.photos import photo

MEBIBYTE = 1 << 20

BESIDE = 64 * MEBIBYTE
"""What a picture may have beside its pixels."""


class Endless:
    """A pipe that gives a beginning, then one byte for ever; `given` is what it was asked to give."""

    def __init__(self, start=b"", filler=b"\0"):
        self.start, self.filler, self.given = io.BytesIO(start), filler, 0

    def read(self, size=-1):
        assert size >= 0, "all of what has no end is asked for"
        data = self.start.read(min(size, 1 << 20)) or self.filler * min(size, 1 << 20)
        self.given += len(data)
        return data


def encoded(image, kind):
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


IMAGE = Image.fromarray(photo(60, 40))
FILE = bytes(smartsplat.encode(photo(60, 40), effort=1))


# Pictures


@pytest.mark.parametrize("start", [b"", b"y\ny\n", b"text", bytes(range(256)), b"%!", b"\xff\xd8", b"RIFF1234JUNK"])
def test_what_is_no_picture_is_not_read_on(start):
    stream = Endless(start, start[-1:] or b"\0")
    with pytest.raises(PictureError, match="not a picture of a known kind"):
        read(stream)
    assert stream.given <= 2 * MEBIBYTE


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "PPM"])
def test_a_picture_ends_within_what_its_size_allows(kind):
    stream = Endless(encoded(IMAGE, kind), b"x")
    with pytest.raises(PictureError, match="goes on beyond"):
        read(stream)
    assert stream.given <= BESIDE + 24 * 60 * 40 + 2 * MEBIBYTE


@pytest.mark.parametrize("start", [b"\xff\xd8\xff\xe1\xff\xff", b"II*\0\0\0\0\xf0", b"\x89PNG\r\n\x1a\n\x7f\0\0\0tEXt"])
def test_a_picture_that_does_not_say_its_size_ends_within_what_the_limit_allows(start):
    stream = Endless(start)
    with pytest.raises(PictureError, match="goes on beyond"):
        read(stream, max_pixels=10**6)
    assert stream.given <= BESIDE + 8 * 10**6 + 2 * MEBIBYTE


def test_a_picture_that_is_too_large_is_not_read_on():
    header = encoded(Image.new("L", (20_000, 20_000)), "PPM")[:100]
    stream = Endless(header)
    with pytest.raises(PictureError, match="beyond the limit"):
        read(stream, max_pixels=10**8)
    assert stream.given <= 2 * MEBIBYTE


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "PPM", "WEBP"])
def test_pictures_of_some_megabytes_come_through_pipes(rng, kind):
    """Beyond what is read at first; of WebP that does not even tell the size."""
    image = Image.fromarray(rng.integers(0, 256, (900, 1000, 3)).astype(np.uint8))
    data = encoded(image.convert("P") if kind == "GIF" else image, kind)
    data += bytes(2 * MEBIBYTE)  # which no reader minds
    pipe = io.BytesIO(data)
    pipe.seekable = lambda: False
    assert np.array_equal(read(pipe).pixels, read(data).pixels)


def test_metadata_of_some_megabytes_before_the_size_come_through_pipes(rng):
    text = chunk(b"teXt", rng.bytes(3 * MEBIBYTE))
    data = png(photo(60, 40), 8, 2)
    data = data[:33] + text + data[33:]
    late = encoded(IMAGE, "JPEG")
    late = late[:2] + b"".join(b"\xff\xe9\xff\xff" + rng.bytes(65533) for _ in range(40)) + late[2:]
    for source, expected in ((data, photo(60, 40)), (late, read(encoded(IMAGE, "JPEG")).pixels)):
        pipe = io.BytesIO(source)
        pipe.seekable = lambda: False
        assert np.array_equal(read(pipe).pixels, expected)


@pytest.mark.parametrize(
    ("start", "match"),
    [
        (b"junk", "known kind"),
        (b"II*\0\0\0\0\xf0", "damaged or not supported"),
        (png(photo(60, 40), 8, 2, chunk(b"pHYs", bytes(9), sound=False)), "more than"),
    ],
)
def test_huge_files(tmp_path, start, match):
    """Sparse ones; they are told from others without being read."""
    path = tmp_path / "huge"
    path.write_bytes(start)
    os.truncate(path, 100 << 30)
    with pytest.raises(PictureError, match=match):
        read(path)
    sound = tmp_path / "sound"
    sound.write_bytes(png(photo(60, 40), 8, 2))
    os.truncate(sound, 100 << 30)
    assert np.array_equal(read(sound).pixels, photo(60, 40))


def test_a_file_of_ours_is_known_as_one():
    for source in (FILE, io.BytesIO(FILE), Endless(FILE)):
        with pytest.raises(PictureError, match=r"is a \.ssplat file already"):
            read(source)


# Files


@pytest.mark.parametrize("start", [b"", b"y\n", b"\x89PNG\r\n", FILE[:6], FILE[:9], FILE[:40], FILE])
def test_a_file_is_read_one_byte_beyond_its_end_at_most(start):
    stream = Endless(start)
    with pytest.raises(FormatError, match=r"^<file>|an .ssplat file|damaged|version|longer|impossible|out of range"):
        smartsplat.open(stream)
    assert stream.given <= len(FILE) + 1024


def header(*lengths):
    """The start of a file with metadata so long, which are not there."""
    before = File(60, 40, 11, Part(0, [b""])).to_bytes()[:-7]  # without count, index and checksum
    head = before + bytes([len(lengths)])
    for kind, length in enumerate(lengths):
        head += bytes([kind + 0x20]) + write_number(length)
    head += b"\x01\x00"
    return head + zlib.crc32(head).to_bytes(4, "little")


def test_announced_lengths_add_up():
    assert _native.announced_length(FILE) == len(FILE)
    for lengths in ((5,), (0, 127, 128), tuple(range(64)), (1 << 33,) * 64):
        head = header(*lengths)
        assert len(head) <= _native.LONGEST_START + 5
        for more in (b"", b"x" * 300):
            assert _native.head_length(head + more) == len(head)
            checked = sum(4 for length in lengths if length)
            assert _native.announced_length(head + more) == len(head) + sum(lengths) + checked
        for end in range(len(head)):
            with pytest.raises(FormatError):
                _native.announced_length(head[:end])


def test_a_file_that_announces_too_much_is_refused(tmp_path):
    data = header(1 << 32)
    (tmp_path / "a.ssplat").write_bytes(data)
    stream = Endless(data)
    for source in (stream, tmp_path / "a.ssplat"):
        with pytest.raises(FormatError, match="announces 4294967"):
            smartsplat.open(source)
    assert stream.given <= 1024


def test_memory_follows_what_comes_and_not_what_is_announced():
    class Short:
        """Ends soon; what it is asked for at once is noted."""

        asked, rest = 0, header(1 << 31)

        def read(self, size):
            self.asked = max(self.asked, size)
            part, self.rest = self.rest[:size], self.rest[size:]
            return part

    short = Short()
    with pytest.raises(FormatError, match="too early"):
        smartsplat.open(short)
    assert short.asked <= 16 * MEBIBYTE


# The command line


COMMAND = f"{sys.executable} -m smartsplat"


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="needs /dev/zero")  # noqa: PTH110
@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("yes | $S encode - x.ssplat", b"<stdin>"),
        ("$S encode /dev/zero x.ssplat", b"/dev/zero"),
        ("cat a.png /dev/zero | $S compare - a.png", b"<stdin>"),
        ("cat a.ssplat /dev/zero | $S decode - x.png", b"<stdin>"),
        ("cat a.ssplat /dev/zero | $S info -", b"<stdin>"),
        ("yes > pipe & $S encode pipe x.ssplat", b"pipe"),
    ],
)
def test_endless_inputs_are_one_line(tmp_path, line, name):
    IMAGE.save(tmp_path / "a.png")
    (tmp_path / "a.ssplat").write_bytes(FILE)
    os.mkfifo(tmp_path / "pipe")
    done = subprocess.run(
        ["sh", "-c", line.replace("$S", COMMAND)], capture_output=True, check=False, cwd=tmp_path, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (1, b"", 1)
    assert done.stderr.startswith(b"smartsplat: " + name)


def test_pipes_that_end_are_read_by_their_names(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    for data, check in (
        (encoded(IMAGE, "PNG"), lambda: np.array_equal(read(path).pixels, photo(60, 40))),
        (FILE, lambda: bytes(smartsplat.open(path)) == FILE),
    ):
        writer = threading.Thread(target=path.write_bytes, args=(data,))
        writer.start()
        assert check()
        writer.join()
