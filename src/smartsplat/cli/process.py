"""One command as a process: its parser, exit codes, signals, and what reaches stderr."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from smartsplat import __version__
from smartsplat.cli import bench, compare, decode, demo, encode, info
from smartsplat.cli.options import UsageError
from smartsplat.errors import PictureWarning, SmartSplatError

COMMANDS = (encode, decode, info, compare, demo, bench)
"""Modules, each with ``add(commands)``, which sets ``run`` for its parser; in the order of the help."""


class _Terminated(BaseException):
    """SIGTERM came."""


def run_command(arguments: Sequence[str] | None) -> NoReturn:
    """Runs one command and exits, as ``smartsplat.cli.main`` says; an interrupt is left to that.

    Raises:
        SystemExit: always but for an interrupt.
        KeyboardInterrupt: SIGINT came.
    """
    try:
        with _signals_unwind(), _own_lines_only():
            options = build_parser().parse_args(arguments)
            options.run(options)
            _flush()
    except UsageError as error:
        _fail(str(error), status=2)
    except SmartSplatError as error:  # before OSError, which some are too: their own text says more
        _fail(str(error))
    except _Terminated:
        _fail("terminated", status=143)
    except MemoryError:
        _fail("not enough memory")
    except BrokenPipeError:  # nobody reads
        raise SystemExit(1) from None
    except OSError as error:
        _fail(f"{error.filename or 'input or output'}: {error.strerror or error}")
    raise SystemExit(0)


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands; it sets ``run`` to the function that does what was asked for."""
    parser = argparse.ArgumentParser(
        prog="smartsplat", description="An image codec made of 2D Gaussians.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"smartsplat {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add(commands)
    return parser


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    print(f"smartsplat: warning: {' '.join(str(message).split())}", file=sys.stderr)


def _fail(message: str, status: int = 1) -> NoReturn:
    print(f"smartsplat: {' '.join(message.split())}", file=sys.stderr)
    raise SystemExit(status)


def _flush() -> None:
    """Fails here where stdout cannot be written to, and not at exit, where nobody could catch it."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # takes what is left at exit
        raise


@contextmanager
def _signals_unwind() -> Iterator[None]:
    """Lets SIGINT and SIGTERM raise, so that temporary files are removed, and nothing turn that into an error.

    By itself SIGTERM ends Python on the spot. An interrupt does raise, but NumPy, if it comes while that is being
    loaded, has an ImportError for it.
    """
    if threading.current_thread() is not threading.main_thread():  # where signals cannot be handled
        yield
        return
    seen: list[type[BaseException]] = []

    def stop(number: int, _: object) -> NoReturn:
        seen.append(_Terminated if number == signal.SIGTERM else KeyboardInterrupt)
        raise seen[-1]

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number, handler in before.items():
        if handler in (signal.default_int_handler, signal.SIG_DFL):  # else somebody has other plans
            signal.signal(number, stop)
    try:
        yield
    except Exception:
        if seen:
            raise seen[-1] from None
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _own_lines_only() -> Iterator[None]:
    """Keeps other libraries' warnings, such as Pillow's on damaged EXIF, off stderr unless -W asks for them.

    Ours are one line there.
    """
    with warnings.catch_warnings():
        if not sys.warnoptions:
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", PictureWarning)
            warnings.showwarning = _show_warning
        yield
