"""The pictures that requests ask for, as bytes of a file."""

from __future__ import annotations

import io
import math
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from smartsplat.file.renderer import shape_of
from smartsplat.pictures.samples import flattened
from smartsplat.serving.catalogue import Opened
from smartsplat.serving.requests import Wanted

JPEG = {"quality": 88}
WEBP = {"quality": 85, "method": 2}
PNG = {"compress_level": 3}

MOST_KEPT = 1 << 22
"""Bytes of pixels that a thread keeps to draw the next picture into."""

_TURNS = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}
"""Pillow turns against the clock."""


def make_picture(opened: Opened, wanted: Wanted) -> bytes:
    """The bytes of the file that is asked for, of 8 bits; PNG and WebP keep alpha, what has none lies over white.

    Raises:
        LimitError: it takes more work than it may.
    """
    pixels = _canvas(*wanted.size, opened.renderer.channels)
    opened.renderer.render(region=wanted.region, size=wanted.size, out=pixels, threads=1)
    if wanted.quality != "color" or wanted.format == "jpg":
        pixels = _over_white(pixels)
    image = Image.fromarray(pixels)
    if wanted.mirrored:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if wanted.rotation:
        image = image.transpose(_TURNS[wanted.rotation])
    return _packed(_of_quality(image, wanted.quality), wanted.format)


class _Kept(threading.local):
    """Memory that a thread has used before: new memory costs as much as drawing half of a tile."""

    samples: NDArray[np.uint8] = np.empty(0, np.uint8)


_kept = _Kept()


def _canvas(width: int, height: int, channels: int) -> NDArray[np.uint8]:
    """[H, W] or [H, W, channels] of anything, until the thread asks for the next one."""
    shape = shape_of(width, height, channels)
    count = math.prod(shape)
    if count > MOST_KEPT:
        return np.empty(shape, np.uint8)
    if _kept.samples.size < count:
        _kept.samples = np.empty(count, np.uint8)
    return _kept.samples[:count].reshape(shape)


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
    with _memory_file() as file:
        image.save(file, name, **options)
        file.seek(0)
        return file.read()


@contextmanager
def _memory_file() -> Iterator[BinaryIO]:
    """A file in memory, one of the system's where it has such: only for these Pillow lets other threads run."""
    if hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("picture"), "w+b") as file:
            yield file
    else:
        yield io.BytesIO()
