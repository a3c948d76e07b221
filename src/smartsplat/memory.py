"""What this process has taken of the machine's memory."""

from __future__ import annotations

import sys


def peak_rss() -> int | None:
    """Most memory that this process has held, in bytes, where the system tells."""
    try:
        with open("/proc/self/status", "rb") as file:  # noqa: PTH123 (pathlib takes long to load)
            return next(1024 * int(line.split()[1]) for line in file if line.startswith(b"VmHWM"))
    except (OSError, StopIteration):
        return _of_usage()


def _of_usage() -> int | None:
    """The same by another way, which on Linux counts what the process that started this one held."""
    try:
        import resource  # not on every system
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
