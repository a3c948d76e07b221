"""Rows of a fit in a file, one JSON object a line."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from smartsplat.errors import OutputError, one_line, shown

Row = dict[str, Any]


@contextmanager
def rows_to(path: str | None) -> Iterator[Callable[[Row], None] | None]:
    """Gives a function that appends rows to a file; None without a path.

    Each row is there at once, for others to watch. The file begins anew with the first row, but for what another run
    wrote of steps before it, whose fit then goes on from a checkpoint.

    Raises:
        OutputError: it cannot be written.
    """
    if path is None:
        yield None
        return
    rows = _Rows(path)
    try:
        yield rows.add
    finally:
        rows.end()


class _Rows:
    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._file: TextIO | None = None

    def add(self, row: Row) -> None:
        """Writes a row; there is no infinity in JSON, so that is null."""
        try:
            if self._file is None:
                kept = self._rows_before(row["step"])
                self._file = self._path.open("w", encoding="utf-8")
                self._file.writelines(kept)
            finite = {name: value if _is_said(value) else None for name, value in row.items()}
            self._file.write(json.dumps(finite) + "\n")
            self._file.flush()
        except OSError as error:
            with suppress(OSError):  # what is left cannot be written either
                self._close()
            raise self._failed(error) from error

    def end(self) -> None:
        """Ends the file; says what only then cannot be written."""
        try:
            self._close()
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> OutputError:
        return OutputError(f"{shown(str(self._path))}: cannot be written: {one_line(error)}")

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _rows_before(self, step: float) -> list[str]:
        """The rows of the file of smaller steps, as far as they are rows."""
        kept: list[str] = []
        if step == 0 or not self._path.exists():
            return kept
        for line in self._path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                if not json.loads(line)["step"] < step:
                    break
            except (ValueError, KeyError, TypeError):
                break
            kept.append(line + "\n")
        return kept


def _is_said(value: Any) -> bool:
    """Whether JSON has it."""
    return not isinstance(value, float) or math.isfinite(value)
