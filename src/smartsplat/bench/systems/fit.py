"""The loop that all compared systems are fitted in."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from smartsplat.bench.interface import Pixels
from smartsplat.bench.systems.interface import System
from smartsplat.errors import SmartSplatError

LogRow = dict[str, float]
"""``step``; ``seconds``, the start among them; ``psnr`` [dB, infinite for an exact picture]; ``loss``, of the step."""


class DivergedError(SmartSplatError):
    """A fit whose loss is no number any more."""


@dataclass(frozen=True)
class Fitted:
    """A fit that is done.

    Attributes:
        system: as it is now.
        steps: that were done.
        start_seconds: until the first step.
        seconds: of all steps, without the rows of the log.
    """

    system: System
    steps: int
    start_seconds: float
    seconds: float

    def picture(self) -> NDArray[np.float32]:
        """What it shows, [H, W, 3] in [0, 1]."""
        array: NDArray[np.float32] = self.system.picture().numpy()
        return array


def fit(
    make: type[System],
    pixels: Pixels,
    count: int,
    steps: int,
    *,
    seed: int,
    log: Callable[[LogRow], None] | None = None,
    every: int = 100,
) -> Fitted:
    """Fits so many splats to a picture.

    Args:
        make: the system.
        pixels: the picture, uint8 [H, W, 3].
        count: N of Eq. 5, at least 1.
        steps: of the optimiser, at least 1; a system may finish before.
        seed: of all that is random.
        log: called with a row before the first step, after each so many, and after the last one.
        every: so many, at least 1.

    Raises:
        DivergedError: the loss is infinite or no number.
    """
    target = torch.from_numpy(pixels.astype(np.float32) / 255)
    _warm_up(make)
    clock = Clock()
    system = make(target, count, steps, torch.Generator().manual_seed(seed))
    start_seconds = clock.seconds
    rows = _Rows(target, clock, log, every)
    rows.tell(0, system, {}, last=False)
    done = 0
    while done < steps and not system.finished:
        loss = float(system.step())
        done += 1
        if not math.isfinite(loss):
            raise DivergedError(f"the loss is {loss} at step {done}")
        rows.tell(done, system, {"loss": loss}, last=done == steps or system.finished)
    return Fitted(system, done, start_seconds, clock.seconds - start_seconds)


def _warm_up(make: type[System]) -> None:
    """Lets libraries load what they load when it is first used, some seconds whatever the picture, before the clock."""
    random = torch.Generator().manual_seed(0)
    system = make(torch.rand(16, 16, 3, generator=random), 8, 2, random)
    system.step()
    system.step()  # LIG's second level


class Clock:
    """Seconds since it was made, less those that are left out."""

    def __init__(self) -> None:
        self._since = time.perf_counter()

    @property
    def seconds(self) -> float:
        """So far."""
        return time.perf_counter() - self._since

    def set_back(self, seconds: float) -> None:
        """Leaves out what has passed since it stood there."""
        self._since = time.perf_counter() - seconds


class _Rows:
    def __init__(self, target: Tensor, clock: Clock, log: Callable[[LogRow], None] | None, every: int) -> None:
        self._target, self._clock, self._log, self._every = target, clock, log, every

    def tell(self, step: int, system: System, more: LogRow, *, last: bool) -> None:
        """The row of a step, if there is one; it takes no time on the clock."""
        if self._log is None or not (last or step % self._every == 0):
            return
        seconds = self._clock.seconds
        error = float(torch.nn.functional.mse_loss(system.picture().double(), self._target.double()))
        psnr = -10 * math.log10(error) if error else math.inf
        self._log({"step": step, "seconds": seconds, "psnr": psnr} | more)
        self._clock.set_back(seconds)
