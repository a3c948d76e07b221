"""PNG files written strip by strip, on several processors.

Pillow takes ten times as long as decoding does. Here blocks of rows are filtered and deflated side by side: each is
ended by an empty block at a byte's border (a sync flush), so that one after the other they are one stream.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from types import ModuleType, TracebackType
from typing import Any, BinaryIO, NamedTuple, Self

import numpy as np

from smartsplat import _native
from smartsplat.pictures.metadata import EXIF_PREFIX, INCH
from smartsplat.pictures.png import SIGNATURE
from smartsplat.pictures.samples import Bytes, Samples

deflate: ModuleType = zlib
with suppress(ImportError):  # the extra `large`
    deflate = import_module("isal.isal_zlib")

LEVEL = 1
"""Of deflate. Higher ones take longer and save one byte in a hundred."""

BLOCK_BYTES = 1 << 20
"""Bytes of rows that are deflated at a time: a new window costs nothing, and an interrupt does not wait for long."""

ADLER = 65521

_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""Of grey, grey and alpha, RGB, RGB and alpha, by the number of channels."""


class _Block(NamedTuple):
    """A part of the stream of rows: deflated, its length before that, and its checksum."""

    data: bytes
    length: int
    adler: int


class PngWriter:
    """Writes a PNG file from strips of rows; as a context manager it ends the file.

    Args:
        file: open for writing; nothing is read or sought.
        width: px, at least 1.
        height: px, at least 1.
        channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
        bits: of a sample, 8 or 16.
        said: what Pillow's ``save`` would be given: ``icc_profile``, ``exif``, ``xmp``, ``dpi`` and, which it has not,
            ``cicp``.
        threads: that deflate, 0 for one for each processor.
    """

    def __init__(
        self, file: BinaryIO, width: int, height: int, *, channels: int, bits: int = 8,
        said: Mapping[str, Any] | None = None, threads: int = 0,
    ) -> None:  # fmt: skip
        self._file, self._type = file, np.dtype(np.uint8 if bits == 8 else np.uint16)
        self._pixel_bytes = channels * self._type.itemsize
        self._row_bytes = width * self._pixel_bytes
        self._left = height
        self._above: Bytes | None = None
        self._adler = 1
        self._threads = threads or os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._threads)
        self._blocks: deque[Future[_Block]] = deque()
        file.write(SIGNATURE)
        self._chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, _COLOUR_TYPES[channels], 0, 0, 0))
        for kind, data in _described(said or {}):
            self._chunk(kind, data)
        self._chunk(b"IDAT", b"\x78\x01")  # the head of the stream: deflate, a window of 32 KB, fast

    def write(self, rows: Samples) -> None:
        """Adds rows [n, W, C] or [n, W].

        Raises:
            ValueError: they have another shape or type, or are more than are left.
            OSError: the file cannot be written.
        """
        if rows.nbytes != len(rows) * self._row_bytes or len(rows) > self._left or rows.dtype != self._type:
            raise ValueError(f"rows {rows.dtype} {rows.shape}, where {self._left} of {self._row_bytes} bytes are left")
        step = max(1, BLOCK_BYTES // self._row_bytes)
        for first in range(0, len(rows), step):
            block = self._bytes_of(rows[first : first + step])
            self._left -= len(block)
            self._blocks.append(self._pool.submit(_deflated, block, self._above, self._pixel_bytes))
            self._above = block[-1].copy()
            self._put(at_most=2 * self._threads)

    def _bytes_of(self, rows: Samples) -> Bytes:
        """Rows as they stand in the file, the upper byte of a sample first."""
        stored = np.ascontiguousarray(rows, self._type.newbyteorder(">"))
        return stored.reshape(len(rows), -1).view(np.uint8)

    def close(self) -> None:
        """Writes what is left and ends the file.

        Raises:
            ValueError: rows are missing.
            OSError: the file cannot be written.
        """
        if self._left:
            raise ValueError(f"{self._left} rows are missing")
        self._put(at_most=0)
        self._chunk(b"IDAT", b"\x03\x00" + struct.pack(">I", self._adler))  # an empty last block
        self._chunk(b"IEND", b"")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if kind is None:
                self.close()
        finally:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _put(self, *, at_most: int) -> None:
        """Writes blocks until no more than so many are under way."""
        while len(self._blocks) > at_most:
            block = self._blocks.popleft().result()
            self._chunk(b"IDAT", block.data)
            self._adler = joined_adler(self._adler, block.adler, block.length)

    def _chunk(self, kind: bytes, data: bytes) -> None:
        self._file.write(struct.pack(">I", len(data)) + kind)
        self._file.write(data)
        self._file.write(struct.pack(">I", zlib.crc32(data, zlib.crc32(kind))))


def joined_adler(first: int, second: int, second_length: int) -> int:
    """The Adler-32 checksum of two parts of a stream from those of each (as zlib's ``adler32_combine``)."""
    low1, high1, low2, high2 = first & 0xFFFF, first >> 16, second & 0xFFFF, second >> 16
    low = (low1 + low2 - 1) % ADLER
    high = (high1 + high2 + (low1 - 1) * second_length) % ADLER
    return high << 16 | low


def _described(said: Mapping[str, Any]) -> Iterator[tuple[bytes, bytes]]:
    """Chunks before the pixels."""
    if "cicp" in said:
        yield b"cICP", bytes(said["cicp"])
    if "icc_profile" in said:
        yield b"iCCP", b"ICC Profile\0\0" + zlib.compress(said["icc_profile"])
    if "exif" in said:
        yield b"eXIf", said["exif"].removeprefix(EXIF_PREFIX)
    if "dpi" in said:
        yield b"pHYs", struct.pack(">2IB", *(round(value / INCH) for value in said["dpi"]), 1)
    if "xmp" in said:
        yield b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + said["xmp"]


def _deflated(rows: Bytes, above: Bytes | None, pixel_bytes: int) -> _Block:
    filtered: Any = _native.paeth_filter(rows, above, pixel_bytes)
    packer = (
        zlib.compressobj(LEVEL, wbits=-15, strategy=zlib.Z_RLE)
        if deflate is zlib
        else deflate.compressobj(LEVEL, wbits=-15)
    )
    data = packer.compress(filtered) + packer.flush(deflate.Z_SYNC_FLUSH)
    return _Block(data, filtered.size, deflate.adler32(filtered))
