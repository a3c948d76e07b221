"""Splats, losses, derivatives and optimisers in double precision, as plain as their definitions.

Nothing here is taken from the engines: a splat is its covariance matrix, derivatives are central differences, and
least squares are dense matrices.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

from smartsplat.model.view import View

Doubles = NDArray[np.float64]
Planes = NDArray[np.uint8]
Loss = Callable[[Doubles, Planes], float]

CUTOFF = 1 / 255
"""Weights below this are zero."""

STEP = 1e-5
"""Of central differences, in natural units."""

NATURAL, SCALES, ANGLE, COLOURS = slice(0, 2), slice(2, 4), 4, slice(5, 8)


# The picture


def gaussians(parameters: Doubles, view: View) -> tuple[Doubles, Doubles]:
    """The Gaussian of each splat at each pixel [N, H, W], 1 at its centre, and the peaks that blur leaves [N, 1, 1]."""
    y, x = np.mgrid[: view.height, : view.width] + 0.5
    out, peaks = np.zeros((len(parameters), view.height, view.width)), np.zeros((len(parameters), 1, 1))
    for i, (cx, cy, sx, sy, angle, *_) in enumerate(parameters):
        c, s = math.cos(angle), math.sin(angle)
        axes = view.zoom * np.array([[c, -s], [s, c]]) @ np.diag([sx, sy])
        own = axes @ axes.T
        seen = own + view.blur * np.eye(2)
        offset = np.stack([x - view.zoom * (cx - view.left), y - view.zoom * (cy - view.top)])
        out[i] = np.exp(-np.einsum("ihw,ij,jhw->hw", offset, np.linalg.inv(seen), offset) / 2)
        peaks[i] = math.sqrt(np.linalg.det(own) / np.linalg.det(seen))
    return out, peaks


def weights(parameters: Doubles, view: View, support: Doubles | None = None) -> Doubles:
    """What each splat adds to each pixel for a colour of 1, [N, H, W].

    Where ``support`` is given, they end where those of these parameters do: derivatives are of the weights, not of
    where they end.
    """
    values, peaks = gaussians(parameters, view)
    ends = values if support is None else gaussians(support, view)[0]
    return np.where(ends >= CUTOFF, peaks * values, 0)


def sums(parameters: Doubles, view: View, support: Doubles | None = None) -> Doubles:
    """The sum of all splats, [3, H, W]."""
    return np.asarray(np.einsum("nhw,nc->chw", weights(parameters, view, support), parameters[:, COLOURS]))


# Losses between a sum and a target, uint8 [3, H, W]


def residual(found: Doubles, target: Planes) -> Doubles:
    """Sum less target; none where a sum beyond a saturated target decodes to it."""
    left = found - target / 255
    right = ((target == 255) & (found > 1)) | ((target == 0) & (found < 0))
    return np.where(right, 0.0, left)


def ssim(first: Doubles, second: Doubles) -> float:
    """Mean SSIM of pictures [3, H, W] in [0, 1]; windows of 11 taps, sigma 1.5, zeros beyond the picture."""
    taps = np.exp(-(np.arange(-5.0, 6.0) ** 2) / 4.5)
    taps /= taps.sum()

    def mean(values: Doubles) -> Doubles:
        once = correlate1d(values, taps, axis=1, mode="constant")
        return np.asarray(correlate1d(once, taps, axis=2, mode="constant"))

    m1, m2 = mean(first), mean(second)
    v1, v2, both = (mean(a * b) - m * n for a, b, m, n in ((first, first, m1, m1), (second, second, m2, m2),
                                                           (first, second, m1, m2)))  # fmt: skip
    likeness = (2 * m1 * m2 + 1e-4) / (m1**2 + m2**2 + 1e-4) * (2 * both + 9e-4) / (v1 + v2 + 9e-4)
    return float(likeness.mean())


def l2(found: Doubles, target: Planes) -> float:
    """Mean squared error."""
    return float((residual(found, target) ** 2).mean())


def l1(found: Doubles, target: Planes) -> float:
    """Mean absolute error."""
    return float(np.abs(residual(found, target)).mean())


def paper_loss(found: Doubles, target: Planes, share: float = 0.9) -> float:
    """Eq. 22 of the clamped picture, lambda_l = ``share``."""
    clamped = found.clip(0, 1)
    return share * l1(clamped, target) + (1 - share) * (1 - ssim(clamped, target / 255))


# Derivatives


def moved(parameters: Doubles, direction: Doubles) -> Doubles:
    """Parameters after a step in natural units: centres along the own axes in own scales, scales by factors."""
    out = parameters.copy()
    for row, d in zip(out, direction, strict=True):
        c, s = math.cos(row[ANGLE]), math.sin(row[ANGLE])
        row[NATURAL] += np.array([[c, -s], [s, c]]) @ (d[NATURAL] * row[SCALES])
        row[SCALES] *= np.exp(d[SCALES])
        row[ANGLE:] += d[ANGLE:]
    return out


def added(parameters: Doubles, direction: Doubles) -> Doubles:
    """Parameters after a step in their own units."""
    return parameters + direction


def derivatives(
    function: Callable[[Doubles], Doubles | float], parameters: Doubles, move: Callable[[Doubles, Doubles], Doubles]
) -> Doubles:
    """Of a function of the parameters [N, 8], by each of them: [N, 8, ...]."""
    rows = []
    for place in range(parameters.size):
        direction = np.zeros(parameters.size)
        direction[place] = STEP
        ahead, behind = (function(move(parameters, sign * direction.reshape(-1, 8))) for sign in (1, -1))
        rows.append((np.asarray(ahead) - np.asarray(behind)) / (2 * STEP))
    return np.reshape(rows, (*parameters.shape, *np.shape(rows[0])))


def jacobian(parameters: Doubles, view: View) -> Doubles:
    """Derivatives of the sums in natural units, [3 H W, 8 N]."""
    by_parameter = derivatives(lambda p: sums(p, view, parameters), parameters, moved)
    return by_parameter.reshape(parameters.size, -1).T


def gradient(loss: Loss, parameters: Doubles, view: View, target: Planes) -> Doubles:
    """Of a loss, in natural units, [N, 8]."""
    return derivatives(lambda p: loss(sums(p, view, parameters), target), parameters, moved)


# Optimisers


def adam_direction(gradients: list[Doubles], rates: Doubles, beta1: float, beta2: float, epsilon: float) -> Doubles:
    """The step [N, 8] after these gradients, with epsilon relative to the typical one of each column."""
    first, second = np.zeros_like(gradients[0]), np.zeros_like(gradients[0])
    for gradient in gradients:
        first = beta1 * first + (1 - beta1) * gradient
        second = beta2 * second + (1 - beta2) * gradient**2
    first /= 1 - beta1 ** len(gradients)
    second /= 1 - beta2 ** len(gradients)
    typical = np.sqrt(second.mean(axis=0))
    return -rates * first / (np.sqrt(second) + epsilon * typical)


def plain_adam(gradients: list[Doubles], rates: Doubles) -> Doubles:
    """The last change [N, P] of Adam as published, beta 0.9 and 0.999, epsilon 1e-15."""
    change = np.zeros_like(gradients[0])
    for p in range(gradients[0].shape[1]):
        m, v = np.zeros(len(change)), np.zeros(len(change))
        for t, gradient in enumerate(gradients, 1):
            m = 0.9 * m + 0.1 * gradient[:, p]
            v = 0.999 * v + 0.001 * gradient[:, p] ** 2
            m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
        change[:, p] = -rates[p] * m_hat / (np.sqrt(v_hat) + 1e-15)
    return change
