"""What Python's users meet: sources of every kind, errors, files as objects, types."""

import copy
import importlib.util
import io
import os
import pickle
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.ExifTags import Base

import smartsplat
from smartsplat.coding.container import Container
from smartsplat.coding.format import LATTICE, SPLATS
from smartsplat.coding.lattice_section import write_lattice
from smartsplat.coding.splat_section import write_splats
from smartsplat.errors import FormatError, OutputError, PictureError, SmartSplatError
from smartsplat.metrics import psnr
from tests.codes import make_codes
from tests.lattices import photo_spectrum
from tests.photos import gradient, grey_photo, photo
from tests.profiles import DISPLAY_P3, grey_profile, rgb_profile, srgb_parametric

ROOT = Path(__file__).parent.parent


def python(script, *arguments, cwd=None):
    """What a process of its own prints; it ends with 0."""
    command = [sys.executable, "-c", textwrap.dedent(script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=300, cwd=cwd).stdout


class Named:
    """An os.PathLike that is neither a string nor a Path."""

    def __init__(self, path):
        self._path = path

    def __fspath__(self):
        return str(self._path)


class OnlyRead:
    """The least that a file can be."""

    def __init__(self, data):
        self.read = io.BytesIO(data).read


@pytest.fixture(scope="module")
def file():
    return smartsplat.encode(photo(), cr=30, effort=1)


@pytest.fixture(scope="module")
def grey_file():
    return smartsplat.encode(grey_photo(), cr=30, effort=1)


@pytest.fixture(scope="module")
def mixed_file():
    """With splats and a lattice."""
    splats = write_splats(make_codes(1, 40, 192, 128), 128, 192, 128)[0]
    lattice = write_lattice(photo_spectrum(192, 128), 4372).section
    return smartsplat.SplatFile(Container(192, 128, False, {SPLATS: splats, LATTICE: lattice}).to_bytes())


# Sources


def sources(path):
    """The bytes of a file in every form that a function may be given."""
    data = Path(path).read_bytes()
    return {
        "str": str(path),
        "Path": Path(path),
        "PathLike": Named(path),
        "bytes": data,
        "bytearray": bytearray(data),
        "memoryview": memoryview(data),
        "part of a memoryview": memoryview(b"ab" + data + b"cd")[2:-2],
        "memoryview with gaps": memoryview(bytes(2 * len(data))[:0] + b"".join(bytes([v, 0]) for v in data))[::2],
        "BytesIO": io.BytesIO(data),
        "only read": OnlyRead(data),
    }


@pytest.mark.parametrize("kind", sources(__file__))
def test_encodes_sources_of_every_kind(tmp_path, file, kind):
    Image.fromarray(photo()).save(tmp_path / "a.png")
    found = smartsplat.encode(sources(tmp_path / "a.png")[kind], cr=30, effort=1)
    assert bytes(found) == bytes(file)


def test_encodes_open_files_arrays_and_pictures(tmp_path, file):
    Image.fromarray(photo()).save(tmp_path / "a.png")
    with (tmp_path / "a.png").open("rb") as opened, Image.open(tmp_path / "a.png") as image:
        for source in (opened, photo(), image, image.copy()):
            assert bytes(smartsplat.encode(source, cr=30, effort=1)) == bytes(file)
        deep = bytes(smartsplat.encode(photo().astype(np.uint16) * 257, cr=30, effort=1))
        assert bytes(smartsplat.encode(photo() / 255.0, cr=30, effort=1, value_range=(0, 1))) == deep
        assert not opened.closed


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB", "I;16", "I", "F"])
def test_encodes_pictures_of_every_mode(mode):
    """As the file that Pillow would make of them, if it can."""
    rgb = Image.fromarray(photo(48, 32))
    match mode:
        case "I;16":
            image = Image.fromarray(grey_photo(48, 32).astype(np.uint16) * 257)
        case "I":
            image = Image.fromarray(grey_photo(48, 32).astype(np.int32) * 257)
        case "F":
            image = Image.fromarray((grey_photo(48, 32) / 255).astype(np.float32))
        case "LAB":
            transform = ImageCms.buildTransform(
                ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
            )
            image = ImageCms.applyTransform(rgb, transform)
        case _:
            image = rgb.convert(mode)
    found = smartsplat.encode(image, size=1500, effort=1, value_range=(0, 1))
    grey = mode in ("1", "L", "LA", "I;16", "I", "F")
    assert found.grey == grey
    assert found.shape == ((32, 48) if grey else (32, 48, 3))
    if mode not in ("1", "P"):  # of which little is left
        assert psnr(found.render(dtype=np.uint8), grey_photo(48, 32) if mode in ("I;16", "I", "F") else (
            np.asarray(rgb.convert("L")) if grey else photo(48, 32)
        )) > 25  # fmt: skip


def test_pictures_are_treated_as_their_files_would_be(tmp_path):
    """Orientation, profile and EXIF."""
    exif = Image.Exif()
    exif[Base.Orientation], exif[Base.Make] = 6, "camera"
    profile = rgb_profile(DISPLAY_P3, srgb_parametric())
    Image.fromarray(photo(60, 40)).save(tmp_path / "a.jpg", exif=exif.tobytes(), icc_profile=profile, quality=95)
    expected = smartsplat.encode(tmp_path / "a.jpg", size=3000, effort=1)
    with Image.open(tmp_path / "a.jpg") as image:
        assert bytes(smartsplat.encode(image, size=3000, effort=1)) == bytes(expected)
    assert expected.shape == (60, 40, 3)
    assert expected.metadata.icc == profile


@pytest.mark.parametrize("kind", sources(__file__))
def test_opens_sources_of_every_kind(tmp_path, file, kind):
    file.save(tmp_path / "a.ssplat")
    source = sources(tmp_path / "a.ssplat")
    opened = smartsplat.open(source[kind])
    assert bytes(opened) == bytes(file)
    np.testing.assert_array_equal(smartsplat.decode(sources(tmp_path / "a.ssplat")[kind]), file.render())


def test_opens_open_files_from_where_they_stand(tmp_path, file):
    (tmp_path / "a.ssplat").write_bytes(b"before" + bytes(file))
    with (tmp_path / "a.ssplat").open("rb") as opened:
        opened.seek(6)
        assert bytes(smartsplat.open(opened)) == bytes(file)
        assert not opened.closed
    with (tmp_path / "a.ssplat").open("rb", buffering=0) as opened:
        opened.seek(6)
        np.testing.assert_array_equal(smartsplat.decode(opened), file.render())


class Trickle(io.RawIOBase):
    """A raw file, such as a socket's, that gives few bytes at once."""

    def __init__(self, data):
        self._file = io.BytesIO(data)

    def readable(self):
        return True

    def readinto(self, buffer):
        return self._file.readinto(memoryview(buffer)[:3])


def test_opens_files_that_give_few_bytes_at_once(file):
    assert bytes(smartsplat.open(Trickle(bytes(file)))) == bytes(file)


@pytest.mark.parametrize("source", [None, 5, 1.5, [1, 2], object(), {}], ids=lambda s: type(s).__name__)
def test_what_is_no_source_is_a_type_error(source):
    for door in (smartsplat.open, smartsplat.decode, smartsplat.SplatFile.open):
        with pytest.raises(TypeError, match="path"):
            door(source)


def test_text_is_no_source(tmp_path, file):
    file.save(tmp_path / "a.ssplat")
    with (tmp_path / "a.ssplat").open(encoding="latin-1") as text:
        for source in (text, io.StringIO("text")):
            with pytest.raises(TypeError, match="binary"):
                smartsplat.open(source)


@pytest.mark.parametrize("data", [b"", b"SS", b"no such file", bytes(100)], ids=len)
def test_bytes_that_are_no_file(tmp_path, data):
    (tmp_path / "a.ssplat").write_bytes(data)
    for kind, source in sources(tmp_path / "a.ssplat").items():
        with pytest.raises(FormatError) as caught:
            smartsplat.open(source)
        assert str(caught.value).isprintable()
        assert str(caught.value).startswith(str(tmp_path)) == (kind in ("str", "Path", "PathLike"))


# Errors


DOORS = {"encode": smartsplat.encode, "open": smartsplat.open, "decode": smartsplat.decode}


def missing(folder):
    return folder / "missing", FileNotFoundError


def directory(folder):
    return folder, IsADirectoryError


def in_a_file(folder):
    (folder / "file").write_bytes(b"")
    return folder / "file" / "a", NotADirectoryError


def forbidden(folder):
    if os.geteuid() == 0:
        pytest.skip("nothing is forbidden to root")
    (folder / "closed").write_bytes(b"")
    (folder / "closed").chmod(0)
    return folder / "closed", PermissionError


@pytest.mark.parametrize("case", [missing, directory, in_a_file, forbidden])
@pytest.mark.parametrize("door", DOORS)
def test_files_that_cannot_be_opened_are_the_systems_errors(tmp_path, door, case):
    path, kind = case(tmp_path)
    for source in (path, str(path), Named(path)):
        with pytest.raises(kind) as caught:
            DOORS[door](source)
        assert not isinstance(caught.value, SmartSplatError)
        assert str(caught.value.filename) == str(path)


@pytest.mark.parametrize("case", [missing, directory, in_a_file, forbidden])
@pytest.mark.parametrize(
    "arguments",
    [["encode", "{}", "b.ssplat"], ["decode", "{}", "b.png"], ["info", "{}"], ["compare", "{}", "{}"]],
    ids=lambda a: a[0],
)
def test_the_command_line_says_one_line(tmp_path, arguments, case):
    path, _ = case(tmp_path)
    command = [sys.executable, "-m", "smartsplat", *(a.format(path) for a in arguments)]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=300, check=False)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert str(path) in result.stderr


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("FormatError", ValueError), ("LimitError", ValueError), ("PictureError", ValueError),
        ("TargetError", ValueError), ("OutputError", OSError), ("SmartSplatError", Exception),
    ],
)  # fmt: skip
def test_errors_are_there_and_derive_from_what_python_has(name, base):
    kind = getattr(smartsplat, name)
    assert issubclass(kind, base)
    assert issubclass(kind, smartsplat.SmartSplatError)
    assert name in smartsplat.__all__
    error = kind("what is wrong")
    assert str(pickle.loads(pickle.dumps(error))) == str(error) == "what is wrong"


def test_an_existing_file_is_kept(tmp_path, file):
    (tmp_path / "a.ssplat").write_bytes(b"old")
    for path in (tmp_path / "a.ssplat", str(tmp_path / "a.ssplat"), Named(tmp_path / "a.ssplat")):
        with pytest.raises(OutputError, match="exists"):
            file.save(path)
        assert (tmp_path / "a.ssplat").read_bytes() == b"old"
    file.save(Named(tmp_path / "a.ssplat"), overwrite=True)
    assert (tmp_path / "a.ssplat").read_bytes() == bytes(file)


# The package


def test_dir_lists_what_there_is():
    names = dir(smartsplat)
    assert names == sorted(names)
    for name in smartsplat.__all__:
        assert name in names
        assert getattr(smartsplat, name) is not None
    with pytest.raises(AttributeError, match="nonsense"):
        _ = smartsplat.nonsense


def test_importing_the_package_loads_nothing():
    script = """
        import sys, smartsplat
        names = set(dir(smartsplat))
        loaded = {name.partition(".")[0] for name in sys.modules} & {"numpy", "PIL", "scipy", "tqdm"}
        print(loaded, "smartsplat._native" in sys.modules, set(smartsplat.__all__) <= names)
    """
    assert python(script) == "set() False True\n"


def test_opening_and_rendering_load_no_scipy(tmp_path, file):
    file.save(tmp_path / "a.ssplat")
    script = """
        import sys, smartsplat
        smartsplat.Renderer(smartsplat.open(sys.argv[1])).render()
        print({"scipy", "PIL", "tqdm"} & set(sys.modules))
    """
    assert python(script, str(tmp_path / "a.ssplat")) == "set()\n"


# A file as an object


def test_what_a_file_says_of_itself(tmp_path, file, grey_file):
    assert file.shape == file.render().shape == (64, 96, 3)
    assert grey_file.shape == grey_file.render().shape == (64, 96)
    assert len(file) == len(bytes(file)) == len(file.to_bytes())
    assert file
    file.save(tmp_path / "a.ssplat")
    text = repr(smartsplat.open(tmp_path / "a.ssplat"))
    for part in ("a.ssplat", "96 x 64", "RGB", f"{len(file)} bytes"):
        assert part in text
    assert "grey" in repr(grey_file)
    assert repr(smartsplat.Renderer(file)).isprintable()


def test_files_are_arrays(file, grey_file):
    for one in (file, grey_file):
        pixels = one.render()
        for array in (np.asarray(one), np.array(one), np.asanyarray(one), np.array(one, dtype=float)):
            np.testing.assert_array_equal(array, pixels)
        assert np.asarray(one).dtype == np.uint8
        assert np.array(one, dtype=np.float32).dtype == np.float32
        own = np.array(one)
        own[...] = 0  # a caller's own, whatever is done to it
        np.testing.assert_array_equal(one.render(), pixels)
        with pytest.raises(ValueError, match="copy"):
            one.__array__(copy=False)
        if np.lib.NumpyVersion(np.__version__) >= "2.0.0":
            with pytest.raises(ValueError, match="copy"):
                np.array(one, copy=False)


@pytest.mark.parametrize("grey", [False, True], ids=["colour", "grey"])
def test_pictures_of_pillow_keep_profile_and_exif(grey):
    exif = Image.Exif()
    exif[Base.Make] = "camera"
    profile = grey_profile(b"curv\0\0\0\0\0\0\0\1\2\0") if grey else rgb_profile(DISPLAY_P3, srgb_parametric())
    image = Image.fromarray(grey_photo() if grey else photo())
    image.info |= {"icc_profile": profile, "exif": exif.tobytes()}
    encoded = smartsplat.encode(image, size=4000, effort=1)
    for found in (encoded.to_pil(), encoded.to_pil(region=(5, 6, 40, 30), scale=0.5), encoded.thumbnail(20)):
        assert found.mode == ("L" if grey else "RGB")
        assert found.info["icc_profile"] == profile == encoded.metadata.icc
        assert found.getexif()[Base.Make] == "camera"
    np.testing.assert_array_equal(np.asarray(encoded.to_pil()), encoded.render())
    box = (5, 6, 45, 36)
    part = encoded.to_pil(region=smartsplat.region_from_box(box))
    assert part.size == encoded.to_pil().crop(box).size


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (48, (48, 32)),
        ((48, 48), (48, 32)),
        ((1000, 16), (24, 16)),
        (1, (1, 1)),
        ((5, 1000), (5, 3)),
        (500, (96, 64)),
        (10**400, (96, 64)),
    ],
)
def test_thumbnails_fit_and_are_never_enlarged(file, size, expected):
    assert file.thumbnail(size).size == expected


@pytest.mark.parametrize("size", [0, -1, (0, 5), (5, -1)])
def test_thumbnails_without_pixels_are_refused(file, size):
    with pytest.raises(PictureError):
        file.thumbnail(size)


@pytest.mark.parametrize("size", [np.int64(48), np.uint8(48), [48, 40], np.array([48, 40])], ids=repr)
def test_sizes_of_thumbnails_may_be_of_numpy(file, size):
    assert file.thumbnail(size).size == (48, 32)


@pytest.mark.parametrize("size", ["ab", (1, 2, 3), None, 1.5, (2.5, 3), True], ids=repr)
def test_other_sizes_of_thumbnails_are_refused(file, size):
    with pytest.raises((PictureError, TypeError)) as caught:
        file.thumbnail(size)
    assert str(caught.value).isprintable()


def test_notebooks_get_a_png(file, grey_file):
    for one in (file, grey_file):
        with Image.open(io.BytesIO(one._repr_png_())) as image:
            assert image.format == "PNG"
            np.testing.assert_array_equal(np.asarray(image), one.render())


def test_large_files_are_small_in_notebooks():
    wide = smartsplat.encode(photo(1200, 40), cr=100, effort=1)
    with Image.open(io.BytesIO(wide._repr_png_())) as image:
        assert max(image.size) == 512


def test_files_are_context_managers(tmp_path, file):
    file.save(tmp_path / "a.ssplat")
    with smartsplat.open(tmp_path / "a.ssplat") as opened:
        pixels = opened.render()
    np.testing.assert_array_equal(opened.render(), pixels)  # nothing was held open
    with pytest.raises(KeyError), opened:
        raise KeyError


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_files_pickle_as_their_bytes(file, protocol):
    file.render()  # what is decoded does not travel
    pickled = pickle.dumps(file, protocol)
    assert len(pickled) < 3 * len(file) + 1000
    found = pickle.loads(pickled)
    assert bytes(found) == bytes(file)
    assert found.report == file.report
    np.testing.assert_array_equal(found.render(), file.render())


def test_copies(tmp_path, file):
    file.save(tmp_path / "a.ssplat")
    opened = smartsplat.open(tmp_path / "a.ssplat")
    for found in (copy.copy(opened), copy.deepcopy(opened), copy.deepcopy([opened])[0]):
        assert (bytes(found), repr(found)) == (bytes(opened), repr(opened))
        np.testing.assert_array_equal(found.render(), file.render())


def test_arrays_of_a_file_are_read_only(mixed_file):
    opened = smartsplat.open(bytes(mixed_file))
    pixels = opened.render()
    for source in (opened, pickle.loads(pickle.dumps(opened))):
        splats, lattice = source.splats, source.lattice
        for array in (splats.parameters, splats.xy, splats.scale, splats.angle, splats.colour, lattice.values):
            assert not array.flags.writeable
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0
            with pytest.raises(ValueError, match="WRITEABLE"):
                array.flags.writeable = True
    np.testing.assert_array_equal(opened.render(), pixels)
    assert splats.canonical().parameters.flags.writeable  # what is made of them is the caller's own


def test_a_callers_memory_is_not_kept(file):
    data = bytearray(bytes(file))
    found = [make(data) for make in (smartsplat.SplatFile.from_bytes, smartsplat.open)]
    found += [make(memoryview(data)) for make in (smartsplat.SplatFile.from_bytes, smartsplat.open)]
    data[:] = bytes(len(data))
    data.clear()  # raises where somebody still looks at it
    for one in found:
        assert bytes(one) == bytes(file)
        np.testing.assert_array_equal(one.render(), file.render())


def test_threads_share_a_file(mixed_file):
    """Whoever asks first decodes; all get the same."""
    from concurrent.futures import ThreadPoolExecutor

    opened, expected = smartsplat.open(bytes(mixed_file)), mixed_file.render()
    with ThreadPoolExecutor(8) as pool:
        for pixels in pool.map(lambda _: opened.render(), range(16)):
            np.testing.assert_array_equal(pixels, expected)


# Types, and what is written about all this


TYPED = """
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import smartsplat


def everything(path: Path) -> NDArray[np.uint8]:
    file: smartsplat.SplatFile = smartsplat.encode(path, cr=200)
    file = smartsplat.encode(b"data", size=500, threads=1)
    file = smartsplat.encode(np.zeros((3, 4, 3), np.uint8), psnr=30.0, progress=lambda done: None)
    file.save(path, overwrite=True)
    with smartsplat.open(path) as opened, path.open("rb") as stream:
        file = smartsplat.open(stream)
        file = smartsplat.open(bytearray(bytes(opened)))
    shape: tuple[int, ...] = file.shape
    count: int = len(file) + file.width + len(file.splats)
    xy: NDArray[np.float32] = file.splats.xy
    lattice: smartsplat.Lattice | None = file.lattice
    report: smartsplat.Report | None = file.report
    file.to_pil(scale=0.5).save(path)
    file.thumbnail((100, 100)).save(path)
    renderer = smartsplat.Renderer(file, threads=2)
    out = np.empty((10, 10, 3), np.uint8)
    renderer.render(region=(0, 0, 10, 10), out=out, threads=1)
    renderer.render(region=np.array([0, 0, 10, 10]), dtype=np.float32)
    renderer.render(region=smartsplat.region_from_box((0, 0, 10, 10)))
    try:
        smartsplat.decode(path, region=[1, 2, 3, 4], scale=2)
    except (smartsplat.FormatError, smartsplat.SmartSplatError) as error:
        print(error, shape, count, xy, lattice, report, smartsplat.__version__)
    return np.asarray(file)
"""

WRONG = """
import smartsplat

smartsplat.encode(5)
smartsplat.open("a").nothing
smartsplat.open("a").render(scale="large")
"""


@pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="needs mypy")
def test_types_are_complete(tmp_path):
    assert (Path(smartsplat.__file__).parent / "py.typed").exists()
    (tmp_path / "typed.py").write_text(TYPED, encoding="utf-8")
    (tmp_path / "wrong.py").write_text(WRONG, encoding="utf-8")
    environment = os.environ | {"MYPYPATH": str(Path(smartsplat.__file__).parent.parent)}
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--cache-dir", tmp_path / "cache"]
    result = subprocess.run(
        [*command, "typed.py", "wrong.py"], capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
    )
    lines = result.stdout.splitlines()
    assert [line.partition(": error")[0] for line in lines[:-1]] == ["wrong.py:4", "wrong.py:5", "wrong.py:6"]


def test_the_readmes_example_works_as_written(tmp_path):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert examples
    Image.fromarray(gradient(1512, 1312)).save(tmp_path / "picture.png")
    for example in examples:
        (tmp_path / "picture.ssplat").unlink(missing_ok=True)
        python(example, cwd=tmp_path)
        assert smartsplat.open(tmp_path / "picture.ssplat").shape == (1312, 1512, 3)


def test_the_packages_own_example_works_as_written(tmp_path):
    Image.fromarray(photo(96, 64)).save(tmp_path / "picture.png")
    code = "\n".join(line for line in smartsplat.__doc__.splitlines()[1:] if line)
    assert python(code + "\nprint(pixels.shape)", cwd=tmp_path) == "(32, 48, 3)\n"
