"""The job of ``bench table2``: what a fit takes, in seconds and memory, and what its frames take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from smartsplat.bench.methods.measure import Extras
from smartsplat.bench.paper.cells import Plan, timed_here
from smartsplat.bench.paper.jobs import Report, measured, written
from smartsplat.bench.paper.layout import NONE, conditions, failures, name_of
from smartsplat.bench.rows import OK, Row
from smartsplat.bench.tables import table

NAME = "table2"
"""Of the rows' file and the table's."""

_NOTE = (
    "Each line is a process of its own. Start: from the pixels to the first step; fit: all steps; total: to the "
    "result, for SmartSplat that is a file. Memory is the most that the process held until then, with what it held "
    "before it began (Python, its libraries, the picture) in brackets, and what was held on a graphics card. Frames "
    "are of the whole picture, drawn again and again. PSNR and SSIM, with zeros beyond the border, are of the picture "
    f"before it is rounded, of `smartsplat` of the decoded one. {NONE}: there is no such figure, as for the steps of "
    "`smartsplat`, which are on pictures of several sizes."
)


def table2(plan: Plan, frames: int, folder: Path, report: Report = lambda _: None) -> str:
    """Measures what the folder does not have yet of this machine and number of threads, and writes the table anew.

    For what is raised see ``measured``.

    Args:
        plan: what is wanted.
        frames: drawn for the time of one, at least 1.
        folder: for the rows and the table.
        report: called with every new row.

    Returns:
        The table, Markdown.
    """
    plan = replace(timed_here(plan), alone=True, extras=lambda _: Extras(frames=frames))
    return written(markdown(measured(plan, folder, NAME, report)), folder, NAME)


def markdown(rows: Sequence[Row]) -> str:
    """The table of the rows."""
    head = ["picture", "CR", "method", "steps/s", "start [s]", "fit [s]", "total [s]", "memory [GB]", "frames/s",
            "PSNR [dB]", "SSIM"]  # fmt: skip
    lines = [
        [name_of(row, rows), f"{row['cr']:g}", row["method"], *_figures(row)] for row in rows if row["status"] == OK
    ]
    parts = ["# Table 2", _NOTE, conditions(rows), table(head, lines)]
    if failures(rows):
        parts += ["## Cells without figures", "\n".join(failures(rows))]
    return "\n\n".join(parts) + "\n"


def _figures(row: Row) -> list[str]:
    per_second = row["steps"] / row["seconds"] if row["steps"] and row["seconds"] else None
    frames = 1 / row["frame_seconds"] if row["frame_seconds"] else None
    return [
        _shown(per_second, 2), _shown(row["start_seconds"], 2), _shown(row["seconds"], 1),
        _shown(row["total_seconds"], 1),
        _memory(row), _shown(frames, 1),
        "exact" if row["psnr"] is None else _shown(row["psnr"], 2), _shown(row["ssim"], 4),
    ]  # fmt: skip


def _memory(row: Row) -> str:
    text = f"{_gigabytes(row['peak_bytes'])} ({_gigabytes(row['base_bytes'])})"
    on_card = row.get("card_bytes")
    return text if on_card is None else f"{text}, card {_gigabytes(on_card)}"


def _gigabytes(size: int | None) -> str:
    return _shown(None if size is None else size / 1e9, 2)


def _shown(value: float | None, digits: int) -> str:
    return NONE if value is None else f"{value:.{digits}f}"
