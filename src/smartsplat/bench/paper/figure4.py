"""The job of ``bench figure4``: crops of every method's picture beside the original, and their errors, on one sheet."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from smartsplat.bench.interface import Pixels
from smartsplat.bench.methods.measure import Extras
from smartsplat.bench.paper.cells import Plan, cell_key
from smartsplat.bench.paper.jobs import Report, measured
from smartsplat.bench.paper.layout import by_cell
from smartsplat.bench.paper.sheet import Panel, Strip, draw_sheet, most_detailed
from smartsplat.bench.rows import OK, Row
from smartsplat.pictures import reading, writing

NAME = "figure4"
"""Of the rows' file, the sheet's, and the folder with the whole pictures."""

CROP = 256
"""Sides of a crop that nobody chose, px."""

Region = tuple[float, float, float, float]


def figure4(plan: Plan, region: Region | None, folder: Path, report: Report = lambda _: None) -> Path:
    """Makes the pictures that the folder does not have yet, and draws the sheet anew; see ``measured`` for the rest.

    Args:
        plan: what is wanted.
        region: x, y, width, height of the crop in px; None for that with most detail in each picture.
        folder: for rows, pictures and sheet.
        report: called with every new row.

    Returns:
        The sheet's file.
    """

    def file_of(row: Row) -> Path:
        known = hashlib.sha256(cell_key(row).encode()).hexdigest()[:12]
        return folder / NAME / f"{row['image']}_cr{row['cr']:g}_{row['method'].replace(':', '-')}_{known}.png"

    def stale(row: Row) -> bool:
        return plan.stale(row) or (row["status"] == OK and not file_of(row).exists())

    saving = replace(plan, stale=stale, extras=lambda row: Extras(save=file_of(row).absolute()))
    rows = measured(saving, folder, NAME, report)
    pictures = {cell_key(row): file_of(row) for row in rows if row["status"] == OK}
    originals = {}
    for path in plan.paths:
        pixels = reading.load(path, max_pixels=plan.max_pixels).opaque_bytes()
        originals[hashlib.sha256(pixels.tobytes()).hexdigest()] = pixels
    strips = [
        _strip(f"{image}, CR {cr:g}", group, originals[group[0]["sha256"]], pictures, region, plan.max_pixels)
        for (image, cr), group in by_cell(rows).items()
    ]
    sheet = folder / f"{NAME}.png"
    writing.save(sheet, draw_sheet(strips), overwrite=True)
    return sheet


def _strip(
    title: str, rows: Sequence[Row], original: Pixels, pictures: dict[str, Path], region: Region | None, most: int
) -> Strip:
    x, y, width, height = most_detailed(original, CROP) if region is None else _within(region, original)
    crop = slice(y, y + height), slice(x, x + width)
    panels = []
    for row in rows:
        path = pictures.get(cell_key(row))
        shown = None if path is None else reading.load(path, max_pixels=most).opaque_bytes()[crop]
        quality = row["status"] if path is None else "exact" if row["psnr"] is None else f"{row['psnr']:.2f} dB"
        panels.append(Panel(row["method"], quality, shown))
    return Strip(f"{title}, {width} x {height} px at {x}, {y}", original[crop], panels)


def _within(region: Region, original: Pixels) -> tuple[int, int, int, int]:
    """The region's pixels that the picture has, at least one."""
    height, width = original.shape[:2]
    left, top, wide, high = (round(value) for value in region)
    x, y = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
    return x, y, min(max(wide, 1), width - x), min(max(high, 1), height - y)
