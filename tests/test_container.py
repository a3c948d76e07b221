"""The file around the streams: what is written is read, what is not known is skipped or refused."""

import subprocess
import sys
import textwrap
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import smartsplat
from smartsplat.coding.container import Container
from smartsplat.coding.format import (
    ALPHA,
    EXIF,
    FLAG_GREY,
    GREATEST_SIDE,
    ICC,
    LATTICE,
    MAGIC,
    MAJOR,
    MINOR,
    MOST_METADATA,
    SPLATS,
)
from smartsplat.coding.lattice_section import Spectrum, write_lattice
from smartsplat.coding.splat_section import write_splats
from smartsplat.errors import FormatError, PictureError
from smartsplat.file.metadata import GREATEST_METADATA, metadata_sections
from smartsplat.file.splatfile import SplatFile
from smartsplat.file.summary import summarise
from smartsplat.model.lattice import lattice_shape
from smartsplat.pictures.metadata import Metadata
from tests.codes import make_codes, repeatable
from tests.oracles.file import File, Part, pack_lattice, pack_splats, read_file, unpack_splats
from tests.oracles.numbers import Reader, write_number
from tests.oracles.tiers import coarse_to_fine, lattice_logs, splat_logs

ONE_SPLAT = write_splats(make_codes(1, 1, 40, 30), 128, 40, 30)[0]
SQUARE_LOG = unpack_splats(ONE_SPLAT, 40, 30)[1]


def one_splat():
    return unpack_splats(ONE_SPLAT, 40, 30)[0]


def file_of(*metadata, width=40, height=30, **more):
    """A file of one splat with right checksums, whatever else may be wrong."""
    return File(width, height, SQUARE_LOG, one_splat(), metadata=list(metadata), **more)


def file_bytes(*metadata, **more):
    return file_of(*metadata, **more).to_bytes()


def assert_refused(data, match=None):
    """Every door refuses a front of a file with one line."""
    for door in (Container.from_bytes, SplatFile.from_bytes, summarise, smartsplat.decode):
        with pytest.raises(FormatError, match=match) as caught:
            door(data)
        assert "\n" not in str(caught.value)


# What is written is read


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (127, 128), (3000, 2100), (3, 16384)])
@pytest.mark.parametrize("more", [{}, {ICC: b"profile", EXIF: b""}])
@pytest.mark.parametrize("spacing", [0, 1, 8])
def test_round_trip(size, grey, more, spacing):
    sections = {SPLATS: write_splats(make_codes(1, 30, *size), 128, *size)[0]}
    if spacing:
        planes, shape = 1 if grey else 3, lattice_shape(*size, spacing)
        coefficients = np.random.default_rng(1).laplace(0, 0.1, (planes, *shape)).astype(np.float32)
        sections[LATTICE] = write_lattice(Spectrum(*size, spacing, coefficients), 4700).section
    container = Container(*size, grey, sections | more)
    data = container.to_bytes()
    assert Container.from_bytes(data) == container
    file = read_file(data)
    assert (file.width, file.height, file.flags, dict(file.metadata)) == (*size, FLAG_GREY * grey, more)
    assert pack_splats(file.splats, file.square_log) == sections[SPLATS]
    assert (pack_lattice(file.lattice, file.square_log) if file.lattice else None) == sections.get(LATTICE)
    assert file.to_bytes() == data


@st.composite
def files(draw):
    """Of any numbers and chunks."""
    width, height = draw(SIDES), draw(SIDES)
    least = max(5, (max(width, height) // 8).bit_length())
    square_log = draw(st.integers(min(least, 22), 22))
    spacing_log = draw(st.integers(-1, 10))
    lattice_log = draw(st.integers(min(least, 22), 22))
    logs = splat_logs(width, height, square_log), lattice_logs(width, height, lattice_log, max(spacing_log, 0))
    counts = [sum(-(-width // 2**log) * -(-height // 2**log) for log in each) for each in logs]
    assume(max(counts) < 100)
    chunks = [draw(st.lists(st.binary(max_size=20), min_size=n, max_size=n)) for n in counts]
    most = sum(2 * (len(chunk) + 8) for chunk in chunks[0] if chunk)
    splats = Part(draw(st.integers(0, 255)), chunks[0], draw(st.integers(0, most)))
    lattice = Part(draw(st.integers(0, 8191)), chunks[1], spacing_log=spacing_log) if spacing_log >= 0 else None
    metadata = draw(st.dictionaries(st.sampled_from([ICC, EXIF]), st.binary(), max_size=2))
    flags = draw(st.sampled_from([0, FLAG_GREY]))
    return File(
        width, height, square_log, splats, lattice, list(metadata.items()), flags, lattice_square_log=lattice_log
    )  # fmt: skip


SIDES = st.one_of(st.integers(1, 3000), st.just(1 << 25))


@repeatable
@given(files())
def test_round_trip_of_anything(file):
    data = file.to_bytes()
    container = Container.from_bytes(data)
    assert container.to_bytes() == data
    assert container.sections[SPLATS] == pack_splats(file.splats, file.square_log)
    assert read_file(data).to_bytes() == data


def test_parts_of_other_squares_go_together():
    lattice = write_lattice(Spectrum(40, 30, 1, np.zeros((1, 30, 40), np.float32)), 1, square_log=5).section
    file = read_file(Container(40, 30, True, {SPLATS: ONE_SPLAT, LATTICE: lattice}).to_bytes())
    assert (file.square_log, file.lattice_square_log) == (SQUARE_LOG, 5)
    assert pack_lattice(file.lattice, 5) == lattice


@pytest.mark.parametrize("value", [0, 1, 127, 128, 16383, 16384, 2**32, 2**40])
def test_numbers_come_back(value):
    reader = Reader(write_number(value) + b"rest")
    assert (reader.number(), reader.rest(), reader.ended) == (value, b"rest", True)


@pytest.mark.parametrize("data", [b"", b"\x80", b"\x80\x00", b"\xff\x80\x00", b"\xff" * 9, b"\xff" * 5 + b"\x7f"])
def test_numbers_too_short_too_long_or_too_large_are_refused(data):
    with pytest.raises(FormatError):
        Reader(data).number()


def test_a_file_starts_with_what_text_mode_would_damage():
    data = file_bytes()
    assert data[0] > 127
    assert b"\r\n" in data[:8]


# What is not known


@pytest.mark.parametrize("kind", [0x00, 0x15, 0x7F])
def test_unknown_metadata_are_skipped(kind):
    for metadata in ([(ICC, b"profile"), (kind, b"later")], [(kind, b"later"), (ICC, b"profile")]):
        data = file_bytes(*metadata)
        assert Container.from_bytes(data).sections == {SPLATS: ONE_SPLAT, ICC: b"profile"}
        np.testing.assert_array_equal(smartsplat.decode(data), smartsplat.decode(file_bytes()))


@pytest.mark.parametrize("kind", [0x80, SPLATS, LATTICE, ALPHA, 0x91, 0xFF])
def test_unknown_critical_metadata_are_refused(kind):
    assert_refused(file_bytes((kind, b"later")), match=f"{kind:#x}")


@pytest.mark.parametrize("kind", [0x12, ICC])
def test_metadata_have_checksums(kind):
    data = file_bytes((kind, b"later"))
    with pytest.raises(FormatError, match=f"{kind:#x} is damaged"):
        Container.from_bytes(data.replace(b"later", b"lateR"))


def test_later_versions():
    assert Container.from_bytes(file_bytes(version=(MAJOR, MINOR + 7))).width == 40
    for major in (0, 1, MAJOR + 1, 255):
        assert_refused(file_bytes(version=(major, 0)), match=f"version {major}")


@pytest.mark.parametrize("flags", [18, 19, 128, 1 << 33])
def test_unknown_flags_are_refused(flags):
    assert_refused(file_bytes(flags=flags), match="flags")


@pytest.mark.parametrize("bits", range(8, 17))
def test_a_picture_may_have_had_more_bits(bits):
    pixels = smartsplat.decode(file_bytes(flags=(bits - 8) << 1))
    assert pixels.dtype == (np.uint8 if bits == 8 else np.uint16)
    assert smartsplat.open(file_bytes(flags=(bits - 8) << 1)).bits == bits


# What is wrong


@pytest.mark.parametrize("kind", [ICC, EXIF, 0x12])
def test_metadata_that_stand_twice_are_refused(kind):
    assert_refused(file_bytes((kind, b"a"), (kind, b"a")), match="twice")


@pytest.mark.parametrize("square_log", [0, 4, 23, 255])
def test_other_squares_are_refused(square_log):
    file = file_of()
    head = file.to_bytes()
    at = 8 + 1 + 1 + 1
    assert head[at] == SQUARE_LOG
    assert_refused(head[:at] + bytes([square_log]) + head[at + 1 :], match="squares")


@pytest.mark.parametrize(("spacing_log", "step_index"), [(11, 5), (254, 5), (0, 8192), (10, 0xFFFF)])
def test_other_lattices_are_refused(spacing_log, step_index):
    lattice = Part(step_index, [b"\0"], spacing_log=spacing_log)
    assert_refused(file_bytes(lattice=lattice), match=r"spacing|step")


@pytest.mark.parametrize("change", [-1, 1, 2, 100, 1 << 39])
def test_an_index_of_another_length_is_refused(change):
    length = 1 if change < 0 else 1 + change
    if change < 0:
        length = 0
    assert_refused(file_bytes(index_length=length))


@pytest.mark.parametrize("more", [b"\0", b"\n", b"more" * 100])
def test_bytes_after_the_end_are_refused(more):
    assert_refused(file_bytes(more=more), match="longer")


@pytest.mark.parametrize("magic", [b"\x89SSQ\r\n", b"\x89SSP\n\n", b"\tSSP\r\n", b"\x89PNG\r\n"])
def test_other_files_are_refused(magic):
    file = file_bytes(magic=magic)
    assert_refused(file, match="not an .ssplat")
    assert_refused(file[:5], match="not an .ssplat" if file[:5] != MAGIC[:5] else "too early")


def front(width, height, splats=1, more=bytes(50)):
    """The start of a file that says it has that size and so many splats."""
    numbers = b"".join(map(write_number, (width, height, 0)))
    return MAGIC + bytes([MAJOR, MINOR]) + numbers + bytes([SQUARE_LOG]) + write_number(splats) + more


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (0, 0), (GREATEST_SIDE + 1, 5), (5, 1 << 40)])
def test_impossible_sizes_are_refused(size):
    assert_refused(front(*size), match="size")


@pytest.mark.parametrize("count", [MOST_METADATA + 1, 1 << 40])
def test_impossible_numbers_of_metadata_are_refused(count):
    assert_refused(file_bytes(count=count), match="metadata")


@pytest.mark.parametrize("count", [1, 2, MOST_METADATA])
def test_wrong_numbers_of_metadata_are_refused(count):
    assert_refused(file_bytes(count=count))


@pytest.mark.parametrize("count", [27, 10**9, 1 << 40])
def test_more_splats_than_the_chunks_can_hold_are_refused(count):
    part = Part(1, [bytes(5)], count)
    assert_refused(File(40, 30, SQUARE_LOG, part).to_bytes(), match=str(count))


def claims(width, height, splats):
    """A small file with right checksums that says it holds a picture of that size and that many splats."""
    chunks = [b""] * len(list(coarse_to_fine(width, height, splat_logs(width, height, 22))))
    chunks[0] = write_number(splats) + bytes(range(100))
    return File(width, height, 22, Part(128, chunks, min(splats, 216))).to_bytes()


@pytest.mark.parametrize("size", [(1 << 30, 1 << 30), (1 << 30, 1), (1 << 22, 1 << 22)])
def test_more_squares_than_the_index_has_are_refused_before_memory_is_taken(size):
    data = front(*size, more=b"\0\1\0\0" + bytes([SQUARE_LOG]) + bytes(200))
    tracemalloc.start()
    assert_refused(data, match="chunks")
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()


def test_chunks_longer_than_the_file_are_refused_before_memory_is_taken():
    head = front(40, 30, more=b"\0\0\0" + write_number(6) + write_number(1 << 39))
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
    small = file_bytes()
    files = [small, claims(1 << 22, 1 << 22, 3), claims(1 << 22, 1 << 22, 10**9), claims(40, 30, 10**9)]
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        input="\n".join(f.hex() for f in files), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) * 1024 < 20_000_000


def test_a_part_of_a_huge_picture_can_be_had():
    section = write_splats(make_codes(1, 20, 1 << 22, 1 << 22), 128, 1 << 22, 1 << 22)[0]
    file = SplatFile.from_bytes(Container(1 << 22, 1 << 22, False, {SPLATS: section}).to_bytes())
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
    file = SplatFile.from_bytes(file_bytes(*sections.items()))
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
    file = SplatFile.from_bytes(file_bytes((kind, packed)))
    assert file.render().shape == (30, 40, 3)
    tracemalloc.start()
    with pytest.raises(FormatError, match="metadata"):
        _ = file.metadata
    assert tracemalloc.get_traced_memory()[1] < 60_000_000
    tracemalloc.stop()
