"""Pictures with alpha: from files to files, in parts and strips, and what is refused."""

import io
import json
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import smartsplat
from smartsplat.cli import main
from smartsplat.coding.container import Container
from smartsplat.coding.format import ALPHA, SPLATS
from smartsplat.coding.splat_section import write_splats
from smartsplat.errors import FormatError, OutputError, PictureError, TargetError
from smartsplat.file import renderer, splatfile
from smartsplat.file.summary import summarise
from smartsplat.metrics import psnr
from smartsplat.metrics.visible import compare_visible, visible_psnr
from smartsplat.pictures.continuation import continued
from smartsplat.pictures.reading import read
from smartsplat.pictures.writing import save
from tests.codes import make_codes
from tests.oracles.file import File, read_file, unpack_splats
from tests.photos import photo

WIDTH, HEIGHT = 120, 90


def soft_alpha(width=WIDTH, height=HEIGHT):
    """A disc with a soft border, as a shadow has."""
    y, x = np.mgrid[0:height, 0:width]
    distance = np.hypot(x - width / 2, y - height / 2)
    return np.clip((0.45 * height - distance) * 20 + 128, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def rgba():
    return np.dstack([photo(WIDTH, HEIGHT), soft_alpha()])


@pytest.fixture(scope="module")
def encoded(rgba):
    return smartsplat.encode(rgba, cr=8, effort=1)


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return ended.value.code


# What comes back


def test_colours_and_alpha_come_back(rgba, encoded):
    pixels = encoded.render()
    assert pixels.shape == rgba.shape == encoded.shape
    report = encoded.report
    assert report.psnr == pytest.approx(visible_psnr(rgba[:, :, :3], rgba[:, :, 3], pixels[:, :, :3]))
    assert report.psnr_alpha == pytest.approx(psnr(rgba[:, :, 3], pixels[:, :, 3]))
    assert min(report.psnr, report.psnr_alpha) > 26
    assert report.alpha_bytes == len(encoded.alpha.to_bytes())
    assert len(encoded.to_bytes()) <= 3 * WIDTH * HEIGHT / 8
    assert summarise(encoded.to_bytes())["channels"] == 4


def test_the_alpha_is_what_its_own_file_says(encoded):
    np.testing.assert_array_equal(encoded.render()[:, :, 3], encoded.alpha.render())
    assert "alpha" in repr(encoded)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("engine", ["cpu", "reference"])
def test_every_type_and_engine(encoded, dtype, engine):
    found = encoded.render(dtype=dtype, engine=engine, scale=0.5)
    most = 1 if dtype == np.float32 else np.iinfo(dtype).max
    exact = encoded.render(dtype=np.float32, scale=0.5)
    assert found.dtype == dtype
    assert np.abs(found / most - exact).max() < 0.6 / 255


def test_into_the_callers_array(encoded):
    whole = np.zeros((HEIGHT, WIDTH + 3, 4), np.uint8)
    out = whole[:, :WIDTH]
    assert encoded.render(out=out) is out
    np.testing.assert_array_equal(out, encoded.render())
    assert not whole[:, WIDTH:].any()
    with pytest.raises(ValueError, match="must be"):
        encoded.render(out=np.zeros((HEIGHT, WIDTH, 3), np.uint8))


@pytest.mark.parametrize("grey", [False, True])
def test_parts_and_strips_are_those_of_the_whole(monkeypatch, rgba, grey):
    monkeypatch.setattr(splatfile, "LEAST_PARTED", 1)
    monkeypatch.setattr(renderer, "STRIP_BYTES", 1)
    picture = rgba[:, :, [0, 3]] if grey else rgba
    data = smartsplat.encode(picture, cr=8, effort=1).to_bytes()
    whole = smartsplat.Renderer(smartsplat.open(data)).render()
    assert whole.shape == picture.shape
    part = smartsplat.open(data).render(region=(10, 20, 30, 25))
    assert np.abs(part.astype(int) - whole[20:45, 10:40]).max() <= 1
    for strips in (smartsplat.open(data).strips(), smartsplat.Renderer(smartsplat.open(data)).strips()):
        found = list(strips)
        assert len(found) == 2
        assert np.abs(np.concatenate(found).astype(int) - whole).max() <= 1


def test_an_opaque_alpha_costs_nothing(rgba):
    opaque = np.dstack([rgba[:, :, :3], np.full((HEIGHT, WIDTH), 255, np.uint8)])
    file = smartsplat.encode(opaque, size=1500, effort=1)
    assert file.to_bytes() == smartsplat.encode(rgba[:, :, :3], size=1500, effort=1).to_bytes()
    assert file.alpha is None


def test_hidden_colours_cost_nothing(rgba):
    """Noise under full transparency is as cheap as anything else there."""
    alpha = np.where(np.arange(WIDTH) < WIDTH // 2, 0, 255) * np.ones((HEIGHT, 1), int)
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3))
    hidden = alpha[:, :, None] == 0
    pictures = [np.where(hidden, other, rgba[:, :, :3]) for other in (noise, 0)]
    files = [smartsplat.encode(np.dstack([p, alpha]).astype(np.uint8), size=1500, effort=1) for p in pictures]
    assert files[0].to_bytes() == files[1].to_bytes()
    loud = smartsplat.encode(pictures[0].astype(np.uint8), size=1500, effort=1)
    seen = np.where(hidden[:, :, 0], 0, 255).astype(np.uint8)
    assert files[0].report.psnr > visible_psnr(pictures[0].astype(np.uint8), seen, loud.render()) + 3


def test_what_the_colours_leave_is_the_alphas(rgba):
    """One colour takes a few bytes; the alpha gets all others."""
    noise = np.random.default_rng(2).integers(0, 256, (HEIGHT, WIDTH)).astype(np.uint8)
    flat = np.dstack([np.full_like(rgba[:, :, :3], 77), noise])
    file = smartsplat.encode(flat, size=3000, effort=1)
    assert 2900 < len(file) <= 3000
    assert len(file.alpha) > 2800
    assert file.report.alpha_bytes == len(file.alpha)
    assert file.report.psnr_alpha == pytest.approx(psnr(noise, file.render()[:, :, 3]))


def test_a_psnr_is_that_of_colours_and_alpha(rgba):
    report = smartsplat.encode(rgba, psnr=32, effort=1).report
    assert report.psnr >= 32
    assert report.psnr_alpha >= 32


def test_a_transparent_picture(rgba):
    nothing = rgba.copy()
    nothing[:, :, 3] = 0
    file = smartsplat.encode(nothing, effort=1)
    assert not file.render()[:, :, 3].any()
    assert file.report.psnr == file.report.psnr_alpha == np.inf


def test_too_few_bytes_for_both(rgba):
    with pytest.raises(TargetError, match="alpha"):
        smartsplat.encode(rgba, size=60, effort=1)


@pytest.mark.parametrize("options", [{"preset": "paper"}, {"splats": 50, "lattice": "none"}])
def test_splats_that_are_counted_have_no_alpha(rgba, options):
    with pytest.raises(PictureError, match="flatten"):
        smartsplat.encode(rgba, **options)
    assert smartsplat.encode(rgba, lattice="none", size=1200, effort=1).alpha is not None


# Hidden colours


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 9), st.sampled_from([np.uint8, np.uint16]))
def test_visible_colours_stay_and_hidden_ones_lie_between_them(height, width, seed, dtype):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (height, width, 3)).astype(dtype)
    alpha = (rng.random((height, width)) < 0.2 * (seed % 5)).astype(dtype)
    filled = continued(pixels, alpha)
    seen = alpha > 0
    np.testing.assert_array_equal(filled[seen], pixels[seen])
    if seen.any():
        assert (filled >= pixels[seen].min(axis=0)).all()
        assert (filled <= pixels[seen].max(axis=0)).all()
    else:
        assert (filled == filled[0, 0]).all()


def test_a_flat_picture_is_continued_flat():
    pixels = np.full((50, 70, 3), (10, 200, 77), np.uint8)
    alpha = np.zeros((50, 70), np.uint8)
    alpha[30, 11] = 255
    pixels[alpha == 0] = 0
    assert (continued(pixels, alpha) == (10, 200, 77)).all()


# Metrics


def test_errors_count_as_much_as_they_are_seen(rgba):
    rng = np.random.default_rng(1)
    other = np.clip(rgba + rng.integers(-9, 10, rgba.shape), 0, 255).astype(np.uint8)
    weights = rgba[:, :, 3] / 255
    squares = ((rgba[:, :, :3].astype(float) - other[:, :, :3]) ** 2).mean(axis=2)
    expected = 10 * np.log10(255**2 / ((squares * weights).sum() / weights.sum()))
    found = compare_visible(rgba[:, :, :3], rgba[:, :, 3], other[:, :, :3], other[:, :, 3])
    assert found["psnr"] == pytest.approx(expected)
    assert found["psnr_alpha"] == pytest.approx(psnr(rgba[:, :, 3], other[:, :, 3]))
    assert 0 < found["ssim"] < 1
    equal = compare_visible(rgba[:, :, :3], rgba[:, :, 3], rgba[:, :, :3], rgba[:, :, 3])
    assert equal == {"psnr": np.inf, "ssim": 1, "ms_ssim": None, "ssim_same": 1, "psnr_alpha": np.inf}


# Whole jobs


@pytest.mark.parametrize(("name", "tolerance"), [("a.png", 0), ("a.tif", 0), ("a.webp", 0), ("a.avif", 14)])
@pytest.mark.parametrize("grey", [False, True])
def test_from_file_to_file(tmp_path, rgba, capsys, name, tolerance, grey):
    picture = rgba[:, :, [0, 3]] if grey else rgba
    save(tmp_path / name, picture)
    assert run("encode", tmp_path / name, tmp_path / "a.ssplat", "--cr", 8, "-e", 1, "--json") == 0
    row = json.loads(capsys.readouterr().out)
    assert row["psnr_alpha"] > 20
    assert row["alpha_bytes"] > 0
    assert run("decode", tmp_path / "a.ssplat", tmp_path / f"out-{name}") == 0
    assert run("compare", tmp_path / name, tmp_path / f"out-{name}", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    again = read(tmp_path / f"out-{name}")
    whole = smartsplat.open(tmp_path / "a.ssplat").render()
    if name == "a.avif":  # which has loss
        assert np.abs(again.alpha.astype(int) - whole[:, :, -1]).max() <= tolerance
        return
    assert found["psnr"] == pytest.approx(row["psnr"])
    assert found["psnr_alpha"] == pytest.approx(row["psnr_alpha"])
    np.testing.assert_array_equal(again.alpha, whole[:, :, -1])
    np.testing.assert_array_equal(again.pixels, np.broadcast_to(whole[:, :, :-1], again.pixels.shape))


def test_palettes_and_transparent_colours(tmp_path, rgba):
    image = Image.fromarray(rgba[:, :, :3]).quantize(16)
    image.save(tmp_path / "a.png", transparency=3)
    assert run("encode", tmp_path / "a.png", tmp_path / "a.ssplat", "--cr", 4, "-e", 1, "-q") == 0
    alpha = smartsplat.open(tmp_path / "a.ssplat").render()[:, :, 3]
    hidden = np.asarray(image) == 3
    assert alpha[hidden].mean() < 60
    assert alpha[~hidden].mean() > 215


def test_jpeg_needs_a_colour(tmp_path, encoded, capsys):
    encoded.save(tmp_path / "a.ssplat")
    assert run("decode", tmp_path / "a.ssplat", tmp_path / "a.jpg") == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "a.jpg").exists()
    assert run("decode", tmp_path / "a.ssplat", tmp_path / "a.jpg", "--flatten", "red") == 0
    assert run("decode", tmp_path / "a.ssplat", tmp_path / "flat.png", "--flatten", "red") == 0
    pixels = encoded.render().astype(float)
    weight = pixels[:, :, 3:] / 255
    expected = pixels[:, :, :3] * weight + np.array([255, 0, 0]) * (1 - weight)
    assert np.abs(read(tmp_path / "flat.png").pixels - expected).max() <= 0.5001
    assert np.abs(read(tmp_path / "a.jpg").pixels - expected).mean() < 4
    with pytest.raises(OutputError, match="transparent"):
        save(tmp_path / "b.jpg", encoded.render())


def test_flatten_takes_the_alpha_away(tmp_path, rgba):
    save(tmp_path / "a.png", rgba)
    assert run("encode", tmp_path / "a.png", tmp_path / "a.ssplat", "--flatten", "white", "-e", 1, "-q") == 0
    assert smartsplat.open(tmp_path / "a.ssplat").alpha is None


def test_strips_of_a_large_picture_take_little_memory(tmp_path, monkeypatch, encoded):
    """The strips are gone once they are written."""
    encoded.save(tmp_path / "a.ssplat")
    monkeypatch.setattr(renderer, "STRIP_BYTES", 1 << 18)
    sizes = [strip.nbytes for strip in smartsplat.open(tmp_path / "a.ssplat").strips(scale=20)]
    assert max(sizes) <= 1 << 20
    assert sum(sizes) == 4 * 400 * WIDTH * HEIGHT
    assert run("decode", tmp_path / "a.ssplat", tmp_path / "a.tif", "--scale", 4) == 0
    np.testing.assert_array_equal(
        read(tmp_path / "a.tif").with_alpha(), smartsplat.open(tmp_path / "a.ssplat").render(scale=4)
    )


# Other faces


@pytest.mark.parametrize("grey", [False, True])
def test_pillow(rgba, grey):
    import smartsplat.plugins.pillow

    picture = rgba[:, :, [0, 3]] if grey else rgba
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "SSPLAT", cr=8, effort=1)
    image = Image.open(io.BytesIO(stream.getvalue()))
    assert image.mode == ("LA" if grey else "RGBA")
    np.testing.assert_array_equal(np.asarray(image), smartsplat.decode(stream.getvalue()))
    assert smartsplat.open(stream.getvalue()).to_pil().mode == image.mode


@pytest.mark.parametrize(("extension", "quality", "mode"), [
    ("png", "color", "RGBA"), ("webp", "color", "RGBA"), ("jpg", "color", "RGB"), ("png", "gray", "L"),
    ("png", "bitonal", "L"),
])  # fmt: skip
@pytest.mark.parametrize("grey", [False, True])
def test_the_server(rgba, extension, quality, mode, grey):
    """What has no alpha lies over white."""
    pytest.importorskip("starlette")
    from smartsplat.serving.pictures import make_picture
    from smartsplat.serving.requests import Wanted

    file = smartsplat.encode(rgba[:, :, [0, 3]] if grey else rgba, cr=8, effort=1)
    opened = SimpleNamespace(renderer=smartsplat.Renderer(file))
    wanted = Wanted((0, 0, WIDTH, HEIGHT), (WIDTH, HEIGHT), 0, False, quality, extension)
    image = Image.open(io.BytesIO(make_picture(opened, wanted)))
    if grey:
        mode = {"RGB": "L", "RGBA": "LA" if extension == "png" else "RGBA"}.get(mode, mode)
    assert image.mode == mode
    corner = image.getpixel((0, 0))
    assert (corner[-1] if "A" in mode else np.min(corner)) in ((0, 1, 2) if "A" in mode else (253, 254, 255))


def test_napari(tmp_path, rgba):
    pytest.importorskip("dask.array")
    from smartsplat.plugins.napari import read as read_layers

    for channels in ([0, 1, 2, 3], [0, 3]):
        file = smartsplat.encode(rgba[:, :, channels], cr=8, effort=1)
        file.save(tmp_path / "a.ssplat", overwrite=True)
        ((levels, shown, _),) = read_layers(str(tmp_path / "a.ssplat"))
        pixels = np.asarray(levels[0])
        assert shown["rgb"]
        np.testing.assert_array_equal(pixels[:, :, 3], file.render()[:, :, -1])
        np.testing.assert_array_equal(pixels[:, :, 0], file.render()[:, :, 0])


# What is refused


def file_of(alpha, size=(40, 30), **more):
    """A file of one splat with that alpha picture."""
    section = write_splats(make_codes(1, 1, *size), 128, *size)[0]
    part, square_log = unpack_splats(section, *size)
    return File(*size, square_log, part, alpha=alpha, **more)


GREY = file_of(None, flags=1).to_bytes()

WRONG = {
    "length 0": file_of(b"").to_bytes(),
    "no file": file_of(b"GIF89a" + bytes(50)).to_bytes(),
    "with colour": file_of(file_of(None).to_bytes()).to_bytes(),
    "another width": file_of(file_of(None, (41, 30), flags=1).to_bytes()).to_bytes(),
    "another height": file_of(file_of(None, (40, 29), flags=1).to_bytes()).to_bytes(),
    "sides exchanged": file_of(file_of(None, (30, 40), flags=1).to_bytes()).to_bytes(),
    "with alpha": file_of(file_of(GREY, flags=1).to_bytes()).to_bytes(),
    "cut": file_of(GREY[:-1]).to_bytes(),
    "longer than it says": file_of(GREY + b"\0").to_bytes(),
    "said to be shorter": file_of(GREY, alpha_length=len(GREY) - 1).to_bytes(),
    "said to be longer": file_of(GREY, alpha_length=len(GREY) + 1).to_bytes(),
    "said to be huge": file_of(GREY, alpha_length=1 << 40).to_bytes(),
    "followed by bytes": file_of(GREY).to_bytes() + b"\0",
    "itself cut": file_of(GREY).to_bytes()[:-1],
    "another version": file_of(file_of(None, flags=1, version=(3, 0)).to_bytes()).to_bytes(),
    "its header damaged": file_of(GREY[:9] + bytes([GREY[9] ^ 1]) + GREY[10:]).to_bytes(),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_alpha_that_does_not_fit_is_refused(name):
    for door in (Container.from_bytes, smartsplat.open, summarise, smartsplat.decode, read_file):
        with pytest.raises(FormatError) as caught:
            door(WRONG[name])
        assert "\n" not in str(caught.value)


def test_files_in_files_in_files_take_no_stack():
    data = GREY
    around = file_of(None, flags=1)
    for _ in range(1500):
        around.alpha = data
        data = around.to_bytes()
    with pytest.raises(FormatError, match="alpha picture itself"):
        smartsplat.open(data)


def test_a_fitting_one_is_taken():
    data = file_of(GREY).to_bytes()
    container = Container.from_bytes(data)
    assert container.sections[ALPHA] == GREY
    assert container.to_bytes() == data
    assert set(container.sections) == {SPLATS, ALPHA}
    assert smartsplat.open(data).alpha.grey


def test_damage_in_the_alpha_is_named_and_the_colours_can_be_had(encoded):
    data = bytearray(encoded.to_bytes())
    data[-6] ^= 1
    with pytest.raises(FormatError, match="alpha"):
        smartsplat.open(bytes(data)).render()
    with pytest.raises(FormatError):
        Container.from_bytes(bytes(data))


def test_every_changed_byte_is_noticed():
    data = file_of(GREY).to_bytes()
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 0x10
        with pytest.raises(FormatError):
            Container.from_bytes(bytes(damaged))
        with pytest.raises(FormatError):
            Container.from_bytes(data[:at])


def test_nothing_is_warned_of(rgba, tmp_path):
    save(tmp_path / "a.png", rgba)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        smartsplat.encode(tmp_path / "a.png", effort=1)
