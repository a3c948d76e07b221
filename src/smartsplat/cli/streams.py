"""The standard streams: `-` for a file, and streams that are closed, full, or cannot write a name."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

from smartsplat.errors import FormatError, OutputError, shown

if TYPE_CHECKING:
    from smartsplat.file.store import Store

STANDARD = "-"
"""Stands for stdin or stdout where a file is asked for; ``./-`` is a file of that name."""


def source(path: str) -> str | BinaryIO:
    """What the library may read: the path itself, or stdin.

    Raises:
        OSError: stdin is closed.
    """
    if path != STANDARD:
        return path
    if sys.stdin is None:
        raise OSError(errno.EBADF, "is closed", "<stdin>")
    return sys.stdin.buffer


def input_name(path: str) -> str:
    """Of an input, for messages."""
    return "<stdin>" if path == STANDARD else shown(path)


def read_file(readable: str | BinaryIO, name: str) -> bytes:
    """The bytes of a .ssplat file whose header and index are valid; nothing is decoded.

    Args:
        readable: its path, its address, or a stream.
        name: of it, for messages.

    Raises:
        OSError: it cannot be read.
        FormatError: it is not a valid file.
    """
    from smartsplat.file.source import contents

    data, _ = contents(readable)
    _summary(data, name)
    return data


def describe_file(readable: str | BinaryIO, name: str) -> dict[str, Any]:
    """What such a file says of itself; of a large or far one header and index are read."""
    from smartsplat.file.source import opened

    data, _ = opened(readable)
    return _summary(data, name)


def _summary(data: bytes | Store, name: str) -> dict[str, Any]:
    from smartsplat.file.summary import summarise

    try:
        return summarise(data)
    except FormatError as error:
        raise FormatError(f"{name}: {error}") from error


def output_name(path: str) -> str:
    """Of an output, likewise."""
    return "<stdout>" if path == STANDARD else shown(path)


def check_destination(input_path: str, output_path: str, *, overwrite: bool) -> None:
    """Refuses, before any work is done, an output that cannot be written, or that is the input.

    Raises:
        OutputError: it is one of these.
    """
    from smartsplat.pictures.files import check_output

    if output_path != STANDARD:
        if _is_same(input_path, output_path):
            raise OutputError(f"{shown(output_path)}: is the input, which is not written over")
        check_output(output_path, overwrite=overwrite)
    elif sys.stdout is None:
        raise OutputError("<stdout>: is closed")
    elif sys.stdout.isatty():
        raise OutputError("<stdout>: is a terminal; send it to a file or another program")


def _is_same(input_path: str, output_path: str) -> bool:
    try:
        read = os.fstat(0) if input_path == STANDARD else os.stat(input_path)  # noqa: PTH116 (a descriptor, too)
        return os.path.samestat(read, os.stat(output_path))  # noqa: PTH116
    except (OSError, ValueError):  # not there yet, or no name at all: said where it is opened
        return False


def write_bytes(data: bytes) -> None:
    """A whole file to stdout.

    Raises:
        OSError: it cannot be written.
    """
    with _giving_up(sys.stdout):
        sys.stdout.buffer.write(data)
        sys.stdout.flush()


def write_line(text: str, *, aside: bool = False) -> None:
    """Some lines to stdout, or aside, to stderr, where stdout has a file.

    Raises:
        OSError: they cannot be written.
    """
    stream: TextIO | None = sys.stderr if aside else sys.stdout
    if stream is None:  # `print` would take another stream
        raise OSError(errno.EBADF, "is closed", "<stderr>" if aside else "<stdout>")
    with _giving_up(stream):
        print(text, file=stream, flush=True)


def flush() -> None:
    """Fails here where stdout cannot be written to, and not at exit, where nobody could catch it."""
    if sys.stdout is not None:
        with _giving_up(sys.stdout):
            sys.stdout.flush()


@contextmanager
def _giving_up(stream: TextIO) -> Iterator[None]:
    """Where a stream fails, what is left in its buffer goes nowhere at exit, instead of failing once more."""
    try:
        yield
    except OSError as error:
        with suppress(OSError, ValueError):  # it has no descriptor: nothing is left there
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if error.filename is None and not isinstance(error, BrokenPipeError):
            error.filename = stream.name
        raise


@contextmanager
def ready() -> Iterator[None]:
    """Streams that commands can use: none of their descriptors free, and every name printable.

    A file that is opened while one of the three is closed would get its number, and whatever a C library writes to
    stderr would stand in the picture.
    """
    if os.name == "posix":
        for descriptor in range(3):
            _occupy(descriptor)
    with ExitStack() as stack:
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                _escape(stream, stack)
        yield


def _occupy(descriptor: int) -> None:
    try:
        os.fstat(descriptor)
    except OSError:
        with suppress(OSError):
            os.open(os.devnull, os.O_RDWR)  # the lowest one that is free


def _escape(stream: Any, stack: ExitStack) -> None:
    """Lets a stream write what its encoding lacks, such as names that are not UTF-8, with escapes."""

    def restore(before: str) -> None:
        with suppress(OSError, ValueError):  # it fails to flush, or is closed
            stream.reconfigure(errors=before)

    stack.callback(restore, stream.errors)
    with suppress(OSError, ValueError):
        stream.reconfigure(errors="backslashreplace")
