"""The fit that GaussianImage and the harness's 3DGS have: the mean squared error, Adan at one rate for all numbers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from smartsplat.bench.systems.adan import Adan
from smartsplat.bench.systems.interface import System, step_decay
from smartsplat.bench.systems.losses import squared_error

RATE = 1e-3
DECAY_EVERY, DECAY = 20_000, 0.5


class AdanFit(System):
    """A system of N splats from the first step to the last, whose numbers are fitted together.

    Attributes:
        lowest: that the picture is clamped to, as it is to 1.
    """

    lowest: ClassVar[float] = 0.0
    _target: Tensor
    _optimiser: Adan

    def _begin(self, target: Tensor, parameters: Sequence[Tensor]) -> None:
        """Keeps the target, and the parameters, whose first dimension is N."""
        self._target, self._count = target, len(parameters[0])
        self._optimiser = Adan(parameters)
        self._steps = 0

    @property
    def count(self) -> int:
        """N."""
        return self._count

    def step(self) -> Tensor:
        """See ``System``."""
        loss = squared_error(self._sums(), self._target, low=self.lowest)
        torch.autograd.backward(loss)
        self._optimiser.step(step_decay(RATE, self._steps, DECAY_EVERY, DECAY))
        self._steps += 1
        return loss.detach()

    def picture(self) -> Tensor:
        """See ``System``."""
        with torch.no_grad():
            return self._sums().clamp(self.lowest, 1)

    @abstractmethod
    def _sums(self) -> Tensor:
        """The picture as the parameters have it, not clamped."""
