"""Workers in processes of this machine. One that is killed costs the task that it was at, which is tried again."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait

from smartsplat.batch.work import Outcome, Task

TRIES = 3
"""Of a task whose worker is killed."""

Call = Callable[[Task], Outcome]
"""What a worker does: a function of a module, which processes can find by its name."""


def run_here(call: Call, tasks: Sequence[Task], workers: int) -> Iterator[Outcome]:
    """Outcomes of tasks as they come, in any order.

    If the caller is interrupted or stops to ask, the workers are ended.

    Args:
        call: what is done.
        tasks: to do.
        workers: processes, at least 1; no more are started than there are tasks.
    """
    waiting, tries = deque(tasks), dict.fromkeys((task.number for task in tasks), 0)
    with _workers(call, min(workers, len(tasks))) as lanes:
        while waiting or any(lane.task for lane in lanes):
            for lane in lanes:
                if lane.task is None and waiting:
                    lane.give(waiting.popleft())
            for lane in _ready(lanes):
                task, outcome = lane.take()
                if outcome is not None:
                    yield outcome
                    continue
                tries[task.number] += 1
                if tries[task.number] < TRIES:
                    waiting.appendleft(task)
                else:
                    yield Outcome(task.number, error=f"its worker was killed {TRIES} times (for want of memory?)")


class _Lane:
    """A process, started anew when it is gone, and the task that it is at."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self.task: Task | None = None
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(self._call, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def give(self, task: Task) -> None:
        """Gives it a task; one that is gone already shows in ``take``."""
        self.task = task
        with suppress(OSError):
            self.pipe.send(task)

    def take(self) -> tuple[Task, Outcome | None]:
        """The task and its outcome, None if the process is gone."""
        assert self.task is not None
        task, self.task = self.task, None
        try:
            outcome: Outcome = self.pipe.recv()
        except (EOFError, OSError):
            self.end()
            self._start()
            return task, None
        return task, outcome

    def end(self) -> None:
        """Ends the process, whatever it is at."""
        self.pipe.close()
        self._process.kill()
        self._process.join()


@contextmanager
def _workers(call: Call, count: int) -> Iterator[list[_Lane]]:
    lanes: list[_Lane] = []
    try:
        for _ in range(count):
            lanes.append(_Lane(call))
        yield lanes
    finally:
        for lane in lanes:
            lane.end()


def _ready(lanes: Sequence[_Lane]) -> list[_Lane]:
    """The busy ones that have an outcome or are gone, at least one."""
    by_pipe = {lane.pipe: lane for lane in lanes if lane.task is not None}
    return [by_pipe[pipe] for pipe in wait(list(by_pipe)) if isinstance(pipe, Connection)]


def _serve(call: Call, pipe: Connection) -> None:
    """What a worker's process runs."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; whoever began this one ends it
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    while True:
        try:
            task = pipe.recv()
        except (EOFError, OSError):  # nobody is there any more
            return
        pipe.send(call(task))
