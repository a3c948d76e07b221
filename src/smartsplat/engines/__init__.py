"""Engines compute with splats and pixels; everything above them is the same whichever engine runs."""

from __future__ import annotations

from smartsplat.engines.protocol import Canvas, Engine, Frame, Loss, Views
from smartsplat.errors import SmartSplatError
from smartsplat.model.numbers import MOST_THREADS, thread_count

__all__ = ["ENGINES", "MOST_THREADS", "Canvas", "Engine", "Frame", "Loss", "Views", "load_engine"]

ENGINES = ("auto", "cpu", "cuda", "reference")
"""Names that the option ``--engine`` takes."""


def load_engine(name: str = "auto", threads: int = 0) -> Engine:
    """The engine of that name.

    Args:
        name: one of ENGINES; ``auto`` is the fastest that runs here.
        threads: threads it may use, 0 for one for each processor, at most MOST_THREADS; the results do not depend
            on it.

    Raises:
        SmartSplatError: there is no such engine on this machine.
        ValueError: the threads are no whole number from 0 on.
    """
    threads = thread_count(threads)
    if name == "reference":
        from smartsplat.engines.reference import ReferenceEngine

        return ReferenceEngine(threads)
    if name in ("auto", "cpu"):
        from smartsplat.engines.cpu import CpuEngine

        return CpuEngine(threads)
    if name == "cuda":
        raise SmartSplatError("engine cuda: not available in this version")
    raise SmartSplatError(f"engine {name}: unknown, must be one of {', '.join(ENGINES)}")
