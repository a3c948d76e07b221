"""Files that have no name yet, or a passing one: what is written before it takes its place."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl  # not on every system
except ImportError:  # there an open file cannot be removed, which serves as well as a lock
    fcntl = None  # type: ignore[assignment]

_NAMES = re.compile(r"\.smartsplat-[0-9a-f]{16}\.part")

_NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK}
"""What file systems say that have no hard links."""


class Temporary:
    """An empty file in a folder, open for writing and reading, for `put` to name.

    Without a name where the system has such files, for then nothing is left whatever ends the process; else with one
    that a later run removes.

    Attributes:
        file: what to write to.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path: Path | None = None
        self.file = _nameless(folder) or self._named()

    def put(self, destination: Path, *, mode: int | None) -> None:
        """Gives the file its name.

        Args:
            destination: in the same folder.
            mode: of what is to be replaced there, which the file takes over; None if nothing must be.

        Raises:
            FileExistsError: something is there and must not be replaced.
            OSError: the system refuses.
        """
        if mode is None and self._path is None and _link_open(self.file, destination):
            return
        if self._path is None:
            self._take_name()
        assert self._path is not None
        if mode is not None:
            self._path.chmod(mode)
        elif _link(self._path, destination):
            return  # `remove` takes the other name
        else:
            os.close(os.open(destination, os.O_WRONLY | os.O_CREAT | os.O_EXCL))  # nobody else can now
        _close_where_open_files_stay(self.file)
        self._path.replace(destination)

    def remove(self) -> None:
        """Closes the file; what has not been put anywhere is gone."""
        self.file.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _named(self) -> BinaryIO:
        """A new file that is known to be at work; a sweep may take one before it can be locked."""
        while True:
            path = self._new_path()
            file = path.open("x+b")
            if _lock(file.fileno(), otherwise=True) and path.exists():
                self._path = path
                return file
            file.close()

    def _take_name(self) -> None:
        """A name for a file that has none, or a copy that has one where the system refuses."""
        path = self._new_path()
        _lock(self.file.fileno(), otherwise=True)
        if _link_open(self.file, path):
            self._path = path
            return
        with self.file as source:
            self.file = self._named()
            source.seek(0)
            shutil.copyfileobj(source, self.file)
        self.file.flush()
        os.fsync(self.file.fileno())

    def _new_path(self) -> Path:
        return self._folder / f".smartsplat-{secrets.token_hex(8)}.part"


@contextmanager
def temporary(folder: Path) -> Iterator[Temporary]:
    """One that is gone when the block is left, if it has not been put anywhere; removes what dead processes left."""
    _sweep(folder)
    made = Temporary(folder)
    try:
        yield made
    finally:
        made.remove()


def _nameless(folder: Path) -> BinaryIO | None:
    """A file without a name; None where the system has none, or could not name it later."""
    flag = getattr(os, "O_TMPFILE", None)
    if flag is None:
        return None
    try:
        file = open(os.open(folder, flag | os.O_RDWR, 0o666), "w+b")  # noqa: PTH123, SIM115 (the caller's)
    except OSError:  # whatever it is, a named one will do or say why not
        return None
    if _way_to(file).exists():
        return file
    file.close()
    return None


def _way_to(file: BinaryIO) -> Path:
    return Path(f"/proc/self/fd/{file.fileno()}")


def _link_open(file: BinaryIO, destination: Path) -> bool:
    """Whether the file without a name has got that one; False where the system refuses, whyever.

    Raises:
        FileExistsError: something has it.
    """
    try:
        # The descriptor of a folder, which does not matter, is what makes Python follow the link.
        os.link(_way_to(file), destination, src_dir_fd=file.fileno(), follow_symlinks=True)
    except FileExistsError:
        raise
    except OSError:
        return False
    return True


def _link(source: Path, destination: Path) -> bool:
    """Whether the file has got that name, too; False where there are no links.

    Raises:
        FileExistsError: something has it.
        OSError: the system refuses.
    """
    try:
        os.link(source, destination)
    except OSError as error:
        if error.errno in _NO_LINKS:
            return False
        raise
    return True


def _sweep(folder: Path) -> None:
    """Removes what killed processes left: files of ours that nobody has locked."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _NAMES.fullmatch(entry.name):
                with suppress(OSError):
                    _remove_left(Path(entry.path))


def _remove_left(path: Path) -> None:
    if fcntl is None:
        path.unlink()
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if _lock(descriptor, otherwise=False):
            path.unlink()
    finally:
        os.close(descriptor)


def _lock(descriptor: int, *, otherwise: bool) -> bool:
    """Whether this process has the file locked now; `otherwise` where files cannot be locked."""
    if fcntl is None:
        return otherwise
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return otherwise
    return True


def _close_where_open_files_stay(file: BinaryIO) -> None:
    """Windows moves no open file."""
    if os.name == "nt":
        file.close()
