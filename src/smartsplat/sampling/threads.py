"""How many threads SciPy gets: it does not count processors as the native code does."""

from __future__ import annotations

import os


def worker_count(threads: int) -> int:
    """``threads``, or for 0 the number of processors that this process may run on."""
    if threads > 0:
        return threads
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
