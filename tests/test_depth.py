"""Pictures of more than 8 bits a sample: from files to files, and what their metadata become."""

import io
import json
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image
from PIL.ExifTags import Base
from PIL.PngImagePlugin import PngInfo

import smartsplat
from smartsplat import metrics
from smartsplat.cli import main
from smartsplat.engines import load_engine
from smartsplat.engines.protocol import Loss
from smartsplat.errors import PictureError, PictureWarning
from smartsplat.file.summary import summarise
from smartsplat.metrics import floats
from smartsplat.model.view import View
from smartsplat.pictures.metadata import Metadata, pack_resolution, unpack_resolution
from smartsplat.pictures.planes import halve, to_planes
from smartsplat.pictures.reading import read
from smartsplat.pictures.writing import save
from tests.conftest import random_splats
from tests.odd_files import chunk, png
from tests.photos import photo
from tests.profiles import DISPLAY_P3, rgb_profile, srgb_parametric

WIDTH, HEIGHT = 130, 70
PROFILE = rgb_profile(DISPLAY_P3, srgb_parametric())
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="1"/></x:xmpmeta>'


def gradient():
    """Slower than 8 bits can say: 20 px for each of their steps."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.stack([20000 + 13 * x, 30000 + 9 * y + 5 * x, 41000 - 11 * x], -1).astype(np.uint16)


def deep_photo(width=WIDTH, height=HEIGHT):
    return (photo(width, height).astype(np.uint16) * 257) ^ np.arange(3, dtype=np.uint16)


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return ended.value.code


# Beyond 8 bits


def test_a_smooth_picture_goes_beyond_8_bits():
    file = smartsplat.encode(gradient(), size=2500, effort=1)
    assert file.bits == 16
    assert file.render().dtype == np.uint16
    assert file.report.psnr == pytest.approx(metrics.psnr(gradient(), file.render()))
    assert file.report.psnr > 75
    rounded = file.render(dtype=np.uint8).astype(np.uint16) * 257
    assert metrics.psnr(gradient(), rounded) < 60


def test_a_psnr_beyond_8_bits_is_reached():
    report = smartsplat.encode(gradient(), psnr=70, effort=1).report
    assert 70 <= report.psnr < 90


def test_noise_of_16_bits_gets_better_with_bytes():
    noise = np.random.default_rng(3).integers(0, 65536, (40, 50, 3), dtype=np.uint16)
    found = [smartsplat.encode(noise, size=size, effort=1).report.psnr for size in (4000, 8000, 12000)]
    assert found[0] < found[1] < found[2]
    assert found[2] > 60


def test_both_depths_are_alike_at_low_rates():
    """Nothing of a photo's lower bits is seen there."""
    eight = smartsplat.encode(photo(WIDTH, HEIGHT), size=1500, effort=1)
    sixteen = smartsplat.encode(photo(WIDTH, HEIGHT).astype(np.uint16) * 257, size=1500, effort=1)
    assert abs(eight.report.psnr - sixteen.report.psnr) < 0.3


def test_a_flat_deep_colour_is_close():
    picture = np.full((40, 60, 3), (12345, 54321, 30001), np.uint16)
    file = smartsplat.encode(picture, effort=1)
    assert len(file.splats) == 1
    assert np.abs(file.render().astype(int) - picture).max() <= 40


def test_splats_alone_and_windows(monkeypatch):
    from smartsplat.pipeline import pilot, windowed

    picture = deep_photo(256, 192)
    assert smartsplat.encode(picture, lattice="none", size=2500, effort=1).report.psnr > 20
    for module in (pilot, windowed):
        monkeypatch.setattr(module, "LARGE", 10_000)
    monkeypatch.setattr(windowed, "WINDOW_PIXELS", 1 << 14)
    monkeypatch.setattr(windowed, "WINDOW_BYTES", 100)
    whole = smartsplat.encode(picture, size=4000, effort=3)
    assert whole.bits == 16
    assert whole.report.psnr > 22


def test_the_papers_preset():
    file = smartsplat.encode(deep_photo(), preset="paper", steps=5, cr=60)
    assert file.bits == 16
    assert np.isfinite(file.report.psnr)


# Verbs of the engines


def test_targets_of_16_bits_are_targets_of_8_with_more_digits():
    splats = random_splats(np.random.default_rng(2), 30, WIDTH, HEIGHT, (1.0, 9.0))
    deep = to_planes(deep_photo())
    deep[:, :20] = 65535
    deep[:, -20:] = 0
    frames = [load_engine(name).canvas(View(WIDTH, HEIGHT)).place(splats) for name in ("cpu", "reference")]
    for kind in ("l2", "l1"):
        (value, gradient), (expected, exact) = (frame.gradient(deep, Loss(kind)) for frame in frames)
        assert value == pytest.approx(expected, rel=1e-4)
        assert np.abs(gradient - exact).max() <= 1e-3 * np.abs(exact).max()
    assert frames[0].decoded_error(deep) == pytest.approx(frames[1].decoded_error(deep), rel=1e-4)
    np.testing.assert_allclose(frames[0].cell_errors(deep), frames[1].cell_errors(deep), rtol=1e-3, atol=1e-6)
    sums = [frame.lattice_residual(deep, (WIDTH, HEIGHT), 2) for frame in frames]
    assert np.abs(sums[0] - sums[1]).max() < 1e-3
    with pytest.raises(ValueError, match="8 bits"):
        load_engine("cpu").canvas(View(WIDTH, HEIGHT), ssim=True).place(splats).gradient(deep, Loss("l1+ssim", 0.9))


def test_an_exact_picture_has_no_error():
    frame = (
        load_engine()
        .canvas(View(WIDTH, HEIGHT))
        .place(random_splats(np.random.default_rng(4), 30, WIDTH, HEIGHT, (2, 9)))
    )
    exact = np.floor(np.clip(frame.render(), 0, 1) * 65535 + 0.5).astype(np.uint16)
    assert frame.decoded_error(to_planes(exact)) == 0
    exact[3, 4, 1] ^= 1
    assert frame.decoded_error(to_planes(exact)) == pytest.approx((1 / 257) ** 2)


def test_planes_of_16_bits():
    pixels = np.random.default_rng(5).integers(0, 65536, (31, 17, 3), dtype=np.uint16)
    planes = to_planes(pixels)
    np.testing.assert_array_equal(planes, pixels.transpose(2, 0, 1))
    even = np.pad(planes.astype(int), ((0, 0), (0, 1), (0, 1)), "edge").reshape(3, 16, 2, 9, 2)
    np.testing.assert_array_equal(halve(planes), (even.sum(axis=(2, 4)) + 2) // 4)


# Metrics


def test_psnr_of_16_bits():
    a, b = np.random.default_rng(6).integers(0, 65536, (2, 30, 40, 3), dtype=np.uint16)
    expected = 10 * np.log10(65535**2 / ((a.astype(float) - b) ** 2).mean())
    assert metrics.psnr(a, b) == pytest.approx(expected)
    assert floats.compare(a, b)[0]["psnr"] == pytest.approx(expected)
    assert metrics.psnr(a, a) == np.inf
    with pytest.raises(ValueError, match="uint8 or uint16"):
        metrics.psnr(a, b.astype(np.uint8))


def test_metrics_of_the_same_picture_in_both_depths_agree():
    a, b = photo(40, 30), photo(40, 30)[:, ::-1]
    eight, _ = floats.compare(a, b)
    sixteen, _ = floats.compare(a.astype(np.uint16) * 257, b.astype(np.uint16) * 257)
    assert sixteen == pytest.approx(eight, nan_ok=True) if eight["ms_ssim"] is not None else True
    assert sixteen["psnr"] == pytest.approx(eight["psnr"])
    assert sixteen["ssim"] == pytest.approx(eight["ssim"])


# Whole jobs


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_from_file_to_file(tmp_path, capsys, name, channels):
    alpha = np.clip(np.mgrid[0:HEIGHT, 0:WIDTH][1] * 900, 0, 65535).astype(np.uint16)
    colours = gradient()[:, :, 0] if channels < 3 else gradient()
    picture = colours if channels % 2 else np.dstack([colours, alpha])
    stored = tmp_path / ("a.png" if channels == 2 else name)  # Pillow cannot read a TIFF of deep grey and alpha
    save(stored, picture)
    assert run("encode", stored, tmp_path / "a.ssplat", "--size", 4000, "-e", 1, "--json") == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["bits"], row["channels"]) == (16, channels)
    assert row["psnr"] > 65
    assert run("decode", tmp_path / "a.ssplat", tmp_path / f"out-{name}", "--json") == 0
    assert json.loads(capsys.readouterr().out)["bits"] == 16
    whole = smartsplat.open(tmp_path / "a.ssplat").render()
    if channels == 2 and name == "a.tif":
        data = np.frombuffer((tmp_path / "out-a.tif").read_bytes()[-whole.nbytes :], "<u2").reshape(whole.shape)
        np.testing.assert_array_equal(data, whole)
        return
    found = read(tmp_path / f"out-{name}")
    colours = whole.reshape(HEIGHT, WIDTH, channels)[:, :, : 3 if channels > 2 else 1]
    np.testing.assert_array_equal(found.pixels, np.broadcast_to(colours, found.pixels.shape))
    assert run("compare", stored, tmp_path / f"out-{name}", "--json") == 0
    compared = json.loads(capsys.readouterr().out)
    assert compared["psnr"] == pytest.approx(row["psnr"])
    assert compared.get("psnr_alpha") == pytest.approx(row["psnr_alpha"])


def test_the_depth_can_be_chosen(tmp_path, capsys):
    smartsplat.encode(gradient(), size=2000, effort=1).save(tmp_path / "deep.ssplat")
    smartsplat.encode(photo(40, 30), effort=1).save(tmp_path / "plain.ssplat")
    for name, flags, bits in (
        ("deep", [], 16), ("deep", ["--depth", 8], 8), ("plain", [], 8), ("plain", ["--depth", 16], 16),
    ):  # fmt: skip
        assert run("decode", tmp_path / f"{name}.ssplat", tmp_path / "a.png", "-f", *flags) == 0
        assert read(tmp_path / "a.png").bits == bits
    assert run("decode", tmp_path / "deep.ssplat", tmp_path / "a.jpg") == 0
    assert read(tmp_path / "a.jpg").bits == 8
    assert run("decode", tmp_path / "deep.ssplat", tmp_path / "b.webp", "--depth", 16) == 2
    assert "PNG or TIFF" in capsys.readouterr().err


def test_regions_of_16_bits(tmp_path):
    smartsplat.encode(gradient(), size=2000, effort=1).save(tmp_path / "a.ssplat")
    assert run("decode", tmp_path / "a.ssplat", tmp_path / "a.png", "--region", "10,20,40,30") == 0
    whole = smartsplat.open(tmp_path / "a.ssplat").render()
    assert np.abs(read(tmp_path / "a.png").pixels.astype(int) - whole[20:50, 10:50]).max() <= 1


def test_floats_have_a_range(tmp_path, capsys):
    values = np.linspace(-3, 5, WIDTH * HEIGHT, dtype=np.float32).reshape(HEIGHT, WIDTH)
    Image.fromarray(values).save(tmp_path / "a.tif")
    assert run("encode", tmp_path / "a.tif", tmp_path / "a.ssplat") == 1
    assert "range" in capsys.readouterr().err
    command = ["encode", tmp_path / "a.tif", tmp_path / "a.ssplat", "-e", 1, "-q", "--size", 2500, "--value-range"]
    assert run(*command, "5,-3") == 2
    assert run(*command, "-3,5") == 0
    capsys.readouterr()
    decoded = smartsplat.open(tmp_path / "a.ssplat").render(dtype=np.float32) * 8 - 3
    assert np.abs(decoded - values).max() < 0.1
    assert run("compare", tmp_path / "a.tif", tmp_path / "a.ssplat", "--value-range", "-3,5", "--json") == 0
    assert json.loads(capsys.readouterr().out)["psnr"] > 40
    with pytest.raises(PictureError, match="range"):
        smartsplat.encode(values)


def test_bits_between(tmp_path):
    """Greys of 12 bits in TIFF are said to have 12."""
    from tests.odd_files import tiff

    values = np.random.default_rng(7).integers(0, 4096, (20, 30))
    pairs = values.reshape(20, 15, 2)
    packed = np.stack([pairs[..., 0] >> 4, (pairs[..., 0] & 15) << 4 | pairs[..., 1] >> 8, pairs[..., 1] & 255], -1)
    data = tiff(packed.reshape(20, 45).astype("u1"), 1, t256=(4, [30]), t258=(3, [12]))
    file = smartsplat.encode(data, effort=1)
    assert (file.bits, summarise(file.to_bytes())["bits"], file.render().dtype) == (12, 12, np.uint16)


def test_pillow_has_deep_greys():
    import smartsplat.plugins.pillow

    stream = io.BytesIO()
    Image.fromarray(gradient()[:, :, 0]).save(stream, "SSPLAT", effort=1, size=1500)
    image = Image.open(io.BytesIO(stream.getvalue()))
    assert image.mode == "I;16"
    np.testing.assert_array_equal(np.asarray(image), smartsplat.decode(stream.getvalue()))
    rgb = smartsplat.encode(gradient(), size=1500, effort=1)
    assert Image.open(io.BytesIO(rgb.to_bytes())).mode == rgb.to_pil().mode == "RGB"


# Metadata


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.jpg", "a.webp", "a.avif"])
def test_metadata_survive_a_round_trip(tmp_path, name, capsys):
    deep = name in ("a.png", "a.tif")
    metadata = Metadata(icc=PROFILE, xmp=XMP, resolution=(300.0, 150.0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PictureWarning)
        save(tmp_path / name, gradient() if deep else photo(WIDTH, HEIGHT), metadata=metadata)
    assert run("encode", tmp_path / name, tmp_path / "a.ssplat", "-e", 1, "-q", "--size", 9000) == 0
    kept = smartsplat.open(tmp_path / "a.ssplat").metadata
    assert kept.icc == PROFILE
    assert kept.xmp == XMP
    if name in ("a.png", "a.jpg"):
        assert kept.resolution == pytest.approx((300, 150), abs=0.02)
    if name == "a.tif":  # which has no other place for it than that of EXIF
        block = Image.Exif()
        block.load(kept.exif)
        assert (block[Base.XResolution], block[Base.YResolution]) == (300, 150)
    assert run("decode", tmp_path / "a.ssplat", tmp_path / f"out-{name}") == 0
    again = read(tmp_path / f"out-{name}").metadata
    assert (again.icc, again.xmp) == (kept.icc, kept.xmp)
    assert again.resolution is None or again.resolution == pytest.approx(kept.resolution, abs=0.02)
    capsys.readouterr()
    assert run("decode", tmp_path / "a.ssplat", tmp_path / "b.webp") == 0
    assert ("resolution" in capsys.readouterr().err) == (kept.resolution is not None)


@pytest.mark.parametrize(
    ("flag", "kind"), [("--no-icc", "icc"), ("--no-xmp", "xmp"), ("--no-resolution", "resolution")]
)
def test_what_is_not_wanted_is_left_out(tmp_path, flag, kind):
    metadata = Metadata(icc=PROFILE, xmp=XMP, resolution=(300.0, 150.0))
    save(tmp_path / "a.png", photo(40, 30), metadata=metadata)
    for flags, missing in (([f"--no-{kind}"], {kind}), (["--no-metadata"], {"icc", "xmp", "resolution"})):
        assert (
            run("encode", tmp_path / "a.png", tmp_path / "a.ssplat", "-f", "-q", "-e", 1, "--size", 9000, *flags) == 0
        )
        kept = smartsplat.open(tmp_path / "a.ssplat").metadata
        assert {name for name in ("icc", "xmp", "resolution") if getattr(kept, name) is None} == missing


@pytest.mark.parametrize("code", [(9, 16, 0, 1), (9, 18, 0, 1), (1, 13, 0, 0)])
def test_a_colour_code_that_no_profile_says_is_kept(tmp_path, code):
    data = png(gradient(), 16, 2, chunk(b"cICP", bytes(code)))
    with pytest.warns(PictureWarning, match="code"):
        file = smartsplat.encode(data, size=3000, effort=1)
    assert file.metadata.code == code
    file.save(tmp_path / "a.ssplat")
    assert run("decode", tmp_path / "a.ssplat", tmp_path / "a.png") == 0
    assert chunk(b"cICP", bytes(code)) in (tmp_path / "a.png").read_bytes()
    assert smartsplat.encode(gradient(), size=3000, effort=1).metadata.code is None


def test_a_colour_code_that_a_profile_says_becomes_one():
    data = png(gradient(), 16, 2, chunk(b"cICP", bytes((12, 13, 0, 1))))
    metadata = smartsplat.encode(data, size=3000, effort=1).metadata
    assert metadata.icc is not None
    assert metadata.code is None


@pytest.mark.parametrize("value", [(300.0, 300.0), (72.5, 1200.0), (1.0, 99999.0)])
def test_resolutions_come_back(value):
    assert unpack_resolution(pack_resolution(value)) == pytest.approx(value, rel=1e-4)


def test_other_resolutions_are_none():
    for data in (b"", bytes(8), bytes(9), struct.pack("<2I", 5, 0)):
        assert unpack_resolution(data) is None


def test_an_upright_picture_is_said_to_be_upright(tmp_path):
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", '<a tiff:Orientation="6"><tiff:Orientation>8</tiff:Orientation></a>')
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(photo(40, 30)).save(tmp_path / "a.png", pnginfo=info, exif=exif, dpi=(300, 100))
    found = read(tmp_path / "a.png")
    assert found.metadata.xmp == b'<a tiff:Orientation="1"><tiff:Orientation>1</tiff:Orientation></a>'
    assert found.metadata.resolution == pytest.approx((100, 300), abs=0.02)
    assert found.width == 30


def test_damaged_metadata_are_one_line():
    from smartsplat.coding.container import Container
    from smartsplat.coding.format import COLOUR_CODE, RESOLUTION
    from smartsplat.coding.format import XMP as XMP_SECTION
    from smartsplat.errors import FormatError

    sections = dict(Container.from_bytes(smartsplat.encode(photo(40, 30), effort=1).to_bytes()).sections)
    odd = Container(40, 30, False, sections | {RESOLUTION: b"1234567", COLOUR_CODE: b"123"}).to_bytes()
    assert smartsplat.open(odd).metadata == Metadata()
    assert summarise(odd)["resolution"] is None
    with pytest.raises(FormatError, match="damaged"):
        _ = smartsplat.open(Container(40, 30, False, sections | {XMP_SECTION: b"no zlib"}).to_bytes()).metadata
    bomb = zlib.compress(bytes(1 << 25), 9)
    with pytest.raises(FormatError, match="too large"):
        _ = smartsplat.open(Container(40, 30, False, sections | {XMP_SECTION: bomb}).to_bytes()).metadata
