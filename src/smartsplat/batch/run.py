"""A batch: jobs whose files are not there yet, done by workers, each file written as soon as it is known."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from smartsplat.batch.cluster import run_on_cluster
from smartsplat.batch.jobs import Job
from smartsplat.batch.processes import run_here
from smartsplat.batch.tally import Tally
from smartsplat.batch.work import Outcome, Task, encode_task
from smartsplat.errors import OutputError, shown
from smartsplat.pictures.files import atomic_write

Say = Callable[[str], None]
"""Takes a line for a person."""


def run_batch(
    jobs: Sequence[Job],
    options: Mapping[str, Any],
    *,
    workers: int = 0,
    dask: str | None = None,
    overwrite: bool = False,
    say: Say,
    progress: Callable[[float], None],
) -> Tally:
    """Encodes pictures to files.

    Args:
        jobs: which.
        options: arguments of ``smartsplat.encode`` for all of them. The bytes depend on nothing else.
        workers: processes, 0 for one for each processor.
        dask: a cluster that does it instead, see ``run_on_cluster``; the pictures travel there, and the files back.
        overwrite: whether files that are there are made again. Else they are kept: what was broken off goes on.
        say: told of each failure and each warning, in one line.
        progress: told of the part that is done.

    Raises:
        ClusterError: there is no such cluster.
        OutputError: a folder cannot be made.
    """
    todo = [job for job in jobs if overwrite or not job.output.exists()]
    tally = Tally(kept=len(jobs) - len(todo))
    for k, (job, outcome) in enumerate(_outcomes(todo, options, workers, dask)):
        for line in outcome.warnings:
            say(f"warning: {shown(str(job.source))}: {line}")
        tally.add(job, written := _written(job, outcome, overwrite=overwrite))
        if written.error is not None:
            say(f"{shown(str(job.source))}: {written.error}")
        progress((k + 1) / len(todo))
    return tally


def _outcomes(
    jobs: Sequence[Job], options: Mapping[str, Any], workers: int, dask: str | None
) -> Iterator[tuple[Job, Outcome]]:
    if dask is None:
        tasks = [Task(k, str(job.source), options) for k, job in enumerate(jobs)]
        outcomes = run_here(encode_task, tasks, workers or os.cpu_count() or 1)
        yield from ((jobs[outcome.number], outcome) for outcome in outcomes)
        return
    unread: list[tuple[Job, Outcome]] = []

    def read_tasks() -> Iterator[Task]:
        for k, job in enumerate(jobs):
            try:
                data = Path(job.source).read_bytes()
            except OSError as error:
                unread.append((job, Outcome(k, error=error.strerror or str(error))))
                continue
            yield Task(k, data, options)

    for outcome in run_on_cluster(encode_task, read_tasks(), dask, workers):
        yield jobs[outcome.number], outcome
    yield from unread


def _written(job: Job, outcome: Outcome, *, overwrite: bool) -> Outcome:
    """The outcome once its file is written, or one that says why it could not be."""
    if outcome.data is None:
        return outcome
    try:
        job.output.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(job.output, overwrite=overwrite) as file:
            file.write(outcome.data)
    except OutputError as error:
        return Outcome(outcome.number, error=str(error))
    except OSError as error:
        return Outcome(outcome.number, error=f"{shown(str(job.output.parent))}: {error.strerror}")
    return outcome
