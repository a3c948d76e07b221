"""Blocks of few colours, whose pixels stand over splats and lattice."""

import itertools
import json
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

import smartsplat
from smartsplat import _native
from smartsplat.cli import main
from smartsplat.coding.block_section import write_blocks
from smartsplat.coding.container import Container
from smartsplat.coding.format import BLOCKS, LATTICE, SPLATS
from smartsplat.coding.lattice_section import write_lattice
from smartsplat.errors import FormatError, LimitError
from smartsplat.file.parts import Part
from smartsplat.file.splatfile import SplatFile
from smartsplat.pipeline import blocks
from smartsplat.pipeline.blocks import block_bits, has_sharp_blocks
from tests.codes import repeatable
from tests.lattices import photo_spectrum
from tests.oracles.block_stream import decode_part
from tests.oracles.file import File, pack_blocks, read_file, unpack_blocks
from tests.oracles.file import Part as OraclePart
from tests.photos import photo

INK = np.array([(250, 250, 245), (30, 30, 60), (120, 125, 150), (200, 20, 20), (90, 200, 120)], np.uint16)


def drawing(width, height, seed=0, colours=5):
    """Marks that come again, uint8 [height, width, 3]."""
    rng = np.random.default_rng(seed)
    indices = np.zeros((height, width), np.int64)
    marks = rng.integers(0, colours, (4, 6, 4))
    for y in range(1, height - 6, 9):
        for x in range(1, width - 4, 5):
            indices[y : y + 6, x : x + 4] = marks[rng.integers(4)]
    return INK[indices].astype(np.uint8)


def planes_of(pixels):
    return np.ascontiguousarray(np.moveaxis(pixels, 2, 0)).astype(np.uint16)


def no_splats(width, height, square_log=None):
    return _native.write_splats(np.zeros((0, 9), np.int32), 128, width, height, square_log)[0]


def file_of(pixels, flags, *, square_log=None, spacing=None, bits=8, grey=False):
    """A file with those blocks, without a loss, maybe over a lattice of a photo."""
    height, width = pixels.shape[:2]
    section, _ = _native.write_blocks(
        planes_of(pixels), flags.astype(np.uint8), grey, bits > 8, 0.0, 0.0, square_log=square_log
    )
    sections = {SPLATS: no_splats(width, height, square_log), BLOCKS: section}
    if spacing:
        log = square_log or 11
        sections[LATTICE] = write_lattice(photo_spectrum(width, height, spacing), 4000, square_log=log).section
    return Container(width, height, grey, sections, bits).to_bytes()


def enlarged(flags, height, width):
    return np.kron(flags, np.ones((8, 8), bool))[:height, :width]


@st.composite
def some_blocks(draw):
    """Pixels of 8 or 16 bits, grey or not, which blocks are coded, and the squares."""
    width, height = draw(st.integers(1, 70)), draw(st.integers(1, 50))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    deep, grey = draw(st.booleans()), draw(st.booleans())
    palette = rng.integers(0, 65536 if deep else 256, (draw(st.sampled_from([1, 2, 9, 300, 2000])), 3))
    if grey:
        palette[:] = palette[:, :1]
    smooth = rng.integers(0, draw(st.sampled_from([1, len(palette)])), (height // 5 + 1, width // 5 + 1))
    indices = np.kron(smooth, np.ones((5, 5), np.int64))[:height, :width]
    noisy = rng.random((height, width)) < draw(st.sampled_from([0, 0.004, 0.1, 1]))
    indices = np.where(noisy, rng.integers(0, len(palette), (height, width)), indices)
    flags = rng.random((-(-height // 8), -(-width // 8))) < draw(st.sampled_from([0, 0.5, 1]))
    return palette[indices].astype(np.uint16 if deep else np.uint8), flags, grey, draw(st.sampled_from([5, 6, 11]))


@repeatable
@given(some_blocks())
def test_pixels_come_back_and_the_oracle_reads_the_same(case):
    pixels, flags, grey, square_log = case
    height, width = pixels.shape[:2]
    bits = 16 if pixels.dtype == np.uint16 else 8
    data = file_of(pixels, flags, square_log=square_log, bits=bits, grey=grey)
    coded = enlarged(flags, height, width)
    expected = np.where(coded[:, :, None], pixels, 0)
    shown = smartsplat.decode(data)
    np.testing.assert_array_equal(shown if not grey else np.repeat(shown[:, :, None], 3, axis=2), expected)
    file = read_file(data)
    colours, seen = decode_part(file)
    np.testing.assert_array_equal(seen, coded)
    np.testing.assert_allclose(colours * (65535 if bits > 8 else 255), expected, atol=1e-6)
    assert file.to_bytes() == data
    section = Container.from_bytes(data).sections[BLOCKS]
    assert pack_blocks(*unpack_blocks(section, width, height)) == section
    assert len(section) == SplatFile.from_bytes(data).section_bytes[BLOCKS]


def test_what_each_block_costs_adds_up():
    pixels = drawing(400, 300)
    coded = write_blocks(
        planes_of(pixels).astype(np.uint8), np.ones((38, 50), bool), grey=False, of_colour=0, of_pixel=0
    )
    assert coded.bits.sum() / 8 == pytest.approx(len(coded.section), rel=0.02)


def test_rare_colours_join_near_ones_for_their_price():
    pixels = drawing(80, 64)
    pixels[10, 10] = pixels[0, 0] - 2
    flags = np.ones((8, 10), bool)
    planes = planes_of(pixels).astype(np.uint8)
    lengths, errors = [], []
    for of_colour in (0.0, 20.0):
        coded = write_blocks(planes, flags, grey=False, of_colour=of_colour, of_pixel=0.0)
        shown = np.zeros_like(pixels)
        coded.draw(shown)
        lengths.append(len(coded.section))
        errors.append(((shown.astype(int) - pixels) ** 2).sum())
    assert errors == [0, 12]
    assert lengths[1] < lengths[0]


def test_colours_that_join_become_their_mean():
    planes = np.full((3, 8, 8), 100, np.uint8)
    planes[0, :, 6:] = 108
    coded = write_blocks(planes, np.ones((1, 1), bool), grey=False, of_colour=1e4, of_pixel=0.0)
    shown = np.zeros((8, 8, 3), np.uint8)
    coded.draw(shown)
    assert (shown == (102, 100, 100)).all()


# Views


@pytest.fixture(scope="module")
def mixed():
    """A file of blocks over a lattice, its whole picture, and where the blocks are."""
    pixels = drawing(200, 152)
    flags = np.random.default_rng(3).random((19, 25)) < 0.5
    flags[:, :10] = True
    return file_of(pixels, flags, square_log=6, spacing=2), pixels, enlarged(flags, 152, 200)


def test_blocks_stand_in_the_place_of_the_lattice(mixed):
    data, pixels, coded = mixed
    container = Container.from_bytes(data)
    under = {kind: section for kind, section in container.sections.items() if kind != BLOCKS}
    bare = smartsplat.decode(Container(200, 152, False, under).to_bytes())
    np.testing.assert_array_equal(smartsplat.decode(data), np.where(coded[:, :, None], pixels, bare))


@pytest.mark.parametrize("engine", ["auto", "reference"])
@pytest.mark.parametrize("times", [2, 3, 4])
def test_smaller_views_show_means(mixed, engine, times):
    data, _, coded = mixed
    height, width = 152 // times, 200 // times
    region = (0, 0, width * times, height * times)
    whole = smartsplat.decode(data)[: height * times, : width * times].astype(float)
    means = whole.reshape(height, times, width, times, 3).mean(axis=(1, 3))
    inside = coded[: height * times, : width * times].reshape(height, times, width, times).all(axis=(1, 3))
    shown = SplatFile.from_bytes(data).render(scale=1 / times, region=region, engine=engine)
    assert np.abs(shown - means)[inside].max() <= 0.5 + 1e-6
    assert np.abs(shown - means).mean() < 2.5


def test_larger_views_show_squares(mixed):
    data, pixels, coded = mixed
    shown = SplatFile.from_bytes(data).render(scale=3, region=(24, 16, 60, 40))
    inside = np.kron(coded[16:56, 24:84], np.ones((3, 3), bool))
    np.testing.assert_array_equal(shown[inside], np.kron(pixels[16:56, 24:84], np.ones((3, 3, 1), np.uint8))[inside])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_regions_strips_and_parts_show_the_same(mixed, dtype):
    data = mixed[0]
    file = SplatFile.from_bytes(data)
    whole = file.render(dtype=dtype)
    np.testing.assert_array_equal(file.render(region=(50, 30, 90, 70), dtype=dtype), whole[30:100, 50:140])
    np.testing.assert_array_equal(np.concatenate(list(file.strips(dtype=dtype))), whole)
    view = file.view(1.0, (50, 30, 90, 70))
    pixels = np.empty((70, 90, 3), dtype)
    Part(file._sources(), view, 1.0, 1).render(view, pixels)
    tolerance = 1e-5 if dtype == np.float32 else 1
    np.testing.assert_allclose(pixels.astype(float), whole[30:100, 50:140].astype(float), atol=tolerance)
    assert 0 < sum(length for _, length in file._file.ranges((90, 70, 1.0, 50.0, 30.0, 0.0, 1.0))) < len(data)


def test_half_a_pixel_of_a_block_counts_by_half():
    flags = np.array([[True, False]])
    white = np.full((8, 16, 3), 255, np.uint8)
    shown = SplatFile.from_bytes(file_of(white, flags)).render(region=(7.5, 0, 1, 8), dtype=np.float32)
    np.testing.assert_allclose(shown, 0.5, atol=1e-6)


# Damage


def test_a_lost_chunk_is_named_and_the_others_are_shown(mixed):
    data, pixels, coded = mixed
    damaged = bytearray(data)
    damaged[-10] ^= 1  # of the last one: the blocks stand behind all else
    with pytest.raises(FormatError, match=r"the blocks at 192, 128 px \(tier 0\) is damaged"):
        smartsplat.decode(bytes(damaged))
    file = SplatFile.open(bytes(damaged), partial=True)
    assert [str(each) for each in file.damage] == ["the blocks at 192, 128 px (tier 0, 8 x 24 px) are damaged"]
    kept = coded.copy()
    kept[128:, 192:] = False
    np.testing.assert_array_equal(file.render()[kept], pixels[kept])
    assert SplatFile.open(data[:-1], partial=True).damage[0].missing


@repeatable
@given(st.binary(min_size=1, max_size=60), st.booleans(), st.integers(0, 40))
def test_any_stream_is_refused_or_decoded_as_the_oracle_does(mixed, stream, own, at):
    if own:  # a valid one, damaged
        valid = bytearray(read_file(mixed[0]).blocks.chunks[0])
        valid[at : at + 2] = stream[:2]
        stream = bytes(valid)
    file = File(64, 64, 11, OraclePart(128, [b""]), blocks=OraclePart(0, [stream]))
    try:
        colours, _ = decode_part(file)
    except FormatError:
        colours = None
    if colours is None:
        with pytest.raises(FormatError):
            smartsplat.decode(file.to_bytes())
    else:
        np.testing.assert_allclose(smartsplat.decode(file.to_bytes()), 255 * colours, atol=1e-6)


def test_few_bytes_cannot_stand_for_any_number_of_pixels():
    file = File(1 << 15, 1 << 14, 15, OraclePart(128, [b""]), blocks=OraclePart(0, [b"\x01\x02\x03"]))
    with pytest.raises(LimitError, match="blocks have far more pixels"):
        smartsplat.decode(file.to_bytes(), max_pixels=1 << 30)


def test_many_chunks_of_nothing_are_refused():
    """Each takes tables of 4.5 MB."""
    width = height = 32 * 40
    stream = unpack_blocks(write_flat(32, 32), 32, 32)[0].chunks[0]
    chunks = OraclePart(0, [stream] * (width // 32) * (height // 32))
    sections = {SPLATS: no_splats(width, height, 5), BLOCKS: pack_blocks(chunks, 5)}
    with pytest.raises(LimitError, match="blocks"):
        smartsplat.decode(Container(width, height, False, sections).to_bytes())


def write_flat(width, height):
    """A section of one block."""
    flags = np.zeros((height // 8, width // 8), np.uint8)
    flags[0, 0] = 1
    return _native.write_blocks(np.full((3, height, width), 7, np.uint16), flags, False, False, 0.0, 0.0)[0]


def test_bits_that_are_foreseen_too_well_are_not_read_for_ever():
    """A mixed bit takes 50 ns and may cost a thousandth of a bit: so their number is limited by the bytes."""
    rng = np.random.default_rng(3)
    pixels = rng.integers(0, 256, (5, 3), dtype=np.uint8)[rng.integers(0, 5, (48, 56))]
    data = file_of(pixels, np.ones((6, 7), bool))
    assert smartsplat.decode(data, max_work=0.05).shape == (48, 56, 3)
    with pytest.raises(LimitError, match="more work than its bytes"):
        smartsplat.decode(data, max_work=0.0025)


def test_a_palette_has_an_end():
    colours = np.arange(4096)
    pixels = np.stack([colours % 256, colours // 256, colours % 7], axis=1).astype(np.uint8).reshape(64, 64, 3)
    flags = np.ones((8, 8), bool)
    shown = smartsplat.decode(file_of(pixels, flags, square_log=6))
    assert np.count_nonzero((shown != pixels).any(axis=2)) == 2  # of 4095 colours one is the mean of two
    pixels[-1, -1] = pixels[-1, -2]
    np.testing.assert_array_equal(smartsplat.decode(file_of(pixels, flags, square_log=6)), pixels)


def test_views_pass_over_squares_without_blocks():
    """A picture of 2^40 px with one block, in the smallest view there is: in the time that the block takes."""
    side = (1 << 20) + 8
    chunks = [b""] * 4
    chunks[3] = unpack_blocks(write_flat(8, 8), 8, 8)[0].chunks[0]
    sections = {SPLATS: no_splats(side, side, 20), BLOCKS: pack_blocks(OraclePart(0, chunks), 20)}
    data = Container(side, side, False, sections).to_bytes()
    started = time.process_time()
    assert not smartsplat.decode(data, scale=2.0**-20).any()
    assert time.process_time() - started < 1
    assert (smartsplat.decode(data, region=(side - 8, side - 8, 8, 8)) == 7).all()


def test_blocks_of_other_squares_than_the_splats_are_refused():
    data = file_of(drawing(80, 64), np.ones((8, 10), bool), square_log=6)
    sections = Container.from_bytes(data).sections
    with pytest.raises(FormatError, match="squares of the splats"):
        Container(80, 64, False, {**sections, SPLATS: no_splats(80, 64, 5)}).to_bytes()


# The encoder's choice


def text(width=360, height=240):
    """A page of words, drawn with Pillow's own font."""
    image = Image.new("RGB", (width, height), (250, 248, 240))
    draw = ImageDraw.Draw(image)
    for i, y in enumerate(range(6, height - 10, 14)):
        draw.text((8, y), "the quick brown fox jumps over the lazy dog " * 2, fill=(20, 30, 40 + 20 * (i % 4)))
    return np.asarray(image)


def succeed(*arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    assert not ended.value.code


def test_text_is_coded_by_its_pixels(tmp_path, capsys):
    """A lattice and splats alone have 21 dB in as many bytes."""
    Image.fromarray(text()).save(tmp_path / "a.png")
    succeed("encode", tmp_path / "a.png", tmp_path / "a.ssplat", "--cr", 60, "--effort", 2, "--json", "-q")
    row = json.loads(capsys.readouterr().out)
    assert row["bytes"] <= 3 * 360 * 240 / 60
    succeed("info", tmp_path / "a.ssplat", "--json")
    assert json.loads(capsys.readouterr().out)["block_bytes"] > 500
    succeed("decode", tmp_path / "a.ssplat", tmp_path / "b.png")
    error = np.mean((np.asarray(Image.open(tmp_path / "b.png")).astype(float) - text()) ** 2)
    assert error < 255**2 / 10**3.5
    assert row["psnr"] is None or row["psnr"] == pytest.approx(10 * np.log10(255**2 / error), abs=0.01)


def test_more_bytes_make_text_better_until_it_is_exact():
    pixels, sizes = text(300, 200), (1200, 1700, 2200, 2700, 4000, 9000, 20_000)
    files = [smartsplat.encode(pixels, size=size, effort=1) for size in sizes]
    errors = [np.square(file.render().astype(float) - pixels).mean() for file in files]
    assert all(more <= 1.12 * less for less, more in itertools.pairwise(errors))  # half a dB
    assert errors[-1] == errors[-2] == 0
    assert len(files[-1]) <= len(files[-2])


def test_text_beside_a_photo():
    """The text becomes exact, or nearly so, and the photo has the rest."""
    pixels = np.concatenate([text(192, 192), photo(192, 192)], axis=1)
    file = smartsplat.encode(pixels, cr=30, effort=1)
    assert file.section_bytes[BLOCKS] > 300
    error = (file.render().astype(float) - pixels) ** 2
    assert error[:, :192].mean() < 20
    assert file.report.psnr == pytest.approx(10 * np.log10(255**2 / error.mean()), abs=0.01)


@pytest.mark.parametrize("candidates", [False, True])
def test_where_no_blocks_pay_nothing_is_composed_again(monkeypatch, candidates):
    """Sharp squares in noise: there may be no candidates at all, or none that a picture is better with."""
    pixels = np.clip(photo(256, 256).astype(int) + np.random.default_rng(0).integers(-6, 7, (256, 256, 3)), 0, 255)
    pixels[8:248, 8:248] = np.where((np.indices((240, 240)) // 4 % 2).all(axis=0)[:, :, None], 0, pixels[8:248, 8:248])
    chosen = blocks._candidates
    monkeypatch.setattr(blocks, "has_sharp_blocks", lambda _: True)
    monkeypatch.setattr(blocks, "_candidates", lambda planes: chosen(planes) & candidates)
    monkeypatch.setattr(blocks, "_filled", lambda *_: pytest.fail("composed again"))
    assert smartsplat.encode(pixels.astype(np.uint8), cr=80, effort=1).section_bytes.get(BLOCKS, 0) == 0


def test_photographs_have_no_blocks():
    assert not has_sharp_blocks(planes_of(photo(256, 192)).astype(np.uint8))
    assert BLOCKS not in smartsplat.encode(photo(), cr=30, effort=1).section_bytes
    assert has_sharp_blocks(planes_of(text()).astype(np.uint8))


def test_the_bits_of_a_lattice_are_found_where_they_stand():
    coded = write_lattice(photo_spectrum(100, 60, 1), 3500)
    bits = block_bits(coded.quantised(), 1, 100, 60)
    assert bits.shape == (8, 13)
    magnitudes = np.abs(coded.quantised())
    assert bits.sum() == pytest.approx((1.5 + 2 * np.log2(1 + magnitudes[magnitudes > 0])).sum(), rel=0.15)
