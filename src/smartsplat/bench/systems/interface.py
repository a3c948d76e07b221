"""What a compared system is: a fit that goes on step by step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor


class System(ABC):
    """A fit of N splats to a picture, before its first step; making one is the start of the fit.

    Args:
        target: the picture, float32 [H, W, 3] in [0, 1].
        count: N of Eq. 5, at least 1: how many splats it has in the end.
        steps: that will be done, at least 1; schedules that depend on it keep to it.
        random: all that is random is drawn from it.

    Attributes:
        numbers: of one splat, all parameters together.
        finished: whether it ended before all steps were done, as systems that stop by themselves do.
    """

    numbers: ClassVar[int]
    finished = False

    @abstractmethod
    def __init__(self, target: Tensor, count: int, steps: int, random: torch.Generator) -> None: ...

    @property
    @abstractmethod
    def count(self) -> int:
        """Splats that it has now."""

    @abstractmethod
    def step(self) -> Tensor:
        """Does one step of the optimiser and gives the loss that it was computed from, a number."""

    @abstractmethod
    def picture(self) -> Tensor:
        """The picture as it is now, float32 [H, W, 3] in [0, 1], without gradients."""


def parameter(values: Tensor) -> Tensor:
    """The same values, to be optimised."""
    return values.detach().clone().requires_grad_()


def step_decay(rate: float, steps: int, every: int, factor: float) -> float:
    """The rate after so many steps, where it falls by a factor every so many."""
    return rate * factor ** (steps // every)
