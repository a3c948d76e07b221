"""The command `info`."""

from __future__ import annotations

import argparse
from pathlib import Path

from smartsplat.cli.options import Subparsers, add_command, add_json
from smartsplat.cli.output import print_json
from smartsplat.errors import FormatError


def add(commands: Subparsers) -> None:
    """Adds its parser."""
    p = add_command(commands, "info", "say what a .ssplat file holds", run)
    p.add_argument("file", type=Path)
    add_json(p, "it")


def run(options: argparse.Namespace) -> None:
    """Prints what the file says of itself."""
    from smartsplat.coding.format import MAGIC
    from smartsplat.file.summary import summarise
    from smartsplat.pictures.files import read_file

    try:
        summary = {"file": str(options.file)} | summarise(read_file(options.file, start=MAGIC))
    except FormatError as error:
        raise FormatError(f"{options.file}: {error}") from error
    if options.json:
        print_json(summary)
        return
    for key, value in summary.items():
        shown = f"{value:.4g}" if isinstance(value, float) else str(value)
        print(f"{key.replace('_', ' '):16} {shown}")
