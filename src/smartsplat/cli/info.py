"""The command `info`."""

from __future__ import annotations

import argparse

from smartsplat.cli.options import Subparsers, add_command, add_json
from smartsplat.cli.output import print_json
from smartsplat.cli.streams import describe_file, input_name, source, write_line


def add(commands: Subparsers) -> None:
    """Adds its parser."""
    p = add_command(commands, "info", "say what a .ssplat file holds", run)
    p.add_argument("file", help="a .ssplat file; - is stdin")
    add_json(p, "it")


def run(options: argparse.Namespace) -> None:
    """Prints what the file says of itself."""
    summary = {"file": options.file} | describe_file(source(options.file), input_name(options.file))
    if options.json:
        print_json(summary)
        return
    for key, value in (summary | {"file": input_name(options.file)}).items():
        if value is None:  # the file has no such thing
            continue
        shown = f"{value:.4g}" if isinstance(value, float) else str(value)
        write_line(f"{key.replace('_', ' '):16} {shown}")
