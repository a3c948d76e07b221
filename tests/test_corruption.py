"""Damaged files: refused with a FormatError, never a crash, a hang or a picture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.ExifTags import Base

import smartsplat
from smartsplat.coding.container import LATTICE, MAGIC, SPLATS, Container
from smartsplat.engines import load_engine
from smartsplat.errors import FormatError
from smartsplat.file.splatfile import SplatFile, metadata_sections
from smartsplat.file.summary import summarise
from smartsplat.pictures.metadata import Metadata
from smartsplat.pictures.planes import to_planes
from smartsplat.pipeline.composition import Composer
from tests.codes import repeatable
from tests.photos import photo
from tests.profiles import DISPLAY_P3, rgb_profile, srgb_parametric


@pytest.fixture(scope="session", params=[0.5, 1.0], ids=["splats and lattice", "splats"])
def data(request):
    """A whole file of a 96x64 photo with a profile and EXIF."""
    composer = Composer(to_planes(photo()), load_engine(), grey=False, effort=1, seed=0, progress=lambda _: None)
    composition = composer.compose(350, request.param)
    sections = {SPLATS: composition.splats.section}
    if composition.lattice:
        sections[LATTICE] = composition.lattice.section
    exif = Image.Exif()
    exif[Base.Make] = "camera"
    metadata = Metadata(rgb_profile(DISPLAY_P3, srgb_parametric()), exif.tobytes()[6:])
    return Container(96, 64, False, metadata_sections(metadata) | sections).to_bytes()


def assert_refused(damaged):
    """As bytes that are opened, decoded or summed up."""
    for door in (SplatFile.from_bytes, smartsplat.decode, summarise):
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
        assert_refused(data[:length])


@pytest.mark.parametrize("more", [b"\0", b"\n", b"\xff", bytes(1000), MAGIC])
def test_appended_bytes_are_noticed(data, more):
    assert_refused(data + more)
    assert_refused(data + data)


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
        assert_refused(MAGIC + b"\x01\x00" + rng.bytes(length))


@repeatable
@given(st.binary(max_size=80))
def test_any_header_is_refused(rest):
    assert_refused(MAGIC + b"\x01\x00" + rest)


def test_swapped_sections_are_noticed(data):
    """The checksums are those of the other one."""
    icc, exif, *others = Container.from_bytes(data).sections.values()
    rest = b"".join(others)
    assert data.endswith(icc + exif + rest)
    head = data[: -len(icc + exif + rest)]
    assert_refused(head + exif + icc + rest)


# With right checksums: a file that somebody made on purpose


@repeatable
@given(st.data())
def test_damage_under_right_checksums_does_no_harm(data, draw):
    container = Container.from_bytes(data)
    kind = draw.draw(st.sampled_from([kind for kind in (SPLATS, LATTICE) if kind in container.sections]))
    section = bytearray(container.sections[kind])
    for _ in range(draw.draw(st.integers(1, 4))):
        section[draw.draw(st.integers(0, len(section) - 1))] = draw.draw(st.integers(0, 255))
    cut = draw.draw(st.one_of(st.just(len(section)), st.integers(0, len(section))))
    container.sections[kind] = bytes(section[:cut])
    try:
        pixels = smartsplat.decode(container.to_bytes())
    except FormatError as error:
        assert "\n" not in str(error)
    else:
        assert pixels.shape == (64, 96, 3)


@pytest.mark.parametrize("size", [(1, 1), (4000, 1), (1, 4000), (97, 64), (2000, 2000)])
def test_another_size_under_right_checksums_does_no_harm(data, size):
    sections = Container.from_bytes(data).sections
    try:
        pixels = smartsplat.decode(Container(*size, False, sections).to_bytes())
    except FormatError:
        return
    assert pixels.shape == (size[1], size[0], 3)
