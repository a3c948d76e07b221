"""The optimiser Adan, which GaussianImage and the harness's 3DGS use."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

BETAS = (0.98, 0.92, 0.99)
EPSILON = 1e-8


class Adan:
    """Adaptive Nesterov momentum, without weight decay, restarts or clipping.

    X. Xie, P. Zhou, H. Li, Z. Lin, S. Yan, "Adan: Adaptive Nesterov Momentum Algorithm for Faster Optimizing Deep
    Models" (2022), Algorithm 1, with the corrections for moments that start at zero of its authors' code, whose betas
    are 1 less those of the text.

    Args:
        parameters: leaves; a step moves them against their gradients, which it clears.
    """

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self._parameters = list(parameters)
        self._steps = 0
        self._first, self._difference, self._second, self._previous = (
            [torch.zeros_like(p, requires_grad=False) for p in self._parameters] for _ in range(4)
        )

    def step(self, rate: float) -> None:
        """One step of that length."""
        self._steps += 1
        corrected = [1 - beta**self._steps for beta in BETAS]
        with torch.no_grad():
            for i, p in enumerate(self._parameters):
                if p.grad is not None:
                    self._move(i, p, p.grad, rate, corrected)
                    p.grad = None

    def _move(self, i: int, p: Tensor, gradient: Tensor, rate: float, corrected: Sequence[float]) -> None:
        change = gradient - self._previous[i] if self._steps > 1 else torch.zeros_like(gradient)
        self._previous[i] = gradient
        self._first[i].lerp_(gradient, 1 - BETAS[0])
        self._difference[i].lerp_(change, 1 - BETAS[1])
        ahead = gradient + BETAS[1] * change
        self._second[i].mul_(BETAS[2]).addcmul_(ahead, ahead, value=1 - BETAS[2])
        deviation = (self._second[i] / corrected[2]).sqrt_().add_(EPSILON)
        p.addcdiv_(self._first[i], deviation, value=-rate / corrected[0])
        p.addcdiv_(self._difference[i], deviation, value=-rate * BETAS[1] / corrected[1])
