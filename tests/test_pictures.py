"""Picture files and arrays: what is read is what other readers see, and errors are one line."""

import errno
import io
import os
import threading
import warnings

import numpy as np
import pytest
from PIL import Image, ImageOps
from PIL.ExifTags import IFD, Base

from smartsplat.errors import PictureError
from smartsplat.pictures.metadata import Metadata
from smartsplat.pictures.picture import from_array
from smartsplat.pictures.reading import load
from smartsplat.pictures.writing import save
from tests.profiles import (
    DISPLAY_P3,
    SRGB,
    cmyk_profile,
    gamma_curve,
    grey_profile,
    rgb_profile,
    srgb_parametric,
)

P3 = rgb_profile(DISPLAY_P3, srgb_parametric())


@pytest.fixture
def pixels(rng):
    return rng.integers(0, 256, (37, 53, 3), dtype=np.uint8)


@pytest.fixture
def stored(tmp_path):
    """Writes a Pillow image and gives the path."""

    def write(image, name="picture.png", **options):
        image.save(tmp_path / name, **options)
        return tmp_path / name

    return write


def tall(array):
    """The same rows again and again: more than are converted at once."""
    return np.tile(array, (9000 // array.shape[0], *[1] * (array.ndim - 1)))


def assert_one_line(error, path):
    assert str(path) in str(error)
    assert "\n" not in str(error)


# Pixels


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.tif", "a.bmp", "a.ppm"])
def test_reads_rgb_as_it_is(pixels, stored, name):
    options = {"lossless": True} if name == "a.webp" else {}
    picture = load(stored(Image.fromarray(tall(pixels)), name, **options))
    assert np.array_equal(picture.pixels, tall(pixels))
    assert picture.pixels.flags.c_contiguous
    assert (picture.width, picture.height) == (53, len(tall(pixels)))
    assert not picture.grey
    assert picture.metadata == Metadata(None, None)


def test_reads_jpeg_as_pillow_does(pixels, stored):
    path = stored(Image.fromarray(pixels), "a.jpg")
    assert np.array_equal(load(path).pixels, np.asarray(Image.open(path)))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.jpg", "a.webp"])
def test_turns_pictures_upright(pixels, stored, orientation, name):
    exif = Image.Exif()
    exif[Base.Orientation] = orientation
    exif[Base.Make] = "camera"
    path = stored(Image.fromarray(tall(pixels)), name, exif=exif)
    picture = load(path)
    assert np.array_equal(picture.pixels, np.asarray(ImageOps.exif_transpose(Image.open(path))))
    kept = Image.Exif()
    kept.load(picture.metadata.exif)
    assert kept[Base.Make] == "camera"
    assert kept.get(Base.Orientation, 1) == 1


@pytest.mark.parametrize("orientation", [0, 9, 300])
def test_senseless_orientations_are_none(pixels, stored, orientation):
    exif = Image.Exif()
    exif[Base.Orientation] = orientation
    assert np.array_equal(load(stored(Image.fromarray(pixels), exif=exif)).pixels, pixels)


def test_a_palette_becomes_colours(pixels, stored):
    image = Image.fromarray(pixels).quantize(64)
    picture = load(stored(image))
    assert np.array_equal(picture.pixels, np.asarray(image.convert("RGB")))
    assert not picture.grey


@pytest.mark.parametrize("mode", ["L", "1"])
def test_grey_gets_three_equal_channels(pixels, stored, mode):
    image = Image.fromarray(pixels).convert(mode)
    picture = load(stored(image))
    assert picture.grey
    assert np.array_equal(picture.pixels, np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_grey_of_16_bits(stored, name):
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    picture = load(stored(Image.fromarray(values), name))
    assert picture.grey
    assert picture.bits == 16
    assert np.array_equal(picture.pixels[:, :, 1], values)


def test_grey_of_16_bits_as_32(stored):
    values = np.arange(65536, dtype=np.int32).reshape(256, 256)
    assert np.array_equal(load(stored(Image.fromarray(values), "a.tif")).pixels[:, :, 0], values)
    for bad in (-1, 65536):
        values[3, 3] = bad
        with pytest.raises(PictureError, match="outside"):
            load(stored(Image.fromarray(values), "a.tif"))


def test_grey_floats(stored):
    values = np.linspace(0, 1, 500, dtype=np.float32).reshape(20, 25)
    path = stored(Image.fromarray(values), "a.tif")
    picture = load(path, value_range=(0, 1))
    assert picture.grey
    assert picture.bits == 16
    assert np.array_equal(picture.pixels[:, :, 2], np.floor(values.astype(float) * 65535 + 0.5))
    assert np.abs(load(path, value_range=(-1, 3)).pixels[:, :, 0] - (values + 1) / 4 * 65535).max() < 0.51
    with pytest.raises(PictureError, match="range"):
        load(path)
    for bad in (np.nan, 1.01, -0.01):
        values[3, 3] = bad
        with pytest.raises(PictureError, match="outside"):
            load(stored(Image.fromarray(values), "a.tif"), value_range=(0, 1))


@pytest.mark.parametrize("value_range", [(1, 0), (0, 0), (0,), (0, np.inf), 5, "ab", (0, 1, 2)])
def test_a_range_that_is_none(value_range):
    with pytest.raises(PictureError, match="range"):
        from_array(np.zeros((4, 4)), value_range=value_range)


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "LAB"])
def test_other_colour_spaces_become_rgb(pixels, stored, mode):
    smooth = np.asarray(Image.fromarray(pixels).resize((80, 60), Image.Resampling.BICUBIC))
    image = Image.fromarray(smooth).convert(mode)
    path = stored(image, "a.tif", compression="tiff_lzw")
    picture = load(path)
    assert not picture.grey
    assert np.array_equal(picture.pixels, np.asarray(Image.open(path).convert("RGB")))
    assert np.abs(picture.pixels.astype(int) - smooth).mean() < 12


def test_cmyk_goes_through_its_profile(stored):
    image = Image.new("CMYK", (40, 30))
    image.paste((255, 0, 0, 0), (0, 0, 20, 30))
    red = cmyk_profile((136, 208, 195))  # L*a*b* 53, 80, 67 is the red of sRGB, not cyan at all
    picture = load(stored(image, "a.tif", icc_profile=red))
    assert np.abs(picture.pixels[5, 5].astype(int) - [255, 0, 0]).max() < 12
    assert picture.pixels[5, 35].min() > 250
    assert picture.metadata.icc is None


def test_cmyk_with_a_useless_profile(stored):
    image = Image.new("CMYK", (4, 3), (255, 0, 0, 0))
    useless = cmyk_profile((0, 0, 0))[:200]
    picture = load(stored(image, "a.jpg", icc_profile=useless))
    assert np.array_equal(picture.pixels[0, 0], [0, 255, 255])
    assert picture.metadata.icc is None


def test_takes_the_first_frame(pixels, tmp_path):
    frames = [Image.fromarray(np.roll(pixels, k)) for k in range(3)]
    for name in ("a.tif", "a.png", "a.webp", "a.gif"):
        path = tmp_path / name
        options = {"lossless": True} if name == "a.webp" else {}
        frames[0].save(path, save_all=True, append_images=frames[1:], **options)
        assert np.array_equal(load(path).pixels, np.asarray(Image.open(path).convert("RGB"))), name


# Alpha


def transparent(pixels, mode):
    """A picture of that mode, partly transparent, and its colours and alpha as arrays."""
    if mode in ("P", "tRNS"):
        image = Image.fromarray(pixels).quantize(16) if mode == "P" else Image.fromarray(pixels // 64 * 64)
        key = 3 if mode == "P" else tuple(int(v) for v in np.asarray(image)[4, 5])
        index = np.asarray(image) == key
        alpha = np.where(index if mode == "P" else index.all(axis=2), 0, 255)
        return image, {"transparency": key}, np.asarray(image.convert("RGB")), alpha
    alpha = (np.arange(pixels[:, :, 0].size).reshape(pixels.shape[:2]) * 7 % 256).astype(np.uint8)
    image = Image.fromarray(pixels).convert(mode[:-1])
    image.putalpha(Image.fromarray(alpha))
    return image, {}, np.asarray(image.convert("RGB")), alpha


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "tRNS"])
def test_composites_alpha_over_a_colour(pixels, stored, mode):
    image, options, colours, alpha = transparent(pixels, mode)
    path = stored(image, **options)
    assert np.array_equal(load(path).pixels, colours)
    assert np.array_equal(load(path).alpha, alpha)
    for name, background in [
        ("white", (255, 255, 255)),
        ("#1020ff", (16, 32, 255)),
        ("rgb(9,8,7)", (9, 8, 7)),
    ]:
        a = alpha[:, :, None] / 255
        expected = np.floor(colours * a + np.array(background) * (1 - a) + 0.5 + 1e-9)
        picture = load(path, flatten=name)
        assert np.array_equal(picture.pixels, expected), name
        assert picture.grey == (mode == "LA" and name == "white")
        assert picture.alpha is None


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("flatten", [None, "red"])
def test_opaque_alpha_is_dropped(pixels, stored, mode, flatten):
    image = Image.fromarray(pixels).convert(mode)
    picture = load(stored(image), flatten=flatten)
    assert np.array_equal(picture.pixels, np.asarray(image.convert("RGB")))
    assert picture.alpha is None


def test_unused_transparent_colours_are_no_alpha(pixels, stored):
    image = Image.fromarray(np.minimum(pixels, 250))
    assert np.array_equal(load(stored(image, transparency=(255, 255, 255))).pixels, np.asarray(image))


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_a_transparent_grey(stored, depth):
    grey = np.arange(100, dtype=depth).reshape(10, 10) * (1 if depth == np.uint8 else 257)
    try:
        path = stored(Image.fromarray(grey), transparency=int(grey[2, 3]))
    except OSError as error:
        pytest.skip(f"this Pillow cannot write such files: {error}")
    full = np.iinfo(depth).max
    assert np.array_equal(np.argwhere(load(path).alpha != full), [[2, 3]])
    grey[2, 3] = full
    assert np.array_equal(load(path, flatten="white").pixels[:, :, 0], grey)


@pytest.mark.parametrize("name", ["blanc", "", "#12345", "rgb(1,2)"])
def test_an_unknown_colour_is_a_clear_error(pixels, stored, name):
    for attempt in (
        lambda: load(stored(Image.fromarray(pixels)), flatten=name),
        lambda: from_array(pixels, flatten=name),
    ):
        with pytest.raises(PictureError, match="unknown colour"):
            attempt()


# Metadata


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tif"])
def test_metadata_survive(pixels, tmp_path, name):
    exif = Image.Exif()
    exif[Base.Copyright] = "somebody"
    exif[Base.XResolution] = 300.0
    exif[IFD.Exif] = {Base.ExposureTime: 0.25}
    exif[IFD.GPSInfo] = {1: "N"}
    metadata = Metadata(P3, exif.tobytes()[6:])
    save(tmp_path / name, pixels, metadata=metadata)
    once = load(tmp_path / name).metadata
    assert once.icc == P3
    found = Image.Exif()
    found.load(once.exif)
    assert found[Base.Copyright] == "somebody"
    assert found[Base.XResolution] == 300
    assert found.get_ifd(IFD.Exif)[Base.ExposureTime] == 0.25
    assert found.get_ifd(IFD.GPSInfo)[1] == "N"
    save(tmp_path / name, pixels, metadata=once, overwrite=True)
    assert load(tmp_path / name).metadata == once


def test_exif_says_nothing_of_how_the_file_was_stored(pixels, stored):
    picture = load(stored(Image.fromarray(pixels), "a.tif", compression="tiff_lzw", software="editor"))
    found = Image.Exif()
    found.load(picture.metadata.exif)
    assert dict(found) == {Base.Software: "editor"}


def test_the_thumbnail_is_dropped(pixels, stored):
    thumbnail = io.BytesIO()
    Image.fromarray(pixels[:8, :8]).save(thumbnail, "JPEG")
    data = thumbnail.getvalue()
    exif = Image.Exif()
    exif[Base.Make] = "camera"
    block = bytearray(exif.tobytes())
    # The offset of the next directory is the last number of the first one: 6 + 8 bytes, a count, one entry.
    after = len(block)
    block[28:32] = (after - 6).to_bytes(4, "big")
    entries = [(513, 4, 1, after - 6 + 30), (514, 4, 1, len(data))]
    block += (2).to_bytes(2, "big")
    for tag, kind, count, value in entries:
        block += tag.to_bytes(2, "big") + kind.to_bytes(2, "big") + count.to_bytes(4, "big") + value.to_bytes(4, "big")
    block += bytes(4) + data
    path = stored(Image.fromarray(pixels), "a.jpg", exif=bytes(block))
    assert Image.open(path).getexif().get_ifd(IFD.IFD1)
    found = Image.Exif()
    found.load(load(path).metadata.exif)
    assert found[Base.Make] == "camera"
    assert not found.get_ifd(IFD.IFD1)
    assert data[:20] not in load(path).metadata.exif


@pytest.mark.filterwarnings("ignore")
def test_damaged_exif_does_no_harm(pixels, stored, rng):
    exif = Image.Exif()
    exif[Base.Make] = "camera"
    exif[Base.Orientation] = 1
    exif[IFD.Exif] = {Base.ExposureTime: 0.25}
    sound = np.frombuffer(exif.tobytes(), np.uint8)
    for _ in range(150):
        damaged = sound.copy()
        damaged[rng.integers(6, len(sound), 3)] = rng.integers(0, 256, 3)
        cut = damaged.tobytes()[: rng.integers(8, len(sound) + 1)]
        assert load(stored(Image.fromarray(pixels), "a.png", exif=cut)).pixels.size == pixels.size


def test_srgb_profiles_are_dropped(pixels, stored):
    for profile, kept in [(rgb_profile(SRGB, srgb_parametric()), None), (P3, P3), (b"no profile", None)]:
        assert load(stored(Image.fromarray(pixels), icc_profile=profile)).metadata.icc == kept


def test_profiles_fit_the_pixels(pixels, stored, tmp_path):
    gamma = grey_profile(gamma_curve(1.8))
    assert load(stored(Image.fromarray(pixels), icc_profile=gamma)).metadata.icc is None
    grey = load(stored(Image.fromarray(pixels[:, :, 0]), icc_profile=gamma))
    assert grey.metadata.icc == gamma
    for name in ("a.png", "a.jpg", "a.tif"):
        save(tmp_path / name, grey.pixels[:, :, 0], metadata=grey.metadata, overwrite=True)
        assert load(tmp_path / name).metadata.icc == gamma
        save(tmp_path / name, grey.pixels, metadata=grey.metadata, overwrite=True)
        assert load(tmp_path / name).metadata.icc is None


# Files that cannot be read


def test_refuses_what_is_no_picture(tmp_path):
    path = tmp_path / "a.png"
    for content in (b"", b"text that is no picture at all", bytes(1000)):
        path.write_bytes(content)
        with pytest.raises(PictureError, match="not a picture") as caught:
            load(path)
        assert_one_line(caught.value, path)


def test_files_that_cannot_be_opened_are_the_systems_errors(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for path, error, number in [
        (tmp_path / "missing.png", FileNotFoundError, errno.ENOENT),
        (tmp_path, IsADirectoryError, errno.EISDIR),
        (tmp_path / "file" / "a.png", NotADirectoryError, errno.ENOTDIR),
        (tmp_path / ("a" * 300), OSError, errno.ENAMETOOLONG),
    ]:
        for source in (path, str(path)):
            with pytest.raises(error) as caught:
                load(source)
            assert not isinstance(caught.value, PictureError)
            assert (caught.value.errno, caught.value.filename) == (number, str(path))


def test_a_file_without_permission_is_the_systems_error(stored, pixels, monkeypatch):
    path = stored(Image.fromarray(pixels))
    path.chmod(0)
    if os.access(path, os.R_OK):  # nothing is forbidden to root

        def refuse(*_, **__):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

        monkeypatch.setattr(io, "open", refuse)
    with pytest.raises(PermissionError) as caught:
        load(path)
    assert caught.value.filename == str(path)


@pytest.mark.parametrize("name", ["a\0b.png", "\ud800.png"])
def test_a_name_that_no_file_can_have_is_one_line(name):
    with pytest.raises(PictureError, match="cannot be opened") as caught:
        load(name)
    assert str(caught.value).isprintable()


def test_odd_names_make_no_odd_lines(tmp_path):
    for name in ("a\nb.png", "a\x1b[31m.png", os.fsdecode(b"\xff.png")):
        (tmp_path / name).write_bytes(b"no picture")
        with pytest.raises(PictureError, match="not a picture") as caught:
            load(tmp_path / name)
        assert str(caught.value).isprintable()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tif", "a.gif", "a.bmp"])
def test_refuses_truncated_files(pixels, stored, name):
    path = stored(Image.fromarray(pixels), name)
    whole = path.read_bytes()
    for part in (0.3, 0.6, 0.9):
        path.write_bytes(whole[: int(part * len(whole))])
        with pytest.raises(PictureError) as caught:
            load(path)
        assert_one_line(caught.value, path)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tif", "a.gif"])
def test_damaged_files_are_read_or_refused(pixels, stored, rng, name):
    path = stored(Image.fromarray(pixels), name)
    whole, refused = np.frombuffer(path.read_bytes(), np.uint8), 0
    for _ in range(60):
        damaged = whole.copy()
        damaged[rng.integers(0, len(whole), 3)] = rng.integers(0, 256, 3)
        path.write_bytes(damaged.tobytes())
        try:
            found = load(path, max_pixels=100_000).pixels
        except PictureError as error:
            assert_one_line(error, path)
            refused += 1
        else:
            assert found.dtype == np.uint8
            assert found.ndim in (2, 3)
            assert 0 < found.shape[0] * found.shape[1] <= 100_000
    assert 0 < refused <= 60


def test_refuses_too_many_pixels_before_decoding(pixels, stored, monkeypatch):
    path = stored(Image.fromarray(pixels))
    assert load(path, max_pixels=37 * 53).pixels.shape == pixels.shape
    monkeypatch.setattr(Image.Image, "load", lambda *_: pytest.fail("decoded"))
    with pytest.raises(PictureError, match="53 x 37") as caught:
        load(path, max_pixels=37 * 53 - 1)
    assert_one_line(caught.value, path)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.webp"])
def test_pillows_own_limit_is_not_in_the_way_and_stays(pixels, stored, monkeypatch, name):
    path = stored(Image.fromarray(pixels), name)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        threads = [threading.Thread(target=load, args=[path]) for _ in range(8)]
        for thread in threads:
            thread.start()
        assert load(path).pixels.shape == pixels.shape
        for thread in threads:
            thread.join()
    with pytest.raises(PictureError):
        load(path, max_pixels=7)
    assert Image.MAX_IMAGE_PIXELS == 100


# Arrays


def test_an_rgb_array_is_taken_as_it_is(pixels):
    picture = from_array(pixels)
    assert picture.pixels is pixels
    assert not picture.grey
    assert picture.metadata == Metadata(None, None)
    turned = from_array(pixels.transpose(1, 0, 2))
    assert turned.pixels.flags.c_contiguous
    assert (turned.width, turned.height) == (37, 53)


@pytest.mark.parametrize("shape", [(37, 53), (37, 53, 1)])
def test_grey_arrays(pixels, shape):
    picture = from_array(pixels[:, :, 0].reshape(shape))
    assert picture.grey
    assert np.array_equal(picture.pixels, pixels[:, :, [0, 0, 0]])


@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32, np.float64])
def test_arrays_with_alpha_are_like_files_with_alpha(pixels, stored, channels, kind):
    samples = np.concatenate([pixels[:, :, : channels - 1], pixels[:, ::-1, :1]], axis=2)
    array = samples.astype(kind) * {"u1": 1, "u2": 257}.get(samples.astype(kind).dtype.str[1:], 1)
    options = {"value_range": (0, 255)} if array.dtype.kind == "f" else {}
    expected = load(stored(Image.fromarray(samples, "LA" if channels == 2 else "RGBA")))
    times = 1 if kind == np.uint8 else 257
    found = from_array(array, **options)
    assert np.array_equal(found.with_alpha(), expected.with_alpha().astype(int) * times)
    assert (found.grey, found.bits) == (channels == 2, 8 if kind == np.uint8 else 16)
    flat = load(stored(Image.fromarray(samples, "LA" if channels == 2 else "RGBA"), "b.png"), flatten="teal")
    assert (
        np.abs(from_array(array, flatten="teal", **options).pixels - flat.pixels.astype(int) * times).max() <= times / 2
    )
    array[:, :, -1] = {"u2": 65535}.get(array.dtype.str[1:], 255)
    assert from_array(array, **options).alpha is None


def test_deeper_arrays():
    values = np.arange(65536).reshape(256, 256)
    for array in (values.astype(np.uint16), values.astype(">u2"), values / 65535, (values / 65535).astype(np.float32)):
        picture = from_array(array, value_range=(0, 1))
        assert np.array_equal(picture.pixels[:, :, 0], values)
        assert picture.pixels.dtype == np.uint16
        assert picture.pixels.dtype.isnative


def test_a_deep_rgb_array_is_taken_as_it_is():
    array = np.zeros((4, 5, 3), np.uint16)
    assert from_array(array).pixels is array


def test_half_floats():
    values = np.arange(256).reshape(16, 16)
    found = from_array((values / 255).astype(np.float16), value_range=(0, 1)).pixels[:, :, 0]
    assert np.abs(found - values * 257.0).max() <= 65535 / 2**12 + 1


def test_floats_need_a_range():
    with pytest.raises(PictureError, match="value_range") as caught:
        from_array(np.zeros((4, 4)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(5, np.uint8),
        np.zeros((4, 4, 5), np.uint8),
        np.zeros((4, 4, 0), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((1, 4, 4, 3), np.uint8),
        np.zeros((4, 4, 3), np.int64),
        np.zeros((4, 4, 3), bool),
        np.zeros((4, 4), complex),
        np.full((4, 4, 3), 1.5),
        np.full((4, 4, 3), -0.5),
        np.full((4, 4, 3), np.nan),
    ],
)
def test_refuses_other_arrays(array):
    with pytest.raises(PictureError) as caught:
        from_array(array, value_range=(0, 1))
    assert "\n" not in str(caught.value)
