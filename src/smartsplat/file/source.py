"""The bytes of a ``.ssplat`` file from wherever callers have them; no more of a stream is read than a file can have."""

from __future__ import annotations

import os
from typing import BinaryIO

from smartsplat import _native
from smartsplat.errors import FormatError, shown
from smartsplat.pictures.files import PathLike, open_input, read_up_to

Source = PathLike | bytes | bytearray | memoryview | BinaryIO
"""A path, the bytes of a file, or a file open in binary mode."""

GREATEST_FILE = 1 << 32
"""Bytes of a file from which it is not read from a path or stream, whatever its header says."""


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
        with open_input(source) as file:
            return _announced(file, name), name
    if not callable(getattr(source, "read", None)):
        raise TypeError(f"a .ssplat file is a path, bytes or a binary file, not {type(source).__name__}")
    named = getattr(source, "name", None)
    name = shown(named) if isinstance(named, str) else "<file>"
    return _announced(source, name), name if isinstance(named, str) else None


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
