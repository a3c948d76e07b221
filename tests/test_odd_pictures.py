"""Picture files that Pillow misreads or refuses: the right pixels, or one line that says why not."""

import io
import itertools
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import smartsplat
from smartsplat.cli import main
from smartsplat.errors import PictureError, PictureWarning
from smartsplat.pictures.reading import read
from tests.odd_files import chunk, png, tiff
from tests.profiles import DISPLAY_P3, gamma_curve, grey_profile, rgb_profile, srgb_parametric

P3 = rgb_profile(DISPLAY_P3, srgb_parametric())


def ways(data):
    """Sources that a file can be and that can be read more than once."""
    return data, Image.open(io.BytesIO(data))


def warned(data, **options):
    """The picture, and the lines of warning."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        picture = read(data, **options)
    return picture, [str(w.message) for w in caught if w.category is PictureWarning]


def rounded(values, most):
    return np.floor(values.astype(np.int64) * 255 / most + 0.5).astype(np.uint8)


# TIFF


LAYOUTS = [{}, {"rows": 7}, {"tile": 16}, {"rows": 7, "deflate": True}, {"tile": 16, "deflate": True}]


def tiff_or_refusal(data, expected, tolerance=0):
    """Floats are from 0 to 1. Right from each source, or refused by each with a line; whether it was right."""
    try:
        Image.open(io.BytesIO(data))
    except Image.UnidentifiedImageError:
        with pytest.raises(PictureError, match=r"is a TIFF file that is .*not supported: ") as caught:
            read(data)
        assert str(caught.value).isprintable()
        return False
    for source in ways(data):
        picture = warned(source, flatten="black", value_range=(0, 1))[0]
        difference = np.abs(picture.pixels.astype(int) - expected)
        assert difference.max() <= tolerance, type(source)
    return True


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("kind", ["u1", "u2", "f4"])
@pytest.mark.parametrize("size", [(1, 1), (37, 53), (16, 32)])
def test_greys_of_tiff_with_white_or_black_as_zero(rng, size, kind, photometric, order, layout):
    most = {"u1": 255, "u2": 65535, "f4": 1}[kind]
    values = rng.random(size, np.float32) if kind == "f4" else rng.integers(0, most + 1, size).astype(kind)
    seen = most - values if photometric == 0 else values
    expected = np.floor(seen.astype(float) * (65535 if kind == "f4" else 1) + 0.5)[:, :, None]
    data = tiff(values, photometric, order=order, **layout)
    was_read = tiff_or_refusal(data, expected, tolerance=kind == "f4")
    assert was_read or (kind, photometric, order) == ("u2", 0, ">")


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("kind", ["u1", "u2"])
@pytest.mark.parametrize(("photometric", "extra"), [(2, None), (2, 0), (2, 1), (2, 2), (5, None)])
def test_colours_of_tiff_interleaved_or_in_planes(rng, photometric, extra, kind, planar, order, layout):
    channels = 3 if (photometric, extra) == (2, None) else 4
    values = rng.integers(0, 256, (37, 53, channels))
    if extra in (1, 2):
        values[:, :, 3] = 255
    if photometric == 5:
        expected = np.asarray(Image.frombytes("CMYK", (53, 37), values.astype(np.uint8).tobytes()).convert("RGB"))
    else:
        expected = values[:, :, :3]
    low = rng.integers(0, 256, values.shape) if extra not in (1, 2) else values
    samples = (values * 256 + low).astype("u2") if kind == "u2" else values.astype("u1")
    if photometric == 2 and not (planar and layout.get("deflate")):  # of others Pillow gives the upper bytes alone
        expected = samples[:, :, :3]
    tags = {} if extra is None else {"t338": (3, [extra])}
    data = tiff(samples, photometric, order=order, planar=planar, **layout, **tags)
    try:
        right = tiff_or_refusal(data, expected)
    except PictureError as error:  # planes with an alpha or something else, for which Pillow has no name
        right = False
        assert str(error).isprintable()
    assert right or extra is not None or (photometric, kind, planar) == (5, "u2", True)


@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("kind", ["u1", "u2"])
@pytest.mark.parametrize("order", "<>")
def test_grey_and_alpha_of_tiff(rng, order, kind, planar, deflate):
    values = rng.integers(0, 256, (37, 53, 2))
    values[:, :, 1] = 255
    samples = (values * 257).astype("u2") if kind == "u2" else values.astype("u1")
    data = tiff(samples, 1, order=order, planar=planar, deflate=deflate, t338=(3, [2]))
    if kind == "u1" and not planar:
        assert tiff_or_refusal(data, values[:, :, :1])
        return
    for source in (data, Image.open(io.BytesIO(data))) if kind == "u1" else (data,):
        with pytest.raises(PictureError, match="not supported"):
            read(source, flatten="white")


def test_greys_of_12_bits(rng):
    values = rng.integers(0, 4096, (37, 54))
    pairs = values.reshape(37, 27, 2)
    packed = np.stack([pairs[..., 0] >> 4, (pairs[..., 0] & 15) << 4 | pairs[..., 1] >> 8, pairs[..., 1] & 255], -1)
    data = tiff(packed.reshape(37, 81).astype("u1"), 1, t256=(4, [54]), t258=(3, [12]))
    assert tiff_or_refusal(data, np.floor(values * 65535 / 4095 + 0.5)[:, :, None])
    assert read(data).bits == 12


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_colours_of_16_bits_with_alpha_of_tiff(rng, order, layout):
    values = rng.integers(0, 65536, (37, 53, 4)).astype("u2")
    values[3, 4, 3] = 0
    for source in ways(tiff(values, 2, order=order, t338=(3, [2]), **layout)):
        picture = read(source)
        assert picture.bits == 16
        assert np.array_equal(picture.with_alpha(), values)
    values[:, :, :3] = values[:, :, :3].astype(int) * values[:, :, 3:] // 65535
    for source in ways(tiff(values, 2, order=order, t338=(3, [1]), **layout)):
        picture = read(source)
        assert np.array_equal(picture.alpha, values[:, :, 3])
        again = picture.pixels * (picture.alpha[:, :, None] / 65535)
        assert np.abs(again - values[:, :, :3]).max() <= 0.5001


def test_packed_planes_of_16_bits_cost_a_warning(rng):
    data = tiff(rng.integers(0, 65536, (16, 16, 3)).astype("u2"), 2, planar=True, deflate=True)
    picture, lines = warned(data)
    assert (picture.bits, picture.pixels.dtype) == (8, np.uint8)
    assert len(lines) == 1
    assert "upper 8" in lines[0]


def test_planes_that_pillow_has_garbled_are_refused(rng):
    image = Image.open(io.BytesIO(tiff(rng.integers(0, 65536, (37, 53, 3)).astype("u2"), 2, planar=True)))
    image.load()
    with pytest.raises(PictureError, match="16 bits"):
        read(image)


def rationals(*values):
    return 5, [part for value in values for part in (round(1000 * value), 1000)]


@pytest.mark.parametrize(
    ("channels", "photometric", "tags"),
    [
        (1, 1, {"t339": (3, [2])}),
        (3, 6, {"t530": (3, [2, 2])}),
        (3, 6, {"t530": (3, [1, 1]), "t529": rationals(0.2126, 0.7152, 0.0722)}),
        (3, 6, {"t530": (3, [1, 1]), "t532": rationals(16, 235, 128, 240, 128, 240)}),
        (3, 8, {"planar": True}),
        (3, 8, {"planar": True, "deflate": True}),
        (4, 5, {"t332": (3, [2])}),
    ],
    ids=str,
)
def test_tiffs_that_pillow_takes_for_something_else_are_refused(rng, channels, photometric, tags):
    data = tiff(rng.integers(0, 256, (16, 16, channels)).astype("u1"), photometric, **tags)
    for source in ways(data):
        with pytest.raises(PictureError, match="not supported"):
            read(source)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("photometric", [0, 1])
def test_signed_greys_of_16_bits_are_refused(rng, photometric, deflate, order):
    """Whether their black is 0 or the least number nobody knows; taken for unsigned they are half as bright."""
    values = rng.integers(0, 32768, (16, 16)).astype("i2")
    data = tiff(values, photometric, order=order, deflate=deflate, t339=(3, [2]))
    for source in ways(data) if photometric else (data,):
        with pytest.raises(PictureError, match=r"not supported.*signed|signed.*not supported"):
            read(source)


@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("space", ["YCbCr", "LAB", "CMYK"])
def test_other_colours_of_tiff(rng, space, deflate):
    channels, photometric = {"YCbCr": (3, 6), "LAB": (3, 8), "CMYK": (4, 5)}[space]
    values = rng.integers(0, 256, (16, 16, channels)).astype("u1")
    image = Image.frombytes(space, (16, 16), values.tobytes())
    expected = np.asarray(image.convert("RGB")).astype(int)
    tags = {"t530": (3, [1, 1]), "t532": rationals(0, 255, 128, 255, 128, 255)} if space == "YCbCr" else {}
    for source in ways(tiff(values, photometric, deflate=deflate, **tags)):
        assert np.abs(read(source).pixels - expected).max() <= (4 if space == "YCbCr" else 0)


# PNG: transparent values


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("size", [(1, 1), (8, 8), (13, 29)])
def test_a_transparent_grey_of_any_depth(rng, bits, size):
    most = (1 << bits) - 1
    values = rng.integers(0, most + 1, size)
    key = int(values[-1, 0])
    for written in {key, key | 1 << bits} if 1 < bits < 16 else {key}:  # bits beyond the depth mean nothing
        data = png(values, bits, 0, chunk(b"tRNS", struct.pack(">H", written)))
        for source in ways(data):
            picture = read(source)
            full = 65535 if bits == 16 else 255
            assert np.array_equal(picture.alpha, np.where(values == key, 0, full))
            assert np.array_equal(picture.pixels[:, :, 0], values if bits == 16 else rounded(values, most))
            picture = read(source, flatten="white")
            assert np.array_equal(picture.pixels[:, :, 0], np.where(values == key, full, picture.pixels[:, :, 0]))
            assert picture.grey
            assert picture.alpha is None


@pytest.mark.parametrize("bits", [2, 4, 8, 16])
def test_a_grey_that_no_pixel_has_is_not_transparent(bits):
    values = np.zeros((8, 8), int)
    assert not read(png(values, bits, 0, chunk(b"tRNS", struct.pack(">H", 3)))).pixels.any()


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("key", [(0, 0, 0), (200, 100, 50), (255, 255, 255), (1, 0, 0)])
def test_a_transparent_colour_is_compared_in_full(rng, bits, key):
    """Half of the pixels differ from it in the lowest bit only."""
    values = np.broadcast_to(np.array(key) * (257 if bits == 16 else 1), (13, 29, 3)).copy()
    values ^= rng.integers(0, 2, (13, 29, 1)) * np.array([0, 0, 1])
    colour = values[0, 0]
    data = png(values, bits, 2, chunk(b"tRNS", struct.pack(">HHH", *colour)))
    full = 65535 if bits == 16 else 255
    expected = np.where((values == colour).all(axis=2, keepdims=True), [full, 0, 0], values)
    for source in ways(data):
        assert np.array_equal(read(source).pixels, values)
        assert np.array_equal(read(source).alpha, np.where((values == colour).all(axis=2), 0, full))
        assert np.array_equal(read(source, flatten="red").pixels, expected)


def test_a_transparent_colour_that_no_pixel_has():
    values = np.full((8, 8, 3), 65535)
    values[0, 0] = 100
    data = png(values, 16, 2, chunk(b"tRNS", bytes(6)))
    for source in ways(data):
        assert np.array_equal(read(source).pixels, values)
        assert read(source).alpha is None


# PNG: grey and alpha of 16 bits


@pytest.mark.parametrize("size", [(1, 1), (37, 53)])
def test_grey_and_alpha_of_16_bits(rng, size):
    profile = grey_profile(gamma_curve(1.8))
    grey = rng.integers(0, 65536, size)
    before = chunk(b"iCCP", b"x\0\0" + zlib.compress(profile))
    for source in ways(png(np.stack([grey, np.full(size, 65535)], -1), 16, 4, before)):
        picture = read(source)
        assert picture.grey
        assert picture.metadata.icc == profile
        assert np.array_equal(picture.pixels, grey[:, :, None].repeat(3, axis=2))
        assert picture.alpha is None
    alpha = rng.integers(0, 65000, size)
    data = png(np.stack([grey, alpha], -1), 16, 4)
    assert np.array_equal(read(data).with_alpha(), np.dstack([grey] * 3 + [alpha]))
    picture = read(data, flatten="white")
    assert picture.grey
    assert np.abs(picture.pixels[:, :, 0] - (grey * alpha / 65535 + 65535 - alpha)).max() < 0.6
    assert not read(data, flatten="red").grey


# Faults that cost no pixels


BIG = 2_000_000
TRIFLES = {
    "text": chunk(b"tEXt", b"Software\0foo", sound=False),
    "resolution": chunk(b"pHYs", struct.pack(">IIB", 2835, 2835, 1), sound=False),
    "unknown": chunk(b"abCd", b"1234", sound=False),
    "long text": chunk(b"zTXt", b"workflow\0\0" + zlib.compress(bytes(BIG))),
    "long international text": chunk(b"iTXt", b"workflow\0\1\0\0\0" + zlib.compress(b"a" * BIG)),
    "cut": chunk(b"pHYs", b"12"),
}


@pytest.mark.parametrize("trifle", TRIFLES)
@pytest.mark.parametrize(("bits", "kind"), [(8, 2), (16, 2), (8, 0), (2, 0), (16, 4), (8, 6)])
def test_a_damaged_chunk_beside_the_pixels_costs_a_warning(rng, trifle, bits, kind):
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[kind]
    values = rng.integers(0, 1 << bits, (13, 29, channels))
    if kind in (4, 6):
        values[:, :, -1] = (1 << bits) - 1
    sound = read(png(values, bits, kind))
    profile = chunk(b"iCCP", b"x\0\0" + zlib.compress(P3))
    for before in (TRIFLES[trifle], TRIFLES[trifle] + profile):
        picture, lines = warned(png(values, bits, kind, before))
        assert np.array_equal(picture.pixels, sound.pixels)
        assert picture.grey == sound.grey
        assert picture.metadata.icc == (P3 if before is not TRIFLES[trifle] else None)
        assert len(lines) == 1
        assert lines[0].startswith("<bytes>: ")


def test_a_long_text_after_the_pixels(rng):
    values = rng.integers(0, 256, (13, 29, 3))
    picture, lines = warned(png(values, 8, 2, after=TRIFLES["long text"]))
    assert np.array_equal(picture.pixels, values)
    assert len(lines) == 1


def test_a_long_profile_is_kept(rng):
    values = rng.integers(0, 256, (13, 29, 3))
    profile = P3[:128] + P3[128:].ljust(BIG, b"\0")
    picture, lines = warned(png(values, 8, 2, chunk(b"iCCP", b"x\0\0" + zlib.compress(profile))))
    assert np.array_equal(picture.pixels, values)
    assert picture.metadata.icc == profile
    assert len(lines) == 1


def test_damage_that_decides_on_pixels_is_refused(rng):
    values = rng.integers(0, 256, (13, 29, 3))
    transparent = chunk(b"tRNS", bytes(6), sound=False)
    with pytest.raises(PictureError, match="tRNS"):
        read(png(values, 8, 2, transparent))
    sound = png(values, 8, 2, TRIFLES["text"])
    with pytest.raises(PictureError, match=r"is a PNG file that is damaged.*IHDR"):
        read(sound[:20] + b"\x01" + sound[21:])
    with pytest.raises(PictureError):
        read(sound[: sound.index(b"IDAT") + 100])


def jpeg(seed=0, mode="RGB", **options):
    rng = np.random.default_rng(seed)
    samples = rng.integers(0, 256, (9, 13, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(samples).resize((95, 61)).convert(mode).save(file, "JPEG", quality=90, **options)
    return file.getvalue()


JPEGS = [{}, {"progressive": True}, {"mode": "L"}, {"mode": "CMYK"}, {"mode": "L", "progressive": True},
         {"subsampling": 0}, {"restart_marker_rows": 1}]  # fmt: skip


@pytest.mark.parametrize("options", JPEGS, ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_a_jpeg_without_end_marker_costs_a_warning(options, seed):
    whole = jpeg(seed, **options)
    expected = read(whole).pixels
    for data in (whole[:-2], whole[:-1], whole[:-2] + bytes(10)):
        picture, lines = warned(data)
        assert np.array_equal(picture.pixels, expected)
        assert len(lines) == 1 or (data != whole[:-2] and not lines)  # nothing may seem wrong with the others
        image = Image.open(io.BytesIO(data))
        assert np.array_equal(warned(image)[0].pixels, expected)


@pytest.mark.parametrize("options", JPEGS, ids=str)
def test_a_jpeg_that_lacks_samples_is_refused_or_whole(options):
    """The very last bits may all be padding; whatever is read is right, and most cuts are refused."""
    whole = jpeg(**options)
    expected, refused = read(whole).pixels, 0
    cuts = [*range(3, 60), *range(60, len(whole), 97)]
    for cut in cuts:
        try:
            assert np.array_equal(warned(whole[:-cut])[0].pixels, expected), cut
        except PictureError as error:
            assert str(error).isprintable()
            refused += 1
    assert refused >= 0.9 * len(cuts)


def test_a_progressive_jpeg_that_lacks_whole_scans_is_refused():
    whole = jpeg(progressive=True)
    starts = [at for at in range(len(whole)) if whole[at : at + 2] == b"\xff\xda"]
    assert len(starts) > 5
    tables = [whole.rfind(b"\xff\xc4", 0, at) for at in starts[1:]]
    for cut in itertools.chain(starts[1:], tables):
        with pytest.raises(PictureError):
            read(whole[:cut])


# BMP whose alpha is padding


def bmp(pixels, alpha):
    """32 bits a pixel with a mask for alpha."""
    height, width = alpha.shape
    samples = np.dstack([pixels[:, :, ::-1], alpha])[::-1].astype(np.uint8).tobytes()
    header = struct.pack("<IiiHHIIiiII", 124, width, height, 1, 32, 3, len(samples), 2835, 2835, 0, 0)
    header += struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) + b"BGRs" + bytes(48) + bytes(16)
    return b"BM" + struct.pack("<IHHI", 138 + len(samples), 0, 0, 138) + header + samples


@pytest.mark.parametrize("size", [(1, 1), (13, 29)])
def test_an_alpha_of_bmp_that_is_zero_everywhere_is_padding(rng, size):
    pixels = rng.integers(0, 256, (*size, 3))
    for source in ways(bmp(pixels, np.zeros(size))):
        for flatten in (None, "red"):
            assert np.array_equal(read(source, flatten=flatten).pixels, pixels)
    alpha = np.zeros((13, 29))
    alpha[3, 4] = 1
    assert np.array_equal(read(bmp(rng.integers(0, 256, (13, 29, 3)), alpha)).alpha, alpha)


# Known but not supported


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"), (b"\xff\x0a\x10\x20", "JPEG XL"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIF"), (b"%PDF-1.7", "PDF"), (b"v/1\x01", "OpenEXR"),
        (b"\x89PNG\r\n\x1a\n", "PNG"), (b"\xff\xd8\xff\xe0", "JPEG"), (b"GIF89a", "GIF"), (b"II*\0", "TIFF"),
    ],
)  # fmt: skip
def test_a_known_kind_is_named(head, name):
    with pytest.raises(PictureError, match=f"is a {name} file that is damaged or not supported") as caught:
        read(head + bytes(100))
    assert str(caught.value).isprintable()


# Metadata


def with_profile(pixels, profile_bytes=0, **options):
    """The bytes of a PNG with a colour profile of that length that does not compress."""
    profile = bytearray(np.random.default_rng(0).bytes(profile_bytes))
    profile[0:4], profile[36:40], profile[16:20] = struct.pack(">I", profile_bytes), b"acsp", b"RGB "
    file = io.BytesIO()
    options |= {"icc_profile": bytes(profile)} if profile_bytes else {}
    Image.fromarray(pixels).save(file, "PNG", **options)
    return file.getvalue()


@pytest.fixture(scope="module")
def shot():
    y, x = np.mgrid[0:150, 0:200]
    return np.stack([x, y, 200 - x], -1).astype(np.uint8) // 8 * 8


@pytest.mark.parametrize("length", [3364, 60960])
def test_a_profile_comes_on_top_of_the_default_size(shot, length):
    bare = smartsplat.encode(with_profile(shot), effort=1)
    heavy = smartsplat.encode(with_profile(shot, length), effort=1)
    assert abs(heavy.report.psnr - bare.report.psnr) < 0.5
    assert len(heavy.metadata.icc) == length
    light = smartsplat.encode(with_profile(shot, length), effort=1, icc=False)
    assert light.to_bytes() == bare.to_bytes()


def test_exif_is_left_out_if_asked(shot):
    exif = Image.Exif()
    exif[271] = "camera"
    data = with_profile(np.tile(shot, (2, 2, 1)), exif=exif)
    assert smartsplat.encode(data, effort=1).metadata.exif
    assert smartsplat.encode(data, effort=1, exif=False).metadata.exif is None


@pytest.mark.parametrize(
    ("options", "lost"),
    [({}, ""), ({"dpi": (72, 72)}, ""), ({"dpi": (300, 300)}, ""), ({"xmp": b"<x/>"}, ""), ({"xmp": b"none"}, "XMP"),
     ({"xmp": b"<x/>" + np.random.default_rng(0).bytes(9000)}, "XMP")],
)  # fmt: skip
def test_one_line_says_what_is_lost(shot, options, lost):
    file = io.BytesIO()
    Image.fromarray(shot).save(file, "JPEG", **options)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        report = smartsplat.encode(file.getvalue(), effort=1, size=900).report
    lines = [str(w.message) for w in caught if w.category is PictureWarning]
    assert len(lines) == len(report.left_out) == bool(lost)
    assert all(lost in line for line in (*lines, *report.left_out))
    with warnings.catch_warnings():
        warnings.simplefilter("error", PictureWarning)
        smartsplat.encode(file.getvalue(), effort=1, size=900, xmp=False)


def test_the_command_line_leaves_metadata_out_and_prints_warnings(shot, tmp_path, capsys):
    path = tmp_path / "a.png"
    text = PngInfo()
    text.add_itxt("XML:com.adobe.xmp", "no packet")
    path.write_bytes(with_profile(shot, 3364, dpi=(300, 300), pnginfo=text))
    for flags, kept, lines in [([], True, 1), (["--no-metadata"], False, 0), (["--no-icc", "--no-xmp"], False, 0)]:
        with pytest.raises(SystemExit) as ended:
            main(["encode", str(path), str(tmp_path / "a.ssplat"), "-f", "-q", "-e", "1", *flags])
        assert ended.value.code == 0
        assert (smartsplat.open(tmp_path / "a.ssplat").metadata.icc is not None) == kept
        printed = capsys.readouterr().err.splitlines()
        assert len(printed) == lines
        assert all(line.startswith(f"smartsplat: warning: {path}: ") for line in printed)
