"""What the commands' options share: types of arguments, and groups of options."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

Subparsers = Any
"""What `add_subparsers` gives; argparse does not name its type."""

ENGINES = ("auto", "cpu", "cuda", "reference")
"""As ``smartsplat.engines.ENGINES``, which would load NumPy."""

MOST = 10**15
"""Greatest number that options take; beyond any file, and still exact as a float."""


class UsageError(Exception):
    """Options that do not go together; its text is the one line to print."""


def add_command(
    commands: Subparsers, name: str, text: str, run: Callable[[argparse.Namespace], None] | None = None
) -> argparse.ArgumentParser:
    """Adds a command.

    Args:
        commands: where.
        name: of it.
        text: what it does, a line for the list of commands that begins with a small letter.
        run: does it; None if it has commands of its own.

    Returns:
        Its parser, without options yet.
    """
    description = text[0].upper() + text[1:] + "."
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=description, allow_abbrev=False)
    if run is not None:
        parser.set_defaults(run=run)
    return parser


# Groups of options


def add_engine(p: argparse.ArgumentParser) -> None:
    """``--engine`` and ``--threads``."""
    p.add_argument("--engine", choices=ENGINES, default="auto", help="what computes (default auto)")
    p.add_argument("-j", "--threads", type=count, default=0, metavar="N", help="threads (default: all processors)")


def add_force(p: argparse.ArgumentParser) -> None:
    """``--force``."""
    p.add_argument("-f", "--force", action="store_true", help="overwrite the output")


def add_max_pixels(p: argparse.ArgumentParser) -> None:
    """``--max-pixels``."""
    p.add_argument("--max-pixels", type=count, default=400_000_000, metavar="N",
                   help="refuse larger pictures (default 400 million)")  # fmt: skip


def add_max_work(p: argparse.ArgumentParser) -> None:
    """``--max-work``."""
    p.add_argument("--max-work", type=positive_or_infinite, default=1.0, metavar="F",
                   help="allow F times the work that a file should take at most (default 1)")  # fmt: skip


def add_json(p: argparse.ArgumentParser, what: str = "the figures") -> None:
    """``--json``."""
    p.add_argument("--json", action="store_true", help=f"print {what} as one JSON object")


def add_quiet(p: argparse.ArgumentParser, what: str = "no progress, no summary") -> None:
    """``--quiet``."""
    p.add_argument("-q", "--quiet", action="store_true", help=what)


def add_flatten(p: argparse.ArgumentParser, what: str = "a transparent picture") -> None:
    """``--flatten``."""
    p.add_argument("--flatten", metavar="COLOUR", help=f"colour to lay under {what}")


def add_value_range(p: argparse.ArgumentParser) -> None:
    """``--value-range``."""
    p.add_argument("--value-range", type=value_range, metavar="LO,HI",
                   help="what floats are black and white; they are refused without")  # fmt: skip


def with_values_joined(arguments: Sequence[str]) -> list[str]:
    """Arguments in which argparse sees what follows as the value of these options, even if it begins with a minus."""
    joined: list[str] = []
    for argument in arguments:
        named = joined and joined[-1] in ("--region", "--value-range") and "--" not in joined
        if named and re.match(r"-[\d.]", argument):
            joined[-1] = f"{joined[-1]}={argument}"
        else:
            joined.append(argument)
    return joined


# Types of arguments: each takes the text and raises ArgumentTypeError where it is not as the name says.


def positive(text: str) -> float:
    """A finite number above 0."""
    value = _number(text)
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"{text} is not a finite number above 0")
    return value


def positive_or_infinite(text: str) -> float:
    """A number above 0, or ``inf``."""
    value = _number(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def count(text: str) -> int:
    """A whole number from 1 to MOST."""
    return _whole(text, 1, MOST)


def port(text: str) -> int:
    """Of TCP, from 0 (any that is free) to 65535."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to 65535")
    return int(text)


def seed(text: str) -> int:
    """A whole number from 0 to MOST."""
    return _whole(text, 0, MOST)


def byte_count(text: str) -> int:
    """Bytes, 1 to MOST: a number, and perhaps k, M or G, with i for powers of 1024, and B, in capitals or not."""
    match = re.fullmatch(r"([0-9]{1,40}(?:\.[0-9]+)?) ?(?:([kmg])(i?))?b?", text.strip(), re.IGNORECASE)
    if not match:
        raise argparse.ArgumentTypeError(f"{text} is not a number of bytes, such as 40000, 500k, 2MB or 64KiB")
    unit = (1024 if match[3] else 1000) ** " kmg".index((match[2] or " ").lower())
    return count(str(int(float(match[1]) * unit)))


def memory_size(text: str) -> int:
    """Bytes of memory, ``smartsplat.scratch.LEAST_LIMIT`` at least; see `byte_count`."""
    from smartsplat.scratch import LEAST_LIMIT

    size = byte_count(text)
    if size < LEAST_LIMIT:
        raise argparse.ArgumentTypeError(f"{text} is too little; at least {LEAST_LIMIT >> 20}Mi")
    return size


def constant(text: str) -> tuple[str, Any]:
    """NAME=VALUE, the value a number, true, false or a word."""
    name, equals, value = text.partition("=")
    if not (name.isidentifier() and equals and value):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    if value in ("true", "false"):
        return name, value == "true"
    if re.fullmatch(r"[+-]?[0-9]{1,40}", value):
        return name, int(value)
    try:
        return name, float(value)
    except ValueError:
        return name, value


def region(text: str) -> tuple[float, float, float, float]:
    """X,Y,W,H: four finite numbers, px."""
    parts = [_number(part) for part in text.split(",")]
    if len(parts) != 4 or not all(math.isfinite(part) for part in parts):
        raise argparse.ArgumentTypeError(f"{text} is not X,Y,W,H")
    return parts[0], parts[1], parts[2], parts[3]


def value_range(text: str) -> tuple[float, float]:
    """LO,HI: two finite numbers, the first below the second."""
    parts = [_number(part) for part in text.split(",")]
    if len(parts) != 2 or not all(math.isfinite(part) for part in parts) or not parts[0] < parts[1]:
        raise argparse.ArgumentTypeError(f"{text} is not LO,HI, a number and a greater one")
    return parts[0], parts[1]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None


def _whole(text: str, least: int, most: int) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,40}", text) or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
    return int(text)
