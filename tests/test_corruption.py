"""Damaged files: refused with a FormatError, never a crash, a hang or a picture."""

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.ExifTags import Base

import smartsplat
from smartsplat import _native
from smartsplat.coding.container import Container
from smartsplat.coding.format import EXIF, ICC, LATTICE, MAGIC, SPLATS
from smartsplat.coding.splat_section import write_splats
from smartsplat.engines import load_engine
from smartsplat.errors import FormatError
from smartsplat.file.metadata import metadata_sections
from smartsplat.file.splatfile import SplatFile
from smartsplat.file.summary import summarise
from smartsplat.pictures.metadata import Metadata
from smartsplat.pictures.planes import to_planes
from smartsplat.pipeline.compose import compose
from smartsplat.pipeline.job import Job
from smartsplat.pipeline.plan import plan_for
from tests.codes import make_codes, repeatable
from tests.oracles.file import read_file
from tests.photos import photo
from tests.profiles import DISPLAY_P3, rgb_profile, srgb_parametric


@pytest.fixture(scope="session", params=[0.5, 1.0], ids=["splats and lattice", "splats"])
def data(request):
    """A whole file of a 96x64 photo with a profile and EXIF."""
    job = Job(to_planes(photo()), False, load_engine(), effort=1)
    composition = compose(job, plan_for(job.pixels, 350, request.param, grey=False))
    sections = {SPLATS: composition.splats.section}
    if composition.lattice:
        sections[LATTICE] = composition.lattice.section
    exif = Image.Exif()
    exif[Base.Make] = "camera"
    metadata = Metadata(rgb_profile(DISPLAY_P3, srgb_parametric()), exif.tobytes()[6:])
    return Container(96, 64, False, metadata_sections(metadata) | sections).to_bytes()


def whole(damaged):
    """Everything that a file holds."""
    file = SplatFile.from_bytes(damaged)
    return file.render(), file.metadata


def assert_refused(damaged, *doors):
    """As bytes that are checked or decoded; and by other doors."""
    for door in (Container.from_bytes, whole, *doors):
        with pytest.raises(FormatError) as caught:
            door(damaged)
        assert "\n" not in str(caught.value)


def test_the_whole_file_is_fine(data):
    assert smartsplat.decode(data).shape == (64, 96, 3)
    assert len(data) > 500


@pytest.mark.parametrize("change", [0x01, 0x80, 0xFF, 0x2A])
def test_every_changed_byte_is_noticed(data, change):
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= change
        assert_refused(bytes(damaged))


def test_every_truncation_is_noticed(data):
    for length in range(len(data)):
        assert_refused(data[:length], SplatFile.from_bytes, summarise)


@pytest.mark.parametrize("more", [b"\0", b"\n", b"\xff", bytes(1000), MAGIC])
def test_appended_bytes_are_noticed(data, more):
    assert_refused(data + more, SplatFile.from_bytes, summarise)
    assert_refused(data + data, SplatFile.from_bytes, summarise)


@pytest.mark.parametrize("change", [0x01, 0x80])
def test_a_changed_byte_of_the_front_is_noticed_at_once(data, change):
    for at in range(_native.head_length(data)):
        damaged = bytearray(data)
        damaged[at] ^= change
        assert_refused(bytes(damaged), SplatFile.from_bytes, summarise)


def test_a_damaged_chunk_is_named_with_its_place():
    """And what does not need it is decoded."""
    codes = make_codes(1, 500, 300, 200)
    section, _ = write_splats(codes, 90, 300, 200, square_log=6)
    data = bytearray(Container(300, 200, False, {SPLATS: section}).to_bytes())
    file = read_file(bytes(data))
    squares = [square for _, run, _ in file.tiers() for square in run]
    lengths = [len(chunk) + 4 * bool(chunk) for chunk in file.chunks()]
    square, at = max(zip(squares, np.cumsum(lengths) - lengths, strict=True), key=lambda pair: -pair[0].tier)
    assert square.tier == 0
    data[_native.head_length(bytes(data)) + int(at)] ^= 1
    damaged = SplatFile.from_bytes(bytes(data))
    place = f"splats at {square.column << square.log}, {square.row << square.log} px .tier 0. is damaged"
    with pytest.raises(FormatError, match=place):
        damaged.render()


def test_removed_and_doubled_bytes_are_noticed(data):
    for at in range(len(data)):
        # Equal neighbours: what is left is a truncation, and that is noticed as one.
        assert_refused(data[:at] + data[at + 1 :])
        assert_refused(data[:at] + data[at : at + 1] + data[at:])


def test_line_ends_that_a_transfer_changes_are_noticed(data):
    assert_refused(data.replace(b"\r\n", b"\n"))
    assert_refused(data[:-1].replace(b"\n", b"\r\n") + data[-1:])


@pytest.mark.parametrize("length", [0, 1, 5, 6, 7, 8, 13, 50, 1000, 100_000])
def test_random_bytes_are_refused(length):
    rng = np.random.default_rng(length)
    for _ in range(10):
        assert_refused(rng.bytes(length))
        assert_refused(MAGIC + rng.bytes(length))
        assert_refused(MAGIC + b"\x02\x00" + rng.bytes(length))


@repeatable
@given(st.binary(max_size=80))
def test_any_header_is_refused(rest):
    assert_refused(MAGIC + b"\x02\x00" + rest)


def test_swapped_pieces_are_noticed(data):
    """The lengths are those of the other one."""
    icc, exif = (Container.from_bytes(data).sections[kind] for kind in (ICC, EXIF))
    icc, exif = (piece + zlib.crc32(piece).to_bytes(4, "little") for piece in (icc, exif))
    assert data.count(icc + exif) == 1
    assert_refused(data.replace(icc + exif, exif + icc))


# With right checksums: a file that somebody made on purpose


@repeatable
@given(st.data())
def test_damage_under_right_checksums_does_no_harm(data, draw):
    file = read_file(data)
    part = draw.draw(st.sampled_from([part for part in (file.splats, file.lattice) if part]))
    chunk = bytearray(part.chunks[0])
    for _ in range(draw.draw(st.integers(1, 4))):
        chunk[draw.draw(st.integers(0, len(chunk) - 1))] = draw.draw(st.integers(0, 255))
    cut = draw.draw(st.one_of(st.just(len(chunk)), st.integers(0, len(chunk))))
    part.chunks[0] = bytes(chunk[:cut])
    try:
        pixels = smartsplat.decode(file.to_bytes())
    except FormatError as error:
        assert "\n" not in str(error)
    else:
        assert pixels.shape == (64, 96, 3)


@pytest.mark.parametrize("size", [(1, 1), (4000, 1), (1, 4000), (97, 64), (2000, 2000)])
def test_another_size_under_right_checksums_does_no_harm(data, size):
    file = read_file(data)
    file.width, file.height = size
    for part in (file.splats, file.lattice):
        if part:
            part.chunks = part.chunks + [b""] * 20
    try:
        pixels = smartsplat.decode(file.to_bytes())
    except FormatError:
        return
    assert pixels.shape == (size[1], size[0], 3)
