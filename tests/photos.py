"""Small pictures to encode: cuts of the packaged photo, and made ones."""

import functools
from pathlib import Path

import numpy as np

import smartsplat
from smartsplat.pictures.reading import load

FLOWER = Path(smartsplat.__file__).parent / "data" / "flower.webp"


@functools.cache
def flower():
    """The packaged photo, uint8 [1512, 2268, 3]."""
    return load(FLOWER).pixels


def photo(width=96, height=64, left=900, top=600):
    """A cut of the packaged photo, uint8 [height, width, 3]."""
    return np.ascontiguousarray(flower()[top : top + height, left : left + width])


@functools.cache
def thumbnail():
    """The packaged photo at a 31st of its size, uint8 [48, 64, 3]: means of squares, the same on every machine."""
    squares = flower()[:1488, :1984].reshape(48, 31, 64, 31, 3)
    return np.rint(squares.mean(axis=(1, 3))).astype(np.uint8)


def grey_photo(width=96, height=64):
    """The green of such a cut, uint8 [height, width]."""
    return np.ascontiguousarray(photo(width, height)[:, :, 1])


def flat(width=96, height=64, colour=(200, 100, 30)):
    """One colour, uint8 [height, width, 3]."""
    return np.full((height, width, 3), colour, np.uint8)


def noise(width=96, height=64, seed=1):
    """Independent samples, uint8 [height, width, 3]."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def grain(side, sigma, seed=0):
    """A cut of the photo with noise of that standard deviation, 8-bit steps, uint8 [side, side, 3]."""
    pixels = photo(side, side) + np.random.default_rng(seed).normal(0, sigma, (side, side, 3))
    return pixels.clip(0, 255).round().astype(np.uint8)


def checkerboard(width=32, height=32, side=1):
    """Black and white squares, uint8 [height, width, 3]."""
    y, x = np.mgrid[:height, :width] // side
    return np.repeat(((x + y) % 2 * 255).astype(np.uint8)[:, :, None], 3, axis=2)


def bright_pixel(width=32, height=32):
    """A white pixel on black, uint8 [height, width, 3]."""
    pixels = flat(width, height, (0, 0, 0))
    pixels[height // 2, width // 3] = 255
    return pixels


def gradient(width=48, height=32):
    """A ramp of each channel, uint8 [height, width, 3]."""
    y, x = np.mgrid[:height, :width]
    ramps = [x / max(width - 1, 1), y / max(height - 1, 1), 1 - x / max(width - 1, 1)]
    return np.stack([np.rint(255 * r) for r in ramps], axis=2).astype(np.uint8)
