"""Parts of a picture, from the chunks that they need: as the whole picture shows them."""

import subprocess
import sys

import numpy as np
import pytest

import smartsplat
from smartsplat import _native
from smartsplat.coding.container import Container
from smartsplat.coding.format import LATTICE, SPLATS
from smartsplat.coding.lattice_section import write_lattice
from smartsplat.coding.splat_section import write_splats
from smartsplat.errors import FormatError, LimitError
from smartsplat.file import splatfile
from smartsplat.file.regions import view_of
from smartsplat.file.splatfile import SplatFile
from tests.chunked import make_file
from tests.lattices import photo_spectrum
from tests.oracles.file import File, Part, read_file

SCALES = (1, 0.5, 0.13, 2, 3.3)


def drawn(part, numbers, pixels, work):
    part.render(numbers, pixels, work, 2)
    return part.bytes_read


def part_of(data, region, scale=1.0, work=1.0):
    """Its pixels, and the bytes of the chunks that were read."""
    file = _native.File(data)
    v = view_of(file.width, file.height, scale, region)
    pixels = np.empty((v.height, v.width, 3), np.uint8)
    numbers = v.width, v.height, v.zoom, v.left, v.top, v.blur, v.aspect
    return pixels, drawn(file.part(numbers, work, 2), numbers, pixels, work)


@pytest.mark.parametrize(
    ("width", "height", "spacing", "square_log"),
    [(300, 200, 1, 5), (300, 200, 2, 5), (517, 333, 4, 6), (900, 700, 1, 7), (900, 700, None, 6), (129, 64, 1, 10),
     (700, 3, 1, 5), (3, 700, 2, 6)],
)  # fmt: skip
def test_parts_are_as_the_whole_shows_them(width, height, spacing, square_log, rng):
    data = make_file(width, height, spacing, square_log)
    whole = smartsplat.Renderer(SplatFile.from_bytes(data))
    different = samples = 0
    for k in range(20):
        w, h = (int(rng.integers(1, min(side, 120) + 1)) for side in (width, height))
        region = int(rng.integers(0, width - w + 1)), int(rng.integers(0, height - h + 1)), w, h
        scale = SCALES[k % len(SCALES)]
        pixels, _ = part_of(data, region, scale)
        difference = np.abs(pixels.astype(int) - whole.render(region=region, scale=scale))
        assert difference.max() <= 1
        different += np.count_nonzero(difference)
        samples += pixels.size
    assert different <= 1 + 1e-3 * samples


def test_parts_of_a_lattice_alone_are_the_same_to_the_last_bit(rng):
    spectrum = photo_spectrum(400, 300)
    sections = {
        SPLATS: write_splats(np.zeros((0, 9), np.int32), 0, 400, 300, square_log=5)[0],
        LATTICE: write_lattice(spectrum, 3800, square_log=5).section,
    }
    data = Container(400, 300, False, sections).to_bytes()
    whole = smartsplat.decode(data)
    for x, y in rng.integers(0, (350, 250), (10, 2)):
        pixels, _ = part_of(data, (int(x), int(y), 50, 50))
        np.testing.assert_array_equal(pixels, whole[y : y + 50, x : x + 50])


def test_a_small_part_needs_few_bytes():
    data = make_file(900, 700, 1, 5)
    _, few = part_of(data, (600, 400, 16, 16))
    _, all_bytes = part_of(data, (0, 0, 900, 700))
    chunks = read_file(data).chunks()
    assert all_bytes == sum(len(chunk) + 4 for chunk in chunks if chunk)
    assert few < all_bytes / 4


def test_damage_elsewhere_does_not_matter():
    data = make_file(900, 700, 1, 6)
    file = read_file(data)
    squares = [square for _, run, _ in file.tiers() for square in run]
    last = [square for square, chunk in zip(squares, file.chunks(), strict=True) if chunk][-1]  # of the splats
    left, top = last.column << last.log, last.row << last.log
    assert (last.tier, top > 300) == (0, True)
    damaged = bytearray(data)
    damaged[-3] ^= 1
    pixels, _ = part_of(bytes(damaged), (200, 100, 40, 40))
    np.testing.assert_array_equal(pixels, part_of(data, (200, 100, 40, 40))[0])
    with pytest.raises(FormatError, match=f"splats at {left}, {top} px"):
        part_of(bytes(damaged), (left, top, 30, 20))


def test_a_part_of_a_lattice_that_is_one_chunk_has_a_limit():
    data = File(20_000, 20_000, 22, Part(0, [b""]), Part(5120, [b""])).to_bytes()
    with pytest.raises(LimitError, match="max_work"):
        part_of(data, (5, 5, 1, 1))


def test_a_part_of_a_huge_picture_takes_little():
    """A lattice of 2^34 nodes in 70,000 squares."""
    side = 1 << 17
    file = File(side, side, 9, Part(0, []), Part(5120, []))
    for part, run, _ in file.tiers():
        part.chunks += [b""] * len(run)
    pixels, read = part_of(file.to_bytes(), (70_000, 30_000, 20, 10))
    assert read == 0
    assert not pixels.any()


def test_files_decode_small_parts_by_themselves_until_they_add_up(monkeypatch):
    monkeypatch.setattr(splatfile, "LEAST_PARTED", 1000)
    data = make_file(900, 700, 1, 6)
    file, whole = SplatFile.from_bytes(data), smartsplat.Renderer(SplatFile.from_bytes(data))
    for k in range(30):
        region = (20 * k, 10 * k, 200, 100)
        pixels = file.render(region=region)
        assert np.abs(pixels.astype(int) - whole.render(region=region)).max() <= 1
        assert (file._renderer is None) == ((k + 1) * 200 * 100 <= 900 * 700 / 2)


@pytest.mark.parametrize("strip_bytes", [1 << 25, 20_000])
def test_strips_of_a_small_part_leave_the_rest_alone(monkeypatch, strip_bytes):
    monkeypatch.setattr(splatfile, "LEAST_PARTED", 1000)
    monkeypatch.setattr("smartsplat.file.renderer.STRIP_BYTES", strip_bytes)
    data = make_file(900, 700, 1, 6)
    file, whole = SplatFile.from_bytes(data), smartsplat.Renderer(SplatFile.from_bytes(data))
    strips = list(file.strips(region=(40, 300, 100, 200)))
    assert len(strips) == (1 if strip_bytes > 100_000 else 4)
    difference = np.concatenate(strips).astype(int) - whole.render(region=(40, 300, 100, 200))
    assert np.abs(difference).max() <= 1
    assert file._renderer is None


MEASURED = """
import sys
import smartsplat
from smartsplat.memory import peak_rss
file = smartsplat.open(sys.argv[1])
before = peak_rss()
file.render(region=(100, 100, 8, 8))
print(peak_rss() - before)
"""


def test_a_region_of_a_small_file_takes_little_memory(tmp_path):
    """A square of 31 million nodes, all zero: 376 MB if each had a place."""
    path = tmp_path / "a.ssplat"
    path.write_bytes(File(5600, 5600, 22, Part(0, [b""]), Part(5120, [b""])).to_bytes())
    command = [sys.executable, "-c", MEASURED, str(path)]
    assert int(subprocess.run(command, check=True, capture_output=True, text=True).stdout) < 30e6
