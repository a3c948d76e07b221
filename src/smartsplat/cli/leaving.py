"""The last line of a process, and its end by a signal that comes while libraries are loaded; loads nothing itself."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # as in smartsplat.cli
if TYPE_CHECKING:
    from types import FrameType
    from typing import NoReturn


def leave_on_signals() -> None:
    """Has `leave` handle SIGINT and SIGTERM, unless somebody has other plans for them."""
    import signal

    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
        if signal.getsignal(number) == usual:
            try:
                signal.signal(number, leave)
            except ValueError:  # this is not the main thread
                return


def leave(number: int, _: FrameType | None) -> NoReturn:
    """Ends the process on the spot: an exception may get lost where something is imported, or become another one."""
    say("interrupted" if number == 2 else "terminated")  # SIGINT has that number everywhere
    os._exit(128 + number)


def is_importing(frame: FrameType | None) -> bool:
    """Whether code of that frame runs because something is imported."""
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    return frame is not None


def say(message: str) -> None:
    """A line on stderr, if there is one."""
    try:
        if sys.stderr is not None:  # `print` would take stdout
            print(f"smartsplat: {message}", file=sys.stderr, flush=True)
    except (OSError, ValueError, RuntimeError):  # there is nobody else to tell; or it is just being written to
        pass
