"""The job of ``bench table1``: quality of every method at the paper's nominal compression ratios."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from smartsplat.bench.paper.cells import Plan
from smartsplat.bench.paper.jobs import Report, measured, written
from smartsplat.bench.paper.layout import NONE, Grid, conditions, failures
from smartsplat.bench.rows import Row
from smartsplat.bench.tables import table

NAME = "table1"
"""Of the rows' file and the tables'."""

_NOTE = (
    "Means over the pictures. CR is nominal (Eq. 5: 7 bytes a splat); the real one stands in a table below. Figures of "
    "fits are of the picture before anything is quantised or rounded, as the paper takes them; those of `smartsplat` "
    "and of the classical codecs are of the picture decoded from a file of at most the nominal bytes. "
    f"{NONE}: no file can be so small, or pictures are too small for the metric."
)
_REAL_NOTE = (
    "3 bytes for each pixel over the bytes of the file; of systems without one, over those of their parameters, 4 "
    "bytes each."
)
_FILE_NOTE = "The same of the pictures decoded from the files that the splats are coded into."


def table1(plan: Plan, folder: Path, report: Report = lambda _: None) -> str:
    """Measures what the folder does not have yet, and writes the tables anew; see ``measured`` for what is raised.

    Args:
        plan: what is wanted.
        folder: for the rows and the tables.
        report: called with every new row.

    Returns:
        The tables, Markdown.
    """
    return written(markdown(measured(plan, folder, NAME, report)), folder, NAME)


def markdown(rows: Sequence[Row]) -> str:
    """All tables of the rows, with headings."""
    grid = Grid(rows)
    parts = [
        "# Table 1", _NOTE, conditions(rows),
        "## PSNR [dB] / MS-SSIM", _quality_table(grid, "psnr", "ms_ssim"),
        "## PSNR [dB] / SSIM with zeros beyond the border", _quality_table(grid, "psnr", "ssim"),
        "## Real CR", _REAL_NOTE, _figure_table(grid, "cr_real", "{:.1f}"),
    ]  # fmt: skip
    if any(row["file_psnr"] is not None and row["psnr"] != row["file_psnr"] for row in rows):
        parts += ["## Files: PSNR [dB] / MS-SSIM", _FILE_NOTE, _quality_table(grid, "file_psnr", "file_ms_ssim")]
    if len(grid.images) > 1:
        parts += ["## PSNR [dB] of each picture", _pictures_table(grid)]
    if failures(rows):
        parts += ["## Cells without figures", "\n".join(failures(rows))]
    return "\n\n".join(parts) + "\n"


def _quality_table(grid: Grid, psnr: str, similarity: str) -> str:
    """A line for each ratio, a column for each method; the best PSNR of a line bold."""
    lines = []
    for cr in grid.crs:
        cells = [grid.cell(grid.images, method, cr) for method in grid.methods]
        best = max((value for cell in cells if (value := cell.mean(psnr)) is not None), default=None)
        line = [f"{cr:g}"]
        for cell in cells:
            value, other = cell.mean(psnr), cell.mean(similarity)
            first = cell.lacking if value is None else f"**{value:.2f}**" if value == best else f"{value:.2f}"
            line.append(first if value is None else f"{first} / {NONE if other is None else f'{other:.4f}'}")
        lines.append(line)
    return table(["CR", *grid.methods], lines)


def _figure_table(grid: Grid, field: str, form: str) -> str:
    lines = [
        [f"{cr:g}", *(grid.cell(grid.images, method, cr).shown(field, form) for method in grid.methods)]
        for cr in grid.crs
    ]
    return table(["CR", *grid.methods], lines)


def _pictures_table(grid: Grid) -> str:
    lines = [
        [image, f"{cr:g}", *(grid.cell([image], method, cr).shown("psnr", "{:.2f}") for method in grid.methods)]
        for image in grid.images
        for cr in grid.crs
    ]
    return table(["picture", "CR", *grid.methods], lines)
