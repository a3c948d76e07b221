"""PNG files that Pillow misreads or refuses: damaged chunks, transparent values, 16-bit grey with alpha."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from smartsplat.errors import PictureError
from smartsplat.pictures.deep import is_deep, layout
from smartsplat.pictures.samples import Samples

SIGNATURE = b"\x89PNG\r\n\x1a\n"

GREATEST_PROFILE = 1 << 24
"""Longest colour profile that is unpacked, bytes; Pillow ends at 2^20."""

_WANTED = {b"eXIf", b"cICP", b"gAMA", b"cHRM", b"sRGB"}
"""Chunks that say something of what pixels mean."""

_BITS = {"1": 1, "L;2": 2, "L;4": 4, "L": 8, "I;16B": 16, "RGB": 8, "RGB;16B": 16}
"""Bits of the samples that may have a transparent value, by what Pillow calls their layout in the file."""


class _Chunk(NamedTuple):
    kind: bytes
    data: bytes
    sound: bool
    """Its checksum is right."""
    whole: bytes


def mended(data: bytes) -> tuple[bytes, bytes | None, str] | None:
    """A file without the chunks that its pixels do not need.

    Returns:
        The file, its colour profile, and a remark on what was left out; None if nothing can be.

    Raises:
        PictureError: what is damaged decides on pixels.
    """
    kept, profile, dropped = [SIGNATURE], None, []
    for chunk in _chunks(data):
        if chunk.kind == b"tRNS" and not chunk.sound:
            raise PictureError("the checksum of its transparency (chunk tRNS) is wrong")
        if chunk.kind == b"iCCP":
            profile = _profile(chunk.data)
        if chunk.kind[0] < 97 or chunk.kind == b"tRNS" or (chunk.kind in _WANTED and chunk.sound):
            kept.append(chunk.whole)
        elif chunk.kind != b"iCCP" or profile is None:
            dropped.append(chunk.kind.decode("latin-1"))
    if not dropped and profile is None:
        return None
    names = ", ".join(dict.fromkeys(dropped))
    remark = (
        f"chunks beside its pixels are damaged or huge; without {names}" if dropped else "its colour profile is huge"
    )
    return b"".join(kept), profile, remark


def _chunks(data: bytes) -> Iterator[_Chunk]:
    """All chunks as far as they are there in full, and the rest of a file that ends in one."""
    at = len(SIGNATURE)
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        body = data[at + 8 : end - 4]
        sound = end <= len(data) and zlib.crc32(kind + body) == int.from_bytes(data[end - 4 : end])
        if not kind.isalpha():
            return
        yield _Chunk(kind, body, sound, data[at:end])
        at = end


def _profile(data: bytes) -> bytes | None:
    """The colour profile of a chunk, which zlib's own checksum vouches for."""
    unpacker = zlib.decompressobj()
    try:
        profile = unpacker.decompress(data[data.index(b"\0") + 2 :], GREATEST_PROFILE)
    except (zlib.error, ValueError):
        return None
    return profile if unpacker.eof else None


def is_misread(image: Image.Image) -> bool:
    """Whether Pillow would load an open picture, not yet loaded, otherwise than `prepare` has it."""
    found = layout(image)
    keyed = "transparency" in image.info and found in _BITS and found not in ("I;16B", "1")
    return found == "LA;16B" or is_deep(image) or keyed


def prepare(image: Image.Image) -> None:
    """Has samples of grey and alpha of 16 bits loaded as they are, and the transparent value in Pillow's samples."""
    found = layout(image)
    if found == "LA;16B":
        tile = image.tile[0]  # type: ignore[attr-defined]
        image.tile = [tile._replace(args="RGBA")]  # type: ignore[attr-defined]
        image.info["smartsplat"] = "LA;16B"
    key = image.info.get("transparency")
    if found in ("L;2", "L;4", "L") and isinstance(key, int):
        most = (1 << _BITS[found]) - 1
        image.info["transparency"] = (key & most) * 255 // most
    if found == "RGB" and isinstance(key, tuple):
        image.info["transparency"] = tuple(value & 255 for value in key)


def is_raw_grey(image: Image.Image) -> bool:
    """Whether `prepare` has had grey and alpha of 16 bits loaded as bytes."""
    return image.info.get("smartsplat") == "LA;16B"


def raw_grey(part: Image.Image) -> Samples:
    """Samples uint16 [h, w, 2] of part of such a picture."""
    words: NDArray[Any] = np.ascontiguousarray(np.asarray(part)).view(">u2")
    return words.astype(np.uint16)
