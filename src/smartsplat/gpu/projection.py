"""From the parameters of splats to what kernels know of them in a view, and back from sums to gradients."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from smartsplat.gpu.placing import GREATEST_VARIANCE, SUPPORT, nothing
from smartsplat.model.view import View


@dataclass(frozen=True, eq=False)
class Projected:
    """N splats in a view.

    Attributes:
        placed: [N, 8], see ``smartsplat.gpu.placing``.
        colours: [N, 3], times the amplitude.
        amplitude: of the peaks, relative to the colours, [N].
        ratio: share of the splats' own variances in those of the view, [N, 2].
        turn: what a product u v counts for the angle, [N].
    """

    placed: Tensor
    colours: Tensor
    amplitude: Tensor
    ratio: Tensor
    turn: Tensor


def project(parameters: Tensor, view: View) -> Projected:
    """Splats [N, 8] in a view; in one whose aspect is not 1 there are no gradients."""
    p = parameters.double()
    x, y = (p[:, 0] - view.left) * view.zoom, (p[:, 1] - view.top) * (view.zoom * view.aspect)
    own = (view.zoom * p[:, 2:4]) ** 2
    variance = own + view.blur
    ratio = own / variance
    if view.aspect == 1:
        axes, amplitude = _axes(p[:, 4], variance), torch.sqrt(ratio.prod(dim=1))
    else:
        axes, amplitude = _stretched(p[:, 4], own, view)
    drawable = torch.isfinite(parameters).all(dim=1) & (p[:, 2:4] > 0).all(dim=1)
    drawable &= variance.amax(dim=1) < GREATEST_VARIANCE
    ones = torch.ones_like(x)
    rows = torch.stack([x, y, *axes, ones, SUPPORT * ones], dim=1).float()
    drawable = (drawable & torch.isfinite(rows).all(dim=1))[:, None]
    turn = (own[:, 0] - own[:, 1]) / torch.sqrt(variance.prod(dim=1))
    amplitude = torch.where(drawable[:, 0], amplitude, 0.0)
    colours = torch.where(drawable, amplitude[:, None] * p[:, 5:], 0.0)
    return Projected(
        torch.where(drawable, rows, nothing(rows)).contiguous(), colours.float().contiguous(), amplitude.float(),
        torch.where(drawable, ratio, 0.0).float(), torch.where(drawable[:, 0], turn, 0.0).float(),
    )  # fmt: skip


def _axes(angle: Tensor, variance: Tensor) -> tuple[Tensor, ...]:
    cos, sin = torch.cos(angle), torch.sin(angle)
    one, two = torch.sqrt(variance).unbind(1)
    return cos / one, sin / one, -sin / two, cos / two


def _stretched(angle: Tensor, own: Tensor, view: View) -> tuple[tuple[Tensor, ...], Tensor]:
    """Axes and amplitudes where a view is stretched along y."""
    cos, sin = torch.cos(angle), torch.sin(angle)
    xx = cos**2 * own[:, 0] + sin**2 * own[:, 1]
    yy = (sin**2 * own[:, 0] + cos**2 * own[:, 1]) * view.aspect**2
    xy = cos * sin * (own[:, 0] - own[:, 1]) * view.aspect
    before = own.prod(dim=1) * view.aspect**2
    determinant = before + view.blur * (xx + yy + view.blur)
    xx = xx + view.blur
    given = torch.sqrt(determinant / xx)
    axes = 1 / torch.sqrt(xx), torch.zeros_like(xx), -xy / xx / given, 1 / given
    return axes, torch.sqrt(before / determinant)


def natural(splats: Projected, sums: Tensor) -> Tensor:
    """Gradients [N, 8] in natural units from the sums [N, 9] of ``kernels.gathering``."""
    one, u, v, uu, uv, vv, *channels = sums.unbind(1)
    r0, r1 = splats.ratio.unbind(1)
    geometry = [
        torch.sqrt(r0) * u,
        torch.sqrt(r1) * v,
        r0 * uu + (1 - r0) * one,
        r1 * vv + (1 - r1) * one,
        splats.turn * uv,
    ]
    return torch.stack([*geometry, *(splats.amplitude * channel for channel in channels)], dim=1)


def motion_of(splats: Projected, direction: Tensor) -> Tensor:
    """How the splats change along a direction [N, 8] in natural units, [N, 9].

    At a pixel that is the weight times (the colour times the first six numbers' product with u, v, 1, u u, v v and u v,
    plus the last three).
    """
    d = direction.unbind(1)
    r0, r1 = splats.ratio.unbind(1)
    shape = [
        torch.sqrt(r0) * d[0],
        torch.sqrt(r1) * d[1],
        (1 - r0) * d[2] + (1 - r1) * d[3],
        r0 * d[2],
        r1 * d[3],
        splats.turn * d[4],
    ]
    return torch.stack([*shape, *(splats.amplitude * by for by in d[5:])], dim=1).contiguous()
