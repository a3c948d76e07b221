"""Pictures that are too large to be decoded whole: their rows, from the file where they stand or as libvips reads them.

Pillow's own decoders fill a whole picture in memory, four bytes for each colour pixel.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
from PIL import Image

from smartsplat.pictures.metadata import read_orientation
from smartsplat.pictures.samples import Bytes
from smartsplat.scratch import Scratch

LOADED_BYTES = 4
"""Of a colour pixel that Pillow has loaded."""

CHANNELS = {"L": 1, "RGB": 3}
"""Of the modes that are read so: 8 bits without alpha, in which no decoder has a choice."""

STREAMED = ("PNG", "JPEG", "TIFF")
"""Formats that libvips reads from above to below without all of them in memory, if they are stored in that order."""

PHOTOMETRIC, PLAIN = 262, (1, 2)
"""TIFF's tag that says what samples mean, and where that is grey or RGB."""


class Rows(Protocol):
    """Rows of a picture, which are asked for once and in their order."""

    def read(self, top: int, bottom: int) -> Bytes:
        """Samples [bottom - top, W, 1 or 3]."""
        ...


class Stored:
    """Those that stand in a file as they are.

    Attributes:
        samples: [H, W, 1 or 3], mapped.
    """

    def __init__(self, samples: Bytes) -> None:
        self.samples = samples

    def read(self, top: int, bottom: int) -> Bytes:
        """See `Rows`."""
        return self.samples[top:bottom]


class Streamed:
    """Those that libvips decodes on demand."""

    def __init__(self, region: Any, width: int, channels: int) -> None:
        self._region, self._width, self._channels = region, width, channels

    def read(self, top: int, bottom: int) -> Bytes:
        """See `Rows`."""
        data = self._region.fetch(0, top, self._width, bottom - top)
        return np.frombuffer(data, np.uint8).reshape(bottom - top, self._width, self._channels)


def rows_of(image: Image.Image, file: IO[bytes], scratch: Scratch) -> Rows | None:
    """The rows of an open picture that Pillow has not loaded; None if it has to, or there is memory enough for it.

    Args:
        image: of Pillow.
        file: that it was opened from.
        scratch: what limits memory.
    """
    pixels = image.width * image.height
    if not scratch.is_short_of(LOADED_BYTES * pixels) or image.mode not in CHANNELS or image.has_transparency_data:
        return None
    return _stored(image, file, scratch) or _streamed(image, file)


def upright(rows: Rows | None, image: Image.Image) -> Bytes | None:
    """The mapped pixels [H, W, 3] of a picture that need no change; None for others."""
    if isinstance(rows, Stored) and image.mode == "RGB" and read_orientation(image) == 1:
        return rows.samples
    return None


def _stored(image: Image.Image, file: IO[bytes], scratch: Scratch) -> Stored | None:
    """The rows if they stand in the file one after the other, in strips or not."""
    channels = CHANNELS[image.mode]
    row, start, expected, above = image.width * channels, None, 0, 0
    for tile in getattr(image, "tile", ()):
        decoder, (left, top, right, bottom), offset, arguments = tile[:4]
        layout = arguments[0] if isinstance(arguments, tuple) else arguments
        if decoder != "raw" or layout != image.mode or (left, right) != (0, image.width) or top != above:
            return None
        if start is not None and offset != expected:
            return None
        if isinstance(arguments, tuple) and (arguments[1:] not in ((), (0, 1), (row, 1))):
            return None
        start = offset if start is None else start
        expected, above = offset + row * (bottom - top), bottom
    if start is None or above != image.height:
        return None
    try:
        return Stored(scratch.mapped(file, start, (image.height, image.width, channels), np.uint8))
    except (OSError, ValueError):  # a file that is shorter than it says, or none of the system's
        return None


def _streamed(image: Image.Image, file: IO[bytes]) -> Streamed | None:
    """The rows by libvips, if it is there and reads such a file from above to below."""
    path, tags = getattr(file, "name", None), getattr(image, "tag_v2", None)
    if image.format not in STREAMED or image.info.get("interlace") or not isinstance(path, str):
        return None
    if tags is not None and tags.get(PHOTOMETRIC) not in PLAIN:
        return None
    try:
        import pyvips
    except (ImportError, OSError):  # the library beneath may be missing
        return None
    logging.getLogger("pyvips").addHandler(logging.NullHandler())  # what is wrong is said once, by us
    opened = pyvips.Image.new_from_file(str(Path(path).absolute()), access="sequential", fail_on="error")
    channels = CHANNELS[image.mode]
    same = (opened.width, opened.height, opened.bands, opened.format) == (*image.size, channels, "uchar")
    return Streamed(pyvips.Region.new(opened), image.width, channels) if same else None
