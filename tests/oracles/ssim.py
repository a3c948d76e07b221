"""The paper's loss and its derivative by every sample of a picture, in double precision and window by window."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

RADIUS = 5
C1, C2 = 0.01**2, 0.03**2


def window() -> Doubles:
    """The weights [11, 11] of the window."""
    taps = np.exp(-(np.arange(-RADIUS, RADIUS + 1) ** 2) / (2 * 1.5**2))
    return np.asarray(np.outer(taps, taps) / taps.sum() ** 2)


def windowed(values: Doubles) -> Doubles:
    """Sums under the window around each place of [H, W], zeros beyond the border."""
    height, width = values.shape
    padded = np.pad(values, RADIUS)
    out = np.zeros_like(values)
    for (dy, dx), weight in np.ndenumerate(window()):
        out += weight * padded[dy : dy + height, dx : dx + width]
    return out


def ssim_map(x: Doubles, y: Doubles) -> tuple[Doubles, tuple[Doubles, Doubles, Doubles]]:
    """SSIM at each place of a channel, and its derivatives by the windowed means of x, x^2 and x y there."""
    mx, my = windowed(x), windowed(y)
    vx, vy, cov = windowed(x * x) - mx**2, windowed(y * y) - my**2, windowed(x * y) - mx * my
    light, dark = 2 * mx * my + C1, mx**2 + my**2 + C1
    alike, spread = 2 * cov + C2, vx + vy + C2
    found = light * alike / (dark * spread)
    by_square = -found / spread
    by_product = 2 * light / (dark * spread)
    by_mean = 2 * my * alike / (dark * spread) - 2 * mx * found / dark - 2 * mx * by_square - my * by_product
    return found, (by_mean, by_square, by_product)


def paper_loss(sums: Doubles, target: NDArray[np.uint8], share: float) -> tuple[float, Doubles]:
    """Eq. 22 of the sums [3, H, W] clamped to [0, 1], and its derivative by them, zero where they are beyond."""
    x, y = sums.clip(0, 1), target / 255
    value, gradient = 0.0, np.empty_like(x)
    for c in range(len(x)):
        found, (by_mean, by_square, by_product) = ssim_map(x[c], y[c])
        value += share * np.abs(x[c] - y[c]).sum() + (1 - share) * (1 - found).sum()
        by_ssim = windowed(by_mean) + 2 * x[c] * windowed(by_square) + y[c] * windowed(by_product)
        gradient[c] = share * np.sign(x[c] - y[c]) - (1 - share) * by_ssim
    gradient[(sums < 0) | (sums > 1)] = 0
    return value / x.size, gradient / x.size
