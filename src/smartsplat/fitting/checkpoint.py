"""A fit of the paper's on disk, so that one that was broken off goes on where it was."""

from __future__ import annotations

import hashlib
import io
import json
import os
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np

from smartsplat.errors import CheckpointError, shown
from smartsplat.fitting.levels import Planes
from smartsplat.fitting.paper import PaperState
from smartsplat.fitting.steplog import StepLog
from smartsplat.model.splats import PARAMETERS
from smartsplat.pictures.files import PathLike, atomic_write, open_input

SECONDS = 10.0
"""From one writing to the next, at least."""

LEAST_SHARE = 20
"""And so many times as long as writing takes: it may be a twentieth of the time."""

ARRAYS = ("parameters", "first", "second")
START = b"PK\x03\x04"
"""With which the file begins: it is one of NumPy's, .npz."""


def identity(planes: Planes, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What must be the same where a fit goes on: the picture [3, H, W] and the settings, which are JSON values."""
    digest = hashlib.sha256(f"{planes.shape}".encode())
    digest.update(np.ascontiguousarray(planes).data)
    return {"picture": digest.hexdigest()} | dict(settings)


@dataclass
class Checkpoint:
    """Writes the states of a fit to a file now and then, and the last one when the block is left, even by an error.

    Attributes:
        path: of the file. What is there is only replaced by a later state of the same fit.
        whose: see ``identity``.
        log: whose clock is kept.
    """

    path: PathLike
    whose: dict[str, Any]
    log: StepLog
    _latest: PaperState | None = None
    _due: float = 0.0

    def load(self, steps: int) -> PaperState | None:
        """The state to go on from; None if there is no file yet. The log's clock then stands where it was.

        Args:
            steps: that the fit is to have in all.

        Raises:
            OSError: the file cannot be read.
            CheckpointError: it is no checkpoint, or that of another fit or of one of more steps.
        """
        name = shown(os.fsdecode(self.path))
        try:
            with open_input(self.path) as file:
                if file.read(len(START)) != START:
                    raise CheckpointError(f"{name}: is no checkpoint")
                data = START + file.read()
        except FileNotFoundError:
            return None
        state, head = _read(data, name)
        require_same(self.whose, head["whose"], name)
        if state.steps > steps:
            raise CheckpointError(f"{name}: has {state.steps} steps already, more than the {steps} asked for")
        self.log.go_on_from(head["seconds"])
        return state

    def keep(self, state: PaperState) -> None:
        """Takes note of the latest state, and writes it if it is time."""
        self._latest = state
        if time.monotonic() >= self._due:
            self._write()

    def __enter__(self) -> Checkpoint:
        self._due = time.monotonic() + SECONDS
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write()

    def _write(self) -> None:
        if self._latest is None:
            return
        started, state = time.monotonic(), self._latest
        head = json.dumps({"whose": self.whose, "steps": state.steps, "seconds": self.log.seconds})
        with atomic_write(self.path, overwrite=True) as file:
            np.savez(file, head=np.array(head), **{name: getattr(state, name) for name in ARRAYS})
        self._latest = None
        finished = time.monotonic()
        self._due = finished + max(SECONDS, LEAST_SHARE * (finished - started))


def _read(data: bytes, name: str) -> tuple[PaperState, dict[str, Any]]:
    """The state, and what is said of it."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            head = json.loads(str(arrays["head"]))
            columns = [arrays[key] for key in ARRAYS]
        steps, whose, seconds = int(head["steps"]), head["whose"], float(head["seconds"])
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{name}: is no checkpoint, or damaged") from error
    shape = (len(columns[0]), PARAMETERS)
    if any(c.shape != shape or c.dtype != np.float64 for c in columns) or steps < 0 or not isinstance(whose, dict):
        raise CheckpointError(f"{name}: is no checkpoint, or damaged")
    return PaperState(steps, *columns), {"whose": whose, "seconds": seconds}


def require_same(ours: Mapping[str, Any], theirs: Mapping[str, Any], name: str) -> None:
    """Raises CheckpointError, of a file of that name, if it is of another picture or other settings than ours."""
    if ours["picture"] != theirs.get("picture"):
        raise CheckpointError(f"{name}: is of another picture")
    different = [f"{key} {theirs.get(key)}, not {value}" for key, value in ours.items() if theirs.get(key) != value]
    if different:
        raise CheckpointError(f"{name}: is of other settings: {'; '.join(different)}")
