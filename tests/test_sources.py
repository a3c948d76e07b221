"""One picture from every kind of source: paths, bytes, open files, arrays and pictures of Pillow give the same."""

import array
import gzip
import io
import mmap
import os
import pickle
import re
import subprocess
import sys
import tempfile
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from PIL.ExifTags import IFD, Base

from smartsplat.errors import PictureError
from smartsplat.pictures.reading import load, read
from tests.conftest import named
from tests.profiles import DISPLAY_P3, cmyk_profile, gamma_curve, grey_profile, rgb_profile, srgb_parametric

PROFILES = {
    "RGB": rgb_profile(DISPLAY_P3, srgb_parametric()),
    "L": grey_profile(gamma_curve(1.8)),
    "CMYK": cmyk_profile((136, 208, 195)),
}

# Every mode of Pillow's that a file can have, with a format that keeps it.
STORED = [
    ("1", "PNG"), ("1", "TIFF"), ("L", "PNG"), ("L", "JPEG"), ("L", "TIFF"), ("P", "PNG"), ("P", "GIF"), ("P", "TIFF"),
    ("LA", "PNG"), ("LA", "TIFF"), ("RGB", "PNG"), ("RGB", "JPEG"), ("RGB", "WEBP"), ("RGB", "TIFF"), ("RGB", "BMP"),
    ("RGBA", "PNG"), ("RGBA", "WEBP"), ("RGBA", "TIFF"), ("CMYK", "JPEG"), ("CMYK", "TIFF"), ("I;16", "PNG"),
    ("I;16", "TIFF"), ("I;16B", "TIFF"), ("I", "TIFF"), ("F", "TIFF"), ("LAB", "TIFF"),
]  # fmt: skip

IN_MEMORY = [*sorted({mode for mode, _ in STORED}), "PA", "La", "RGBa", "RGBX", "HSV", "YCbCr", "I;16L", "I;16N"]


def made(mode, width=23, height=17, seed=0):
    """A picture of noise of that mode, in memory; half of it is transparent where the mode can be."""
    rng = np.random.default_rng(seed)
    samples = rng.integers(0, 256, (height, width, 4), dtype=np.uint8)
    match mode:
        case "F":
            return Image.fromarray(rng.random((height, width), np.float32))
        case "I":
            return Image.fromarray(rng.integers(0, 65536, (height, width), dtype=np.int32))
        case "I;16" | "I;16L" | "I;16B" | "I;16N":
            values = rng.integers(0, 65536, (height, width)).astype(">u2" if mode == "I;16B" else "=u2")
            return Image.frombytes(mode, (width, height), values.tobytes())
        case "LAB":
            return Image.frombytes("LAB", (width, height), samples[:, :, :3].tobytes())
        case "P" | "PA":
            palette = Image.fromarray(samples[:, :, :3]).quantize(16)
            return palette if mode == "P" else palette.convert("PA")
        case "La":
            return Image.fromarray(samples).convert("LA").convert("La")
        case "RGBA" | "RGBa" | "LA":
            return Image.fromarray(samples).convert(mode)
    return Image.fromarray(samples[:, :, :3]).convert(mode)


def exif_of(orientation):
    exif = Image.Exif()
    exif[Base.Orientation], exif[Base.Make] = orientation, "camera"
    exif[IFD.Exif] = {Base.ExposureTime: 0.25}
    return exif.tobytes()  # which TIFF takes, too, unlike the Exif itself


@st.composite
def files(draw):
    """The bytes of a picture file of any mode, with or without orientation, profile and transparent value."""
    mode, kind = draw(st.sampled_from(STORED))
    image = made(mode, draw(st.integers(1, 30)), draw(st.integers(1, 30)), draw(st.integers(0, 99)))
    options = {"lossless": True} if kind == "WEBP" else {}
    if kind in ("PNG", "JPEG", "WEBP", "TIFF"):
        if draw(st.booleans()):
            options["exif"] = exif_of(draw(st.integers(0, 9)))
        if draw(st.booleans()):
            options["icc_profile"] = PROFILES.get(mode, PROFILES["RGB"])
    if mode in ("P", "L", "RGB", "1") and kind in ("PNG", "GIF") and draw(st.booleans()):
        options["transparency"] = tuple(int(v) for v in np.asarray(image)[0, 0]) if mode == "RGB" else 1
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def outcome(source, **options):
    """All there is to compare of what becomes of a source: the picture, or the error without the source's name."""
    try:
        picture = read(source, **options)
    except PictureError as error:
        assert str(error).isprintable()
        # Of a TIFF that is turned, some versions of Pillow know the upright size only when it is loaded.
        return re.sub(r"\d+ x \d+", "W x H", str(error).partition(": ")[2])
    return described(picture)


def described(picture):
    """All there is to compare of a picture."""
    pixels = picture.with_alpha()
    return pixels.shape, str(pixels.dtype), pixels.tobytes(), picture.grey, picture.bits, picture.metadata


def at(position, data):
    """A file open at that position, where these bytes begin."""
    file = io.BytesIO(bytes(position) + data)
    file.seek(position)
    return file


class Stream(io.RawIOBase):
    """A file that cannot be gone back in, and that gives few bytes at once."""

    def __init__(self, data):
        self._file = io.BytesIO(data)

    def readable(self):
        return True

    def readinto(self, buffer):
        return self._file.readinto(memoryview(buffer)[:100])


class OnlyRead:
    """The least that a file can be."""

    def __init__(self, data):
        self.read = io.BytesIO(data).read


def test_the_room_itself_loads_nothing():
    script = "import sys, smartsplat.pictures, smartsplat.errors; print({'numpy', 'PIL'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout == b"set()\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("sources")


@given(data=files(), flatten=st.sampled_from([None, "white", "teal"]), limit=st.sampled_from([10**9, 200]))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_source_gives_the_picture_of_its_file(folder, data, flatten, limit):
    path = folder / "picture"
    path.write_bytes(data)
    options = {"flatten": flatten, "max_pixels": limit, "value_range": (0, 1)}
    expected = outcome(path, **options)
    try:
        picture = load(path, **options)
        assert expected == described(picture)
    except PictureError as error:
        assert str(error).startswith(f"{path}: ")
    loaded = Image.open(io.BytesIO(data))  # by its path, Pillow itself garbles raw TIFFs that are turned
    loaded.load()
    with path.open("rb") as file:
        for source in (
            str(path), data, bytearray(data), memoryview(data), np.bytes_(data), file, at(0, data), at(1001, data),
            Stream(data), OnlyRead(data), Image.open(path), Image.open(io.BytesIO(data)), loaded,
        ):  # fmt: skip
            assert outcome(source, **options) == expected, type(source)
        assert not file.closed


@given(st.sampled_from(IN_MEMORY), st.integers(1, 9), st.integers(1, 9), st.sampled_from(["RGB", "L", "CMYK", None]))
@settings(max_examples=150, deadline=None)
def test_pictures_in_memory_are_read_and_left_alone(mode, width, height, profile):
    image = made(mode, width, height)
    image.info |= {"icc_profile": PROFILES[profile]} if profile else {}
    image.info["exif"] = exif_of(6)
    before = state(image)
    picture = read(image, flatten="white", value_range=(0, 1))
    assert state(image) == before
    assert picture.pixels.shape == (width, height, 3)
    lying = made(mode, width, height)
    lying.info |= {key: value for key, value in image.info.items() if key != "exif"}
    upright = read(lying, flatten="white", value_range=(0, 1))
    assert np.array_equal(picture.pixels, np.rot90(upright.pixels, -1))
    assert picture.grey == upright.grey == (mode[0] in "1LIF" and mode != "LAB")
    assert picture.metadata.icc == (
        PROFILES[profile] if profile in (("RGB", "L") if picture.grey else ("RGB",)) else None
    )


def state(image):
    """All that a caller may look at."""
    palette = image.getpalette() if image.mode in ("P", "PA") else None
    return (
        image.mode, image.size, dict(image.info), image.tobytes(), palette, image.tell(), dict(image.getexif()),
        getattr(image, "filename", None),
    )  # fmt: skip


@pytest.mark.parametrize(("mode", "kind"), STORED)
def test_pictures_from_files_are_left_alone(folder, mode, kind):
    options = {"exif": exif_of(6)} if kind in ("PNG", "JPEG", "WEBP", "TIFF") else {}
    made(mode).save(folder / "alone", kind, **options)
    image = Image.open(folder / "alone")
    image.load()
    before = state(image)
    first = outcome(image, flatten="white", value_range=(0, 1))
    assert state(image) == before
    assert outcome(image, flatten="white", value_range=(0, 1)) == first
    assert not isinstance(first, str)
    saved = [io.BytesIO(), io.BytesIO()]
    image.save(saved[0], kind)
    Image.open(folder / "alone").save(saved[1], kind)
    assert saved[0].getvalue() == saved[1].getvalue()


@pytest.mark.parametrize(("mode", "kind"), STORED)
@pytest.mark.parametrize("work", ["copy", "convert", "transpose", "transpose_in_place", "pickle"])
def test_what_is_made_of_a_picture_is_the_same_picture(folder, mode, kind, work):
    options = {"exif": exif_of(8)} if kind in ("PNG", "JPEG", "WEBP", "TIFF") else {}
    file = io.BytesIO()
    made(mode).save(file, kind, **options)
    image = Image.open(file)
    match work:
        case "copy":
            image = image.copy()
        case "convert":
            image = image.convert(image.mode)
        case "transpose":
            image = ImageOps.exif_transpose(image)
        case "transpose_in_place":
            ImageOps.exif_transpose(image, in_place=True)
        case "pickle":
            image = pickle.loads(pickle.dumps(image))
    picture, expected = (read(source, flatten="teal", value_range=(0, 1)) for source in (image, file.getvalue()))
    assert np.array_equal(picture.pixels, expected.pixels)
    assert (picture.grey, picture.metadata.icc) == (expected.grey, expected.metadata.icc)


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP", "PNG"])
@pytest.mark.parametrize("frame", [0, 1, 2])
@pytest.mark.parametrize("loaded", [False, True])
def test_takes_the_frame_where_a_picture_stands(folder, kind, frame, loaded):
    frames = [made("RGB", seed=k).quantize(8).convert("RGB") for k in range(3)]
    options = {"lossless": True} if kind == "WEBP" else {}
    frames[0].save(folder / "frames", kind, save_all=True, append_images=frames[1:], **options)
    with Image.open(folder / "frames") as image, Image.open(folder / "frames") as other:
        image.seek(frame)
        other.seek(frame)
        if loaded:
            image.load()
        assert np.array_equal(read(image).pixels, np.asarray(other.convert("RGB")))
        assert image.tell() == frame
        image.seek((frame + 1) % 3)
        other.seek((frame + 1) % 3)
        assert np.array_equal(read(image).pixels, np.asarray(other.convert("RGB")))


# Pictures of Pillow that are gone


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP"])
@pytest.mark.parametrize("how", ["closed", "left", "file closed", "loaded and closed"])
def test_closed_pictures_are_one_line(folder, kind, how):
    path = folder / f"closed.{kind}"
    made("RGB").save(path, kind)
    with path.open("rb") as file:
        image = Image.open(file if how == "file closed" else path)
        if how == "left":
            image.__exit__(None, None, None)
        if how == "loaded and closed":
            image.load()
    if "and closed" in how or how == "closed":
        image.close()
    if kind == "WEBP" and how in ("left", "file closed"):  # all of it was read on opening
        assert read(image).pixels.shape == (17, 23, 3)
        return
    with pytest.raises(PictureError, match="is closed") as caught:
        read(image)
    assert str(caught.value) == f"{'<picture>' if how == 'file closed' else path}: is closed, and its pixels are gone"


def test_a_closed_picture_in_memory_is_one_line():
    image = made("RGB")
    image.close()
    with pytest.raises(PictureError, match=r"^<picture>: is closed"):
        read(image)


def test_a_picture_that_was_loaded_needs_no_file(folder):
    made("RGB").save(folder / "a.png")
    with Image.open(folder / "a.png") as image:
        image.load()
    assert outcome(image) == outcome(folder / "a.png")


@pytest.mark.parametrize("size", [(0, 0), (0, 5), (5, 0)])
def test_pictures_without_pixels_are_one_line(size):
    with pytest.raises(PictureError, match="no picture"):
        read(Image.new("RGB", size))


def test_a_damaged_picture_of_pillow_is_named_and_said_to_be_damaged(folder):
    path = folder / "cut.png"
    made("RGB").save(path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(PictureError) as caught:
        read(Image.open(path))
    assert str(caught.value).startswith(f"{path}: ")
    assert "closed" not in str(caught.value)


# Files


def test_files_that_unpack_others(folder):
    """Their descriptors lead to the packed bytes, which Pillow must not read."""
    data = io.BytesIO()
    made("RGB").save(data, "TIFF", compression="tiff_lzw")
    expected = outcome(data.getvalue())
    with gzip.open(folder / "a.tif.gz", "wb") as file:
        file.write(data.getvalue())
    with gzip.open(folder / "a.tif.gz") as file:
        assert outcome(file) == expected
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("a.tif", data.getvalue())
    with zipfile.ZipFile(folder / "a.zip") as archive, archive.open("a.tif") as file:
        assert outcome(file) == expected


def test_files_of_other_kinds(folder):
    made("RGB").save(folder / "a.png")
    data, expected = (folder / "a.png").read_bytes(), outcome(folder / "a.png")
    with (folder / "a.png").open("rb", buffering=0) as file:
        assert outcome(file) == expected
    with (folder / "a.png").open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        assert outcome(view) == expected
    with tempfile.SpooledTemporaryFile() as file:
        file.write(data)
        file.seek(0)
        assert outcome(file) == expected
    with (folder / "a.png").open("rb") as file:
        assert outcome(file) == expected
    reader, writer = os.pipe()
    os.write(writer, data)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        assert outcome(file) == expected


def test_entries_of_folders_are_paths(folder):
    made("RGB").save(folder / "entry.png")
    for where in (folder, os.fsencode(folder)):
        entry = next(e for e in os.scandir(where) if os.fsdecode(e.name) == "entry.png")
        assert outcome(entry) == outcome(folder / "entry.png")


def test_views_of_bytes_with_gaps():
    data = io.BytesIO()
    made("L").save(data, "PNG")
    spread = b"".join(bytes([value, 0]) for value in data.getvalue())
    assert outcome(memoryview(spread)[::2]) == outcome(data.getvalue())


@pytest.mark.parametrize("source", [b"", bytearray(), memoryview(b""), b"no picture", bytes(1000)], ids=named)
def test_bytes_that_are_no_picture(source):
    with pytest.raises(PictureError) as caught:
        read(source)
    assert str(caught.value) == "<bytes>: is not a picture of a known kind"


def test_files_that_are_no_picture(folder):
    (folder / "text").write_text("no picture")
    with (folder / "text").open("rb") as file:
        file.read()
        for source, name in [(file, folder / "text"), (io.BytesIO(), "<file>"), (Stream(b""), "<file>")]:
            with pytest.raises(PictureError) as caught:
                read(source)
            assert str(caught.value) == f"{name}: is not a picture of a known kind"
    with tempfile.TemporaryFile() as unnamed, pytest.raises(PictureError, match=r"^<file>: "):
        read(unnamed)


class Files:
    """Something to read that is odd."""

    def __init__(self, data, name=None):
        self.data, self.name = data, name

    def read(self, size=-1):
        if isinstance(self.data, BaseException):
            raise self.data
        return self.data


@pytest.mark.parametrize(
    ("source", "match"),
    [
        (io.StringIO("text"), "^<file>: is open as text"),
        (Files("text"), "^<file>: gives str, not bytes"),
        (Files(None, name=7), "^<file>: gives NoneType, not bytes"),
        (Files(OSError(5, "Input/output error"), "a\nb"), "^'a.nb': cannot be read: Input/output error$"),
        (Files(ValueError("two\nlines"), "disk"), "^disk: cannot be read: two lines$"),
    ],
    ids=named,
)
def test_files_that_cannot_be_read(source, match):
    with pytest.raises(PictureError, match=match.replace("a.nb", r"a\\nb")):
        read(source)


def test_files_open_for_something_else(folder):
    path = folder / "a.png"
    made("RGB").save(path)
    with path.open(encoding="latin-1") as text, pytest.raises(PictureError, match="is open as text") as caught:
        read(text)
    assert str(path) in str(caught.value)
    with (folder / "b.png").open("wb") as output, pytest.raises(PictureError, match="not open for reading"):
        read(output)
    with path.open("rb") as file:
        pass
    with pytest.raises(PictureError, match="closed file"):
        read(file)


# Arrays


class Arrays:
    """What gives an array by one of NumPy's ways."""

    def __init__(self, pixels, way):
        if way == "__array_interface__":
            self.pixels = pixels  # keeps the memory
            self.__array_interface__ = pixels.__array_interface__

    @staticmethod
    def by_method(pixels):
        class Tensor:
            def __array__(self, dtype=None, copy=None):
                if isinstance(pixels, Exception):
                    raise pixels
                return pixels

        return Tensor()


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 3)])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_what_gives_an_array_is_one(rng, shape, kind):
    pixels = rng.random(shape).astype(kind) if kind == np.float32 else rng.integers(0, 256, shape).astype(kind)
    expected = outcome(pixels, value_range=(0, 1))
    for source in (Arrays.by_method(pixels), Arrays(pixels, "__array_interface__"), np.asfortranarray(pixels)):
        assert outcome(source, value_range=(0, 1)) == expected


def test_arrays_on_other_devices_are_one_line():
    with pytest.raises(PictureError, match="the Tensor gives no array: use cpu"):
        read(Arrays.by_method(TypeError("use\ncpu")))


@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 3)])
def test_masked_arrays_are_refused(mask, shape):
    with pytest.raises(PictureError, match="mask"):
        read(np.ma.masked_array(np.zeros(shape, np.uint8), mask))


@pytest.mark.parametrize(
    "source",
    [
        np.array([["a", "b"]]), np.array(["a.png"]), np.array("a.png"), np.uint8(7), np.zeros((4, 4), bool),
        np.zeros((4, 4), complex), np.zeros((4, 4), object), np.zeros((4, 4), "M8[s]"),
        np.zeros((4, 4), [("r", "u1")]), np.zeros((4, 4, 3), np.int16),
    ],
    ids=lambda a: f"{a.dtype} {a.shape}",
)  # fmt: skip
def test_arrays_of_other_kinds_are_refused(source):
    with pytest.raises(PictureError, match=r"samples of type|is no picture") as caught:
        read(source)
    assert str(caught.value).isprintable()


# Options and what is no source


@pytest.mark.parametrize("source", [None, 5, 2.5, [[0.5]], (1, 2), {}, object(), array.array("B", [1, 2])], ids=named)
def test_what_is_no_source_is_a_type_error(source):
    with pytest.raises(TypeError, match=f"path.*bytes.*file.*array.*PIL.*not {type(source).__name__}$"):
        read(source)


@pytest.fixture(params=["path", "bytes", "file", "stream", "array", "picture"])
def source(request, folder):
    """A picture of 23 x 17 px, from anywhere."""
    made("RGB").save(folder / "small.png")
    data = (folder / "small.png").read_bytes()
    return {
        "path": folder / "small.png", "bytes": data, "file": io.BytesIO(data), "stream": Stream(data),
        "array": np.asarray(made("RGB")), "picture": made("RGB"),
    }[request.param]  # fmt: skip


@pytest.mark.parametrize("limit", [True, False, np.True_, float("nan"), float("inf"), 400.0, "400", None, 0, -1, 4j])
def test_a_limit_must_be_a_whole_number(source, limit):
    with pytest.raises(ValueError, match="max_pixels") as caught:
        read(source, max_pixels=limit)
    assert not isinstance(caught.value, PictureError)


def test_the_limit_holds_for_every_source(source):
    with pytest.raises(PictureError, match="23 x 17 pixels are beyond the limit of 390"):
        read(source, max_pixels=np.int64(23 * 17 - 1))


def test_the_limit_is_the_most_that_may_be(source):
    assert read(source, max_pixels=23 * 17).pixels.shape == (17, 23, 3)


@pytest.mark.parametrize("flatten", ["no-colour", 5, (1, 2, 3), b"white"])
def test_an_unknown_colour_is_one_line(source, flatten):
    with pytest.raises(PictureError, match="unknown colour"):
        read(source, flatten=flatten)
