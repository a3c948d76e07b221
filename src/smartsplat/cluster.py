"""Clusters of dask.distributed: how one is reached, and tasks on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from smartsplat.errors import SmartSplatError, one_line

LOCAL = "local"
"""The address that stands for a cluster of this machine's processors."""

RETRIES = 3
"""Of a task whose worker is lost."""

AT_ONCE = 2
"""Tasks that are on their way for each worker: pictures travel with them."""

PATIENCE = 20.0
"""Seconds in which a cluster must answer, and have a worker."""

Outcome = tuple[int, Any, BaseException | None]
"""The number of a task, its result, and what went wrong if there is none."""


class ClusterError(SmartSplatError):
    """A cluster that is not there, or does not answer."""


def outcomes(
    client: Any, call: Callable[..., Any], tasks: Iterable[tuple[int, tuple[Any, ...]]]
) -> Iterator[Outcome]:  # fmt: skip
    """What comes of tasks, in any order.

    Args:
        client: of a cluster.
        call: what is done.
        tasks: their numbers, and what is given to the call; taken as workers are free, so that a generator may make
            them then.
    """
    numbers: dict[str, int] = {}  # of tasks, by the names of their futures

    def submit(task: tuple[int, tuple[Any, ...]]) -> Any:
        number, arguments = task
        future = client.submit(call, *arguments, pure=False, retries=RETRIES)
        numbers[future.key] = number
        return future

    source = iter(tasks)
    at_once = AT_ONCE * max(1, len(client.scheduler_info()["workers"]))
    running = library().as_completed([submit(task) for task in islice(source, at_once)])
    for future in running:
        number = numbers.pop(future.key)
        error = future.exception()  # waits where a result was lost with its worker and is made again
        yield number, (future.result() if error is None else None), error
        if (task := next(source, None)) is not None:
            running.add(submit(task))


def library() -> Any:
    """The library, which is not typed."""
    try:
        import distributed
    except ImportError as error:
        raise ClusterError("--dask needs the extra dask: pip install 'smartsplat[dask]'") from error
    return distributed


@contextmanager
def client_of(address: str, workers: int = 0) -> Iterator[Any]:
    """A client.

    Args:
        address: of a scheduler, such as ``tcp://host:8786``, or LOCAL.
        workers: how many a local cluster has, 0 for one for each processor.

    Raises:
        ClusterError: there is no such cluster, or the extra ``dask`` is not installed.
    """
    distributed = library()
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
