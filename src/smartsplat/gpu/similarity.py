"""Eq. 22 of a band: L1 and SSIM, and the gradient by the sums; see ``kernels.similarity``."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from smartsplat.gpu.kernels import similarity as kernels
from smartsplat.gpu.launch import launch, parts

RADIUS = 5
HALO = 2 * RADIUS
"""Rows beyond a band that its gradient depends on."""

FLOATS = 5 + 3
"""Numbers of single precision for each sample of a band that are held beside its sums and gradient."""

ROWS, ACROSS = 4, 128


def window(device: torch.device) -> Tensor:
    """The 11 taps of sigma 1.5."""
    taps = [math.exp(-(i**2) / (2 * 1.5**2)) for i in range(-RADIUS, RADIUS + 1)]
    return torch.tensor([tap / math.fsum(taps) for tap in taps], dtype=torch.float32, device=device)


def band_gradient(sums: Tensor, target: Tensor, top: int, begin: int, end: int, share: float) -> tuple[Tensor, Tensor]:
    """The gradient of the loss's mean by the sums of rows ``begin`` to before ``end`` [rows, W, 3], and the loss there.

    Args:
        sums: [.., W, 3], of the rows from ``top`` on, HALO beyond the band as far as the picture goes.
        target: [3, H, W], bytes.
        top: row of the picture.
        begin: likewise.
        end: likewise.
        share: lambda_l.

    Returns:
        The gradient, and what the rows add to the mean of the loss, a double on the device.
    """
    _, height, width = target.shape
    taps, count = window(sums.device), end - begin
    rows, first = count + HALO, begin - RADIUS
    grid = parts(3 * width, ACROSS), parts(rows, ROWS)
    shape = {"ROWS": ROWS, "S": ACROSS}
    moments = sums.new_empty((5, rows, 3 * width))
    launch(kernels.moments_down, grid, sums, target, taps, moments, top, first, rows, width, height, **shape)
    derivatives, ssim = sums.new_empty((3, rows, 3 * width)), sums.new_empty(grid)
    launch(kernels.compare, grid, moments, taps, derivatives, ssim, first, rows, begin, end, width, height, **shape)
    means = moments.view(-1)[: 9 * count * width]  # no longer needed
    grid = parts(3 * width, ACROSS), parts(count, ROWS)
    launch(kernels.derivatives_down, grid, derivatives, taps, means, rows, count, width, **shape)
    gradient, absolute = sums.new_empty((count, width, 3)), sums.new_empty(grid)
    launch(
        kernels.finish, grid, sums, target, means, taps, gradient, absolute, top, begin, count, width, height, share,
        1 / (3 * height * width), **shape,
    )  # fmt: skip
    samples = 3 * height * width
    by_ssim = (1 - share) * (count / height - ssim.double().sum() / samples)
    return gradient, share * absolute.double().sum() / samples + by_ssim
