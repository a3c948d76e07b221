"""The pictures that requests ask for, as bytes of a file."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from smartsplat.pictures.samples import flattened
from smartsplat.serving.catalogue import Opened
from smartsplat.serving.requests import Wanted

JPEG = {"quality": 88}
WEBP = {"quality": 85, "method": 2}
PNG = {"compress_level": 3}

_TURNS = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}
"""Pillow turns against the clock."""


def make_picture(opened: Opened, wanted: Wanted) -> bytes:
    """The bytes of the file that is asked for, of 8 bits; PNG and WebP keep alpha, what has none lies over white.

    Raises:
        LimitError: it takes more work than it may.
    """
    pixels = opened.renderer.render(region=wanted.region, size=wanted.size, dtype=np.uint8, threads=1)
    if wanted.quality != "color" or wanted.format == "jpg":
        pixels = _over_white(pixels)
    image = Image.fromarray(pixels)
    if wanted.mirrored:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if wanted.rotation:
        image = image.transpose(_TURNS[wanted.rotation])
    return _packed(_of_quality(image, wanted.quality), wanted.format)


def _over_white(pixels: NDArray[np.uint8]) -> NDArray[Any]:
    if pixels.ndim == 2 or pixels.shape[2] == 3:
        return pixels
    opaque = flattened(pixels, (255, 255, 255))
    return opaque[:, :, 0] if pixels.shape[2] == 2 else opaque


def _of_quality(image: Image.Image, quality: str) -> Image.Image:
    if quality == "gray":
        return image.convert("L")
    if quality == "bitonal":
        grey = np.asarray(image.convert("L"))
        return Image.fromarray(np.where(grey >= 128, 255, 0).astype(np.uint8))
    return image


def _packed(image: Image.Image, extension: str) -> bytes:
    names: dict[str, tuple[str, dict[str, Any]]] = {"jpg": ("JPEG", JPEG), "png": ("PNG", PNG), "webp": ("WEBP", WEBP)}
    name, options = names[extension]
    stream = io.BytesIO()
    image.save(stream, name, **options)
    return stream.getvalue()
