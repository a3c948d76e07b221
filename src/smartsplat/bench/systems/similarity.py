"""SSIM with zeros beyond the border as a loss: what ``fused_ssim`` computes."""

from __future__ import annotations

import torch
from torch import Tensor

from smartsplat import _native


class Similarity:
    """Mean SSIM of pictures with one, differentiable once.

    Args:
        target: that one, float32 or float64 [H, W, C] in [0, 1].
    """

    def __init__(self, target: Tensor) -> None:
        self._target = target.contiguous().numpy()

    def __call__(self, picture: Tensor) -> Tensor:
        """The mean over all pixels and channels of a picture of the same shape and type, at most 1."""
        samples = picture.detach().contiguous()
        mean, gradient = _native.ssim_gradient(samples.numpy(), self._target, torch.get_num_threads())
        # Autograd sees a function of the same value and gradient here: the sum is zero.
        value: Tensor = mean + ((picture - samples) * torch.from_numpy(gradient)).sum()
        return value
