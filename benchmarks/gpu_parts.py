"""A small job that launches every kernel in every form that the package launches it in."""

from __future__ import annotations

import torch

from smartsplat.gpu import blending

SIDES = 18, 20
"""Height and width, px."""


def splats(count: int, channels: int, kind: torch.dtype) -> list[torch.Tensor]:
    """Means, scales, angles, colours and opacities of a few small splats."""
    made = torch.Generator().manual_seed(1)
    means = torch.rand(count, 2, generator=made) * 16
    colours = torch.rand(count, channels, generator=made)
    tensors = [means, torch.full((count, 2), 1.5), torch.rand(count, generator=made), colours, torch.full((count,), 0.5)]
    return [tensor.to(kind) for tensor in tensors]


def blends() -> None:
    for kind in (torch.float32, torch.float64):
        for channels in (1, 3):
            means, scales, angles, colours, opacities = splats(2, channels, kind)
            for blend in ("sum", "alpha", "topk"):
                scene = blending.scene_of(means, (scales, angles), colours, opacities, *SIDES, blend, 2)
                blending.gradients(scene, (scales, angles), opacities, blending.draw(scene))


def everything() -> None:
    blends()
