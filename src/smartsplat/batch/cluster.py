"""Workers of dask.distributed, on this machine or others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from smartsplat.batch.work import Outcome, Task
from smartsplat.cluster import client_of, library, outcomes
from smartsplat.errors import one_line


def run_on_cluster(
    call: Callable[[Task], Outcome], tasks: Iterable[Task], address: str, workers: int = 0
) -> Iterator[Outcome]:
    """Outcomes of tasks as they come, in any order; see ``smartsplat.batch.processes.run_here``.

    Args:
        call: what is done; workers elsewhere need this package.
        tasks: to do; taken as workers are free, so that a generator may read pictures then.
        address: of a scheduler, such as ``tcp://host:8786``, or ``smartsplat.cluster.LOCAL``.
        workers: how many a local cluster has, 0 for one for each processor.

    Raises:
        ClusterError: there is no such cluster, or the extra ``dask`` is not installed.
    """
    with client_of(address, workers) as client:
        for number, result, error in outcomes(client, call, ((task.number, (task,)) for task in tasks)):
            yield result if error is None else Outcome(number, error=_reason(error))


def _reason(error: BaseException) -> str:
    if isinstance(error, library().KilledWorker):
        return "its worker was killed again and again (for want of memory?)"
    return f"{type(error).__name__}: {one_line(error)}"
