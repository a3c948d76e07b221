"""What workers do in the tests of batches; processes find these by their names."""

import os
import signal
import time
from pathlib import Path

from smartsplat.batch.work import Outcome


def double(task):
    return Outcome(task.number, data=task.source * 2)


def killed_once(task):
    """Kills its own worker, the first time for each task that says so."""
    mark = Path(task.options["folder"], f"{task.number}")
    if task.options["dies"] and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return double(task)


def killed_always(task):
    if task.options["dies"]:
        os.kill(os.getpid(), signal.SIGKILL)
    return double(task)


def slow(task):
    time.sleep(task.options["seconds"])
    return double(task)
