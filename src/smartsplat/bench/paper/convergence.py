"""The job of ``bench convergence``: how PSNR grows with steps and with seconds, the paper's Fig. 5."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from smartsplat.bench.methods.measure import Extras
from smartsplat.bench.paper.cells import Plan, timed_here
from smartsplat.bench.paper.jobs import Report, measured, written
from smartsplat.bench.paper.layout import NONE, by_cell, conditions, failures
from smartsplat.bench.plots import STYLE, require_matplotlib, save_figure
from smartsplat.bench.rows import Row
from smartsplat.bench.tables import table

NAME = "convergence"
"""Of the rows' file, the table's, and the plots', which have picture and ratio in theirs as well."""

COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6BB1", "#9A7B4F", "#767676")

_NOTE = (
    "Seconds are counted from the pixels on, the start of a fit among them, without the time that these figures take. "
    "The last column: when a method has the PSNR that the first one ends with, and at which of its own steps. Steps of "
    "`smartsplat` and `smartsplat:splats` are on pictures of several sizes; their PSNR is of the full size. The steps "
    "of `smartsplat` are those of its splats; the lattice under them comes last. So the file's PSNR, and the seconds "
    "until it is written, stand beside."
)


def convergence(plan: Plan, every: int, folder: Path, report: Report = lambda _: None) -> str:
    """Measures what the folder does not have yet of this machine and number of threads; writes table and plots anew.

    For what is raised see ``measured``.

    Args:
        plan: what is wanted.
        every: steps between two points, at least 1.
        folder: for rows, table and plots.
        report: called with every new row.

    Returns:
        The table, Markdown.
    """
    require_matplotlib()  # not only after hours of measuring
    plan = replace(timed_here(plan), extras=lambda _: Extras(every=every))
    rows = measured(plan, folder, NAME, report)
    draw(rows, folder)
    return written(markdown(rows), folder, NAME)


def markdown(rows: Sequence[Row]) -> str:
    """Where each method ends, and when it is as good as the first one in the end."""
    head = ["picture", "CR", "method", "PSNR [dB]", "steps", "seconds", "file [dB]", "file [s]", "as good as the first"]
    lines = []
    for (image, cr), group in by_cell(rows).items():
        curves = [(row, row["log"]) for row in group if row.get("log")]
        for row, log in curves:
            goal = curves[0][1][-1]["psnr"]
            lines.append([image, f"{cr:g}", row["method"], *_end(log), *_file(row), _reached(log, goal)])
    parts = ["# Convergence", _NOTE, conditions(rows), table(head, lines)]
    if failures(rows):
        parts += ["## Cells without figures", "\n".join(failures(rows))]
    return "\n\n".join(parts) + "\n"


def _end(log: Sequence[Row]) -> list[str]:
    last = log[-1]
    return [_decibels(last["psnr"]), str(last["step"]), f"{last['seconds']:.1f}"]


def _file(row: Row) -> list[str]:
    if row.get("file_ssim") is None:  # the compared systems have no file
        return [NONE, NONE]
    return [_decibels(row["file_psnr"]), f"{row['total_seconds']:.1f}"]


def _reached(log: Sequence[Row], goal: float | None) -> str:
    """The first row that is as good; an exact picture's PSNR is None."""
    for row in log:
        if row["psnr"] is None or (goal is not None and row["psnr"] >= goal):
            return f"{row['seconds']:.1f} s (step {row['step']})"
    return NONE


def _decibels(psnr: float | None) -> str:
    return "exact" if psnr is None else f"{psnr:.2f}"


def draw(rows: Sequence[Row], folder: Path) -> list[Path]:
    """A plot for each picture and ratio, as PNG and SVG, in the folder.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    require_matplotlib()
    import matplotlib as mpl

    files: list[Path] = []
    with mpl.rc_context(STYLE):
        for (image, cr), group in by_cell(rows).items():
            curves = [row for row in group if row.get("log")]
            if curves:
                files += save_figure(_figure(f"{image}, CR {cr:g}", curves), folder / f"{NAME}_{image}_cr{cr:g}")
    return files


def _figure(title: str, rows: Sequence[Row]) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.4, 3.8), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for row, colour in zip(rows, COLOURS * len(rows), strict=False):
        points = [point for point in row["log"] if point["psnr"] is not None]
        psnr = [point["psnr"] for point in points]
        width = 2.2 if row["method"].startswith("smartsplat") else 1.4
        panels[0].plot([point["step"] for point in points], psnr, label=row["method"], color=colour, linewidth=width)
        panels[1].plot([point["seconds"] for point in points], psnr, color=colour, linewidth=width)
        if row.get("file_psnr") is not None:
            panels[1].plot(row["total_seconds"], row["file_psnr"], marker="D", color=colour)
    panels[0].set(xlabel="steps", ylabel="PSNR [dB]", title=title)
    panels[1].set(xlabel="seconds", xscale="log", title="diamonds: written files")
    figure.legend(loc="outside right center")
    return figure
