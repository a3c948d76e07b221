"""SSIM with zeros beyond the border as a loss: what ``fused_ssim`` computes."""

from __future__ import annotations

import torch
from torch import Tensor

REACH = 5
SIGMA = 1.5
C1, C2 = 0.01**2, 0.03**2


class Similarity:
    """Mean SSIM of pictures with one, differentiable.

    Args:
        target: that one, float32 [H, W, C] in [0, 1].
    """

    def __init__(self, target: Tensor) -> None:
        self._target = _planes(target)
        self._mean, self._power = _blurred(torch.cat([self._target, self._target**2])).chunk(2)

    def __call__(self, picture: Tensor) -> Tensor:
        """The mean over all pixels and channels of a picture of the same shape, at most 1."""
        x, y, my = _planes(picture), self._target, self._mean
        mx, xx, xy = _blurred(torch.cat([x, x * x, x * y])).chunk(3)
        contrast = (2 * (xy - mx * my) + C2) / (xx - mx * mx + self._power - my * my + C2)
        return ((2 * mx * my + C1) / (mx * mx + my * my + C1) * contrast).mean()


def _planes(picture: Tensor) -> Tensor:
    """[C, 1, H, W]."""
    return picture.permute(2, 0, 1).unsqueeze(1)


def _blurred(planes: Tensor) -> Tensor:
    """Means under the Gaussian window around each pixel."""
    taps = torch.exp(-(torch.arange(-REACH, REACH + 1, dtype=planes.dtype) ** 2) / (2 * SIGMA**2))
    taps = taps / taps.sum()
    down = torch.nn.functional.conv2d(planes, taps.view(1, 1, -1, 1), padding=(REACH, 0))
    return torch.nn.functional.conv2d(down, taps.view(1, 1, 1, -1), padding=(0, REACH))
