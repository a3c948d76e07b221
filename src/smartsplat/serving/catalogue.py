"""The files of a folder, by name, and those that are open."""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from smartsplat.file.renderer import Renderer
from smartsplat.file.splatfile import SplatFile

EXTENSION = ".ssplat"

FRESH = 2.0
"""Seconds for which a list of the folder is good."""


@dataclass(frozen=True)
class Entry:
    """A file.

    Attributes:
        name: path in the folder, with ``/`` and without extension.
        path: where it is.
        tag: changes when the file does; an ETag without its quotes.
    """

    name: str
    path: Path
    tag: str


@dataclass(frozen=True, eq=False)
class Opened:
    """A file that serves views.

    Attributes:
        width: px of the picture.
        height: likewise.
        renderer: for its views.
    """

    width: int
    height: int
    renderer: Renderer


class Catalogue:
    """The ``.ssplat`` files below a folder. Names are looked up in a list of them, so nothing else can be reached.

    Args:
        folder: must be there.
        most_open: files that are kept decoded; what was used last stays.
    """

    def __init__(self, folder: Path, *, most_open: int = 16) -> None:
        self._folder, self._most_open = folder, most_open
        self._lock = threading.Lock()
        self._listed = -FRESH
        self._paths: dict[str, Path] = {}
        self._open: OrderedDict[tuple[str, str], Opened] = OrderedDict()
        self._opening: dict[tuple[str, str], threading.Lock] = {}

    def entries(self) -> list[Entry]:
        """All files, by name."""
        found = (_entry(name, path) for name, path in sorted(self._list().items()))
        return [entry for entry in found if entry is not None]

    def is_fresh(self) -> bool:
        """Whether the folder need not be walked to find a file."""
        return time.monotonic() - self._listed <= FRESH

    def find(self, name: str) -> Entry | None:
        """The file of that name, if there is one."""
        path = self._list().get(name)
        return None if path is None else _entry(name, path)

    def open(self, entry: Entry) -> Opened:
        """The file, decoded; by one of the threads that ask for it at once.

        Raises:
            FormatError: it is not valid.
            OSError: it cannot be read.
        """
        key = entry.name, entry.tag
        with self._lock:
            lock = self._opening.setdefault(key, threading.Lock())
        with lock:
            if (opened := self._kept(key)) is None:
                file = SplatFile.open(entry.path)
                opened = self._keep(key, Opened(file.width, file.height, Renderer(file, threads=1)))
        return opened

    def _kept(self, key: tuple[str, str]) -> Opened | None:
        with self._lock:
            if key in self._open:
                self._open.move_to_end(key)
            return self._open.get(key)

    def _keep(self, key: tuple[str, str], opened: Opened) -> Opened:
        with self._lock:
            self._open[key] = opened
            while len(self._open) > self._most_open:
                oldest, _ = self._open.popitem(last=False)
                self._opening.pop(oldest, None)
        return opened

    def _list(self) -> dict[str, Path]:
        with self._lock:
            if not self.is_fresh():
                self._paths, self._listed = dict(_walk(self._folder)), time.monotonic()
            return self._paths


def _walk(folder: Path) -> Iterator[tuple[str, Path]]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(parent, name)
            if path.suffix == EXTENSION and not name.startswith("."):
                yield path.relative_to(folder).with_suffix("").as_posix(), path


def _entry(name: str, path: Path) -> Entry | None:
    """None where it has gone since the folder was listed."""
    try:
        found = path.stat()
    except OSError:
        return None
    return Entry(name, path, f"{found.st_mtime_ns:x}-{found.st_size:x}")
