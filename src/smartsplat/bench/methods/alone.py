"""Measurements in a process of their own: its peak memory is the method's, and its end is not ours.

The parent starts ``python -m smartsplat.bench.methods.alone`` with what is wanted as JSON in the last argument; the
last line of its output is the row. Its stdin is a pipe that ends when the parent does, and then it ends, too.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from smartsplat.bench.methods.make import make_method
from smartsplat.bench.methods.measure import NOTHING, Extras, failure, guarded, measure
from smartsplat.bench.methods.smartsplats import AUTO
from smartsplat.bench.rows import Row
from smartsplat.pictures import reading


@dataclass(frozen=True)
class Errand:
    """What a process is started for.

    Attributes:
        path: of the picture.
        max_pixels: larger ones are refused.
        method: its name.
        cr: compression ratio.
        steps: see ``make_method``, as the rest but ``extras``.
        seed: likewise.
        threads: likewise.
        extras: what is recorded beside the figures.
        engine: see ``make_method``.
    """

    path: Path
    max_pixels: int
    method: str
    cr: float
    steps: int
    seed: int
    threads: int
    extras: Extras = NOTHING
    engine: str = AUTO

    def to_json(self) -> str:
        """As the argument of the process."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> Errand:
        """The same again."""
        fields: dict[str, Any] = json.loads(text)
        extras = Extras(**fields.pop("extras"))
        if extras.save is not None:
            extras = replace(extras, save=Path(extras.save))
        return cls(Path(fields.pop("path")), extras=extras, **fields)


def measure_alone(errand: Errand) -> Row:
    """The row of ``measure`` from a new process, memory among its figures.

    If the process ends otherwise its status says so. It does not outlive this one, however that ends; an interrupt
    from the terminal does not reach it.
    """
    command = [sys.executable, "-m", __name__, errand.to_json()]
    with _lifeline() as lifeline:
        done = subprocess.run(
            command, stdin=lifeline, stdout=subprocess.PIPE, text=True, check=False, process_group=0
        )  # fmt: skip
    if done.returncode == 0:
        row: Row = json.loads(done.stdout.splitlines()[-1])
        return row
    return failure(_end(done.returncode))


@contextmanager
def _lifeline() -> Iterator[int]:
    """A descriptor that can be read when this process has ended."""
    reading, writing = os.pipe()
    try:
        yield reading
    finally:
        os.close(reading)
        os.close(writing)


def _end(status: int) -> str:
    if status >= 0:
        return f"the process ended with status {status}"
    known = {number.value: number.name for number in signal.Signals}
    name = known.get(-status, f"signal {-status}")
    hint = ", as the system does when memory runs out" if -status == signal.SIGKILL else ""
    return f"the process was ended by {name}{hint}"


def _measure_here(errand: Errand) -> Row:
    pixels = reading.load(errand.path, max_pixels=errand.max_pixels).opaque_bytes()
    method = make_method(
        errand.method, steps=errand.steps, seed=errand.seed, threads=errand.threads, engine=errand.engine
    )
    return measure(pixels, method, errand.cr, replace(errand.extras, memory=True), threads=errand.threads)


def _end_with_parent() -> None:
    """Ends this process when stdin, on which nothing is ever written, does."""

    def watch() -> None:
        os.read(0, 1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _main() -> None:
    _end_with_parent()
    errand = Errand.from_json(sys.argv[-1])
    print(json.dumps(guarded(lambda: _measure_here(errand)), allow_nan=False))


if __name__ == "__main__":
    _main()
