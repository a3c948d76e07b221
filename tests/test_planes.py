"""Layouts and sizes of 8-bit pictures against plain NumPy."""

import numpy as np
import pytest

from smartsplat import _native
from smartsplat.pictures.planes import halve, to_planes

SHAPES = [(1, 1), (1, 2), (1, 9), (2, 1), (7, 1), (2, 2), (3, 3), (5, 3), (64, 3), (33, 50), (130, 257)]


@pytest.fixture(params=[1, 3])
def threads(request):
    _native.set_thread_count(request.param)
    yield
    _native.set_thread_count(0)


def naive_halves(planes):
    channels, height, width = planes.shape
    out = np.empty((channels, (height + 1) // 2, (width + 1) // 2), np.uint8)
    for c, y, x in np.ndindex(*out.shape):
        out[c, y, x] = np.floor(planes[c, 2 * y : 2 * y + 2, 2 * x : 2 * x + 2].mean() + 0.5)
    return out


@pytest.mark.parametrize("shape", SHAPES)
def test_planes_are_transposed_pixels(rng, threads, shape):
    pixels = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
    planes = to_planes(pixels)
    assert planes.flags.c_contiguous
    assert np.array_equal(planes, pixels.transpose(2, 0, 1))
    assert np.array_equal(to_planes(pixels[:, ::-1]), pixels[:, ::-1].transpose(2, 0, 1))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("levels", [256, 2])
def test_halves_are_rounded_means(rng, threads, shape, levels):
    planes = rng.integers(0, levels, (3, *shape), dtype=np.uint8)
    assert np.array_equal(halve(planes), naive_halves(planes))


def test_halves_of_white_are_white():
    assert halve(np.full((3, 41, 67), 255, np.uint8)).min() == 255
