"""What needs room in the address space: threads, and SciPy, whose OpenBLAS tries for ever to get 32 MB."""

from __future__ import annotations

import importlib
import mmap
import sys
from types import ModuleType

ROOM = 160 << 20
"""Address space that is looked for, bytes: what SciPy's libraries take (103 MB, measured) and half as much again; for a
thread, 128 MiB that the C library reserves for its allocations, and its stack."""


def has_room() -> bool:
    """Whether there is so much address space left."""
    try:
        mmap.mmap(-1, ROOM).close()
    except OSError:
        return False
    return True


def load_scipy(name: str) -> ModuleType:
    """A module of SciPy, such as ``scipy.ndimage``.

    Raises:
        MemoryError: there is no room for it.
        ImportError: it cannot be loaded.
    """
    if "scipy.special" not in sys.modules and not has_room():  # with which OpenBLAS comes
        raise MemoryError("there is no room for SciPy")
    return importlib.import_module(name)
