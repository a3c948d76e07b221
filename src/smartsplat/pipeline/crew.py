"""Who does the errands of windows: this process, or workers of a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from smartsplat.cluster import ClusterError, client_of, outcomes
from smartsplat.engines import Engine, load_engine
from smartsplat.errors import one_line

Done = tuple[int, NDArray[Any]]
"""The number of an errand's window, and what came of it."""


class Errand(Protocol):
    """See ``smartsplat.pipeline.errands.Errand``; it can be pickled."""

    @property
    def number(self) -> int:
        """Of its window."""
        ...

    def done(self, engine: Engine) -> NDArray[Any]:
        """What comes of it."""
        ...


class Crew(Protocol):
    """Does errands that do not depend on each other."""

    def run(self, errands: Iterable[Errand]) -> Iterator[Done]:
        """What comes of them, in any order; they are taken as they can be done."""
        ...


@dataclass(frozen=True)
class Here:
    """One after the other, in this process.

    Attributes:
        engine: computes.
    """

    engine: Engine

    def run(self, errands: Iterable[Errand]) -> Iterator[Done]:
        """See `Crew`."""
        for errand in errands:
            yield errand.number, errand.done(self.engine)


@dataclass(frozen=True, eq=False)
class Workers:
    """Workers of a cluster, at the same time.

    Attributes:
        client: of dask.distributed.
        engine: its name.
    """

    client: Any
    engine: str

    def run(self, errands: Iterable[Errand]) -> Iterator[Done]:
        """See `Crew`.

        Raises:
            ClusterError: an errand fails again and again.
        """
        for number, result, error in outcomes(
            self.client, _done_there, ((errand.number, (errand, self.engine)) for errand in errands)
        ):
            if error is not None:
                raise ClusterError(f"a window could not be fitted: {one_line(error)}") from error
            yield number, result


@contextmanager
def crew_of(engine: Engine, dask: str | None, workers: int = 0) -> Iterator[Crew]:
    """A crew.

    Args:
        engine: of this process, of whose kind those of workers are.
        dask: address of a scheduler, or ``local``; None: this process alone.
        workers: how many a local cluster has, 0 for one for each processor.

    Raises:
        ClusterError: there is no such cluster, or the extra ``dask`` is not installed.
    """
    if dask is None:
        yield Here(engine)
        return
    with client_of(dask, workers) as client:
        yield Workers(client, engine.name)


def _done_there(errand: Errand, engine: str) -> NDArray[Any]:
    """On a worker, with as many threads as it has for one task at a time."""
    from distributed import get_worker

    return errand.done(load_engine(engine, get_worker().state.nthreads))
