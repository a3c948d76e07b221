"""Pages that are made when the site is built: the command line's help, and the format's specification."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent
SPECIFICATION = ROOT / "src" / "smartsplat" / "coding" / "SPEC.md"


def on_files(files: Files, config: Any) -> Files:
    """Adds them; what mkdocs calls with the files that it has found."""
    files.append(File.generated(config, "cli.md", content=command_line()))
    files.append(File.generated(config, "format.md", content=SPECIFICATION.read_text(encoding="utf-8")))
    return files


def command_line() -> str:
    """A page with the help of each command."""
    from smartsplat.cli.process import build_parser

    os.environ["COLUMNS"] = "100"  # argparse's width
    parser = build_parser()
    parts = ["# Command line", "Exit codes: 0 done, 1 failed with one line on stderr, 2 wrong use.", _block(parser)]
    for name, command in _commands(parser):
        parts += [f"## {name}", _block(command)]
        for sub, subcommand in _commands(command):
            parts += [f"### {name} {sub}", _block(subcommand)]
    return "\n\n".join(parts) + "\n"


def _commands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def _block(parser: argparse.ArgumentParser) -> str:
    return f"```text\n{parser.format_help().rstrip()}\n```"
