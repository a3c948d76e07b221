"""How a fit goes, told step by step."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from smartsplat.engines import Frame, Loss
from smartsplat.engines.protocol import CELL_SIZE
from smartsplat.fitting.levels import Planes
from smartsplat.model.report import psnr_of

Row = dict[str, Any]
"""``step``; ``seconds``; ``loss``; ``psnr`` [dB], infinite if the picture is exact. Of a large picture, fitted
in pieces, ``step``: pieces that are done; ``of``: how many there are; ``seconds``; ``done``: what was done to it."""

EVERY = 100
"""Steps from one row to the next, unless another number is asked for."""


class StepLog:
    """Tells of a fit before its first step, each so many steps, and after the last one.

    The seconds are those since this was made, without what is spent here. Loss and PSNR are of the picture at its
    full size; the PSNR is that of the sums clamped to [0, 1], not rounded to 8 bits.

    Args:
        tell: given the rows; None if nobody wants them.
        every: steps from one row to the next, at least 1.
    """

    def __init__(self, tell: Callable[[Row], None] | None = None, every: int = EVERY) -> None:
        self._tell = tell
        self._every = every
        self._started = time.perf_counter()

    def wants(self, step: int, *, last: bool = False) -> bool:
        """Whether there is a row for that step."""
        return self._tell is not None and (last or step % self._every == 0)

    @property
    def seconds(self) -> float:
        """As they stand in a row."""
        return time.perf_counter() - self._started

    def go_on_from(self, seconds: float) -> None:
        """Lets the clock stand at that."""
        self._started = time.perf_counter() - seconds

    def at(self, step: int, place: Callable[[], Frame], target: Planes, loss: Loss, *, last: bool = False) -> None:
        """The row of a step, if one is wanted.

        Args:
            step: how many were done.
            place: gives the frame of the picture itself with the splats as they are then; called if there is a row.
            target: its planes.
            loss: that is told.
            last: whether no step follows.
        """
        if self._tell is None or not self.wants(step, last=last):
            return
        seconds = self.seconds
        frame = place()
        value = frame.gradient(target, loss)[0]
        psnr = psnr_of(255**2 * float_error(frame, target), target.size)
        self._tell({"step": step, "seconds": seconds, "loss": value, "psnr": psnr})
        self.go_on_from(seconds)

    def piece(self, what: str, done: int, of: int) -> None:
        """The row of a piece of a large picture that is done.

        Args:
            what: has been done to it.
            done: pieces that are done.
            of: all that there are.
        """
        if self._tell is not None:
            self._tell({"step": done, "of": of, "seconds": self.seconds, "done": what})


def float_error(frame: Frame, target: Planes) -> float:
    """Sum of squared differences between the sums clamped to [0, 1] and the target, 1.0 is 8-bit 255."""
    cells = frame.cell_errors(target).astype(np.float64)
    height, width = target.shape[1:]
    rows, columns = (np.minimum(CELL_SIZE, n - np.arange(0, n, CELL_SIZE)) for n in (height, width))
    return 3 * float((rows[:, None] * cells * columns).sum())
