"""Large arrays: in memory as far as a limit lets them, else in files without names that are mapped.

What lies in such a file is in the system's cache, of which the system takes back what others need, once it is on the
disk. The pages that this process has in use count as its memory: a thread gives them back when there are too many,
which changes no value. So code that goes over arrays part by part works in bounded memory as it is.
"""

from __future__ import annotations

import mmap
import os
import tempfile
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

LEAST = 1 << 24
"""Bytes of an array that is worth a file."""

LIBRARIES = 1 << 27
"""Bytes that a process takes before there is any array."""

SHARE = 0.5
"""Part of the rest of the limit that arrays may have in memory; what is left is for all that works on them."""

FULL = 0.75
"""Part of the limit from which on pages are given back."""

LEAST_LIMIT = 1 << 28
"""Bytes; in less there is no room for the libraries and what they work in."""

USUAL = 0.5
"""Part of the memory that is free now, which is the limit unless another is asked for."""

LEAST_RETURN = 1 << 26
"""Bytes of mapped pages below which there is nothing to be given back: the libraries themselves have some."""

INTERVAL = 0.004
"""Seconds between two looks at how many they are."""

_RETURNS = hasattr(mmap, "MADV_DONTNEED") and Path("/proc/self/statm").exists()


class Scratch:
    """Where large arrays lie; a context, at whose end no pages are given back any more.

    Args:
        limit: bytes of memory that this process should take, about, at least LEAST_LIMIT; None: any number.
        folder: for the files; None: see `scratch_folder`.
    """

    def __init__(self, limit: int | None = None, folder: Path | None = None) -> None:
        self.limit = limit
        self._folder = folder
        self._taken = 0
        self._maps: weakref.WeakSet[mmap.mmap] = weakref.WeakSet()
        self._lock = threading.RLock()  # an array may go while its thread holds it
        self._ended = threading.Event()
        self._keeper: threading.Thread | None = None

    def __enter__(self) -> Scratch:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        if self._keeper is not None:
            self._keeper.join()

    def empty(self, shape: Sequence[int], dtype: DTypeLike) -> NDArray[Any]:
        """An array that is not initialised.

        Raises:
            OSError: it takes a file for which there is no room.
        """
        count = int(np.prod(shape, dtype=np.int64))
        size = count * np.dtype(dtype).itemsize
        if not self.is_short_of(size):
            array = np.empty(shape, dtype)
            self.note(array)
            return array
        mapping = _file_of(size, self._folder or scratch_folder())
        self._keep(mapping)
        return np.frombuffer(mapping, dtype, count).reshape(shape)

    def is_short_of(self, size: int) -> bool:
        """Whether an array of so many bytes would not lie in memory."""
        return self.limit is not None and size >= LEAST and self._taken + size > SHARE * (self.limit - LIBRARIES)

    def note(self, array: NDArray[Any]) -> None:
        """Takes note of an array that somebody else has made: in memory, or a file mapped for reading."""
        if self.limit is None:
            return
        if (base := _mapped_base(array)) is not None:
            if isinstance(base, np.memmap) and base.mode == "r":  # others may hold what no file has
                self._keep(base._mmap)  # type: ignore[attr-defined]
            return
        with self._lock:
            self._taken += array.nbytes
        weakref.finalize(array, self._gone, array.nbytes).atexit = False

    def mapped(self, file: IO[bytes], offset: int, shape: Sequence[int], dtype: DTypeLike) -> NDArray[Any]:
        """What an open file holds there, read-only.

        Raises:
            OSError: it cannot be mapped.
            ValueError: likewise, for one that is too short.
        """
        count = int(np.prod(shape, dtype=np.int64))
        size = count * np.dtype(dtype).itemsize
        start = offset // mmap.ALLOCATIONGRANULARITY * mmap.ALLOCATIONGRANULARITY
        mapping = mmap.mmap(file.fileno(), offset - start + size, access=mmap.ACCESS_READ, offset=start)
        self._keep(mapping)
        return np.frombuffer(mapping, dtype, count, offset - start).reshape(shape)

    def _gone(self, size: int) -> None:
        with self._lock:
            self._taken -= size

    def _keep(self, mapping: mmap.mmap) -> None:
        if self.limit is None or not _RETURNS:
            return
        with self._lock:
            self._maps.add(mapping)
            if self._keeper is None:
                self._keeper = threading.Thread(target=self._return_pages, name="smartsplat-scratch", daemon=True)
                self._keeper.start()

    def _return_pages(self) -> None:
        assert self.limit is not None
        while not self._ended.wait(INTERVAL):
            resident, shared = _in_use()
            if resident > FULL * self.limit and shared > LEAST_RETURN:
                with self._lock:
                    mappings = list(self._maps)
                while mappings:  # nothing is held on to while this waits
                    mappings.pop().madvise(mmap.MADV_DONTNEED)


MEMORY = Scratch()
"""Without a limit: everything lies in memory."""


def _mapped_base(array: NDArray[Any]) -> Any:
    """What of NumPy's or the system's has mapped the file that an array lies in; None if it lies in memory."""
    base: Any = array
    while isinstance(base, np.ndarray):
        if isinstance(base, np.memmap) and isinstance(base.base, mmap.mmap):
            return base
        base = base.base
    owner = base.obj if isinstance(base, memoryview) else base
    return owner if isinstance(owner, mmap.mmap) else None


def scratch_folder() -> Path:
    """Where large files without names go: what ``TMPDIR`` says, else ``/var/tmp``, for ``/tmp`` may be memory."""
    usual = Path("/var/tmp")
    if not os.environ.get("TMPDIR") and usual.is_dir() and os.access(usual, os.W_OK):
        return usual
    return Path(tempfile.gettempdir())


def memory_limit(asked: int | None) -> int | None:
    """The limit that was asked for, or half of the memory that is free; None where that is not known.

    Raises:
        ValueError: less was asked for than LEAST_LIMIT.
    """
    if asked is not None:
        if asked < LEAST_LIMIT:
            raise ValueError(f"memory: at least {LEAST_LIMIT} bytes, not {asked}")
        return asked
    free = available_memory()
    return None if free is None else max(LEAST_LIMIT, int(USUAL * free))


def available_memory() -> int | None:
    """Bytes that this process could take now without harm to others; None where the system does not tell."""
    found = [size for size in (_free_memory(), _free_in_group()) if size is not None]
    return min(found) if found else None


def _file_of(size: int, folder: Path) -> mmap.mmap:
    """So many bytes of a new file that is gone with its mapping, whatever ends the process."""
    with tempfile.TemporaryFile(dir=folder) as file:
        _reserve(file, size)
        return mmap.mmap(file.fileno(), size)


def _reserve(file: IO[bytes], size: int) -> None:
    """Takes room on the disk, for a page that finds none would end the process."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
        return
    zeros = bytes(1 << 20)
    for left in range(size, 0, -len(zeros)):
        file.write(zeros[:left])
    file.flush()


def _in_use() -> tuple[int, int]:
    """Bytes that this process has in use, and those of them that are of files."""
    with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 (asked 250 times a second)
        fields = file.read().split()
    return int(fields[1]) * mmap.PAGESIZE, int(fields[2]) * mmap.PAGESIZE


def _free_memory() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return _physical_memory()


def _physical_memory() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # not on every system
        return None


def _free_in_group() -> int | None:
    """What the limit of a container leaves, where there is one."""
    for folder, limit, used in (
        ("/sys/fs/cgroup", "memory.max", "memory.current"),
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        try:
            return max(0, int(Path(folder, limit).read_text()) - int(Path(folder, used).read_text()))
        except (OSError, ValueError):  # none, or "max"
            continue
    return None
