"""The bytes of a ``.ssplat`` file from wherever callers have them; no more of a stream is read than a file can have."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from smartsplat import _native
from smartsplat.errors import FormatError, shown
from smartsplat.file.ranges import LocalRanges, Ranges, RemoteRanges, is_url
from smartsplat.file.store import FRONT, GREATEST_FILE, Store
from smartsplat.pictures.files import PathLike, open_input, read_up_to

Source = PathLike | bytes | bytearray | memoryview | BinaryIO
"""A path, an address that fsspec knows, the bytes of a file, or a file open in binary mode."""

LEAST_RANGED = 1 << 20
"""Bytes of a file on this machine from which it is read in parts."""


def opened(source: Source) -> tuple[bytes | Store, str | None]:
    """The bytes of a source, or of a large or far file something that reads them when they are wanted; and its name.

    Raises:
        OSError: it cannot be opened or read.
        FormatError: it is no valid file; the message does not name it.
        TypeError: the source is none of those allowed.
    """
    if isinstance(source, str) and is_url(source):
        return _ranged(RemoteRanges(source), shown(source)), shown(source)
    if isinstance(source, (str, os.PathLike)) and _is_large(source):
        name = shown(os.fsdecode(source))
        return _ranged(LocalRanges(source), name), name
    return contents(source)


def _ranged(ranges: Ranges, name: str) -> bytes | Store:
    try:
        if ranges.size <= FRONT:
            return ranges.read([(0, ranges.size)])[0]
        return Store(ranges)
    except FormatError as error:
        raise FormatError(f"{name}: {error}") from error


def _is_large(path: PathLike) -> bool:
    """Whether it is a regular file of many bytes; what cannot be looked at is left to whoever opens it."""
    try:
        found = Path(os.fsdecode(path)).stat()
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size >= LEAST_RANGED


def contents(source: Source) -> tuple[bytes, str | None]:
    """The bytes of a source, and its name, if it has one.

    Of a path or stream they end with the first byte beyond the length that the header announces, or where no header
    is; what is wrong with them is left to whoever parses them.

    Raises:
        OSError: a path cannot be opened or read.
        FormatError: the header announces more than 4 GiB.
        TypeError: the source is none of these.
    """
    if isinstance(source, bytes):
        return source, None
    if isinstance(source, (bytearray, memoryview)):
        return bytes(source), None
    if isinstance(source, (str, os.PathLike)):
        name = shown(os.fsdecode(source))
        if isinstance(source, str) and is_url(source):
            data = _ranged(RemoteRanges(source), name)
            return data if isinstance(data, bytes) else data.all(), name
        with open_input(source) as file:
            return _announced(file, name), name
    if not callable(getattr(source, "read", None)):
        raise TypeError(f"a .ssplat file is a path, bytes or a binary file, not {type(source).__name__}")
    named = getattr(source, "name", None)
    name = shown(named) if isinstance(named, str) else "<file>"
    return _announced(source, name), name if isinstance(named, str) else None


def everything(source: Source) -> tuple[bytes, str | None]:
    """The same, but of an address whatever is there, less than the header announces or more.

    Raises:
        OSError: as ``contents``, likewise the others.
        FormatError: likewise, or what is there has more than 4 GiB.
        TypeError: likewise.
    """
    if not (isinstance(source, str) and is_url(source)):
        return contents(source)
    ranges, name = RemoteRanges(source), shown(source)
    if ranges.size > GREATEST_FILE:
        raise FormatError(f"{name}: has {ranges.size} bytes, more than the {GREATEST_FILE} that are read")
    return ranges.read([(0, ranges.size)])[0], name


def _announced(file: BinaryIO, name: str) -> bytes:
    """A file's bytes, from where it stands to one beyond what it announces: a parser then says that there are more."""
    data = bytearray()
    read_up_to(file, data, len(_native.MAGIC))
    if data != _native.MAGIC:  # of anything else, which may be endless
        return bytes(data)
    read_up_to(file, data, _native.LONGEST_START)
    length = 0
    for measure in (_native.head_length, _native.announced_length):
        try:
            length = measure(bytes(data))
        except FormatError:  # the parser has the same to say, with a name
            return bytes(data)
        if length > GREATEST_FILE:
            raise FormatError(f"{name}: announces {length} bytes, more than the {GREATEST_FILE} that are read")
        read_up_to(file, data, length)
    read_up_to(file, data, length + 1)
    return bytes(data)
