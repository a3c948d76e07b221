"""Pillow, imageio and napari with ``.ssplat`` files."""

import io

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

import smartsplat
import smartsplat.plugins.pillow  # (registers itself)
from smartsplat.file.splatfile import SplatFile
from tests.photos import grey_photo, photo

WIDTH, HEIGHT = 260, 140


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    exif = Image.Exif()
    exif[0x010E] = "a title"
    image = Image.fromarray(photo(WIDTH, HEIGHT))
    stream = io.BytesIO()
    image.save(stream, "PNG", exif=exif)
    path = tmp_path_factory.mktemp("plugins") / "a.ssplat"
    smartsplat.encode(stream.getvalue(), effort=1, cr=20).save(path)
    return path


@pytest.fixture
def sizes(monkeypatch):
    """Sizes of what is rendered."""
    found = []
    render = SplatFile.render

    def seen(file, **options):
        pixels = render(file, **options)
        found.append(pixels.shape[:2])
        return pixels

    monkeypatch.setattr(SplatFile, "render", seen)
    return found


def test_pillow_opens_a_file_without_decoding_it(path, sizes):
    with Image.open(path) as image:
        assert (image.format, image.size, image.mode) == ("SSPLAT", (WIDTH, HEIGHT), "RGB")
        assert image.getexif()[0x010E] == "a title"
        assert image.get_format_mimetype() == "image/x-ssplat"
        assert sizes == []
        assert np.array_equal(np.asarray(image), smartsplat.open(path).render())
        assert np.asarray(image.convert("L").crop((3, 4, 8, 10))).shape == (6, 5)
    assert sizes[0] == (HEIGHT, WIDTH)


@pytest.mark.parametrize("wanted", [(64, 64), (50, 200), (1000, 1000), (1, 1)])
def test_pillow_makes_thumbnails_of_what_is_decoded_small(path, sizes, wanted):
    with Image.open(path) as image:
        image.thumbnail(wanted)
        small = np.asarray(image)
    with Image.open(path) as image:
        expected = image.copy()
        expected.thumbnail(wanted)
    assert small.shape == np.asarray(expected).shape
    assert np.abs(small.astype(float) - np.asarray(expected)).mean() < (40 if wanted == (1, 1) else 6)
    if wanted == (64, 64):
        assert sizes[0] == (128, 238)  # twice what is asked for, on the shorter side


def test_pillow_saves_with_options(tmp_path):
    image = Image.fromarray(photo(96, 64))
    image.save(tmp_path / "a.ssplat", cr=30, effort=1)
    assert (tmp_path / "a.ssplat").read_bytes() == smartsplat.encode(image, cr=30, effort=1).to_bytes()
    stream = io.BytesIO()
    image.save(stream, "SSPLAT", size=900, effort=1)
    assert 860 < len(stream.getvalue()) <= 900
    with pytest.raises(OSError, match="bytes"):
        image.save(tmp_path / "b.ssplat", size=5)
    assert not (tmp_path / "b.ssplat").exists()


def test_pillow_and_grey_pictures(tmp_path):
    smartsplat.encode(grey_photo(), cr=20, effort=1).save(tmp_path / "a.ssplat")
    with Image.open(tmp_path / "a.ssplat") as image:
        assert image.mode == "L"
        assert np.array_equal(np.asarray(image), smartsplat.open(tmp_path / "a.ssplat").render())


def test_pillow_refuses_damaged_files(path, tmp_path):
    data = path.read_bytes()
    for damaged in (data[:20], data[:8], data[:9] + b"?" + data[10:]):
        (tmp_path / "a.ssplat").write_bytes(damaged)
        with pytest.raises(UnidentifiedImageError):
            Image.open(tmp_path / "a.ssplat")


def test_imageio_reads_and_writes(path, tmp_path):
    iio = pytest.importorskip("imageio.v3", reason="needs imageio")
    import smartsplat.plugins.imageio

    pixels = iio.imread(path)
    assert np.array_equal(pixels, smartsplat.open(path).render())
    iio.imwrite(tmp_path / "b.ssplat", pixels, cr=30, effort=1)
    assert (tmp_path / "b.ssplat").read_bytes() == smartsplat.encode(pixels, cr=30, effort=1).to_bytes()
    assert iio.improps(path).shape == (HEIGHT, WIDTH, 3)


class TestNapari:
    @pytest.fixture
    def levels(self, path, monkeypatch):
        pytest.importorskip("dask.array", reason="needs dask")
        from smartsplat.plugins import napari

        monkeypatch.setattr(napari, "CHUNK", 64)
        ((levels, options, kind),) = napari.get_reader(str(path))(str(path))
        assert kind == "image" and options == {"multiscale": True, "rgb": True, "name": "a"}
        return levels

    def test_levels_halve_until_one_chunk(self, levels):
        assert [level.shape for level in levels] == [(140, 260, 3), (70, 130, 3), (35, 65, 3), (18, 33, 3)]
        assert all(level.dtype == np.uint8 for level in levels)

    def test_the_finest_level_is_the_picture(self, levels, path):
        found = levels[0].compute()
        assert np.abs(found.astype(int) - smartsplat.open(path).render()).max() <= 1

    def test_other_levels_are_means_of_it(self, levels):
        whole, half = levels[0].compute().astype(float), levels[1].compute()
        means = whole.reshape(70, 2, 130, 2, 3).mean(axis=(1, 3))
        assert np.abs(means - half)[2:-2, 2:-2].mean() < 3

    @pytest.mark.parametrize(
        "key", [np.s_[5], np.s_[3:9, 4], np.s_[::3, ::-2], np.s_[10:3:-2, 7:7], np.s_[-4:, -1, 1], np.s_[..., 0]]
    )
    def test_parts_are_those_of_the_whole(self, levels, key):
        assert np.abs(levels[0][key].compute().astype(int) - levels[0].compute()[key]).max(initial=0) <= 1

    def test_other_files_are_for_others(self):
        from smartsplat.plugins.napari import get_reader

        assert get_reader("a.png") is None and get_reader(["a.ssplat", "b.png"]) is None
