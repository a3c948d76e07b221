"""Splats among pixels, as kernels take them: [N, 8].

The columns are x, y [px]; ux, uy, vx, vy, so that u = ux dx + uy dy and v = vx dx + vy dy are offsets in standard
deviations along two conjugate axes, the squared Mahalanobis distance is u u + v v and nothing that counts is the
difference of large numbers, however thin a splat is; the opacity; and the squared distance up to which it shows, -1
where it does not show at all. What leads here is computed in double precision.
"""

from __future__ import annotations

import torch
from torch import Tensor

from smartsplat import _native

SUPPORT: float = _native.SUPPORT
LEAST_STRENGTH = 1e-8
"""Of "topk": a splat shows as far as its opacity times its weight is no less."""

GREATEST_VARIANCE = 1e36
"""px^2, beyond which a splat is not drawn, as in the native core."""


def placed_axes(means: Tensor, scales: Tensor, angles: Tensor, opacities: Tensor | None, blend: str) -> Tensor:
    """Of splats by their axes; without a look at the colours."""
    cos, sin = torch.cos(angles.double()), torch.sin(angles.double())
    one, two = scales.double().abs().unbind(1)
    axes = torch.stack([cos / one, sin / one, -sin / two, cos / two], dim=1)
    variances = [(cos * one) ** 2 + (sin * two) ** 2, (sin * one) ** 2 + (cos * two) ** 2]
    drawable = (torch.maximum(*variances) < GREATEST_VARIANCE) & (one * two > 0)
    return _rows(means, axes, opacities, blend, drawable)


def placed_conics(means: Tensor, conics: Tensor, opacities: Tensor | None, blend: str) -> Tensor:
    """Of splats by their inverse covariances."""
    a, b, c = conics.double().unbind(1)
    determinant = a * c - b * b
    drawable = (a > 0) & (c > 0) & (determinant > 0)
    drawable &= torch.maximum(a, c) < GREATEST_VARIANCE * determinant
    down = torch.sqrt(c)
    axes = torch.stack([torch.sqrt(determinant / c), torch.zeros_like(a), b / down, down], dim=1)
    return _rows(means, axes, opacities, blend, drawable)


def _rows(means: Tensor, axes: Tensor, opacities: Tensor | None, blend: str, drawable: Tensor) -> Tensor:
    opacity = torch.ones_like(means[:, 0]) if opacities is None else opacities
    reach = torch.full_like(axes[:, 0], SUPPORT)
    if blend == "topk":
        reach = 2 * torch.log(opacity.double() / LEAST_STRENGTH)
        drawable = drawable & (opacity > 0)
    rows = torch.cat([means.double(), axes, opacity.double()[:, None], reach[:, None]], dim=1).to(means.dtype)
    drawable = drawable & torch.isfinite(rows).all(dim=1) & (reach > 0)
    return torch.where(drawable[:, None], rows, nothing(means)).contiguous()


def nothing(like: Tensor) -> Tensor:
    """The row of a splat that does not show."""
    return like.new_tensor([0, 0, 1, 0, 0, 1, 0, -1])


def shown(placed: Tensor, colours: Tensor) -> Tensor:
    """The same without splats whose colours [N, C] are not finite."""
    return torch.where(torch.isfinite(colours).all(dim=1, keepdim=True), placed, nothing(placed))


def chain_axes(placed: Tensor, scales: Tensor, angles: Tensor, sums: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients by means, scales and angles from the sums [N, 6] of ``kernels.gathering``, in double precision."""
    cos, sin = torch.cos(angles.double()), torch.sin(angles.double())
    one, two = scales.double().abs().unbind(1)
    _, u, v, uu, uv, vv = sums.double().unbind(1)
    means = torch.stack([cos * u / one - sin * v / two, sin * u / one + cos * v / two], dim=1)
    by_scales = torch.stack([uu / scales[:, 0].double(), vv / scales[:, 1].double()], dim=1)
    by_angles = (one / two - two / one) * uv
    return _clean(placed, means), _clean(placed, by_scales), _clean(placed, by_angles)


def chain_conics(placed: Tensor, conics: Tensor, sums: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients by means and conics from the sums."""
    a, b, c = conics.double().unbind(1)
    _, u, v, uu, uv, vv = sums.double().unbind(1)
    across, down = torch.sqrt((a * c - b * b) / c), torch.sqrt(c)
    means = torch.stack([across * u + b / down * v, down * v], dim=1)
    # dx = u / across, dy = v / down - b / c dx
    slope = b / c
    xx = uu / across**2
    xy = uv / (across * down) - slope * xx
    yy = vv / c - 2 * slope * uv / (across * down) + slope**2 * xx
    by_conics = torch.stack([-0.5 * xx, -xy, -0.5 * yy], dim=1)
    return _clean(placed, means), _clean(placed, by_conics)


def _clean(placed: Tensor, gradient: Tensor) -> Tensor:
    """Zero for those that do not show."""
    there = placed[:, 7] >= 0
    if gradient.ndim == 2:
        there = there[:, None]
    return torch.where(there, gradient, 0.0).to(placed.dtype)
