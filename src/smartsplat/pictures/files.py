"""Output files that appear whole or not at all, and input files by whatever name."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from smartsplat.errors import OutputError, one_line, shown
from smartsplat.pictures.temporary import Temporary, temporary

PathLike = str | os.PathLike[str]
"""A path as callers give it."""

_AT_ONCE = 1 << 24  # bytes asked of a stream


class Readable(Protocol):
    """A binary file, as far as it must be one; `seekable`, `seek` and `tell` are used where they are there."""

    def read(self, size: int = -1, /) -> bytes:
        """At most that many bytes, all that are left for -1, none at the end."""


def open_input(path: PathLike) -> BinaryIO:
    """A file, open for reading.

    Raises:
        OSError: it cannot be opened.
    """
    try:
        return Path(os.fsdecode(path)).open("rb")
    except ValueError as error:  # what Python says to names that no system takes, such as one with a null byte
        raise OSError(errno.EINVAL, one_line(error), shown(os.fsdecode(path))) from error


def read_up_to(file: Readable, data: bytearray, length: int) -> None:
    """Adds to the data what a file gives until they have that length or it ends; it may give less than is asked for.

    Memory follows what comes, not what is asked for.

    Raises:
        TypeError: it gives no bytes.
    """
    while len(data) < length:
        part = file.read(min(length - len(data), _AT_ONCE))
        if not isinstance(part, (bytes, bytearray, memoryview)):
            raise TypeError(f"gives {type(part).__name__}, not bytes; open it in binary mode")
        if not part:
            break
        data += part


def check_output(path: PathLike, *, overwrite: bool) -> None:
    """Refuses, before any work is done, an output path that `atomic_write` would refuse.

    Nothing is written. A link counts as the file it leads to.

    Args:
        path: file to write.
        overwrite: whether an existing file may be replaced.

    Raises:
        OutputError: if the path is a folder or something else than a file, exists without `overwrite`, or its
            folder does not exist or cannot be written to.
    """
    with _named_errors(path):
        _destination(path, overwrite=overwrite)


def make_folder(path: PathLike) -> None:
    """Makes a folder for outputs, and those it lies in, where they are not there.

    Raises:
        OutputError: it cannot be made, or a file has its name.
    """
    folder, name = Path(os.fsdecode(path)), shown(os.fsdecode(path))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise OutputError(f"{name}: is not a folder") from error
    except (OSError, ValueError) as error:
        raise OutputError(f"{name}: cannot be made: {one_line(error)}") from error


@contextmanager
def atomic_write(path: PathLike, *, overwrite: bool) -> Iterator[BinaryIO]:
    """Gives an empty binary file, open for writing and reading, that becomes `path` when the block is left.

    It is a temporary file in the same folder, see `smartsplat.pictures.temporary`. If the block raises anything, an
    interrupt too, it is gone, and whatever was at `path` stays untouched. A replaced file's permissions are kept.

    Args:
        path: file to write.
        overwrite: whether an existing file may be replaced.

    Raises:
        OutputError: as `check_output`, and for every OSError in the block, so do nothing but write there.
    """
    with _named_errors(path):
        destination = _destination(path, overwrite=overwrite)
        with temporary(destination.parent) as made:
            yield made.file
            made.file.flush()
            # Only now does a full disk show on file systems that reserve space late; and a crash after
            # the renaming cannot leave an empty file behind.
            os.fsync(made.file.fileno())
            _put(made, destination, overwrite=overwrite)


@contextmanager
def _named_errors(path: PathLike) -> Iterator[None]:
    """Turns errors of the operating system into one line that names the path."""
    try:
        yield
    except OutputError:  # an OSError, too, but named already
        raise
    except OSError as error:
        raise OutputError(f"{shown(os.fsdecode(path))}: cannot be written: {one_line(error)}") from error


def _destination(path: PathLike, *, overwrite: bool) -> Path:
    """The file that `path` means, with links followed, if it may be written."""
    name = shown(os.fsdecode(path))
    if _names_a_folder(os.fsdecode(path)) and not Path(os.fsdecode(path)).is_dir():
        raise OutputError(f"{name}: is a folder's name, not a file's")
    try:
        destination = Path(os.path.realpath(os.fsdecode(path)))
        mode = _mode(destination)
    except ValueError as error:  # a name that no system takes, such as one with a null byte
        raise OutputError(f"{name}: cannot be written: {one_line(error)}") from error
    if mode is not None:
        _check_existing(name, mode, overwrite=overwrite)
    _check_folder(name, destination.parent)
    return destination


def _names_a_folder(path: str) -> bool:
    """Whether it ends as only a folder's name can; it would be cut off otherwise, and a file written all the same."""
    return re.split(r"[/\\\\]" if os.name == "nt" else "/", path)[-1] in ("", ".", "..") and path != ""


def _mode(path: Path) -> int | None:
    """Kind and permissions of what is there, None if nothing is."""
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None


def _check_folder(name: str, folder: Path) -> None:
    if not folder.is_dir():
        raise OutputError(f"{name}: there is no folder {shown(str(folder))}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{name}: the folder {shown(str(folder))} cannot be written to")


def _check_existing(name: str, mode: int, *, overwrite: bool) -> None:
    if stat.S_ISDIR(mode):
        raise OutputError(f"{name}: is a folder, not a file")
    if not stat.S_ISREG(mode):  # renaming would replace the device itself
        raise OutputError(f"{name}: is a device or the like, not a file")
    if not overwrite:
        raise OutputError(f"{name}: exists already; -f (overwrite=True) replaces it")


def _put(made: Temporary, destination: Path, *, overwrite: bool) -> None:
    """Puts it at its place, where something may be that was not there at the first check, or come at any time."""
    name = shown(str(destination))
    for again in (True, False):
        mode = _mode(destination)
        if mode is not None:
            _check_existing(name, mode, overwrite=overwrite)
        try:
            made.put(destination, mode=None if mode is None else stat.S_IMODE(mode))
            return
        except FileExistsError:
            if not overwrite:
                _check_existing(name, stat.S_IFREG, overwrite=False)
            if not again:
                raise
