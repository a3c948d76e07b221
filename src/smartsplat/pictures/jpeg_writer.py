"""JPEG files written band by band, for Pillow wants all of a picture.

Pillow encodes each band by itself, with a restart marker before every row of blocks. There a decoder begins anew, so
that the bands' entropy-coded data, with a marker between them, are those of the whole picture: the tables are the same
for all. Markers count modulo 8, and a band has 8 rows of blocks.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from smartsplat.errors import OutputError
from smartsplat.pictures.samples import Bytes

BAND = 64
"""Rows of a band."""

_START_OF_FRAME, _START_OF_SCAN, _RESTARTS = 0xC0, 0xDA, 0xDD
_LAST_RESTART, _END = b"\xff\xd7", b"\xff\xd9"
_HEIGHT_AT = 5  # from the marker of the frame: marker, length, bits


class JpegWriter:
    """Writes a JPEG file without subsampling from strips of rows.

    Args:
        file: open for writing; nothing is read or sought.
        height: px, 1 to 65500.
        options: what Pillow's ``save`` is given, without subsampling.
    """

    def __init__(self, file: BinaryIO, height: int, options: Mapping[str, Any]) -> None:
        self._file, self._height, self._left, self._options = file, height, height, options
        self._rest: list[Bytes] = []  # rows of a band that is not full yet

    def write(self, rows: Bytes) -> None:
        """Adds rows [n, W, 3] or [n, W], uint8.

        Raises:
            ValueError: there are more than are left.
            OSError: the file cannot be written.
        """
        waiting = sum(map(len, self._rest))
        if waiting + len(rows) > self._left:
            raise ValueError(f"{len(rows)} rows, where {self._left - waiting} are left")
        while len(rows) > 0:
            taken = rows[: BAND - waiting]
            self._rest.append(taken)
            waiting += len(taken)
            rows = rows[len(taken) :]
            if waiting == min(BAND, self._left):
                self._put(np.concatenate(self._rest))
                self._rest, waiting = [], 0

    def _put(self, band: Bytes) -> None:
        first = self._left == self._height
        self._left -= len(band)
        stream = io.BytesIO()
        said = self._options if first else {key: self._options[key] for key in ("quality",) if key in self._options}
        Image.fromarray(band).save(stream, format="JPEG", subsampling=0, restart_marker_rows=1, **said)
        data = stream.getvalue()
        frame, scan = _parts(data)
        if first:
            place = frame + _HEIGHT_AT
            self._file.write(data[:place] + self._height.to_bytes(2, "big") + data[place + 2 : scan])
        else:
            self._file.write(_LAST_RESTART)
        self._file.write(data[scan : -len(_END)])

    def close(self) -> None:
        """Ends the file.

        Raises:
            ValueError: rows are missing.
            OSError: the file cannot be written.
        """
        if self._left:
            raise ValueError(f"{self._left - sum(map(len, self._rest))} rows are missing")
        self._file.write(_END)


def _parts(data: bytes) -> tuple[int, int]:
    """Where the marker of a JPEG's frame stands, and where its entropy-coded data begin."""
    at, frame, restarts = 2, 0, False
    while True:
        kind, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if kind == _START_OF_FRAME:
            frame = at
        restarts = restarts or kind == _RESTARTS
        at += 2 + length
        if kind == _START_OF_SCAN:
            if not restarts:
                raise OutputError("this version of Pillow knows no restart markers")
            return frame, at
