"""Files of which parts are read: from a disk, or by fsspec from wherever that reaches."""

from __future__ import annotations

import errno
import os
import threading
import weakref
from collections.abc import Sequence
from typing import Any, Protocol

from smartsplat.errors import FormatError, one_line
from smartsplat.pictures.files import PathLike, open_input

ByteRange = tuple[int, int]
"""Offset and length."""

PATIENCE = 30.0
"""Seconds without an answer of a web server from which it is given up."""

NOT_FOUND = 404
"""Status of a web server's answer."""


class Ranges(Protocol):
    """A file of a known size of which parts can be read."""

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    @property
    def gap(self) -> int:
        """Bytes that are better read in vain than left out between two ranges."""
        ...

    def read(self, wanted: Sequence[ByteRange]) -> list[bytes]:
        """The bytes of each range.

        Raises:
            OSError: they cannot be read.
            FormatError: the file has become shorter.
        """
        ...

    def close(self) -> None:
        """Nothing is read any more."""
        ...


class LocalRanges:
    """A file on this machine, kept open: it stays what it is if another takes its name.

    Args:
        path: of a regular file.

    Raises:
        OSError: it cannot be opened.
    """

    gap = 512

    def __init__(self, path: PathLike) -> None:
        self._file = open_input(path)
        self._close = weakref.finalize(self, self._file.close)
        self._lock = threading.Lock()
        self.size = os.fstat(self._file.fileno()).st_size

    def read(self, wanted: Sequence[ByteRange]) -> list[bytes]:
        """See ``Ranges``."""
        return [_whole(self._at(*part), part) for part in wanted]

    def _at(self, offset: int, length: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self._file.fileno(), length, offset)
        with self._lock:
            self._file.seek(offset)
            return self._file.read(length)

    def close(self) -> None:
        """See ``Ranges``."""
        self._close()


class RemoteRanges:
    """A file that fsspec reaches: ``https://...``, ``s3://...`` and so on; the ranges of a call are read side by side.

    Args:
        url: with its protocol.

    Raises:
        OSError: there is no such file, or nothing that could read it.
    """

    gap = 32768

    def __init__(self, url: str) -> None:
        self._name = url
        self._files, self._path = _file_system(url)
        size = self._asked(lambda: self._files.info(self._path).get("size"))
        if not isinstance(size, int):
            raise OSError(errno.EIO, "does not say how long it is", self._name)
        self.size = size

    def read(self, wanted: Sequence[ByteRange]) -> list[bytes]:
        """See ``Ranges``. A server that knows no ranges gives all of the file each time."""
        paths = [self._path] * len(wanted)
        starts, ends = [start for start, _ in wanted], [start + length for start, length in wanted]
        parts = self._asked(lambda: self._files.cat_ranges(paths, starts, ends, on_error="raise"))
        return [_whole(self._cut(part, of), of) for part, of in zip(parts, wanted, strict=True)]

    def _cut(self, part: bytes, of: ByteRange) -> bytes:
        return part[of[0] : sum(of)] if len(part) == self.size != of[1] else part

    def close(self) -> None:
        """See ``Ranges``."""

    def _asked(self, ask: Any) -> Any:
        """What asks, with every failure as an OSError of one line; libraries for far files have errors of their own."""
        try:
            return ask()
        except Exception as error:
            cause = error.__cause__ or error  # of a web server every failure is said to be that nothing is there
            if isinstance(cause, FileNotFoundError) or getattr(cause, "status", None) == NOT_FOUND:
                raise FileNotFoundError(errno.ENOENT, "there is no such file", self._name) from error
            raise OSError(errno.EIO, f"cannot be read: {one_line(cause)}", self._name) from error


class Within:
    """A file within another one.

    Args:
        ranges: the other one.
        start: where it begins there.
        size: bytes.
    """

    def __init__(self, ranges: Ranges, start: int, size: int) -> None:
        self._ranges, self._start, self.size = ranges, start, size

    @property
    def gap(self) -> int:
        """See ``Ranges``."""
        return self._ranges.gap

    def read(self, wanted: Sequence[ByteRange]) -> list[bytes]:
        """See ``Ranges``."""
        return self._ranges.read([(self._start + offset, length) for offset, length in wanted])

    def close(self) -> None:
        """See ``Ranges``; the file around it stays open."""


def is_url(source: object) -> bool:
    """Whether a source is an address with a protocol."""
    return isinstance(source, str) and "://" in source


def _whole(part: bytes, wanted: ByteRange) -> bytes:
    if len(part) != wanted[1]:
        raise FormatError("the file has become shorter while it was read")
    return part


def _file_system(url: str) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs

        found: tuple[Any, str] = url_to_fs(url, **_options(url))
    except ImportError as error:
        text = f"needs the extra remote, pip install 'smartsplat[remote]': {one_line(error)}"
        raise OSError(errno.EIO, text, url) from error
    except ValueError as error:  # a protocol that nobody knows
        raise OSError(errno.EINVAL, one_line(error), url) from error
    except Exception as error:  # such as of FTP, which connects at once
        raise OSError(errno.EIO, f"cannot be reached: {one_line(error)}", url) from error
    return found


def _options(url: str) -> dict[str, Any]:
    if not url.startswith(("http://", "https://")):
        return {}
    from aiohttp import ClientTimeout

    return {"client_kwargs": {"timeout": ClientTimeout(total=None, connect=PATIENCE, sock_read=PATIENCE)}}
