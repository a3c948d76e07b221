"""The command line: parses, calls the library, prints; one file a command.

Nothing heavy is imported here: until ``main`` runs an interrupt cannot be caught.
"""

from __future__ import annotations

from smartsplat.cli.leaving import leave_on_signals, say

TYPE_CHECKING = False  # that of `typing` would load it, which takes longer than all the rest
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs one command and exits: 0 done, 1 failed with one line on stderr, 2 wrong use.

    An interrupt ends it with 130 and SIGTERM with 143, each with one line too.

    Args:
        arguments: as after the program's name; None for those of this process, which then is ours to end: a signal
            that comes while libraries are loaded ends it on the spot.

    Raises:
        SystemExit: always, with that code.
    """
    try:
        try:
            if arguments is None:
                leave_on_signals()
            from smartsplat.cli.process import run_command
        except (ImportError, MemoryError, OSError) as error:  # of memory, there is too little even to begin
            _fail(f"cannot start: {error or type(error).__name__}", 1)
        run_command(arguments)
    except KeyboardInterrupt:
        _fail("interrupted", 130)


def _fail(message: str, status: int) -> NoReturn:
    say(message)
    raise SystemExit(status) from None
