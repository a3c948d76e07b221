"""What windows have come to, on disk, so that an encoding that was broken off goes on where it was."""

from __future__ import annotations

import io
import json
import os
import time
import zipfile
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smartsplat.errors import CheckpointError, shown
from smartsplat.fitting.checkpoint import LEAST_SHARE, SECONDS, START, require_same
from smartsplat.pictures.files import PathLike, atomic_write, open_input

SHAPES = {np.dtype(np.float32): 8, np.dtype(np.int32): 9}
"""Columns of what is kept, parameters of splats or their codes, by type."""


class Kept:
    """Results by name; a context that writes them at its end, even by an error, and now and then before.

    Args:
        path: of the file; None: nothing is kept, and nothing is there.
        whose: what must be the same where it goes on, see ``smartsplat.fitting.checkpoint.identity``.

    Raises:
        OSError: the file is there and cannot be read.
        CheckpointError: it is no checkpoint of windows, or that of something else.
    """

    def __init__(self, path: PathLike | None = None, whose: Mapping[str, Any] | None = None) -> None:
        self._path, self._whose = path, dict(whose or {})
        self._results: dict[str, NDArray[Any]] = {} if path is None else _read(path, self._whose)
        self._new = False
        self._due = time.monotonic() + SECONDS

    def get(self, name: str) -> NDArray[Any] | None:
        """That result, None if it is not there."""
        return self._results.get(name)

    def keep(self, name: str, result: NDArray[Any]) -> None:
        """Takes note of a result, and writes all of them if it is time."""
        if self._path is None:
            return
        self._results[name] = result
        self._new = True
        if time.monotonic() >= self._due:
            self._write(self._path)

    def __enter__(self) -> Kept:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._path is not None and self._new:
            self._write(self._path)

    def _write(self, path: PathLike) -> None:
        started = time.monotonic()
        with atomic_write(path, overwrite=True) as file:
            np.savez(file, head=np.array(json.dumps(self._whose)), **self._results)  # type: ignore[arg-type]
        self._new = False
        finished = time.monotonic()
        self._due = finished + max(SECONDS, LEAST_SHARE * (finished - started))


def _read(path: PathLike, whose: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """What a file keeps; nothing if there is none."""
    name = shown(os.fsdecode(path))
    try:
        with open_input(path) as file:
            if file.read(len(START)) != START:
                raise CheckpointError(f"{name}: is no checkpoint")
            data = START + file.read()
    except FileNotFoundError:
        return {}
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            results = {key: arrays[key] for key in arrays.files}
        theirs = json.loads(str(results.pop("head")))
        fitting = isinstance(theirs, dict) and all(
            a.ndim == 2 and SHAPES.get(a.dtype) == a.shape[1] for a in results.values()
        )
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{name}: is no checkpoint, or damaged") from error
    if not fitting:
        raise CheckpointError(f"{name}: is no checkpoint of windows, or damaged")
    require_same(whose, theirs, name)
    return results
