"""Losses of whole pictures with their gradients from the native core, which goes over the pictures once.

What PyTorch would make of them is the same to rounding, in a pass over memory of its own for each operation: a step of
a few hundred splats would spend most of its time there.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from smartsplat import _native


def squared_error(picture: Tensor, target: Tensor, *, low: float = 0.0, high: float = 1.0) -> Tensor:
    """The mean squared error of a picture clamped to a range; differentiable once by the picture.

    Args:
        picture: float32 or float64 [H, W, C].
        target: of the same shape and type.
        low: of the range; beyond it there is no gradient.
        high: likewise.
    """
    loss: Tensor = _Squared.apply(picture, target, low, high)
    return loss


def similarity_error(
    picture: Tensor, target: Tensor, *, absolute: float = 0.0, ssim: float = 0.0, clamped: bool = False
) -> Tensor:
    """The mean absolute error and the mean SSIM so many times; differentiable once by the picture.

    SSIM has zeros beyond the border: it is what ``fused_ssim`` computes.

    Args:
        picture: float32 or float64 [H, W, C].
        target: of the same shape and type, in [0, 1].
        absolute: times the mean absolute error.
        ssim: times the mean SSIM.
        clamped: whether the picture is clamped to [0, 1] first; beyond that there is no gradient.
    """
    loss: Tensor = _Similarity.apply(picture, target, absolute, ssim, clamped)
    return loss


class _WithGradient(torch.autograd.Function):
    """A number whose gradient was made with it."""

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = ctx.saved_tensors
        factor = float(cotangents[0])
        return (gradient if factor == 1 else gradient * factor, *[None] * (len(ctx.needs_input_grad) - 1))


class _Squared(_WithGradient):
    @staticmethod
    def forward(ctx: Any, picture: Tensor, target: Tensor, low: float, high: float) -> Tensor:
        mean, gradient = _native.squared_loss(_array(picture), _array(target), low, high, torch.get_num_threads())
        ctx.save_for_backward(torch.from_numpy(gradient))
        return picture.new_tensor(mean)


class _Similarity(_WithGradient):
    @staticmethod
    def forward(ctx: Any, picture: Tensor, target: Tensor, absolute: float, ssim: float, clamped: bool) -> Tensor:
        error, similarity, gradient = _native.similarity_loss(
            _array(picture), _array(target), absolute, ssim, clamped, torch.get_num_threads()
        )
        ctx.save_for_backward(torch.from_numpy(gradient))
        return picture.new_tensor(absolute * error + ssim * similarity)


def _array(tensor: Tensor) -> Any:
    """The tensor's own memory, or a contiguous copy."""
    return tensor.detach().contiguous().numpy()
