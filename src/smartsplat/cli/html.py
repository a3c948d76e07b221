"""The command `html`."""

from __future__ import annotations

import argparse

from smartsplat.cli.options import Subparsers, add_command, add_force
from smartsplat.cli.streams import STANDARD, check_destination, input_name, read_file, source, write_bytes


def add(commands: Subparsers) -> None:
    """Adds its parser."""
    p = add_command(commands, "html", "write a page that shows a .ssplat file and needs nothing else", run)
    p.add_argument("file", help="a .ssplat file; - is stdin")
    p.add_argument("output", help="the page, opened from disk or sent by mail; - is stdout")
    add_force(p)


def run(options: argparse.Namespace) -> None:
    """Writes the page."""
    from pathlib import Path

    from smartsplat.pictures.files import atomic_write
    from smartsplat.viewing.page import embedded_page

    check_destination(options.file, options.output, overwrite=options.force)
    data = read_file(source(options.file), input_name(options.file))
    name = "picture" if options.file == STANDARD else Path(options.file).name
    page = embedded_page(name, data).encode("utf-8", "replace")
    if options.output == STANDARD:
        write_bytes(page)
        return
    with atomic_write(options.output, overwrite=options.force) as file:
        file.write(page)
