"""Golden files freeze the format: bytes, integers and pixels are what they were when they were made."""

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import smartsplat
from smartsplat import _native
from smartsplat.coding.container import Container
from smartsplat.coding.format import LATTICE, MINOR, SPLATS
from smartsplat.errors import FormatError
from smartsplat.file.splatfile import SplatFile
from smartsplat.file.summary import summarise
from tests.golden.files import DIFFERENT_DEEP, FOLDER, GREATEST_DEEP, golden_files, judged
from tests.golden.make import fnv
from tests.oracles import lattice_stream, splat_stream
from tests.oracles.file import pack_lattice, pack_splats, read_file

FILES = {file.name: file for file in golden_files()}
SMALL = sorted(FILES.keys() - {"lattice-chunks"})


@pytest.fixture(params=FILES.values(), ids=FILES.keys())
def golden(request):
    return request.param


def integers_of(file):
    """Codes of the splats, and the lattice's spacing, index of the step and coefficients (None without one)."""
    container = Container.from_bytes(file.data)
    codes, step_index = _native.read_splats(container.sections[SPLATS], file.width, file.height)
    section = container.sections.get(LATTICE)
    lattice = _native.read_lattice(section, file.width, file.height, file.channels < 3) if section else None
    return codes, step_index, lattice


def test_the_folder_holds_what_the_index_says():
    assert {path.stem for path in FOLDER.glob("*.ssplat")} == FILES.keys() == {p.stem for p in FOLDER.glob("*.raw")}


def test_the_bytes_are_unchanged(golden):
    assert hashlib.sha256(golden.data).hexdigest() == golden.sha256
    x, y, width, height = golden.region
    assert len(golden.pixels) == width * height * golden.channels
    assert x + width <= golden.width
    assert y + height <= golden.height


def test_the_integers_are_unchanged(golden):
    codes, _, lattice = integers_of(golden)
    with smartsplat.open(golden.data) as file:
        drawn = file.decode_blocks()
    blocks = np.array(drawn.integers() if drawn else [], np.int32)
    integers = np.concatenate([codes.ravel(), lattice[2].ravel() if lattice else blocks[:0], blocks])
    assert (len(integers), fnv(integers)) == (golden.integers, golden.hash)


def test_the_oracles_read_the_same_integers(golden):
    codes, step_index, lattice = integers_of(golden)
    file = read_file(golden.data)
    assert file.splats.step_index == step_index
    place = file.square_log, golden.width, golden.height
    rows = [code.row() for code in splat_stream.decode_part(file.splats, *place)]
    np.testing.assert_array_equal(np.reshape(rows, (-1, 9)), codes)
    assert (file.lattice is None) == (lattice is None)
    if file.lattice:
        oracle = lattice_stream.decode_part(
            file.lattice, file.lattice_finest(), *place[1:], grey=golden.channels < 3
        )  # fmt: skip
        assert oracle.spacing == lattice[0]
        np.testing.assert_array_equal(oracle.values, lattice[2])


def test_encoding_the_integers_again_gives_the_same_sections(golden):
    codes, step_index, lattice = integers_of(golden)
    file = read_file(golden.data)
    sections = Container.from_bytes(golden.data).sections
    section, same = _native.write_splats(codes, step_index, golden.width, golden.height, file.square_log)
    assert section == sections[SPLATS] == pack_splats(file.splats, file.square_log)
    np.testing.assert_array_equal(same, codes)
    if lattice is not None:
        spacing, step, values = lattice
        exact = (values * _native.lattice_step(step)).astype(np.float32)
        [(section, _)] = _native.write_lattices(
            exact, golden.width, golden.height, spacing, [(step, 0.0)], square_log=file.lattice_finest()
        )
        assert section == sections[LATTICE] == pack_lattice(file.lattice, file.lattice_finest())
    assert file.to_bytes() == golden.data
    if golden.name != "later":
        assert golden.data[7] == MINOR
        assert Container.from_bytes(golden.data).to_bytes() == golden.data


class Nested(NamedTuple):
    """What ``integers_of`` asks of a file."""

    data: bytes
    width: int
    height: int
    channels: int = 1


# Pixels


def through_a_file(file, threads):
    return smartsplat.open(file.data).render(region=file.region, threads=threads)


def through_a_renderer(file, threads):
    return smartsplat.Renderer(smartsplat.open(file.data), threads=threads).render(region=file.region)


def through_the_reference(file, threads):
    return smartsplat.open(file.data).render(region=file.region, engine="reference", threads=threads)


def assert_close(render, files, threads=1):
    """In all of them together few samples differ, and none by much."""
    different = samples = greatest = 0
    for file in files:
        expected = np.frombuffer(file.pixels, np.uint8)
        found = render(file, threads)
        found = found if file.bits == 8 else (found.astype(np.uint32) + 128) // 257
        difference = np.abs(found.ravel().astype(int) - expected)
        different += np.count_nonzero(difference)
        greatest = max(greatest, int(difference.max()))
        samples += len(expected)
    return judged(different, samples, greatest)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("render", [through_a_file, through_a_renderer])
def test_pixels_are_within_the_tolerance(instruction_set, render, threads):
    assert_close(render, FILES.values(), threads)


@pytest.mark.parametrize("render", [through_a_file, through_a_renderer, through_the_reference])
def test_pixels_of_16_bits_are_within_the_tolerance(instruction_set, render):
    different = samples = 0
    for file in (file for file in FILES.values() if file.bits > 8):
        found = render(file, 1)
        assert found.dtype == np.uint16
        difference = np.abs(found.ravel().astype(int) - np.frombuffer(file.words, "<u2"))
        assert difference.max() <= GREATEST_DEEP
        different, samples = different + np.count_nonzero(difference), samples + difference.size
    assert 0 < samples * DIFFERENT_DEEP >= different


def test_the_alpha_is_a_file_of_its_own(golden):
    file = smartsplat.open(golden.data)
    if golden.channels % 2:
        assert file.alpha is None
        return
    nested = read_file(golden.data).alpha
    assert file.alpha.to_bytes() == nested
    assert golden.data.endswith(nested)
    codes, _, lattice = integers_of(Nested(nested, golden.width, golden.height))
    integers = codes.ravel() if lattice is None else np.concatenate([codes.ravel(), lattice[2].ravel()])
    assert (len(integers), fnv(integers)) == (golden.alpha_integers, golden.alpha_hash)
    assert file.shape == (golden.height, golden.width, golden.channels)
    np.testing.assert_array_equal(file.render()[:, :, -1], file.alpha.render(dtype=file.render().dtype))


def test_pixels_of_the_reference_are_within_the_tolerance():
    assert_close(through_the_reference, [FILES[name] for name in SMALL])


def test_metadata():
    metadata = smartsplat.open(FILES["metadata"].data).metadata
    assert b"camera" in metadata.exif
    assert metadata.icc[36:40] == b"acsp"


# Damage


@pytest.mark.parametrize("name", ["mixed", "mixed-chunks", "blocks-chunks", "later"])
def test_damage_is_refused(name):
    data = FILES[name].data
    for at in range(len(data)):
        flipped = bytearray(data)
        flipped[at] ^= 1 << at % 8
        for damaged in (data[:at], bytes(flipped)):
            with pytest.raises(FormatError):
                Container.from_bytes(damaged)
        for door in (SplatFile.from_bytes, summarise):
            with pytest.raises(FormatError):
                door(data[:at])


# The script


def test_they_are_not_made_again_by_mistake():
    root = Path(__file__).parent.parent
    before = {path: path.stat().st_mtime_ns for path in FOLDER.iterdir() if path.is_file()}
    result = subprocess.run(
        [sys.executable, "-m", "tests.golden.make"], cwd=root, capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert "--format-changed" in result.stderr
    assert {path: path.stat().st_mtime_ns for path in FOLDER.iterdir() if path.is_file()} == before
