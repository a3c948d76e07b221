"""Numbers of the Python face: taken in every type that is one, refused as a ValueError in one line, never cut."""

import numpy as np
import pytest

import smartsplat
from smartsplat.errors import TargetError
from tests.photos import photo

NO_NUMBERS = ["2", b"x", True, float("nan"), float("inf"), -1, [], object(), 1.5, np.float64(2.5)]


@pytest.fixture(scope="module")
def file():
    return smartsplat.encode(photo(30, 20), effort=1, size=300)


@pytest.mark.parametrize("value", NO_NUMBERS, ids=lambda v: type(v).__name__)
@pytest.mark.parametrize("name", ["size", "splats", "effort", "seed", "threads", "steps", "max_pixels", "log_every"])
def test_encode_refuses_what_is_no_whole_number(name, value):
    options = ({"preset": "paper"} if name == "steps" else {"effort": 1}) | {name: value}
    with pytest.raises(ValueError, match=name) as caught:
        smartsplat.encode(photo(30, 20), **options)
    assert str(caught.value).isprintable()
    assert (name in ("size", "splats")) == isinstance(caught.value, TargetError)


@pytest.mark.parametrize("value", ["2", b"x", True, float("nan"), float("inf"), 10**400, 0, -1, [], object()])
@pytest.mark.parametrize("name", ["cr", "bpp", "psnr"])
def test_encode_refuses_what_is_no_number_above_0(name, value):
    with pytest.raises(TargetError, match=name) as caught:
        smartsplat.encode(photo(30, 20), **{name: value})
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("two", [2, 2.0, np.float64(2), np.uint8(2)])
def test_whole_numbers_of_every_type_are_the_same(two):
    options = {"size": 300, "effort": 2, "seed": 2, "threads": 2}
    expected = smartsplat.encode(photo(30, 20), **options).to_bytes()
    found = smartsplat.encode(photo(30, 20), **options | {"effort": two, "seed": two, "threads": two})
    assert found.to_bytes() == expected


@pytest.mark.parametrize("value", NO_NUMBERS, ids=lambda v: type(v).__name__)
def test_threads_everywhere(file, value):
    for call in (
        lambda: file.render(threads=value),
        lambda: smartsplat.Renderer(file, threads=value),
        lambda: smartsplat.Renderer(file).render(threads=value),
        lambda: smartsplat.SplatFile(bytes(file)).decode_splats(threads=value),
        lambda: smartsplat.decode(bytes(file), threads=value),
    ):
        with pytest.raises(ValueError, match="threads") as caught:
            call()
        assert str(caught.value).isprintable()
    assert file.render(threads=10**30).shape == (20, 30, 3)


@pytest.mark.parametrize("value", [None, "text", 5, 1.5, []])
def test_what_is_no_file_is_a_type_error_of_one_line(value):
    for make in (smartsplat.SplatFile, smartsplat.SplatFile.from_bytes, smartsplat.Renderer):
        with pytest.raises(TypeError) as caught:
            make(value)
        assert str(caught.value).isprintable()


def test_the_bytes_of_a_file_are_its_own(file):
    data = bytearray(file.to_bytes())
    for made in (smartsplat.SplatFile.from_bytes(data), smartsplat.open(data), smartsplat.open(memoryview(data))):
        expected = made.render()
        data[:] = bytes(len(data))
        assert made.to_bytes() == file.to_bytes()
        assert np.array_equal(made.render(), expected)
        data[:] = file.to_bytes()


def test_more_bytes_than_the_raw_picture_has():
    files = [
        smartsplat.encode(photo(30, 20), effort=1, **{k: v})
        for k, v in (("size", 10**30), ("bpp", 1e300), ("cr", 1e-300))
    ]
    assert len({f.to_bytes() for f in files}) == 1
    assert len(files[0]) <= 4096
