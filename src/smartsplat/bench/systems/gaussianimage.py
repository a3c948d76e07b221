"""GaussianImage (Zhang et al. 2024a), both of its covariances, as the paper's harness fits it: without quantisation."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from smartsplat.bench.systems.adan_fit import AdanFit
from smartsplat.bench.systems.interface import parameter
from smartsplat.torch import rasterize, rasterize_conics

LEAST = 1e-4
"""Of the diagonal of a Cholesky factor, px, so that its inverse is finite; such splats show nothing."""


class GaussianImage(AdanFit):
    """Centres uniform in the picture, colours in [0, 1)."""

    numbers: ClassVar[int] = 8

    def __init__(self, target: Tensor, count: int, steps: int, random: torch.Generator) -> None:
        del steps
        self._height, self._width = target.shape[:2]
        self._half = torch.tensor([self._width / 2, self._height / 2])
        self._places = parameter(torch.atanh(2 * torch.rand(count, 2, generator=random) - 1))
        self._shape = [parameter(values) for values in self._drawn_shape(count, random)]
        self._colours = parameter(torch.rand(count, 3, generator=random))
        self._begin(target, [self._places, *self._shape, self._colours])

    def _sums(self) -> Tensor:
        return self._sums_at((torch.tanh(self._places) + 1) * self._half)

    @abstractmethod
    def _drawn_shape(self, count: int, random: torch.Generator) -> list[Tensor]:
        """Parameters of the covariances at the start."""

    @abstractmethod
    def _sums_at(self, means: Tensor) -> Tensor:
        """The picture of splats there, not clamped."""


class GaussianImageRS(GaussianImage):
    """Covariances as rotation and scales: |s + 0.5| px and 2 pi sigmoid(r), s and r from [0, 1)."""

    def _drawn_shape(self, count: int, random: torch.Generator) -> list[Tensor]:
        return [torch.rand(count, 2, generator=random), torch.rand(count, generator=random)]

    def _sums_at(self, means: Tensor) -> Tensor:
        scales, angles = (self._shape[0] + 0.5).abs(), 2 * math.pi * torch.sigmoid(self._shape[1])
        return rasterize(means, scales, angles, self._colours, self._height, self._width)


class GaussianImageCholesky(GaussianImage):
    """Covariances as Cholesky factors: l1 and l3 from [0.5, 1.5) px, l2 from [0, 1)."""

    def _drawn_shape(self, count: int, random: torch.Generator) -> list[Tensor]:
        return [torch.rand(count, 3, generator=random) + torch.tensor([0.5, 0.0, 0.5])]

    def _sums_at(self, means: Tensor) -> Tensor:
        conics = cholesky_conics(self._shape[0])
        return rasterize_conics(means, conics, self._colours, self._height, self._width)


def cholesky_conics(factors: Tensor) -> Tensor:
    """Inverses [N, 3] of the covariances L L^T, L = [[l1, 0], [l2, l3]], as xx, xy, yy.

    From L^-1 = [[1 / l1, 0], [-l2 / (l1 l3), 1 / l3]], which loses nothing where L L^T is nearly singular.
    """
    l1, l2, l3 = factors.unbind(1)
    l1, l3 = (torch.where(side.abs() < LEAST, LEAST, side) for side in (l1, l3))
    a, b, c = 1 / l1, -l2 / (l1 * l3), 1 / l3
    return torch.stack([a * a + b * b, b * c, c * c], dim=1)
