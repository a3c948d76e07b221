"""TIFF files written strip by strip, without compression, of 8 or 16 bits: Pillow has no colours of 16 bits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import IFDRational, ImageFileDirectory_v2
from PIL.TiffTags import TAGS_V2_GROUPS

from smartsplat.errors import OutputError
from smartsplat.pictures.metadata import EXIF_PREFIX
from smartsplat.pictures.samples import Samples

STRIP_BYTES = 1 << 16
"""Of a strip of the file, about."""

GREATEST_CLASSIC = (1 << 32) - (1 << 24)
"""Bytes of pixels from which a file is a BigTIFF, of which offsets have 64 bits: with room for what is said of them."""

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_OFFSETS, _SAMPLES, _ROWS, _LENGTHS, _ACROSS, _DOWN, _PLANAR, _UNIT = 273, 277, 278, 279, 282, 283, 284, 296
_EXTRA, _XMP, _ICC = 338, 700, 34675

_BIG = b"II\x2b\0\x08\0\0\0" + (16).to_bytes(8, "little")
_LONG8 = 16

_GREY, _RGB = 1, 2
_STRAIGHT_ALPHA = 2
_INCHES = 2


class TiffWriter:
    """Writes a TIFF file from strips of rows.

    Args:
        file: open for writing, at its beginning; it can go back.
        width: px, at least 1.
        height: px, at least 1.
        channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha, which is not multiplied with the colours.
        bits: of a sample, 8 or 16.
        said: what Pillow's ``save`` would be given: ``icc_profile``, ``exif``, ``xmp``, ``dpi``.
    """

    def __init__(
        self, file: BinaryIO, width: int, height: int, *, channels: int, bits: int = 8,
        said: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self._file, self._type, self._left = file, np.dtype(np.uint8 if bits == 8 else "<u2"), height
        self._row_bytes = width * channels * self._type.itemsize
        directory = _described(said or {}, big=height * self._row_bytes > GREATEST_CLASSIC)
        rows = max(1, STRIP_BYTES // self._row_bytes)
        tops = range(0, height, rows)
        values = {
            _WIDTH: width, _HEIGHT: height, _BITS: (bits,) * channels, _COMPRESSION: 1,
            _PHOTOMETRIC: _GREY if channels < 3 else _RGB, _SAMPLES: channels, _ROWS: rows, _PLANAR: 1,
            _OFFSETS: tuple(top * self._row_bytes for top in tops),
            _LENGTHS: tuple(min(rows, height - top) * self._row_bytes for top in tops),
        }  # fmt: skip
        for tag, value in values.items():
            directory[tag] = value
        if channels % 2 == 0:
            directory[_EXTRA] = _STRAIGHT_ALPHA
        directory.save(file)  # it adds the place where it ends to the offsets

    def write(self, rows: Samples) -> None:
        """Adds rows [n, W, C] or [n, W].

        Raises:
            ValueError: they have another shape or type, or are more than are left.
            OSError: the file cannot be written.
        """
        right = rows.dtype.itemsize == self._type.itemsize and rows.nbytes == len(rows) * self._row_bytes
        if not right or len(rows) > self._left:
            raise ValueError(f"rows {rows.dtype} {rows.shape}, where {self._left} of {self._row_bytes} bytes are left")
        self._left -= len(rows)
        step = max(1, STRIP_BYTES // self._row_bytes)
        for top in range(0, len(rows), step):  # not all in one call, in which no signal would be handled
            self._file.write(np.ascontiguousarray(rows[top : top + step], self._type).data)

    def close(self) -> None:
        """Looks whether the file is whole.

        Raises:
            ValueError: rows are missing.
        """
        if self._left:
            raise ValueError(f"{self._left} rows are missing")


def _described(said: Mapping[str, Any], *, big: bool) -> ImageFileDirectory_v2:
    """A directory with all that is not about the pixels."""
    directory = ImageFileDirectory_v2(_BIG) if big else ImageFileDirectory_v2()
    if big:
        if not hasattr(directory, "_get_ifh"):
            raise OutputError("pixels of 4 GiB and more need Pillow 11.1, which knows BigTIFF")
        directory.tagtype[_OFFSETS] = _LONG8
    exif = Image.Exif()
    if "exif" in said:
        exif.load(EXIF_PREFIX + said["exif"].removeprefix(EXIF_PREFIX))
    for tag in exif:
        directory[tag] = exif.get_ifd(tag) if tag in TAGS_V2_GROUPS else exif[tag]
    if "icc_profile" in said:
        directory.tagtype[_ICC] = 7
        directory[_ICC] = said["icc_profile"]
    if "xmp" in said:
        directory.tagtype[_XMP] = 1
        directory[_XMP] = said["xmp"]
    if "dpi" in said:
        directory[_UNIT] = _INCHES
        for tag, value in zip((_ACROSS, _DOWN), said["dpi"], strict=True):
            directory[tag] = IFDRational(round(value * 1000), 1000)
    return directory
