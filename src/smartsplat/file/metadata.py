"""Metadata of a picture as the sections of a ``.ssplat`` file, and back."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from smartsplat.coding.format import COLOUR_CODE, EXIF, ICC, RESOLUTION, XMP
from smartsplat.errors import FormatError

if TYPE_CHECKING:
    from smartsplat.pictures.metadata import Metadata

GREATEST_METADATA = 1 << 24
"""Bytes of one kind of metadata, unpacked, from which a file is refused."""

COLOUR_CODE_BYTES = 4


def metadata_sections(metadata: Metadata) -> dict[int, bytes]:
    """The sections that keep a picture's metadata; what is too large for a file is left out."""
    from smartsplat.pictures.metadata import pack_resolution

    packed = {ICC: metadata.icc, EXIF: metadata.exif, XMP: metadata.xmp}
    sections = {k: zlib.compress(data, 9) for k, data in packed.items() if data and len(data) < GREATEST_METADATA}
    if metadata.resolution:
        sections[RESOLUTION] = pack_resolution(metadata.resolution)
    if metadata.code:
        sections[COLOUR_CODE] = bytes(metadata.code)
    return sections


def metadata_of(section: Callable[[int], bytes | None]) -> Metadata:
    """The metadata that sections keep.

    Args:
        section: gives that of a type, None if there is none.

    Raises:
        FormatError: they are damaged or too large.
    """
    from smartsplat.pictures.metadata import Metadata, unpack_resolution

    code = section(COLOUR_CODE) or b""
    return Metadata(
        icc=_unpack(section(ICC)),
        exif=_unpack(section(EXIF)),
        xmp=_unpack(section(XMP)),
        resolution=unpack_resolution(section(RESOLUTION) or b""),
        code=(code[0], code[1], code[2], code[3]) if len(code) == COLOUR_CODE_BYTES else None,
    )


def _unpack(data: bytes | None) -> bytes | None:
    if data is None:
        return None
    unpacker = zlib.decompressobj()
    try:
        unpacked = unpacker.decompress(data, GREATEST_METADATA)
    except zlib.error as error:
        raise FormatError(f"the metadata is damaged: {error}") from error
    if len(unpacked) == GREATEST_METADATA or not unpacker.eof:
        raise FormatError("the metadata is damaged or too large")
    return unpacked
