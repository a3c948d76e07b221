"""Real spherical harmonics up to degree 3, in the order and with the signs of 3D Gaussian splatting."""

from __future__ import annotations

import math

import torch
from torch import Tensor

COEFFICIENTS = 16


def harmonics(directions: Tensor) -> Tensor:
    """Their values [N, 16] in directions [N, 3] of length 1."""
    x, y, z = directions.unbind(1)
    one = torch.ones_like(x)
    first, second, third = (math.sqrt(n / math.pi) for n in (3 / 4, 15 / 4, 105 / 4))
    across, deep = math.sqrt(21 / 32 / math.pi), math.sqrt(35 / 32 / math.pi)
    terms = [
        one * math.sqrt(1 / 4 / math.pi),
        -first * y, first * z, -first * x,
        second * x * y, -second * y * z, math.sqrt(5 / 16 / math.pi) * (3 * z * z - 1), -second * x * z,
        second / 2 * (x * x - y * y),
        -deep * y * (3 * x * x - y * y), third * x * y * z, -across * y * (5 * z * z - 1),
        math.sqrt(7 / 16 / math.pi) * z * (5 * z * z - 3), -across * x * (5 * z * z - 1),
        third / 2 * z * (x * x - y * y), -deep * x * (x * x - 3 * y * y),
    ]  # fmt: skip
    return torch.stack(terms, dim=1)
