"""SSIM with zeros beyond the border as a loss: what ``fused_ssim`` computes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from smartsplat import _native


class Similarity:
    """Mean SSIM of pictures with one, differentiable.

    Args:
        target: that one, float32 or float64 [H, W, C] in [0, 1].
    """

    def __init__(self, target: Tensor) -> None:
        self._target = target.contiguous()

    def __call__(self, picture: Tensor) -> Tensor:
        """The mean over all pixels and channels of a picture of the same shape and type, at most 1."""
        mean: Tensor = _Similarity.apply(picture, self._target)
        return mean


class _Similarity(torch.autograd.Function):
    """The gradient is made with the mean, for both need the same window means."""

    @staticmethod
    def forward(ctx: Any, picture: Tensor, target: Tensor) -> Tensor:
        mean, gradient = _native.ssim_gradient(
            picture.detach().contiguous().numpy(), target.numpy(), torch.get_num_threads()
        )
        ctx.save_for_backward(torch.from_numpy(gradient))
        return picture.new_tensor(mean)

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor) -> tuple[Tensor, None]:
        (gradient,) = ctx.saved_tensors
        return cotangents[0] * gradient, None
