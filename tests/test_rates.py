"""More bytes are never worse, qualities are met, and what is simple takes few bytes."""

import numpy as np
import pytest

import smartsplat
from smartsplat.metrics import psnr
from tests.photos import flat, grain, noise, photo

FALL = 0.1  # dB that a file may lose to one of a tenth fewer bytes
EXCESS = 0.3  # dB


def quality(file, pixels):
    decoded = file.render()
    return 99.0 if np.array_equal(decoded, pixels) else min(psnr(decoded, pixels), 99.0)


COLOURS = [(0, 0, 0), (255, 255, 255), (170, 211, 223), (1, 2, 3)]


@pytest.mark.parametrize("colour", COLOURS, ids=str)
@pytest.mark.parametrize("size", [(1, 1), (3, 200), (256, 256), (2000, 1100), (1, 60_000)], ids=str)
@pytest.mark.parametrize("target", [{}, {"cr": 3.0}, {"psnr": 40}, {"size": 60}], ids=str)
def test_one_colour_is_exact_and_small(size, colour, target):
    pixels = flat(*size, colour)
    if target == {"cr": 3.0} and pixels.size < 1000:
        pytest.skip("too few bytes")
    file = smartsplat.encode(pixels, **target)
    assert len(file) < 60
    assert np.array_equal(file.render(), pixels)
    assert (file.render(scale=0.5) == np.uint8(colour)).all()


def test_one_grey_is_exact_and_small():
    pixels = np.full((512, 700), 200, np.uint8)
    file = smartsplat.encode(pixels)
    assert len(file) < 60
    assert np.array_equal(file.render(), pixels)


@pytest.mark.parametrize(("side", "sigma"), [(64, 10), (80, 4)])
def test_more_bytes_are_not_worse(side, sigma):
    pixels = grain(side, sigma)
    best, size = 0.0, 3000
    while size <= min(14_500, pixels.size):
        file = smartsplat.encode(pixels, size=size)
        found = quality(file, pixels)
        assert found >= best - FALL
        assert found == 99 or len(file) >= 0.97 * size
        best, size = max(best, found), round(1.15 * size)


@pytest.mark.parametrize("bpp", [0.5, 1, 2])
@pytest.mark.parametrize(("side", "sigma"), [(64, 6), (100, 12)])
def test_the_bytes_asked_for_are_used(side, sigma, bpp):
    size = round(bpp * side * side / 8)
    assert 0.97 * size <= len(smartsplat.encode(grain(side, sigma), size=size, effort=3)) <= size


@pytest.mark.parametrize("wanted", [33, 38, 42, 46])
@pytest.mark.parametrize(("side", "sigma"), [(40, 5), (64, 10)])
def test_qualities_are_met(side, sigma, wanted):
    pixels = grain(side, sigma)
    found = quality(smartsplat.encode(pixels, psnr=wanted, effort=3), pixels)
    assert found == 99 or 0 <= found - wanted <= EXCESS


@pytest.mark.parametrize("pixels", [photo(4, 4), photo(5, 9), noise(9, 9), noise(20, 20)], ids=["4", "5x9", "9", "20"])
def test_any_picture_can_be_exact(pixels):
    file = smartsplat.encode(pixels, psnr=90, effort=2)
    assert np.array_equal(file.render(), pixels)


def test_an_exact_picture_takes_no_more_bytes_than_it_needs():
    pixels = photo(24, 24)
    lengths = {len(smartsplat.encode(pixels, size=size)) for size in (2500, 3500, 4096)}
    assert max(lengths) <= 1.02 * min(lengths) < 2500
