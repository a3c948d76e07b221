"""The job of `bench rd`: quality at equal bytes as rows, tables and plots in one folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from smartsplat.bench.interface import Codec
from smartsplat.bench.measure import BenchTarget, measure_all
from smartsplat.bench.plots import draw, require_matplotlib
from smartsplat.bench.rows import Row, RowFile
from smartsplat.bench.tables import markdown
from smartsplat.pictures.files import atomic_write, make_folder

ROWS = "rd.jsonl"
TABLES = "rd.md"


def compare_codecs(
    paths: Sequence[Path],
    codecs: Sequence[Codec],
    targets: Sequence[BenchTarget],
    folder: Path,
    *,
    threads: int,
    max_pixels: int,
    report: Callable[[Row], None],
    groups: Mapping[Path, str] | None = None,
) -> str:
    """Measures what the folder does not have yet, and writes its tables and plots anew.

    Args:
        paths: picture files.
        codecs: to compare.
        targets: for each picture and codec.
        folder: for ROWS, TABLES and the plots; it is made if it is not there.
        threads: that the codecs were told to use, for the rows.
        max_pixels: larger pictures are refused.
        report: called with every new row.
        groups: of pictures, for the means; that of others is the name of their folder.

    Returns:
        The tables, Markdown.

    Raises:
        MissingExtraError: plots cannot be drawn; nothing was measured.
        PictureError: a picture cannot be read.
        FormatError: the rows that are there already are damaged.
        OutputError: rows or tables cannot be written, or the folder not made.
        OSError: a plot cannot be written; or a picture is not there, and nothing was measured.
    """
    require_matplotlib()  # not only after hours of measuring
    for path in paths:
        path.stat()
    make_folder(folder)
    rows = measure_all(
        paths, codecs, targets, RowFile(folder / ROWS), threads=threads, max_pixels=max_pixels, report=report,
        groups=groups,
    )  # fmt: skip
    text = markdown(rows)
    with atomic_write(folder / TABLES, overwrite=True) as file:
        file.write(text.encode())
    draw(rows, folder)
    return text
