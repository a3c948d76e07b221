"""The command `report`."""

from __future__ import annotations

import argparse
from typing import Any

from smartsplat.cli.options import (
    Subparsers,
    UsageError,
    add_command,
    add_flatten,
    add_force,
    add_json,
    add_max_pixels,
    add_max_work,
    add_quiet,
)
from smartsplat.cli.output import print_json, print_summary
from smartsplat.cli.streams import STANDARD, check_destination, input_name, output_name, source
from smartsplat.errors import SmartSplatError

PAGES = (".html", ".htm")
"""Extensions of pages; any other sheet is a picture."""


def add(commands: Subparsers) -> None:
    """Adds its parser."""
    p = add_command(commands, "report", "write a sheet about a .ssplat file, a picture or a page", run)
    p.add_argument("file", help="a .ssplat file; - is stdin")
    p.add_argument("original", nargs="?", help="the picture that it was made from, to compare it with")
    p.add_argument("-o", "--output", metavar="OUT", help="a .png or .html file (default: FILE.report.png)")
    p.add_argument("--codecs", metavar="NAMES", help="stand beside it if there is an original: some of bench rd's, "
                   "with commas, or none (default jpeg,webp:4,jxl:5,avif:8 up to 4 megapixels)")  # fmt: skip
    add_flatten(p, "a transparent original")
    add_max_pixels(p)
    add_max_work(p)
    add_force(p)
    add_json(p)
    add_quiet(p, "no progress, no summary")


def run(options: argparse.Namespace) -> None:
    """Writes the sheet."""
    output = _output(options)
    codecs = _codecs(options)
    check_destination(options.file, output, overwrite=options.force)
    if options.original is not None:
        check_destination(options.original, output, overwrite=options.force)

    from smartsplat.file.splatfile import SplatFile
    from smartsplat.pictures.reading import read
    from smartsplat.progress import bar
    from smartsplat.reporting.codecs import CODECS, MOST_PIXELS
    from smartsplat.reporting.sheet import in_colour, make_sheet

    file = SplatFile.open(source(options.file))
    original = None
    if options.original is not None:
        picture = read(source(options.original), max_pixels=options.max_pixels, flatten=options.flatten)
        original = in_colour(picture.with_alpha())
    small = file.width * file.height <= MOST_PIXELS
    if codecs is None:
        codecs = CODECS if small else ()
    if original is not None and original.shape[:2] != (file.height, file.width):
        sizes = f"{original.shape[1]} x {original.shape[0]} px, the file {file.width} x {file.height}"
        raise SmartSplatError(f"{input_name(options.original)}: has {sizes}")
    with bar("codecs", quiet=options.quiet) as progress:
        sheet = make_sheet(file, input_name(options.file), original, codecs=codecs, max_pixels=options.max_pixels,
                           max_work=options.max_work, progress=progress)  # fmt: skip
    if original is not None and options.codecs is None and not small:
        sheet.remarks.append("Other codecs take minutes on a picture of this size: --codecs asks for them.")
    _write(sheet, output, options.force)
    if options.json:
        print_json({"file": options.file, "original": options.original, "output": output} | sheet.figures)
    elif not options.quiet:
        print_summary(output_name(output))


def _output(options: argparse.Namespace) -> str:
    """Where the sheet goes.

    Raises:
        UsageError: it has no name, or one of another kind.
    """
    output: str | None = options.output
    if output is None:
        if options.file == STANDARD:
            raise UsageError("where the file comes from stdin, -o says where the sheet goes")
        return f"{options.file.removesuffix('.ssplat')}.report.png"
    if not output.lower().endswith((".png", *PAGES)):
        raise UsageError(f"a sheet is a .png or .html file, not {output_name(output)}")
    return output


def _codecs(options: argparse.Namespace) -> tuple[str, ...] | None:
    """Those that were asked for, None for the usual ones.

    Raises:
        UsageError: there is no such codec, or there is no original.
    """
    if options.codecs is None:
        return None
    if options.original is None:
        raise UsageError("--codecs needs the original")
    if options.codecs == "none":
        return ()
    from smartsplat.bench.names import split_name

    names = tuple(options.codecs.split(","))
    for name in names:
        try:
            kind, _ = split_name(name)
        except ValueError as error:
            raise UsageError(str(error)) from error
        if kind == "smartsplat":
            raise UsageError("--codecs names others than smartsplat")
    return names


def _write(sheet: Any, output: str, overwrite: bool) -> None:
    from smartsplat.pictures.files import atomic_write
    from smartsplat.pictures.writing import save
    from smartsplat.reporting.drawing import draw_sheet
    from smartsplat.reporting.page import sheet_page

    if not output.lower().endswith(PAGES):
        save(output, draw_sheet(sheet), overwrite=overwrite)
        return
    page = sheet_page(sheet).encode("utf-8", "replace")
    with atomic_write(output, overwrite=overwrite) as file:
        file.write(page)
