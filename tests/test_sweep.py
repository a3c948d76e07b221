"""Whole pictures that are drawn once, from top to bottom: as from a lattice that is all in memory."""

import numpy as np
import pytest

import smartsplat
from smartsplat import _native
from smartsplat.coding.container import Container
from smartsplat.coding.format import ALPHA, LATTICE, SPLATS
from smartsplat.coding.lattice_section import write_lattice
from smartsplat.coding.splat_section import write_splats
from smartsplat.errors import FormatError, LimitError
from smartsplat.file import splatfile
from tests.chunked import make_file
from tests.lattices import photo_spectrum


@pytest.fixture(autouse=True)
def _small_pictures_too(monkeypatch):
    monkeypatch.setattr(splatfile, "LEAST_PARTED", 1)


def both(data, **options):
    """The picture as it is drawn first, and from the renderer that is made when it is wanted again."""
    file = smartsplat.open(data)
    first = file.render(**options)
    assert file._swept and file._renderer is None
    again = file.render(**options)
    assert file._renderer is not None
    return first, again


@pytest.mark.parametrize(
    ("width", "height", "spacing", "square_log"),
    [(700, 900, 1, 6), (701, 517, 1, 5), (1500, 333, 2, 7), (333, 1501, 2, 6), (1999, 1403, 4, 8), (2300, 70, 8, 9),
     (70, 900, 1, 5), (2047, 2049, 16, 9)],
)  # fmt: skip
@pytest.mark.parametrize("threads", [1, 3])
def test_a_picture_is_drawn_as_from_all_of_its_lattice(width, height, spacing, square_log, threads):
    data = make_file(width, height, spacing, square_log)
    assert _native.File(data).sweeps(1.0)
    first, again = both(data, threads=threads)
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_samples_of_any_type(dtype):
    first, again = both(make_file(700, 900, 2, 6), dtype=dtype)
    assert first.dtype == dtype
    np.testing.assert_array_equal(first, again)


def grey_sections(width, height, square_log):
    """Of a picture of a lattice alone, of one plane."""
    spectrum = photo_spectrum(width, height, 1, grey=True)
    return {
        SPLATS: write_splats(np.zeros((0, 9), np.int32), 0, width, height, square_log=square_log)[0],
        LATTICE: write_lattice(spectrum, 4500, square_log=square_log).section,
    }


def test_grey_pictures_and_alpha():
    grey = Container(700, 500, True, grey_sections(700, 500, 6)).to_bytes()
    first, again = both(grey)
    assert first.shape == (500, 700)
    np.testing.assert_array_equal(first, again)
    both_layers = Container(700, 500, True, grey_sections(700, 500, 7) | {ALPHA: grey}).to_bytes()
    first, again = both(both_layers)
    assert first.shape == (500, 700, 2)
    np.testing.assert_array_equal(first, again)


def test_rows_in_any_array():
    data = make_file(700, 900, 2, 6)
    rows = np.zeros((900, 720, 3), np.uint8)
    smartsplat.open(data).render(out=rows[:, :700])
    np.testing.assert_array_equal(rows[:, :700], smartsplat.open(data).render())
    assert not rows[:, 700:].any()


def test_strips_are_those_of_the_whole(monkeypatch):
    data = make_file(700, 900, 2, 6)
    whole = smartsplat.open(data).render()
    for rows in (64, 192, 640):
        monkeypatch.setattr("smartsplat.file.renderer.STRIP_BYTES", 700 * 3 * rows)
        file = smartsplat.open(data)
        strips = list(file.strips())
        assert [len(strip) for strip in strips[:-1]] == [rows] * (len(strips) - 1)
        assert file._renderer is None
        np.testing.assert_array_equal(np.concatenate(strips), whole)


def test_rows_come_in_whole_tiles():
    sweep = _native.File(make_file(700, 900, 2, 6)).sweep(1.0)
    with pytest.raises(ValueError, match="whole rows of tiles"):
        sweep.draw(np.empty((65, 700, 3), np.uint8))
    sweep.draw(np.empty((832, 700, 3), np.uint8))
    with pytest.raises(ValueError, match="whole rows of tiles"):
        sweep.draw(np.empty((128, 700, 3), np.uint8))
    sweep.draw(np.empty((68, 700, 3), np.uint8))


def test_damage_is_found_on_the_way():
    data = bytearray(make_file(700, 900, 1, 6))
    data[-20] ^= 1
    with pytest.raises(FormatError, match="is damaged"):
        smartsplat.open(bytes(data)).render()


def test_what_is_left_of_a_damaged_file():
    data = bytearray(make_file(700, 900, 1, 6))
    data[-20] ^= 1
    file = smartsplat.SplatFile.open(bytes(data), partial=True)
    assert len(file.damage) == 1
    first = file.render()
    np.testing.assert_array_equal(first, file.render())


def test_a_small_part_after_the_whole_is_still_decoded_by_itself():
    file = smartsplat.open(make_file(700, 900, 1, 6))
    whole = file.render()
    np.testing.assert_array_equal(file.render(region=(64, 64, 50, 40)), whole[64:104, 64:114])
    assert file._renderer is None


def test_a_drawing_that_fails_is_not_the_first_one():
    file = smartsplat.open(make_file(700, 900, 1, 6))
    with pytest.raises(ValueError, match="the array must be"):
        file.render(out=np.empty((5, 5, 3), np.uint8))
    file.render()
    assert file._renderer is None


def test_what_is_decoded_already_is_drawn_from():
    file = smartsplat.open(make_file(700, 900, 1, 6))
    assert file.lattice is not None
    file.render()
    assert file._renderer is not None


def test_strips_of_a_huge_picture_keep_nothing_however_often(monkeypatch):
    monkeypatch.setattr(splatfile, "MOST_WHOLE", 1000)
    file = smartsplat.open(make_file(700, 900, 1, 6))
    first, again = (np.concatenate(list(file.strips())) for _ in range(2))
    assert file._renderer is None
    np.testing.assert_array_equal(first, again)


def test_a_lattice_of_more_nodes_than_its_bytes_allow_is_not_drawn_so():
    assert not _native.File(make_file(700, 900, 1, 6)).sweeps(1e-9)


def test_work_is_limited():
    with pytest.raises(LimitError):
        smartsplat.open(make_file(700, 900, 1, 6)).render(max_work=1e-9)
