"""Files that tell their colours other than by an ICC profile: the profile made of it, or a warning, and sRGB else."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, features

import smartsplat
from smartsplat.errors import PictureWarning
from smartsplat.pictures.reading import read
from tests.odd_files import chunk, png, tiff
from tests.profiles import DISPLAY_P3, gamma_curve, rgb_profile

SRGB = [(0.64, 0.33), (0.3, 0.6), (0.15, 0.06)], (0.3127, 0.329)
P3 = [(0.68, 0.32), (0.265, 0.69), (0.15, 0.06)], (0.3127, 0.329)
BT2020 = [(0.708, 0.292), (0.17, 0.797), (0.131, 0.046)], (0.3127, 0.329)
ADOBE = [(0.64, 0.33), (0.21, 0.71), (0.15, 0.06)], (0.3127, 0.329)
WARM = [(0.62, 0.34), (0.31, 0.58), (0.15, 0.08)], (0.4476, 0.4074)
"""Under illuminant A: it has to be adapted."""


def linear_of(v, gamma):
    """Light of samples in [0, 1]; the curve of sRGB for None."""
    return v**gamma if gamma else np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def matrix_of(primaries, white):
    """RGB to XYZ under D50."""
    lights = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    seen = np.array([white[0] / white[1], 1, (1 - sum(white)) / white[1]])
    cones = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    scale = np.diag(cones @ [0.9642, 1, 0.8249] / (cones @ seen))
    return np.linalg.inv(cones) @ scale @ cones @ lights * np.linalg.solve(lights, seen)


def as_srgb(pixels, space, gamma):
    """What an 8-bit picture of that space looks like in sRGB, 8 bits, and which pixels sRGB can show."""
    light = linear_of(pixels / 255, gamma) @ (np.linalg.inv(matrix_of(*SRGB)) @ matrix_of(*space)).T
    clipped = light.clip(0, 1)
    values = np.where(clipped <= 0.0031308, clipped * 12.92, 1.055 * clipped ** (1 / 2.4) - 0.055)
    return values * 255, (np.abs(light - clipped) < 1e-3).all(axis=2)


def managed(picture):
    """The same by Little CMS and the picture's profile."""
    cms = pytest.importorskip("PIL.ImageCms")
    source = cms.ImageCmsProfile(io.BytesIO(picture.metadata.icc))
    mode = "L" if picture.grey else "RGB"
    image = Image.fromarray(picture.pixels).convert(mode)
    return np.asarray(cms.profileToProfile(image, source, cms.createProfile("sRGB"), 1, outputMode="RGB"))


def shades(grey=False):
    """Colours over the whole cube, or greys: uint8 [16, 16, 3 or 1]."""
    k = np.arange(256).reshape(16, 16)
    return (k if grey else np.dstack([k * 7, k * 13 + 40, k * 3 + 90]) % 256).astype(np.uint8).reshape(16, 16, -1)


def warned(data):
    """The picture, and the lines of warning."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        picture = read(data)
    return picture, [str(w.message) for w in caught if w.category is PictureWarning]


def assert_colours(data, space, gamma, pixels=None):
    """Samples are as they are, and what the profile makes of them is what they mean; however the file is given."""
    pixels = shades() if pixels is None else pixels
    for source in (data, Image.open(io.BytesIO(data)), io.BytesIO(data)):
        picture, lines = warned(source)
        assert not lines
        assert np.array_equal(picture.pixels, np.broadcast_to(pixels, (16, 16, 3)))
        expected, shown = as_srgb(picture.pixels, space, gamma)
        assert shown.mean() > 0.2
        assert np.abs(managed(picture) - expected)[shown].max() < 2.5


def assert_plain(data):
    for source in (data, Image.open(io.BytesIO(data))):
        picture, lines = warned(source)
        assert (picture.metadata.icc, lines) == (None, [])


# PNG


def gama(gamma):
    return chunk(b"gAMA", struct.pack(">I", round(100000 * gamma)))


def chrm(primaries, white):
    return chunk(b"cHRM", struct.pack(">8I", *(round(100000 * v) for point in (white, *primaries) for v in point)))


def cicp(*code):
    return chunk(b"cICP", bytes(code))


def iccp(profile):
    return chunk(b"iCCP", b"x\0\0" + zlib.compress(profile))


@pytest.mark.parametrize("exponent", [1.0, 1 / 1.8, 1 / 2.8])
def test_gamma_of_png(exponent):
    assert_colours(png(shades(), 8, 2, gama(exponent)), SRGB, 1 / exponent)


@pytest.mark.parametrize("exponent", [1 / 1.8, 1 / 2.8])  # of linear greys Little CMS renders the darkest too coarsely
def test_gamma_of_grey_png(exponent):
    grey = shades(grey=True)
    assert_colours(png(grey, 8, 0, gama(exponent)), SRGB, 1 / exponent, grey)


@pytest.mark.parametrize("space", [P3, BT2020, ADOBE, WARM])
def test_chromaticities_of_png(space):
    assert_colours(png(shades(), 8, 2, chrm(*space)), space, None)
    assert_colours(png(shades(), 8, 2, gama(1 / 2.2) + chrm(*space)), space, None)
    assert_colours(png(shades(), 8, 2, chrm(*space) + gama(1.0)), space, 1.0)


@pytest.mark.parametrize(
    ("code", "space", "gamma"),
    [((12, 13, 0, 1), P3, None), ((9, 14, 0, 1), BT2020, None), ((1, 8, 0, 1), SRGB, 1.0), ((1, 4, 0, 1), SRGB, 2.2)],
)
def test_code_points_of_png(code, space, gamma):
    """They go before all else."""
    other = rgb_profile(DISPLAY_P3, gamma_curve(1.8))
    for others in (b"", gama(0.7), chunk(b"sRGB", b"\0"), iccp(other)):
        assert_colours(png(shades(), 8, 2, others + cicp(*code)), space, gamma)


@pytest.mark.parametrize(
    "before",
    [
        gama(1 / 2.2), gama(0.45), gama(0.47), chrm(*SRGB), gama(1 / 2.2) + chrm(*SRGB), chunk(b"sRGB", b"\0"),
        chunk(b"sRGB", b"\0") + gama(1.0) + chrm(*P3), cicp(1, 13, 0, 1), cicp(1, 1, 0, 1), cicp(2, 2, 0, 1), gama(0),
        chrm([(0.1, 0.1), (0.2, 0.2), (0.3, 0.3)], (0.3, 0.3)), chrm([(0, 0)] * 3, (0, 0)), cicp(12, 13, 0),
    ],
)  # fmt: skip
def test_png_that_is_srgb_or_says_nothing_that_makes_sense(before):
    assert_plain(png(shades(), 8, 2, before))


def test_a_profile_goes_before_gamma_and_chromaticities():
    profile = rgb_profile(DISPLAY_P3, gamma_curve(1.8))
    for before in (iccp(profile) + gama(1.0) + chrm(*BT2020), iccp(profile) + cicp(9, 16, 0, 1)):
        picture, lines = warned(png(shades(), 8, 2, before))
        assert (picture.metadata.icc, lines) == (profile, [])


@pytest.mark.parametrize(
    ("code", "word"),
    [((9, 16, 0, 1), "PQ"), ((9, 18, 0, 1), "HLG"), ((1, 13, 0, 0), "narrow"), ((77, 13, 0, 1), "77"),
     ((1, 9, 0, 1), "9"), ((1, 13, 5, 1), "5")],
)  # fmt: skip
def test_what_no_profile_can_say_is_warned_of(code, word):
    data = png(shades().astype(int) * 257, 16, 2, cicp(*code))
    for source in (data, Image.open(io.BytesIO(data))):
        picture, lines = warned(source)
        assert picture.metadata.icc is None
        assert len(lines) == 1
        assert word in lines[0]
        assert picture.metadata.code == (code if code[2] == 0 else None)  # of another matrix it would be wrong
        assert ("sRGB" in lines[0]) == (code[2] != 0)


def test_colours_outlive_damage_beside_them():
    picture, lines = warned(png(shades(), 8, 2, gama(1.0) + chunk(b"tEXt", b"a\0b", sound=False)))
    assert picture.metadata.icc is not None
    assert len(lines) == 1
    assert "gAMA" not in lines[0]


def test_the_profile_is_in_the_file_and_in_the_picture_it_decodes_to(tmp_path):
    data = png(shades(), 8, 2, gama(1.0))
    file = smartsplat.encode(data, effort=1)
    file.to_pil().save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert image.info["icc_profile"] == read(data).metadata.icc
    assert smartsplat.encode(data, effort=1, icc=False).metadata.icc is None


# Other formats


@pytest.mark.skipif(not features.check("avif"), reason="Pillow has no AVIF")
@pytest.mark.parametrize(
    ("code", "icc", "word"), [((1, 13), 0, ""), ((12, 13), 1, ""), ((9, 16), 0, "PQ"), ((2, 2), 0, "")]
)
def test_code_points_of_avif(code, icc, word):
    stream = io.BytesIO()
    Image.fromarray(shades()).save(stream, "AVIF")
    before, _, after = stream.getvalue().partition(b"colrnclx")
    data = before + b"colrnclx" + struct.pack(">2H", *code) + after[4:]
    picture, lines = warned(data)
    assert (picture.metadata.icc is not None, len(lines)) == (bool(icc), bool(word))
    assert all(word in line for line in lines)
    if icc:
        expected, shown = as_srgb(picture.pixels, P3, None)
        assert np.abs(managed(picture) - expected)[shown].max() < 2.5


def test_chromaticities_of_tiff():
    stream = io.BytesIO()
    points = {319: tuple(v for point in P3[0] for v in point), 318: P3[1]}
    Image.fromarray(shades()).save(stream, "TIFF", tiffinfo=points)
    assert_colours(stream.getvalue(), P3, None)


def test_transfer_curves_of_tiff_are_warned_of():
    curve = np.round(np.linspace(0, 1, 256) ** 1.8 * 65535).astype(int).tolist()
    _, lines = warned(tiff(shades(), 2, t301=(3, curve * 3)))
    assert len(lines) == 1
    assert "transfer" in lines[0]
    assert_plain(tiff(shades(), 2))


@pytest.mark.parametrize(
    ("index", "space", "tagged"), [("R03", 0xFFFF, True), ("R98", 0xFFFF, False), ("R03", 1, False)]
)
def test_adobe_rgb_of_cameras(index, space, tagged):
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({0xA001: space, 0xA005: {1: index}})
    stream = io.BytesIO()
    Image.fromarray(shades()).resize((160, 160), 0).save(stream, "JPEG", quality=100, subsampling=0, exif=exif)
    picture, lines = warned(stream.getvalue())
    assert (picture.metadata.icc is not None, lines) == (tagged, [])
    if tagged:
        expected, shown = as_srgb(picture.pixels, ADOBE, 563 / 256)
        assert np.abs(managed(picture) - expected)[shown].max() < 2.5


@pytest.mark.parametrize(
    ("kind", "calibration", "told"),
    [(b"BGRs", 0, False), (b" niW", 0, False), (bytes(4), 0, False), (bytes(4), 9, True), (b"DEBM", 0, True)],
)
def test_colours_of_bmp_headers(kind, calibration, told):
    pixels = shades()[::-1, :, ::-1].tobytes()
    header = struct.pack("<IiiHHIIiiII", 124, 16, 16, 1, 24, 0, len(pixels), 2835, 2835, 0, 0) + bytes(16) + kind
    header += bytes([calibration] * 48) + bytes(16)
    data = b"BM" + struct.pack("<IHHI", 14 + len(header) + len(pixels), 0, 0, 14 + len(header)) + header + pixels
    picture, lines = warned(data)
    assert np.array_equal(picture.pixels, shades())
    assert len(lines) == told
