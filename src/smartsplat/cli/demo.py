"""The command `demo`."""

from __future__ import annotations

import argparse
from pathlib import Path

from smartsplat.cli.options import Subparsers, add_command, add_engine


def add(commands: Subparsers) -> None:
    """Adds its parser."""
    p = add_command(commands, "demo", "run the whole job on a picture that comes with the package", run)
    p.add_argument("folder", type=Path, nargs="?", default=Path("smartsplat-demo"), help="for the results")
    add_engine(p)


def run(options: argparse.Namespace) -> None:
    """Runs it; it prints its own table."""
    from smartsplat.demo import run_demo

    run_demo(options.folder, engine=options.engine, threads=options.threads)
