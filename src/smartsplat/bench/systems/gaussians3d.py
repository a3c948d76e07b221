"""3D Gaussian splatting (Kerbl et al. 2023) of one picture, as the paper's harness has it: one fixed camera.

The camera stands at (0, 0, -CAMERA) and looks along z with a view of 90 degrees across, so that the splats, which
start in the cube from -1 to 1, are in the middle eighth of the width at first. Of a splat's 59 numbers, 48 are the
spherical harmonics of its colour.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from smartsplat.bench.systems.adan_fit import AdanFit
from smartsplat.bench.systems.harmonics import COEFFICIENTS, harmonics
from smartsplat.bench.systems.interface import parameter
from smartsplat.libraries import load_scipy
from smartsplat.torch import rasterize_conics

CAMERA = 8.0
OPACITY = 0.1
NEIGHBOURS = 3
BLUR = 0.3
"""Variance that is added to every splat in the picture, px^2, as the renderer has it that the harness uses."""
NEAREST = 0.01
"""Splats that are not as far in front of the camera are not seen."""
WIDEST = 1.3
"""Slopes beyond so many times the view's are as large as that where a splat's shape is projected, as there."""


class Gaussians3D(AdanFit):
    """Alpha compositing over white, nearest first.

    The harness has two losses, the mean squared error in its script for all compression ratios, and another in one for
    large ones.
    """

    numbers: ClassVar[int] = 11 + 3 * COEFFICIENTS
    lowest: ClassVar[float] = -math.inf

    def __init__(self, target: Tensor, count: int, steps: int, random: torch.Generator) -> None:
        del steps
        self._height, self._width = target.shape[:2]
        centres = 2 * torch.rand(count, 3, generator=random) - 1
        self._centres = parameter(centres)
        self._scales = parameter(mean_distances(centres).log()[:, None].repeat(1, 3))
        self._opacities = parameter(torch.full((count,), math.log(OPACITY / (1 - OPACITY))))
        self._rotations = parameter(random_quaternions(count, random))
        self._base = parameter(torch.rand(count, 1, 3, generator=random))
        self._rest = parameter(torch.zeros(count, COEFFICIENTS - 1, 3))
        self._begin(target, [self._centres, self._scales, self._opacities, self._rotations, self._base, self._rest])

    def _sums(self) -> Tensor:
        order = torch.argsort(self._centres[:, 2].detach())  # nearest first
        camera = self._centres[order] + torch.tensor([0.0, 0.0, CAMERA])
        seen = camera[:, 2] > NEAREST
        camera = torch.where(seen[:, None], camera, torch.tensor([0.0, 0.0, CAMERA]))
        covariances = covariances_3d(self._rotations[order], self._scales[order].exp())
        means, conics = project(camera, covariances, self._height, self._width)
        colours = self._colours(order)
        opacities = torch.sigmoid(self._opacities[order]) * seen
        over_white = rasterize_conics(
            means, conics, colours - 1, self._height, self._width, opacities=opacities, blend="alpha"
        )
        return 1 + over_white

    def _colours(self, order: Tensor) -> Tensor:
        """Of each splat as the camera sees it, at least 0; the direction has no gradient."""
        directions = self._centres[order].detach() + torch.tensor([0.0, 0.0, CAMERA])
        basis = harmonics(torch.nn.functional.normalize(directions, dim=1))
        coefficients = torch.cat([self._base[order], self._rest[order]], dim=1)
        return (torch.einsum("nk,nkc->nc", basis, coefficients) + 0.5).clamp(min=0)


def mean_distances(points: Tensor) -> Tensor:
    """Mean distance [N] of each of N points from its three nearest others, or those that there are; 1 of a lone one."""
    neighbours = min(NEIGHBOURS, len(points) - 1)
    if neighbours < 1:
        return torch.ones(len(points))
    array = points.numpy()
    distances, _ = load_scipy("scipy.spatial").cKDTree(array).query(array, k=neighbours + 1)
    return torch.from_numpy(distances[:, 1:].mean(axis=1).astype(np.float32))


def random_quaternions(count: int, random: torch.Generator) -> Tensor:
    """Uniform rotations as unit quaternions [N, 4] (Shoemake 1992); any of the four may be read as the real part."""
    u, v, w = torch.rand(3, count, generator=random)
    v, w = 2 * math.pi * v, 2 * math.pi * w
    a, b = (1 - u).sqrt(), u.sqrt()
    return torch.stack([a * torch.sin(v), a * torch.cos(v), b * torch.sin(w), b * torch.cos(w)], dim=1)


def covariances_3d(quaternions: Tensor, scales: Tensor) -> Tensor:
    """R S S^T R^T [N, 3, 3] of quaternions [N, 4], of any length, the real part first, and scales [N, 3]."""
    w, x, y, z = torch.nn.functional.normalize(quaternions, dim=1).unbind(1)
    rows = [
        1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
        2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
        2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
    ]  # fmt: skip
    factors = torch.stack(rows, dim=1).view(-1, 3, 3) * scales[:, None, :]
    return factors @ factors.transpose(1, 2)


def project(camera: Tensor, covariances: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Centres [N, 2], px, and inverse covariances [N, 3] of splats in the picture (Zwicker et al. 2001).

    Args:
        camera: their centres [N, 3] as the camera sees them, z above 0.
        covariances: [N, 3, 3].
        height: of the picture, px.
        width: likewise; half of it is the focal length.
    """
    focal = width / 2
    slopes = camera[:, :2] / camera[:, 2:]
    means = focal * slopes + torch.tensor([width / 2, height / 2])
    limits = WIDEST * torch.tensor([1.0, height / width])
    held = torch.maximum(torch.minimum(slopes, limits), -limits)
    scale = focal / camera[:, 2:]
    # the rows of the Jacobian of the projection are scale (1, 0, -held x) and scale (0, 1, -held y)
    part = covariances[:, :2] - held[:, :, None] * covariances[:, 2:]
    flat = (part[:, :, :2] - part[:, :, 2:] * held[:, None, :]) * (scale * scale)[:, :, None]
    a, b, c = flat[:, 0, 0] + BLUR, flat[:, 0, 1], flat[:, 1, 1] + BLUR
    return means, torch.stack([c, -b, a], dim=1) / (a * c - b * b)[:, None]
