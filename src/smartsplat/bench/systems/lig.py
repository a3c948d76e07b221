"""LIG, "Large Images are Gaussians" (Zhu et al. 2025), as the paper's harness fits it."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from smartsplat.bench.systems.interface import System, parameter, step_decay
from smartsplat.bench.systems.losses import squared_error
from smartsplat.torch import rasterize_conics

RATE = 0.018
DECAY_EVERY, DECAY = 70_000, 0.7
COARSE_SHARE = 0.25 * 0.5
"""Of the splats that the level of half the size has: a quarter of the pixels, times allo_ratio."""

NO_ELLIPSE = (-1.0, 0.0, -1.0)
"""Of which ``rasterize_conics`` shows nothing."""


class Range(NamedTuple):
    """What [0, 1] stands for in a level: values from ``low`` on, ``spread`` more at 1."""

    low: float
    spread: float


class Lig(System):
    """A level of half the size, then one of what that leaves, half the steps each; the first then stands still."""

    numbers: ClassVar[int] = 8

    def __init__(self, target: Tensor, count: int, steps: int, random: torch.Generator) -> None:
        coarse_count = int(COARSE_SHARE * count)
        self._target, self._random = target, random
        self._fine_count, self._coarse_steps = count - coarse_count, steps // 2
        self._coarse = Level(_halved(target), coarse_count, random)
        self._below: Tensor | None = None
        self._fine: Level | None = None
        self._range = Range(0.0, 1.0)
        self._steps = 0

    @property
    def count(self) -> int:
        """Splats of the levels that were begun."""
        return self._coarse.count + (self._fine.count if self._fine else 0)

    def step(self) -> Tensor:
        """See ``System``."""
        self._steps += 1
        if self._steps <= self._coarse_steps:
            return self._coarse.step()
        if self._fine is None:
            self._fine = self._begin_fine()
        return self._fine.step()

    def picture(self) -> Tensor:
        """See ``System``."""
        if self._fine is None or self._below is None:
            return self._enlarged()
        with torch.no_grad():
            residual = self._fine.drawn() * self._range.spread + self._range.low - 0.5
            return (self._below + residual).clamp(0, 1)

    def _begin_fine(self) -> Level:
        self._below = self._enlarged()
        residual = self._target - self._below + 0.5
        low, high = float(residual.min()), float(residual.max())
        self._range = Range(low, max(high - low, 1e-8))
        return Level((residual - low) / self._range.spread, self._fine_count, self._random)

    def _enlarged(self) -> Tensor:
        """The coarse level at the picture's size, as it is now."""
        with torch.no_grad():
            drawn = self._coarse.drawn()
        planes = drawn.permute(2, 0, 1).unsqueeze(0)
        size = tuple(self._target.shape[:2])
        enlarged = torch.nn.functional.interpolate(planes, size=size, mode="bilinear", align_corners=False)
        return enlarged[0].permute(1, 2, 0)


class Level:
    """Splats whose covariances are free numbers; black at the start.

    Its code draws a, b, c of a covariance [[a, b], [b, c]] from [0, 1) each, so that five of nine are none: they are no
    ellipses, and here they would show nothing, for good. They are drawn again until they are. One that stops being an
    ellipse in a fit shows nothing from then on.
    """

    def __init__(self, target: Tensor, count: int, random: torch.Generator) -> None:
        self._target = target
        self._height, self._width = target.shape[:2]
        self._means = parameter(torch.rand(count, 2, generator=random) * torch.tensor([self._width, self._height]))
        self._covariances = parameter(drawn_covariances(count, random))
        self._colours = parameter(torch.zeros(count, 3))
        self._optimiser = torch.optim.Adam([self._colours, self._means, self._covariances], lr=RATE)
        self._steps = 0

    @property
    def count(self) -> int:
        """How many splats there are."""
        return len(self._means)

    def step(self) -> Tensor:
        """See ``System``."""
        loss = squared_error(self._sums(), self._target)
        torch.autograd.backward(loss)
        self._optimiser.param_groups[0]["lr"] = step_decay(RATE, self._steps, DECAY_EVERY, DECAY)
        self._optimiser.step()
        self._optimiser.zero_grad()
        self._steps += 1
        return loss.detach()

    def drawn(self) -> Tensor:
        """The picture of the level, [H, W, 3] in [0, 1]."""
        return self._sums().clamp(0, 1)

    def _sums(self) -> Tensor:
        conics = inverses(self._covariances)
        return rasterize_conics(self._means, conics, self._colours, self._height, self._width)


def drawn_covariances(count: int, random: torch.Generator) -> Tensor:
    """a, b, c [N, 3], each uniform in [0, 1) where a c > b^2."""
    found = torch.rand(count, 3, generator=random)
    while True:
        wrong = found[:, 0] * found[:, 2] <= found[:, 1] ** 2
        if not wrong.any():
            return found
        found[wrong] = torch.rand(int(wrong.sum()), 3, generator=random)


def inverses(covariances: Tensor) -> Tensor:
    """Inverses of covariances, both [N, 3] as xx, xy, yy; NO_ELLIPSE, without gradients, of what is none."""
    a, b, c = covariances.unbind(1)
    determinant = a * c - b * b
    ellipse = (determinant > 0) & (a > 0)
    inverse = torch.stack([c, -b, a], dim=1) / torch.where(ellipse, determinant, 1.0)[:, None]
    return torch.where(ellipse[:, None], inverse, torch.tensor(NO_ELLIPSE))


def _halved(picture: Tensor) -> Tensor:
    """Means over areas, half as many px along each side, rounded down but at least 1."""
    size = tuple(max(1, side // 2) for side in picture.shape[:2])
    planes = torch.nn.functional.interpolate(picture.permute(2, 0, 1).unsqueeze(0), size=size, mode="area")
    return planes[0].permute(1, 2, 0).contiguous()
