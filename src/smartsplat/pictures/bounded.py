"""Picture files of which no more is read than a picture can need: pipes may be endless, files huge."""

from __future__ import annotations

import io
import os
from typing import BinaryIO

from PIL import Image

from smartsplat.errors import PictureError, one_line
from smartsplat.pictures.files import Readable, read_up_to
from smartsplat.pictures.kinds import may_be_picture
from smartsplat.pictures.picture import check_size

_HEAD = 1 << 20
"""Bytes that nearly always say how large a picture is."""

_PER_PIXEL, _PER_UNKNOWN_PIXEL = 24, 8
"""Most bytes of a pixel: text such as that of PPM, and anything that does not say its size at the beginning."""

_BESIDE = 1 << 26
"""Most bytes beside the pixels: metadata, previews."""


def received(file: Readable, limit: int) -> io.BytesIO:
    """What comes from a stream that cannot go back, as a file that can.

    Args:
        file: a stream, from where it stands.
        limit: pixels that a picture may have.

    Returns:
        All of the stream; of one that cannot be a picture, its beginning.

    Raises:
        PictureError: the picture is too large, there is more than it can need, or the stream gives no bytes.
    """
    data = bytearray()
    try:
        read_up_to(file, data, _HEAD)
        if len(data) == _HEAD:
            most = _most_bytes(bytes(data), limit)
            read_up_to(file, data, most + 1)
            if len(data) > most > 0:
                raise PictureError(f"goes on beyond {most} bytes, more than its picture can need")
    except TypeError as error:
        raise PictureError(one_line(error)) from error
    return io.BytesIO(data)


def whole(file: BinaryIO, limit: int) -> bytes:
    """All of a file that can go back.

    Raises:
        PictureError: it has more bytes than a picture of so many pixels can need.
    """
    most = _PER_UNKNOWN_PIXEL * limit + _BESIDE
    data = bytearray()
    if file.seek(0, os.SEEK_END) <= most:
        file.seek(0)
        read_up_to(file, data, most + 1)
    if not 0 < len(data) <= most:  # a device may be longer than it says
        raise PictureError(f"has more than {most} bytes, which no picture within the limit of {limit} pixels can need")
    return bytes(data)


def _most_bytes(head: bytes, limit: int) -> int:
    """Bytes that the picture of a file that begins so can have; 0 if it can be none."""
    try:
        image = Image.open(io.BytesIO(head))
    except MemoryError:
        raise
    except Exception:  # it is none, or cut off where more is needed, for which each plugin has its own error
        return _PER_UNKNOWN_PIXEL * limit + _BESIDE if may_be_picture(head) else 0
    check_size(image.width, image.height, limit)
    return _PER_PIXEL * image.width * image.height + _BESIDE
