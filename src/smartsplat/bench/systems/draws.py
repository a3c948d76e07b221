"""Pixels drawn by weight, and when splats are added: what both versions of Image-GS share."""

from __future__ import annotations

import torch
from torch import Tensor

GROWTH_EVERY = 500
SHORTEST = 20
"""Splats are added every GROWTH_EVERY steps, but no less often than at each SHORTEST-th of the steps."""


def growth_interval(steps: int) -> int:
    """Steps from one addition of splats to the next: 500 from 10,000 steps on, as published.

    Shorter fits, which would end while splats are still added, have the schedule in proportion.
    """
    return min(GROWTH_EVERY, max(1, steps // SHORTEST))


def draw_pixels(weights: Tensor, count: int, random: torch.Generator) -> Tensor:
    """Indices of pixels, drawn by weight without replacement.

    Args:
        weights: [M], at least 0, not all 0.
        count: how many; where fewer have a weight, only those.
        random: that is drawn from.

    Returns:
        int64 [count].
    """
    arrivals = torch.empty(weights.shape, dtype=torch.float64).exponential_(generator=random)
    count = min(count, int(torch.count_nonzero(weights)))
    return torch.topk(arrivals / weights, count, largest=False).indices  # those that arrive first


def pixel_centres(indices: Tensor, width: int) -> Tensor:
    """Places [N, 2], x and y, of pixels in rows of that width, px."""
    return torch.stack([indices % width, indices // width], dim=1) + 0.5


SOBEL = ((-1.0, 0.0, 1.0), (-2.0, 0.0, 2.0), (-1.0, 0.0, 1.0))


def sobel(planes: Tensor, padding: str) -> tuple[Tensor, Tensor]:
    """Derivatives along x and y of planes [C, H, W].

    Args:
        planes: any.
        padding: ``zeros`` beyond the border, or ``reflect``: the picture mirrored there, border pixels twice.
    """
    mode = {"zeros": "constant", "reflect": "replicate"}[padding]  # a mirrored border of one pixel is that pixel
    padded = torch.nn.functional.pad(planes.unsqueeze(1), (1, 1, 1, 1), mode=mode)
    kernel = torch.tensor(SOBEL, dtype=planes.dtype)
    kernels = torch.stack([kernel, kernel.T]).unsqueeze(1)
    across, down = torch.nn.functional.conv2d(padded, kernels).unbind(1)
    return across, down
