"""Measurements as rows of JSON, one a line, appended as soon as they are known."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from smartsplat.errors import FormatError, OutputError, one_line

Row = dict[str, Any]
"""One picture, codec and target; `measure.measure` says what is in it."""

OK = "ok"
UNREACHABLE = "unreachable"

_KEY = ("picture", "sha256", "codec", "settings", "versions", "target_cr")


def row_key(row: Row) -> str:
    """What identifies a measurement: two rows of equal keys measure the same."""
    return json.dumps([row[field] for field in _KEY], sort_keys=True)


class RowFile:
    """A file of rows that grows.

    A last line without its end, which an interrupted run leaves, is dropped from the file.

    Args:
        path: of the file, which need not exist; its folder must.
        key: what identifies a row.

    Raises:
        FormatError: a line is not a row.
        OutputError: the file cannot be read or written.
    """

    def __init__(self, path: Path, key: Callable[[Row], str] = row_key) -> None:
        self._path, self._key = path, key
        try:
            self.rows = _read(path, key)
        except OSError as error:
            raise OutputError(f"{path}: cannot be read: {one_line(error)}") from error
        self._keys = {key(row) for row in self.rows}

    def __contains__(self, key: str) -> bool:
        """Whether there is a row of that key."""
        return key in self._keys

    def append(self, row: Row) -> None:
        """Adds a row at the end of the file; it is on the disk when this returns.

        Raises:
            OutputError: it cannot be written.
        """
        line = json.dumps(row, allow_nan=False, ensure_ascii=False) + "\n"
        try:
            with self._path.open("ab") as file:
                file.write(line.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise OutputError(f"{self._path}: cannot be written: {one_line(error)}") from error
        self.rows.append(row)
        self._keys.add(self._key(row))


def read_rows(path: Path, key: Callable[[Row], str] = row_key) -> list[Row]:
    """The rows of a file, which is not changed; each must have what identifies it.

    Raises:
        FormatError: a line is not a row.
        OSError: the file cannot be read.
    """
    lines = path.read_bytes().split(b"\n")[:-1]
    return [_parse(path, number, line, key) for number, line in enumerate(lines, 1)]


def _read(path: Path, key: Callable[[Row], str]) -> list[Row]:
    if not path.exists():
        return []
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)
    return read_rows(path, key)


def _parse(path: Path, number: int, line: bytes, key: Callable[[Row], str]) -> Row:
    try:
        row = json.loads(line)
        key(row)
    except (ValueError, KeyError, TypeError) as error:
        raise FormatError(f"{path}: line {number} is not a row of measurements") from error
    return dict(row)


def latest(rows: list[Row]) -> list[Row]:
    """For each picture, codec and target the last row, so that a newer version replaces an older one."""
    newest = {(row["picture"], row["sha256"], row["codec"], row["target_cr"]): row for row in rows}
    return list(newest.values())
