"""SciPy, loaded where there is room for it: its OpenBLAS tries for ever to get 32 MB that are not there."""

from __future__ import annotations

import importlib
import mmap
import sys
from types import ModuleType

ROOM = 160 << 20
"""Address space that is looked for, bytes: what its libraries take (103 MB, measured) and half as much again."""


def load_scipy(name: str) -> ModuleType:
    """A module of SciPy, such as ``scipy.ndimage``.

    Raises:
        MemoryError: there is no room for it.
        ImportError: it cannot be loaded.
    """
    if "scipy.special" not in sys.modules:  # with which OpenBLAS comes
        try:
            mmap.mmap(-1, ROOM).close()
        except OSError as error:
            raise MemoryError("there is no room for SciPy") from error
    return importlib.import_module(name)
