"""What the jobs of all tables and figures do: measure, keep, write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from smartsplat.bench.paper.cells import Plan, cell_key, measure_cells
from smartsplat.bench.rows import Row, RowFile
from smartsplat.pictures.files import atomic_write, make_folder

Report = Callable[[Row], None]


def measured(plan: Plan, folder: Path, name: str, report: Report) -> list[Row]:
    """Rows of a plan's cells; those that were measured are in the folder's file of that name and ``.jsonl``.

    Args:
        plan: what is wanted.
        folder: is made if it is not there.
        name: of the file without its extension.
        report: called with every new row.

    Raises:
        MissingExtraError: a method's library is not installed; nothing was measured.
        PictureError: a picture cannot be read.
        FormatError: the rows that are there already are damaged.
        OutputError: rows cannot be written, or the folder not made.
        OSError: a picture is not there, and nothing was measured.
    """
    plan.made()  # where one cannot be, the folder is not either
    for path in plan.paths:  # not only after hours of measuring
        path.stat()
    make_folder(folder)
    return measure_cells(plan, RowFile(folder / f"{name}.jsonl", cell_key), report)


def written(text: str, folder: Path, name: str) -> str:
    """The text, which the folder's file of that name and ``.md`` has now as well.

    Raises:
        OutputError: it cannot be written.
    """
    with atomic_write(folder / f"{name}.md", overwrite=True) as file:
        file.write(text.encode())
    return text
