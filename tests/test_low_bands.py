"""Small views from a low band of the lattice, and chunks that are kept from view to view."""

import numpy as np
import pytest

import smartsplat
from smartsplat import _native
from smartsplat.coding.container import Container
from smartsplat.coding.format import LATTICE, SPLATS
from smartsplat.coding.lattice_section import write_lattice
from smartsplat.coding.splat_section import write_splats
from smartsplat.file import source, splatfile
from smartsplat.file.parts import numbers_of
from smartsplat.file.regions import view_of
from smartsplat.file.splatfile import SplatFile
from tests.chunked import make_file
from tests.lattices import photo_spectrum
from tests.oracles.file import read_file
from tests.oracles.lattice_stream import decode_part, halved, node_values

WORK = 100.0
OWN_BLUR = 0.075
"""px^2: enough for a low band, and not for a renderer to take fewer nodes by itself."""


def lattice_alone(width, height, spacing, step_index=4000):
    sections = {
        SPLATS: write_splats(np.zeros((0, 9), np.int32), 0, width, height, square_log=5)[0],
        LATTICE: write_lattice(photo_spectrum(width, height, spacing), step_index, square_log=5).section,
    }
    return Container(width, height, False, sections).to_bytes()


def drawn(file, numbers, *, draft=False):
    """A part's pixels, in [0, 1]."""
    pixels = np.empty((numbers[1], numbers[0], 3), np.float32)
    file.part(numbers, WORK, 1, None, draft).render(numbers, pixels, WORK, 1)
    return pixels


def coefficients_of(data):
    """Of the lattice, as the plain decoder reads them."""
    file = read_file(data)
    return decode_part(file.lattice, file.lattice_finest(), file.width, file.height, grey=False)


def renderer_of_low_band(coded, level, width, height):
    """Of all nodes where the coefficients of the levels up to that one are zero."""
    low = coded.values.copy()
    rows, columns = (halved(side, level) for side in low.shape[1:])
    low[:, rows:] = low[:, :, columns:] = 0
    nodes = np.ascontiguousarray(node_values(coded._replace(values=low)), np.float32)
    return _native.Renderer(width, height, np.zeros((0, 8), np.float32), coded.spacing, nodes, 1)


def any_region(rng, width, height, least):
    w, h = (int(rng.integers(min(least, side), side + 1)) for side in (width, height))
    return int(rng.integers(0, width - w + 1)), int(rng.integers(0, height - h + 1)), w, h


@pytest.mark.parametrize(("width", "height", "spacing"), [(300, 200, 1), (517, 333, 2), (131, 350, 1), (200, 40, 1)])
def test_a_low_band_shows_what_its_nodes_show_without_finer_coefficients(width, height, spacing, rng):
    data = lattice_alone(width, height, spacing)
    low, coded = _native.File(data), coefficients_of(data)
    renderers = [renderer_of_low_band(coded, level, width, height) for level in range(4)]
    levels = []
    for k in range(24):
        zoom = (1 / 9, 1 / 11.5, 1 / 18, 1 / 23, 1 / 35, 1 / 47)[k % 6] / spacing
        view = view_of(width, height, zoom, any_region(rng, width, height, 60))
        numbers = (*numbers_of(view)[:5], OWN_BLUR, view.aspect)
        levels.append(low.low_level(numbers))
        if levels[-1] > 3:
            continue
        expected = np.empty((view.height, view.width, 3), np.float32)
        renderers[levels[-1]].render(numbers, expected, WORK, 1)
        np.testing.assert_allclose(drawn(low, numbers), expected, atol=2e-5)
    assert min(levels.count(level) for level in (1, 2, 3)) > 3


def psnr(a, b):
    return -10 * np.log10(np.mean((a - b) ** 2) + 1e-12)


@pytest.mark.parametrize("spacing", [1, 2])
def test_what_is_left_out_is_not_seen(spacing):
    data = lattice_alone(1360, 912, spacing, step_index=3000)
    file = _native.File(data)
    whole = smartsplat.Renderer(SplatFile.from_bytes(data))
    for scale in (1 / 4, 1 / 8, 1 / 16, 1 / 32):
        view = view_of(1360, 912, scale, None)
        exact = whole.render(scale=scale, dtype="float32")
        assert psnr(drawn(file, numbers_of(view)), exact) > 58
        assert psnr(drawn(file, numbers_of(view), draft=True), exact) > 42
    assert [file.low_level(numbers_of(view_of(1360, 912, 1 / s, None))) for s in (2, 8, 64)] == (
        [0, 1, 4] if spacing == 1 else [0, 0, 3]
    )


def test_small_views_of_files_read_few_bytes():
    file = _native.File(lattice_alone(1360, 912, 1))
    bytes_of = [sum(n for _, n in file.ranges(numbers_of(view_of(1360, 912, s, None)))) for s in (1, 1 / 16, 1 / 64)]
    assert bytes_of[1] < 0.65 * bytes_of[0]
    assert bytes_of[2] < 0.2 * bytes_of[1]


def random_views(rng, width, height, count):
    for _ in range(count):
        scale = float(rng.choice([2, 1, 0.5, 0.25, 0.13, 1 / 16, 1 / 40]))
        least = max(1, int(2 / scale))
        yield view_of(width, height, scale, any_region(rng, width, height, least)), bool(rng.integers(2))


@pytest.mark.parametrize(("spacing", "most"), [(1, None), (2, 20_000), (None, None), (4, 0)])
def test_kept_chunks_change_nothing(spacing, most, rng):
    data = make_file(700, 500, spacing, 5)
    keeping = _native.File(data)
    if most is not None:
        keeping.keep(most)
    for view, draft in random_views(rng, 700, 500, 60):
        numbers = numbers_of(view)
        fresh = _native.File(data)
        np.testing.assert_array_equal(drawn(keeping, numbers, draft=draft), drawn(fresh, numbers, draft=draft))
        assert keeping.kept_bytes <= (64 << 20 if most is None else most)
    assert (keeping.kept_bytes > 0) == (most != 0)


def test_what_is_kept_is_not_read_again():
    file = _native.File(make_file(700, 500, 1, 5))
    numbers = numbers_of(view_of(700, 500, 1, (100, 100, 64, 64)))
    first, again = (file.part(numbers, WORK, 1).bytes_read for _ in range(2))
    assert first > 0
    assert again == 0
    file.keep(0)
    assert file.part(numbers, WORK, 1).bytes_read == first


def test_large_coefficients_are_not_kept_and_come_out_right():
    coded = write_lattice(photo_spectrum(300, 200), 0, square_log=5)
    assert np.abs(coded.quantised()).max() > 32767
    data = lattice_alone(300, 200, 1, step_index=0)
    file = _native.File(data)
    numbers = numbers_of(view_of(300, 200, 1, (20, 30, 100, 90)))
    first, again = (file.part(numbers, WORK, 1).bytes_read for _ in range(2))
    assert 0 < again <= first
    np.testing.assert_array_equal(drawn(file, numbers), drawn(_native.File(data), numbers))


def test_small_views_of_large_files_are_decoded_by_themselves(tmp_path, monkeypatch):
    monkeypatch.setattr(splatfile, "LEAST_PARTED", 1000)
    monkeypatch.setattr(source, "LEAST_RANGED", 1000)
    path = tmp_path / "a.ssplat"
    path.write_bytes(lattice_alone(1360, 912, 1))
    with smartsplat.open(path) as file:
        small = file.render(scale=1 / 16)
        assert file.bytes_read < 0.8 * path.stat().st_size
    with smartsplat.open(path) as file:
        whole = smartsplat.Renderer(file).render(scale=1 / 16)
    assert np.abs(small.astype(int) - whole).max() <= 1
