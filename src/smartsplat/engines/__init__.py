"""Engines compute with splats and pixels; everything above them is the same whichever engine runs."""

from __future__ import annotations

import contextlib

from smartsplat.engines.cards import WORTH_PIXELS, may_have_card
from smartsplat.engines.protocol import Canvas, Engine, Frame, Loss, Views
from smartsplat.errors import SmartSplatError, one_line
from smartsplat.model.numbers import MOST_THREADS, thread_count

__all__ = ["ENGINES", "MOST_THREADS", "Canvas", "Engine", "Frame", "Loss", "Views", "load_engine"]

ENGINES = ("auto", "cpu", "cuda", "reference")
"""Names that the option ``--engine`` takes."""


def load_engine(name: str = "auto", threads: int = 0, *, pixels: int = 0) -> Engine:
    """The engine of that name.

    Args:
        name: one of ENGINES; ``auto`` is ``cpu``, or ``cuda`` for a large picture where a graphics card is at hand.
        threads: threads it may use, 0 for one for each processor, at most MOST_THREADS; the results do not depend
            on it.
        pixels: of the picture that will be fitted; 0 where none will.

    Raises:
        SmartSplatError: the engine cannot run on this machine.
        ValueError: there is no such engine, or the threads are no whole number from 0 on.
    """
    threads = thread_count(threads)
    if name == "reference":
        from smartsplat.engines.reference import ReferenceEngine

        return ReferenceEngine(threads)
    if name == "cuda":
        return _cuda(threads)
    if name == "auto" and pixels >= WORTH_PIXELS and may_have_card():
        with contextlib.suppress(SmartSplatError):  # there may be a driver and no card
            return _cuda(threads)
    if name in ("auto", "cpu"):
        from smartsplat.engines.cpu import CpuEngine

        return CpuEngine(threads)
    raise ValueError(f"engine must be one of {', '.join(ENGINES)}, not {name}")


def _cuda(threads: int) -> Engine:
    try:
        from smartsplat.engines.cuda import CudaEngine, checked
    except ImportError as error:
        raise SmartSplatError(f"engine cuda: {one_line(error)}") from error
    engine = CudaEngine(threads)
    checked(engine.device)
    return engine
