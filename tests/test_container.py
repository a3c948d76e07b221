"""The file around the streams: what is written is read, what is not known is skipped or refused."""

import subprocess
import sys
import textwrap
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import smartsplat
from smartsplat.coding.container import Container
from smartsplat.coding.format import EXIF, FLAG_GREY, GREATEST_SIDE, ICC, MAGIC, MAJOR, MINOR, MOST_SECTIONS, SPLATS
from smartsplat.coding.splat_section import write_splats
from smartsplat.errors import FormatError, PictureError
from smartsplat.file.splatfile import GREATEST_METADATA, SplatFile, metadata_sections
from smartsplat.file.summary import summarise
from smartsplat.pictures.metadata import Metadata
from tests.codes import make_codes, repeatable
from tests.oracles.numbers import Reader, write_number

ONE_SPLAT = write_splats(make_codes(1, 1, 40, 30), 128, 40, 30)[0]


def container_bytes(
    sections, width=40, height=30, *, flags=0, count=None, version=(MAJOR, MINOR), magic=MAGIC, more=b""
):
    """A file of (type, bytes) in that order, with right checksums whatever else may be wrong."""
    head = bytearray(magic) + bytes(version)
    for number in (width, height, flags, len(sections) if count is None else count):
        head += write_number(number)
    for kind, data in sections:
        head += bytes([kind]) + write_number(len(data)) + zlib.crc32(data).to_bytes(4, "little")
    head += zlib.crc32(head).to_bytes(4, "little")
    return bytes(head) + b"".join(data for _, data in sections) + more


def assert_refused(data, match=None):
    """Every door refuses the bytes with one line."""
    for door in (Container.from_bytes, SplatFile.from_bytes, summarise, smartsplat.decode):
        with pytest.raises(FormatError, match=match) as caught:
            door(data)
        assert "\n" not in str(caught.value)


# What is written is read


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (127, 128), (GREATEST_SIDE, GREATEST_SIDE), (3, 16384)])
@pytest.mark.parametrize("more", [{}, {ICC: b"profile", EXIF: b""}])
def test_round_trip(size, grey, more):
    container = Container(*size, grey, {SPLATS: ONE_SPLAT} | more)
    data = container.to_bytes()
    assert Container.from_bytes(data) == container
    assert data == container_bytes(list(container.sections.items()), *size, flags=FLAG_GREY * grey)


@repeatable
@given(st.integers(1, GREATEST_SIDE), st.integers(1, GREATEST_SIDE), st.booleans(), st.binary(), st.binary())
def test_round_trip_of_anything(width, height, grey, splats, icc):
    container = Container(width, height, grey, {ICC: icc, SPLATS: splats})
    assert Container.from_bytes(container.to_bytes()) == container


@pytest.mark.parametrize("value", [0, 1, 127, 128, 16383, 16384, 2**32, 2**40])
def test_numbers_come_back(value):
    reader = Reader(write_number(value) + b"rest")
    assert (reader.number(), reader.rest(), reader.ended) == (value, b"rest", True)


@pytest.mark.parametrize("data", [b"", b"\x80", b"\x80\x00", b"\xff\x80\x00", b"\xff" * 9, b"\xff" * 5 + b"\x7f"])
def test_numbers_too_short_too_long_or_too_large_are_refused(data):
    with pytest.raises(FormatError):
        Reader(data).number()


def test_a_file_starts_with_what_text_mode_would_damage():
    data = Container(1, 1, False, {SPLATS: ONE_SPLAT}).to_bytes()
    assert data[0] > 127
    assert b"\r\n" in data[:8]


# What is not known


@pytest.mark.parametrize("kind", [0x00, 0x12, 0x7F])
def test_unknown_sections_are_skipped(kind):
    for sections in ([(SPLATS, ONE_SPLAT), (kind, b"later")], [(kind, b"later"), (SPLATS, ONE_SPLAT)]):
        data = container_bytes(sections)
        assert Container.from_bytes(data).sections == {SPLATS: ONE_SPLAT}
        expected = smartsplat.decode(container_bytes([(SPLATS, ONE_SPLAT)]))
        np.testing.assert_array_equal(smartsplat.decode(data), expected)


@pytest.mark.parametrize("kind", [0x80, 0x83, 0x91, 0xFF])
def test_unknown_critical_sections_are_refused(kind):
    assert_refused(container_bytes([(SPLATS, ONE_SPLAT), (kind, b"later")]), match=f"{kind:#x}")


@pytest.mark.parametrize("kind", [0x12, 0x83])
def test_unknown_sections_have_checksums_too(kind):
    data = container_bytes([(SPLATS, ONE_SPLAT), (kind, b"later")])
    assert_refused(data[:-1] + b"R", match="damaged")


def test_later_versions():
    sections = [(SPLATS, ONE_SPLAT)]
    assert Container.from_bytes(container_bytes(sections, version=(MAJOR, MINOR + 7))).width == 40
    for major in (0, MAJOR + 1, 255):
        assert_refused(container_bytes(sections, version=(major, 0)), match=f"version {major}")


@pytest.mark.parametrize("flags", [2, 3, 128, 1 << 33])
def test_unknown_flags_are_refused(flags):
    assert_refused(container_bytes([(SPLATS, ONE_SPLAT)], flags=flags), match="flags")


# What is wrong


@pytest.mark.parametrize("kind", [SPLATS, ICC, EXIF, 0x12])
def test_a_section_that_stands_twice_is_refused(kind):
    assert_refused(container_bytes([(SPLATS, ONE_SPLAT), (kind, b"a"), (kind, b"a")]), match="twice")


def test_a_file_without_splats_is_refused():
    assert_refused(container_bytes([]), match="no splats")
    assert_refused(container_bytes([(ICC, b"profile")]), match="no splats")


@pytest.mark.parametrize("more", [b"\0", b"\n", b"more" * 100])
def test_bytes_after_the_end_are_refused(more):
    assert_refused(container_bytes([(SPLATS, ONE_SPLAT)], more=more), match="longer")


@pytest.mark.parametrize("magic", [b"\x89SSQ\r\n", b"\x89SSP\n\n", b"\tSSP\r\n", b"\x89PNG\r\n"])
def test_other_files_are_refused(magic):
    file = container_bytes([(SPLATS, ONE_SPLAT)], magic=magic)
    assert_refused(file, match="not an .ssplat")
    assert_refused(file[:5], match="not an .ssplat" if file[:5] != MAGIC[:5] else "too early")


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (0, 0), (GREATEST_SIDE + 1, 5), (5, 1 << 40)])
def test_impossible_sizes_are_refused(size):
    assert_refused(container_bytes([(SPLATS, ONE_SPLAT)], *size), match="size")


@pytest.mark.parametrize("count", [MOST_SECTIONS + 1, 1 << 40])
def test_impossible_numbers_of_sections_are_refused(count):
    assert_refused(container_bytes([(SPLATS, ONE_SPLAT)], count=count), match="sections")


@pytest.mark.parametrize("count", [0, 2, MOST_SECTIONS])
def test_wrong_numbers_of_sections_are_refused(count):
    assert_refused(container_bytes([(SPLATS, ONE_SPLAT)], count=count))


def claims(width, height, splats):
    """A small file with right checksums that says it holds a picture of that size and that many splats."""
    section = write_number(splats) + b"\x80" + bytes(range(100))
    return container_bytes([(SPLATS, section)], width, height)


def test_sections_longer_than_the_file_are_refused_before_memory_is_taken():
    head = MAGIC + bytes([MAJOR, MINOR]) + b"".join(map(write_number, (40, 30, 0, 1)))
    head += bytes([SPLATS]) + write_number(1 << 40) + bytes(4)
    data = head + zlib.crc32(head).to_bytes(4, "little") + ONE_SPLAT
    tracemalloc.start()
    assert_refused(data, match="too early")
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()


def test_huge_claims_are_refused_before_memory_is_taken():
    """In a process of its own, since its peak is looked at: what is taken natively counts too."""
    script = """
        import resource, sys
        import smartsplat
        from smartsplat.errors import FormatError, PictureError

        def refused(data, error):
            try:
                smartsplat.decode(data)
            except error as caught:
                return str(caught).count("\\n") == 0
            return False

        small, huge, many, many_small = (bytes.fromhex(line) for line in sys.stdin)
        smartsplat.decode(small)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert refused(huge, PictureError)
        assert refused(many, (FormatError, PictureError))
        assert refused(many_small, FormatError)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    small = container_bytes([(SPLATS, ONE_SPLAT)])
    files = [small, claims(1 << 22, 1 << 22, 3), claims(1 << 22, 1 << 22, 10**9), claims(40, 30, 10**9)]
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        input="\n".join(f.hex() for f in files), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) * 1024 < 20_000_000


def test_a_part_of_a_huge_picture_can_be_had():
    section = write_splats(make_codes(1, 20, 1 << 22, 1 << 22), 128, 1 << 22, 1 << 22)[0]
    file = SplatFile.from_bytes(container_bytes([(SPLATS, section)], 1 << 22, 1 << 22))
    assert file.render(region=(4_000_000, 123, 30, 20)).shape == (20, 30, 3)
    assert file.render(scale=1e-5).shape == (42, 42, 3)
    with pytest.raises(PictureError, match="pixels"):
        file.render(scale=0.5)


# Metadata


@pytest.mark.parametrize("surplus", [-1, 0])
def test_metadata_up_to_the_limit_are_kept(surplus):
    """What a file could not give back is not put into it."""
    profile = bytes(GREATEST_METADATA + surplus)
    sections = metadata_sections(Metadata(icc=profile, exif=b"exif"))
    file = SplatFile.from_bytes(container_bytes([(SPLATS, ONE_SPLAT), *sections.items()]))
    assert file.metadata == Metadata(icc=profile if surplus < 0 else None, exif=b"exif")


@pytest.mark.parametrize("kind", [ICC, EXIF])
@pytest.mark.parametrize(
    "packed",
    [
        zlib.compress(bytes(1 << 28), 9),  # 256 MB of zeros in 260 KB
        zlib.compress(b"profile")[:-1],
        zlib.compress(b"profile" * 1000)[:20],
        b"profile",
        b"",
    ],
    ids=["bomb", "without its end", "cut", "not packed", "empty"],
)
def test_damaged_metadata_are_refused_when_asked_for(kind, packed):
    file = SplatFile.from_bytes(container_bytes([(SPLATS, ONE_SPLAT), (kind, packed)]))
    assert file.render().shape == (30, 40, 3)
    tracemalloc.start()
    with pytest.raises(FormatError, match="metadata"):
        _ = file.metadata
    assert tracemalloc.get_traced_memory()[1] < 60_000_000
    tracemalloc.stop()
