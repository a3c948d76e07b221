"""Threads for SciPy: it does not count processors as the native code does, and starts threads at any price."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from smartsplat.libraries import has_room

T = TypeVar("T")
R = TypeVar("R")


def worker_count(threads: int) -> int:
    """``threads``, or for 0 the number of processors that this process may run on."""
    if threads > 0:
        return threads
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_in_threads(function: Callable[[T], R], items: Sequence[T], threads: int) -> list[R]:
    """What a function that gives the interpreter's lock back makes of each item, in their order.

    Args:
        function: may be called by several threads at once.
        items: any.
        threads: that may be used, the caller's one of them; 0 for one for each processor. Where the system starts
            no more, those that there are do the work.

    Returns:
        As many results. The first error is raised here, when all threads are done.
    """
    left = iter(range(len(items)))  # shared: taking the next is one step under the interpreter's lock
    results: dict[int, R] = {}
    errors: list[BaseException] = []

    def work() -> None:
        try:
            for index in left:
                results[index] = function(items[index])
        except BaseException as error:  # raised by the caller
            errors.append(error)
        for _ in left if errors else ():  # the others stop, too
            pass

    helpers = _started(work, min(worker_count(threads), len(items)) - 1)
    work()
    for helper in helpers:
        helper.join()
    if errors:
        raise errors[0]
    return [results[index] for index in range(len(items))]


def _started(work: Callable[[], None], count: int) -> list[threading.Thread]:
    """So many threads, or as many as the system starts."""
    helpers: list[threading.Thread] = []
    while len(helpers) < count and has_room():  # where one can begin and then has no memory, the process ends
        helper = threading.Thread(target=work, daemon=True)
        try:
            helper.start()
        except (RuntimeError, MemoryError):  # it has no room for another
            break
        helpers.append(helper)
    return helpers
