"""Rows of cells arranged as the paper's tables have them: what all of them share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from smartsplat.bench.methods.measure import has_failed
from smartsplat.bench.rows import OK, Row

NONE = "–"


class Grid:
    """Rows by image, method and compression ratio, each in order of appearance, ratios rising.

    Args:
        rows: one a cell.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = {(name_of(row, rows), row["method"], row["cr"]): row for row in rows}
        self.images = list(dict.fromkeys(key[0] for key in self._rows))
        self.methods = list(dict.fromkeys(key[1] for key in self._rows))
        self.crs: list[float] = sorted({key[2] for key in self._rows})

    def cell(self, images: Iterable[str], method: str, cr: float) -> Cell:
        """The rows of these images."""
        return Cell([row for image in images if (row := self._rows.get((image, method, cr)))])


class Cell:
    """Rows of several images at one method and compression ratio.

    Args:
        rows: those that there are.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows

    def mean(self, field: str) -> float | None:
        """Mean of a figure; None if one of the rows lacks it."""
        values = [row[field] for row in self._rows]
        return sum(values) / len(values) if values and all(value is not None for value in values) else None

    @property
    def lacking(self) -> str:
        """Why there is no mean: what to show in its place."""
        failed = sum(has_failed(row) for row in self._rows)
        if failed:
            return f"failed ({failed} of {len(self._rows)})" if len(self._rows) > 1 else "failed"
        if self._rows and all(row["status"] == OK for row in self._rows):
            return "exact" if any(row["psnr"] is None for row in self._rows) else NONE
        return NONE

    def shown(self, field: str, form: str) -> str:
        """The mean of a figure, or why there is none."""
        value = self.mean(field)
        return self.lacking if value is None else form.format(value)


def failures(rows: Sequence[Row]) -> list[str]:
    """A line for each cell without figures, with the reason."""
    return [
        f"- {row['image']}, CR {row['cr']:g}, {row['method']}: {row['status']}" for row in rows if row["status"] != OK
    ]


def conditions(rows: Sequence[Row]) -> str:
    """A line on where the rows come from."""
    fields = {
        "steps": {str(row["settings"]["steps"]) for row in rows if "steps" in row["settings"]},
        "seed": {str(row["seed"]) for row in rows},
        "commit": {row["commit"] for row in rows},
        "machine": {row["machine"] for row in rows},
    }
    return "; ".join(f"{name} {' and '.join(sorted(values))}" for name, values in fields.items() if values) + "."


def by_cell(rows: Sequence[Row]) -> dict[tuple[str, float], list[Row]]:
    """Rows of each image and compression ratio, in order of appearance."""
    groups: dict[tuple[str, float], list[Row]] = {}
    for row in rows:
        groups.setdefault((name_of(row, rows), row["cr"]), []).append(row)
    return groups


def name_of(row: Row, rows: Sequence[Row]) -> str:
    """Of its image, with a part of the hash if two share it."""
    shared = any(other["image"] == row["image"] and other["sha256"] != row["sha256"] for other in rows)
    return f"{row['image']} ({row['sha256'][:6]})" if shared else str(row["image"])
