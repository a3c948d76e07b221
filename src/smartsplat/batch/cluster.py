"""Workers of dask.distributed, on this machine or others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from smartsplat.batch.work import Outcome, Task
from smartsplat.errors import SmartSplatError, one_line

LOCAL = "local"
"""The address that stands for a cluster of this machine's processors."""

RETRIES = 3
"""Of a task whose worker is lost."""

AT_ONCE = 2
"""Tasks that are on their way for each worker: pictures travel with them."""

PATIENCE = 20.0
"""Seconds in which a cluster must answer, and have a worker."""


class ClusterError(SmartSplatError):
    """A cluster that is not there, or does not answer."""


def run_on_cluster(
    call: Callable[[Task], Outcome], tasks: Iterable[Task], address: str, workers: int = 0
) -> Iterator[Outcome]:
    """Outcomes of tasks as they come, in any order; see ``smartsplat.batch.processes.run_here``.

    Args:
        call: what is done; workers elsewhere need this package.
        tasks: to do; taken as workers are free, so that a generator may read pictures then.
        address: of a scheduler, such as ``tcp://host:8786``, or LOCAL.
        workers: how many a local cluster has, 0 for one for each processor.

    Raises:
        ClusterError: there is no such cluster, or the extra ``dask`` is not installed.
    """
    with _client(address, workers) as client:
        yield from _outcomes(client, call, tasks)


def _outcomes(client: Any, call: Callable[[Task], Outcome], tasks: Iterable[Task]) -> Iterator[Outcome]:
    numbers: dict[str, int] = {}  # of tasks, by the names of their futures

    def submit(task: Task) -> Any:
        future = client.submit(call, task, pure=False, retries=RETRIES)
        numbers[future.key] = task.number
        return future

    source = iter(tasks)
    at_once = AT_ONCE * max(1, len(client.scheduler_info()["workers"]))
    running = _library().as_completed([submit(task) for task in islice(source, at_once)])
    for future in running:
        number = numbers.pop(future.key)
        error = future.exception()  # waits where a result was lost with its worker and is made again
        yield future.result() if error is None else Outcome(number, error=_reason(error))
        if (task := next(source, None)) is not None:
            running.add(submit(task))


def _reason(error: BaseException) -> str:
    if isinstance(error, _library().KilledWorker):
        return "its worker was killed again and again (for want of memory?)"
    return f"{type(error).__name__}: {one_line(error)}"


def _library() -> Any:
    """It is not typed."""
    try:
        import distributed
    except ImportError as error:
        raise ClusterError("--dask needs the extra dask: pip install 'smartsplat[dask]'") from error
    return distributed


@contextmanager
def _client(address: str, workers: int) -> Iterator[Any]:
    distributed = _library()
    if address == LOCAL:
        with (
            distributed.LocalCluster(
                n_workers=workers or None, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client
        return
    try:
        client = distributed.Client(address, timeout=PATIENCE)
        client.wait_for_workers(1, timeout=PATIENCE)
    except (OSError, ValueError, TimeoutError) as error:
        raise ClusterError(f"{address}: no cluster with a worker answers: {one_line(error)}") from error
    with client:
        yield client
