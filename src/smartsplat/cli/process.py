"""One command as a process: its parser, exit codes, signals, and what reaches stderr."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn

from smartsplat import __version__
from smartsplat.cli import batch, bench, compare, decode, demo, encode, html, info, report, serve, view
from smartsplat.cli.leaving import is_importing, leave
from smartsplat.cli.options import UsageError, with_values_joined
from smartsplat.cli.streams import flush, ready, write_line
from smartsplat.errors import PictureWarning, SmartSplatError, one_line, shown

COMMANDS = (encode, decode, batch, info, compare, report, view, html, serve, demo, bench)
"""Modules, each with ``add(commands)``, which sets ``run`` for its parser; in the order of the help."""


SHELLS = ("bash", "zsh", "tcsh")
"""Those that shtab knows."""


class _Terminated(BaseException):
    """SIGTERM came."""


def run_command(arguments: Sequence[str] | None) -> NoReturn:
    """Runs one command and exits, as ``smartsplat.cli.main`` says; an interrupt is left to that.

    Raises:
        SystemExit: always but for an interrupt.
        KeyboardInterrupt: SIGINT came.
    """
    # NumPy's library starts threads that nothing here needs; where one cannot be started it sends SIGINT or hangs.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        with ready(), _signals_unwind(), _own_lines_only():
            _run(sys.argv[1:] if arguments is None else arguments)
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:
        _end(error)
    raise SystemExit(0)


def _run(arguments: Sequence[str]) -> None:
    try:
        options = build_parser().parse_args(with_values_joined(arguments))
    except SystemExit:  # after help, or an error of use
        flush()
        raise
    options.run(options)
    flush()


def _end(error: BaseException) -> NoReturn:
    """Exits as an error demands: with one line, whatever it is."""
    match error:
        case UsageError():
            _fail(str(error), status=2)
        case SmartSplatError():  # before OSError, which some are too: their own text says more
            _fail(str(error))
        case _Terminated():
            _fail("terminated", status=143)
        case MemoryError():
            _fail("not enough memory")
        case BrokenPipeError():  # nobody reads
            raise SystemExit(1) from None
        case OSError():
            name = error.filename if isinstance(error.filename, (str, bytes)) else "input or output"
            _fail(f"{shown(os.fsdecode(name))}: {one_line(error)}")
        case ImportError():  # it was there when this was installed: memory or files may be short
            _fail(f"a library cannot be loaded (for want of memory?): {_last_words(error)}")
    if sys.flags.dev_mode:
        raise error
    _fail(f"failed, {type(error).__name__}: {one_line(error)} (python -X dev -m smartsplat shows where)")


class _Parser(argparse.ArgumentParser):
    """One that knows closed streams.

    Help that cannot be written is an error: argparse writes it to stderr instead, or nowhere. Wrong use is told of on
    stderr, if there is one: argparse writes the usage to stdout instead, and in some versions fails.
    """

    def error(self, message: str) -> NoReturn:
        """Says what is wrong, and exits."""
        with suppress(OSError, ValueError):
            write_line(f"{self.format_usage()}{self.prog}: error: {message}", aside=True)
        raise SystemExit(2)

    def print_help(self, file: Any = None) -> None:
        """Prints it on stdout, and nowhere else.

        Raises:
            OSError: it cannot be written.
        """
        write_line(self.format_help().rstrip("\n"))


class _Version(argparse.Action):
    """Prints the version, likewise."""

    def __call__(self, *_: object) -> NoReturn:
        write_line(f"smartsplat {__version__}")
        raise SystemExit(0)


class _Completion(argparse.Action):
    """Prints what a shell needs to complete commands and options."""

    def __call__(self, parser: argparse.ArgumentParser, _: object, shell: Any, __: object = None) -> NoReturn:
        try:
            import shtab
        except ImportError as error:
            raise UsageError("--print-completion needs shtab: pip install shtab") from error
        write_line(shtab.complete(parser, shell).rstrip("\n"))
        raise SystemExit(0)


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands; it sets ``run`` to the function that does what was asked for."""
    parser = _Parser(prog="smartsplat", description="An image codec made of 2D Gaussians.", allow_abbrev=False)
    parser.add_argument("--version", action=_Version, nargs=0, help="show the program's version number and exit")
    parser.add_argument("--print-completion", action=_Completion, choices=SHELLS, metavar="SHELL",
                        help=f"print what completes commands and options in {', '.join(SHELLS)}, and exit")  # fmt: skip
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add(commands)
    return parser


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    with suppress(OSError, ValueError):
        write_line(f"smartsplat: warning: {' '.join(str(message).split())}", aside=True)


def _fail(message: str, status: int = 1) -> NoReturn:
    with suppress(OSError, ValueError):  # there is nobody else to tell
        write_line(f"smartsplat: {' '.join(message.split())}", aside=True)
    raise SystemExit(status)


def _last_words(error: BaseException) -> str:
    """The end of a chain of errors: NumPy begins with pages of advice."""
    while error.__cause__ is not None:
        error = error.__cause__
    return one_line(error)[:200]


@contextmanager
def _signals_unwind() -> Iterator[None]:
    """Lets SIGINT and SIGTERM raise, so that temporary files are removed, and nothing turn that into an error.

    By itself SIGTERM ends Python on the spot. An interrupt does raise, but NumPy, if it comes while that is being
    loaded, has an ImportError for it. Where the process is ours, nothing raises while libraries are loaded.
    """
    if threading.current_thread() is not threading.main_thread():  # where signals cannot be handled
        yield
        return
    seen: list[type[BaseException]] = []

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        if before[signal.Signals(number)] is leave and is_importing(frame):
            leave(number, frame)
        seen.append(_Terminated if number == signal.SIGTERM else KeyboardInterrupt)
        raise seen[-1]

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number, handler in before.items():
        if handler in (signal.default_int_handler, signal.SIG_DFL, leave):  # else somebody has other plans
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
