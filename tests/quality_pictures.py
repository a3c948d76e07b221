"""Small pictures of all sorts whose quality is recorded, and what is asked of them."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from smartsplat.api import decode, encode
from smartsplat.metrics import psnr
from smartsplat.pictures.samples import Bytes
from tests.photos import flower, photo

EXACT = 99.0
"""dB that stand for an exact picture."""


class Case(NamedTuple):
    """A picture by its name, bytes of the file, and the effort."""

    picture: str
    size: int
    effort: int


def grain(width: int, height: int) -> Bytes:
    """A photo with noise of 8 8-bit steps."""
    noise = np.random.default_rng(5).normal(0, 8, (height, width, 3))
    return (photo(width, height) + noise).clip(0, 255).round().astype(np.uint8)


def graphics(width: int, height: int) -> Bytes:
    """Sharp edges in few colours: bars, a disc, thin lines, and a grid of letters' size."""
    y, x = np.mgrid[:height, :width]
    out = np.full((height, width, 3), 240, np.uint8)
    out[height // 8 : height // 3, width // 10 : -width // 10] = (30, 60, 160)
    out[(x - 0.3 * width) ** 2 + (y - 0.65 * height) ** 2 < (height / 5) ** 2] = (200, 40, 30)
    out[(x + y) % 13 == 0] = (20, 20, 20)
    text = (x > 0.6 * width) & (y > 0.5 * height) & (x // 2 % 3 == 0) & (y // 3 % 2 == 0)
    out[text] = 0
    return out


def gradient(width: int, height: int) -> Bytes:
    """Smooth shades, not along one axis alone."""
    y, x = np.mgrid[:height, :width] / np.array([height, width])[:, None, None]
    shades = [0.2 + 0.6 * x * y, 0.9 - 0.5 * np.hypot(x - 0.3, y - 0.2), 0.5 + 0.4 * np.sin(4 * x + 2 * y)]
    return np.rint(255 * np.stack(shades, axis=2)).clip(0, 255).astype(np.uint8)


PICTURES = {
    "petals": lambda: photo(96, 64),
    "meadow": lambda: photo(240, 180, 300, 900),
    "leaves": lambda: np.ascontiguousarray(flower()[200:248, 300:364]),
    "grey": lambda: np.ascontiguousarray(photo(72, 56, 1200, 500)[:, :, 1]),
    "grain": lambda: grain(64, 48),
    "graphics": lambda: graphics(80, 60),
    "gradient": lambda: gradient(72, 48),
}

SIZES = {
    "petals": (300, 1200, 3600),
    "meadow": (1000, 1500),
    "leaves": (250, 900, 2400),
    "grey": (250, 900),
    "grain": (300, 1200, 3000),
    "graphics": (400, 1500),
    "gradient": (120, 400),
}
"""Bytes of the files: of splats alone, of both, and of a lattice alone."""

EFFORTS = (1, 5)


def cases() -> Iterator[Case]:
    """All that is recorded."""
    for picture, sizes in SIZES.items():
        for size in sizes:
            for effort in EFFORTS:
                yield Case(picture, size, effort)


def quality_of(case: Case, seed: int = 0) -> float:
    """PSNR of the decoded file, dB."""
    pixels = PICTURES[case.picture]()
    data = encode(pixels, size=case.size, effort=case.effort, seed=seed, tune="psnr").to_bytes()
    assert len(data) <= case.size
    return min(psnr(decode(data), pixels), EXACT)
