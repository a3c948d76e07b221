"""Work in proportion: small files that ask for much are refused at once, and no honest file is."""

import math

import numpy as np
import pytest

import smartsplat
from smartsplat import _native
from smartsplat.cli import main
from smartsplat.coding.container import Container
from smartsplat.coding.format import LATTICE, SPLATS
from smartsplat.coding.splat_codes import COLOURS, RATIO, SIZE, TURN, X, Y
from smartsplat.engines import load_engine
from smartsplat.errors import FormatError, LimitError
from smartsplat.file.splatfile import SplatFile
from smartsplat.model.lattice import Lattice
from smartsplat.model.splats import Splats
from smartsplat.model.view import View
from tests.conftest import random_splats
from tests.lattices import random_lattice
from tests.oracles.file import File, Part, read_file
from tests.photos import flower


def no_splats(width, height, square_log=None):
    return _native.write_splats(np.zeros((0, 9), np.int32), 128, width, height, square_log)[0]


def file_of_splats(width, height, count, *, size, ratio=0):
    """A file of splats in the middle of a picture, with scales around 2^size px, in colours that need their bytes."""
    codes = np.zeros((count, 9), np.int32)
    codes[:, SIZE], codes[:, RATIO] = size, ratio
    codes[:, TURN] = (1 << _native.splat_precision(codes)[:, 0]) >> 2
    codes[:, X], codes[:, Y] = 128 * width, 128 * height
    codes[:, COLOURS] = np.random.default_rng(0).integers(-4, 5, (count, 3))
    return Container(width, height, False, {SPLATS: _native.write_splats(codes, 128, width, height)[0]}).to_bytes()


def drawn_by(views, view):
    pixels = np.empty((view.height, view.width, 3), np.float32)
    views.render(view, pixels, threads=2)
    return pixels


def file_of_zeros(width, height):
    """A lattice without anything, a node for each pixel, in as few bytes as there can be."""
    coefficients = np.zeros((3, height, width), np.float32)
    [(section, _)] = _native.write_lattices(coefficients, width, height, 1, [(5120, 0.0)])
    return Container(width, height, False, {SPLATS: no_splats(width, height), LATTICE: section}).to_bytes()


@pytest.mark.parametrize(
    "side, size, ratio, view",
    [
        (1000, 20, 0, {}),
        (1000, 20, 0, {"region": (3, 4, 100, 100), "scale": 10}),
        (64, 12, 0, {"scale": 16}),
        (64, 5, 0, {"region": (31, 31, 1, 1), "scale": 1000}),
        (1000, 8, 2, {}),
    ],
)
def test_splats_that_overlap_too_much_are_refused_at_once(side, size, ratio, view):
    data = file_of_splats(side, side, 20_000, size=size, ratio=ratio)
    assert len(data) < 100_000
    with pytest.raises(LimitError, match="max_work"):
        smartsplat.decode(data, **view)


def test_the_same_splats_are_drawn_where_they_are_not_too_much_or_may_be():
    data = file_of_splats(64, 64, 20_000, size=12)
    picture = SplatFile.from_bytes(data)
    assert picture.render().shape == (64, 64, 3)
    sums = picture.splats.parameters[:, 5:].sum(axis=0)
    with pytest.raises(LimitError):
        picture.render(scale=8, max_work=1e-3)
    drawn = picture.render(scale=2, dtype=np.float32, max_work=math.inf)
    assert np.allclose(drawn, np.clip(sums, 0, 1), atol=0.01)


def test_a_renderer_has_a_limit_that_a_view_may_change():
    renderer = smartsplat.Renderer(SplatFile.from_bytes(file_of_splats(64, 64, 100, size=12)), max_work=1e-7)
    with pytest.raises(LimitError):
        renderer.render()
    assert renderer.render(max_work=1).shape == (64, 64, 3)


@pytest.mark.parametrize("limit", [0, -1, math.nan, "1", True])
def test_a_limit_is_a_number_above_zero(limit):
    data = file_of_splats(8, 8, 1, size=2)
    with pytest.raises(ValueError, match="max_work"):
        smartsplat.decode(data, max_work=limit)


@pytest.mark.parametrize("width, height", [(12_000, 12_000), (1 << 22, 9)])
def test_lattices_that_few_bytes_claim_are_refused_at_once(width, height):
    data = File(width, height, 22, Part(0, [b""]), Part(5120, [b""])).to_bytes()  # spacing 1 px, all zeros
    assert len(data) < 100
    for view in ({"region": (5, 5, 1, 1)}, {"scale": 0.5}):
        with pytest.raises(LimitError, match="lattice"):
            smartsplat.decode(data, **view)
    with pytest.raises(LimitError):
        _ = SplatFile.from_bytes(data).lattice
    assert not smartsplat.decode(data, scale=1e-3).any()  # from a low band, which is small


def test_low_bands_that_few_bytes_claim_are_refused_at_once():
    data = File(12_000, 12_000, 22, Part(0, [b""]), Part(5120, [b""])).to_bytes()
    with pytest.raises(LimitError, match="lattice"):
        smartsplat.decode(data, scale=0.1)  # a quarter of the nodes
    assert smartsplat.decode(data, scale=0.1, max_work=3).shape == (1200, 1200, 3)


def test_long_rows_of_nodes_are_refused_at_once():
    data = File(1 << 22, 9, 22, Part(0, [b""]), Part(5120, [b""])).to_bytes()
    assert not smartsplat.decode(data, scale=2.0**-17).any()
    with pytest.raises(LimitError, match="too long"):
        smartsplat.decode(data, scale=2.0**-17, max_work=0.9)


@pytest.mark.parametrize("width, height", [(1 << 20, 1), (1, 1 << 20)])
@pytest.mark.parametrize("scale", [1e-5, 1e-3, 0.25])
def test_long_pictures_are_drawn_in_parts(width, height, scale):
    drawn = smartsplat.decode(file_of_zeros(width, height), scale=scale)
    assert drawn.shape == (*(max(1, round(side * scale)) for side in (height, width)), 3)
    assert not drawn.any()


@pytest.mark.parametrize("vertical", [False, True])
@pytest.mark.parametrize("scale", [1.0, 0.25, 0.01])
@pytest.mark.parametrize("with_lattice", [False, True])
def test_parts_are_as_a_view_of_them_alone_is(vertical, scale, with_lattice):
    width, height = (3, 300_000) if vertical else (300_000, 3)
    rng = np.random.default_rng(0)
    lattice = random_lattice(rng, width, height, 1, amplitude=0.1) if with_lattice else None
    splats = random_splats(rng, 400, width, height, (1, 300))
    views = load_engine("cpu").views(width, height, splats, lattice)
    sides = [max(1, round(side * scale)) for side in (width, height)]
    whole = drawn_by(views, View(*sides, zoom=scale, blur=(1 - scale**2) / 12))
    for start in (0, 1280 - 10, (1 << 15) - 10, sides[vertical] - 50):
        length = max(0, min(100, sides[vertical] - start))
        place = {"top": start / scale, "width": sides[0], "height": length}
        if not vertical:
            place = {"left": start / scale, "width": length, "height": sides[1]}
        if length and start >= 0:
            alone = drawn_by(views, View(**place, zoom=scale, blur=(1 - scale**2) / 12))
            part = (whole if vertical else whole.transpose(1, 0, 2))[start : start + length]
            assert np.abs(part - (alone if vertical else alone.transpose(1, 0, 2))).max() < 2e-3


def test_a_blur_as_wide_as_the_view_reaches_no_further():
    lattice = random_lattice(np.random.default_rng(0), 256, 256, 1)
    view = View(256, 256, blur=100)
    splats = Splats(np.zeros((0, 8), np.float32))
    sums = [load_engine(name).canvas(view, lattice).place(splats).render() for name in ("cpu", "reference")]
    assert np.abs(sums[0] - sums[1]).max() < 1e-4


@pytest.mark.parametrize("cr", [20, 200, 2000])
def test_what_the_encoder_makes_is_far_from_the_limits(cr):
    file = smartsplat.encode(flower()[:256, :384], cr=cr, effort=1)
    for view in ({}, {"scale": 1 / 16}, {"scale": 4}, {"region": (100, 100, 4, 4), "scale": 100}):
        file.render(**view, max_work=0.05)


# Streams that end where they should


@pytest.mark.parametrize("more", [b"\0", b"\1", bytes(100)])
def test_bytes_after_the_last_splat_are_refused(more):
    file = read_file(file_of_splats(16, 16, 3, size=2))
    file.splats.chunks[0] += bytes(4) + more
    with pytest.raises(FormatError, match="longer"):
        smartsplat.decode(file.to_bytes())


@pytest.mark.parametrize("more", [b"\0", b"\1", bytes(100)])
def test_bytes_after_the_last_coefficient_are_refused(more):
    lattice = Lattice(24, 16, 1, np.full((3, 16, 24), 0.5, np.float32))
    coefficients = lattice.values.copy()
    _native.lattice_coefficients(coefficients, 24, 16, 1, 3)
    [(section, _)] = _native.write_lattices(coefficients, 24, 16, 1, [(4000, 0.0)])
    file = read_file(Container(24, 16, False, {SPLATS: no_splats(24, 16), LATTICE: section}).to_bytes())
    assert smartsplat.decode(file.to_bytes()).shape == (16, 24, 3)
    file.lattice.chunks[0] += bytes(4) + more
    with pytest.raises(FormatError, match="longer"):
        smartsplat.decode(file.to_bytes())


def exit_code(*arguments):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return caught.value.code or 0


def test_the_command_line_says_it_in_one_line(tmp_path, capfd):
    (tmp_path / "a.ssplat").write_bytes(file_of_splats(256, 256, 20_000, size=15))
    arguments = ["decode", str(tmp_path / "a.ssplat"), str(tmp_path / "a.png"), "--scale", "4"]
    assert exit_code(*arguments, "--max-work", "0.1") == 1
    assert capfd.readouterr().err.count("\n") == 1
    assert not (tmp_path / "a.png").exists()
    assert exit_code(*arguments[:3], "--scale", "0.1", "--max-work", "inf") == 0
    assert (tmp_path / "a.png").exists()
