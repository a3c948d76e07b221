"""Picture files that are written: what is read again, and errors that are one line and leave no trace."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest
from PIL import Image
from PIL.ExifTags import Base

from smartsplat.errors import FormatError, OutputError
from smartsplat.pictures.metadata import Metadata
from smartsplat.pictures.picture import from_array, to_pil
from smartsplat.pictures.png_writer import PngWriter
from smartsplat.pictures.reading import load, read
from smartsplat.pictures.tiff_writer import TiffWriter
from smartsplat.pictures.writing import Described, save, save_strips, supported_output
from tests.profiles import DISPLAY_P3, gamma_curve, grey_profile, rgb_profile, srgb_parametric

LOSSLESS = ["png", "webp", "tif", "TIFF"]


@pytest.fixture
def pixels(rng):
    return rng.integers(0, 256, (37, 53, 3), dtype=np.uint8)


def assert_one_line(error, path):
    assert str(path) in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize("extension", LOSSLESS)
@pytest.mark.parametrize("grey", [False, True])
def test_saves_without_loss(pixels, tmp_path, extension, grey):
    array = pixels[:, :, 1] if grey else pixels
    path = tmp_path / f"a.{extension}"
    save(path, array)
    picture = load(path)
    assert np.array_equal(picture.pixels, from_array(array).pixels)
    assert picture.grey == (grey and extension != "webp")  # WebP has no grey
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_saves_jpeg_well(tmp_path):
    y, x = np.mgrid[:64, :64]
    colours = np.stack([x * 4, y * 4, np.where((x // 3) % 2, 30, 220)], axis=2).astype(np.uint8)
    save(tmp_path / "a.jpg", colours)
    assert np.abs(load(tmp_path / "a.jpg").pixels.astype(int) - colours).mean() < 3
    save(tmp_path / "b.jpeg", colours, quality=20)
    assert (tmp_path / "b.jpeg").stat().st_size < (tmp_path / "a.jpg").stat().st_size


def test_webp_with_a_quality_is_smaller(pixels, tmp_path):
    save(tmp_path / "a.webp", pixels)
    save(tmp_path / "b.webp", pixels, quality=50)
    assert (tmp_path / "b.webp").stat().st_size < (tmp_path / "a.webp").stat().st_size


def test_saves_views(pixels, tmp_path):
    save(tmp_path / "a.png", pixels[::2, ::-1])
    assert np.array_equal(load(tmp_path / "a.png").pixels, pixels[::2, ::-1])


@pytest.mark.parametrize("name", ["a", "a.xyz", "a.gif", "png"])
def test_an_unknown_extension_is_a_clear_error(pixels, tmp_path, name):
    for attempt in (supported_output, lambda path: save(path, pixels)):
        with pytest.raises(OutputError, match="extension") as caught:
            attempt(tmp_path / name)
        assert_one_line(caught.value, tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "side"), [("a.webp", 16384), ("a.jpg", 65501), ("a.jpeg", 70000)])
def test_a_picture_too_large_for_its_format_is_a_clear_error(tmp_path, name, side):
    for shape in [(side, 1), (1, side)]:
        with pytest.raises(OutputError, match=str(side)) as caught:
            save(tmp_path / name, np.zeros(shape, np.uint8))
        assert_one_line(caught.value, tmp_path / name)
    with pytest.raises(OutputError):
        supported_output(tmp_path / name, width=side, height=1)


@pytest.mark.parametrize(("name", "side"), [("a.webp", 16383), ("a.jpg", 65500), ("a.png", 70000), ("a.tif", 70000)])
def test_pictures_as_large_as_the_format_allows(tmp_path, name, side):
    save(tmp_path / name, np.zeros((side, 1), np.uint8))
    assert load(tmp_path / name).height == side


def test_a_name_that_no_file_can_have_is_one_line(pixels, tmp_path):
    for name in ("a\0b.png", "\ud800.png", "a\nb"):
        with pytest.raises(OutputError) as caught:
            save(tmp_path / name, pixels)
        assert str(caught.value).isprintable()


def test_keeps_an_existing_file(pixels, tmp_path):
    path = tmp_path / "a.png"
    save(path, pixels)
    before = path.read_bytes()
    with pytest.raises(OutputError, match="exists"):
        save(path, 255 - pixels)
    assert path.read_bytes() == before
    save(path, 255 - pixels, overwrite=True)
    assert np.array_equal(load(path).pixels, 255 - pixels)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError, ValueError, MemoryError])
def test_a_failure_while_saving_leaves_everything_as_it_was(pixels, tmp_path, monkeypatch, error, name):
    def fail(image, *_, **__):
        raise error("something\nwrong")

    path = tmp_path / name
    path.write_bytes(b"old")
    monkeypatch.setattr(Image.Image, "save", fail)
    monkeypatch.setattr(PngWriter, "write", fail)
    monkeypatch.setattr(TiffWriter, "write", fail)
    with pytest.raises(KeyboardInterrupt if error is KeyboardInterrupt else OutputError) as caught:
        save(path, pixels, overwrite=True)
    assert error is KeyboardInterrupt or "\n" not in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert path.read_bytes() == b"old"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tif"])
def test_damaged_metadata_are_written_or_refused(pixels, tmp_path, name):
    for exif in (b"nonsense", bytes(100), b"MM\0\x2a" + bytes([0, 0, 0, 8, 255, 255])):
        try:
            save(tmp_path / name, pixels, metadata=Metadata(b"nonsense", exif), overwrite=True)
        except OutputError as error:
            assert_one_line(error, tmp_path / name)
        else:
            assert np.abs(load(tmp_path / name).pixels.astype(int) - pixels).mean() < (40 if name == "a.jpg" else 1e-9)


def test_exif_too_long_for_jpeg_is_left_out(pixels, tmp_path):
    exif = Image.Exif()
    exif[Base.ImageDescription] = "x" * 70000
    metadata = Metadata(None, exif.tobytes()[6:])
    save(tmp_path / "a.jpg", pixels, metadata=metadata)
    assert load(tmp_path / "a.jpg").metadata.exif is None
    save(tmp_path / "a.png", pixels, metadata=metadata)
    assert len(load(tmp_path / "a.png").metadata.exif) > 70000


def test_refuses_other_pixels_and_qualities(pixels, tmp_path):
    five = np.concatenate([pixels, pixels[:, :, :2]], axis=2)
    for wrong in (pixels.astype(float), pixels[:, :, :1], five, pixels[:0], pixels[0, 0], pixels[None]):
        with pytest.raises(ValueError, match="uint8"):
            save(tmp_path / "a.png", wrong)
    for quality in (0, 101):
        with pytest.raises(ValueError, match="quality"):
            save(tmp_path / "a.jpg", pixels, quality=quality)
    assert not list(tmp_path.iterdir())


# Interrupts

INTERRUPTED = """
    import signal, sys, time
    import numpy as np
    from smartsplat.pictures import writing

    PERIOD = 0.02  # s of the processor's time, which other processes do not take part in
    ticks = []

    def tick(*_):
        ticks.append(time.process_time())
        if len(ticks) > 4:
            signal.setitimer(signal.ITIMER_PROF, 0)
            raise KeyboardInterrupt

    pixels = np.random.default_rng(1).integers(0, 256, (4000, 6000, 3), dtype=np.uint8)
    write = writing._PictureFile.write

    def timed(*arguments, **options):
        signal.signal(signal.SIGPROF, tick)
        signal.setitimer(signal.ITIMER_PROF, PERIOD, PERIOD)
        ticks.append(time.process_time())
        write(*arguments, **options)

    writing._PictureFile.write = timed
    try:
        writing.save(sys.argv[1], pixels, overwrite=True)
    except KeyboardInterrupt:
        print(max(np.diff(ticks)) - PERIOD)
"""


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_interrupts_are_handled_while_a_large_picture_is_saved(tmp_path, name):
    (tmp_path / name).write_bytes(b"old")
    command = [sys.executable, "-c", textwrap.dedent(INTERRUPTED), str(tmp_path / name)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(result.stdout) < 0.5 / 5  # not only within the 0.5 s that people notice: block by block
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == b"old"


@pytest.mark.parametrize("name", ["a.jpg", "a.webp"])
def test_pillow_gets_no_descriptor_and_writes_the_same_bytes(pixels, tmp_path, monkeypatch, name):
    write, descriptors = Image.Image.save, []

    def save_to(image, file, **options):
        descriptors.append(hasattr(file, "fileno"))
        write(image, tmp_path / f"direct-{name}", **options)
        write(image, file, **options)

    monkeypatch.setattr(Image.Image, "save", save_to)
    save(tmp_path / name, pixels)
    assert descriptors == [False]
    assert (tmp_path / name).read_bytes() == (tmp_path / f"direct-{name}").read_bytes()


# Pictures of Pillow

PROFILES = {"RGB": rgb_profile(DISPLAY_P3, srgb_parametric()), "L": grey_profile(gamma_curve(1.8)), "bad": b"nonsense"}


def exif():
    block = Image.Exif()
    block[Base.Make] = "camera"
    return block.tobytes()[6:]


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("profile", [None, *PROFILES])
@pytest.mark.parametrize("block", [None, exif()])
def test_a_picture_of_pillow_is_what_a_reader_of_the_file_sees(pixels, tmp_path, mode, profile, block):
    array = pixels if mode == "RGB" else pixels[:, :, 1]
    metadata = Metadata(PROFILES.get(profile), block)
    save(tmp_path / "a.png", array, metadata=metadata)
    found = to_pil(array, metadata)
    with Image.open(tmp_path / "a.png") as expected:
        assert (found.mode, found.size) == (expected.mode, expected.size) == (mode, (53, 37))
        assert np.array_equal(np.asarray(found), np.asarray(expected))
        assert found.info == expected.info
        assert dict(found.getexif()) == dict(expected.getexif())
    assert read(found).metadata == load(tmp_path / "a.png").metadata


def test_a_picture_of_pillow_without_metadata(pixels):
    found = to_pil(pixels[::2, ::-1])
    assert np.array_equal(np.asarray(found), pixels[::2, ::-1])
    assert found.info == {}


def test_no_picture_of_pillow_of_other_pixels(pixels):
    five = np.concatenate([pixels, pixels[:, :, :2]], axis=2)
    for wrong in (pixels.astype(float), pixels[:, :, :1], five, pixels[:0], pixels[0, 0], pixels[None]):
        with pytest.raises(ValueError, match="uint8"):
            to_pil(wrong)


# Strips


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.webp"])
@pytest.mark.parametrize("grey", [False, True])
def test_strips_are_saved_as_the_whole_is(pixels, tmp_path, name, grey):
    whole = np.ascontiguousarray(pixels[:, :, 0]) if grey else pixels
    height = len(whole)
    cuts = [1, height // 2, height // 2]
    metadata = Metadata(None, exif())
    save_strips(tmp_path / name, np.split(whole, cuts), Described.of(whole, metadata))
    save(tmp_path / f"whole-{name}", whole, metadata=metadata)
    if name != "a.png":
        assert (tmp_path / name).read_bytes() == (tmp_path / f"whole-{name}").read_bytes()
    found = load(tmp_path / name)
    assert np.array_equal(found.pixels, load(tmp_path / f"whole-{name}").pixels)
    assert found.metadata.exif == metadata.exif


def test_what_is_wrong_with_a_strip_comes_through(pixels, tmp_path):
    def strips():
        yield pixels[:3]
        raise FormatError("damaged")

    with pytest.raises(FormatError, match="damaged"):
        save_strips(tmp_path / "a.png", strips(), Described.of(pixels, Metadata()))
    with pytest.raises(OutputError, match="missing"):
        save_strips(tmp_path / "a.png", iter([pixels[:3]]), Described.of(pixels, Metadata()))
    assert not list(tmp_path.iterdir())
