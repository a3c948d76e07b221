"""Gauss-Newton steps with Levenberg-Marquardt damping, solved by conjugate gradients without a matrix.

Near the end of a fit the loss is close to quadratic, and the products J^T J v cost no more than a gradient:
a few damped steps of ten products each gain what Adam needs several times as many gradients for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from smartsplat.engines import Frame, Loss
from smartsplat.fitting.bounds import Bounds
from smartsplat.fitting.elongation import rounder
from smartsplat.fitting.levels import Planes, weights_at
from smartsplat.model.splats import Floats, Splats
from smartsplat.model.view import View

Doubles = NDArray[np.float64]
Booleans = NDArray[np.bool_]

FIRST_DAMPING = 3e-3
DAMPING_RANGE = (1e-4, 1e3)
TRUST = 0.5
"""Longest step of a splat, in natural units of its geometry."""


class IsolatedBlocks:
    """The 8x8 diagonal blocks of J^T J plus damping, as if no splat overlapped another and the plane had no edge.

    With A = pi sx sy, t the share of a splat's own variance in that of the view (1 unless blurred), m = 1 - t / 2
    and C its amplitude, the integrals of products of two derivatives are: centre |C|^2 A t / 2; log scales
    |C|^2 A (m_i m_j + [i = j] t_i^2 / 2); angle |C|^2 A (v0 t0 - v1 t1)^2 / (4 v0 v1); colour A; log scale by
    colour A m C; all others vanish.
    """

    def __init__(self, splats: Splats, view: View, damping: float, weights: Floats | float = 1.0) -> None:
        own = (view.zoom * splats.scale.astype(np.float64)) ** 2
        variance = own + view.blur
        self._t = own / variance
        self._m = 1 - self._t / 2
        amplitude = np.sqrt(self._t.prod(axis=1))
        colour = amplitude[:, None] * splats.colour
        area = np.pi * np.sqrt(variance.prod(axis=1)) * weights  # whose errors count so much
        energy = area * (colour**2).sum(axis=1)
        turn2 = (own[:, 0] - own[:, 1]) ** 2 / variance.prod(axis=1)
        diagonal = np.zeros_like(splats.parameters, dtype=np.float64)
        diagonal[:, 0:2] = 0.5 * energy[:, None] * self._t
        diagonal[:, 2:4] = energy[:, None] * (self._m**2 + self._t**2 / 2)
        diagonal[:, 4] = 0.25 * energy * turn2
        diagonal[:, 5:] = (area * amplitude**2)[:, None]
        # Splats that hardly show would otherwise take unbounded steps.
        floor = 1e-3 * np.median(diagonal, axis=0) + 1e-12
        self.damping = damping * (diagonal + floor) + floor
        self._diagonal = diagonal + self.damping
        self._coupling = (area * amplitude)[:, None] * colour
        self._scale_energy = energy
        self._prepare_scales()

    def _prepare_scales(self) -> None:
        """The 2x2 system of the log scales once the colours are eliminated."""
        eliminated = (self._coupling**2 / self._diagonal[:, 5:]).sum(axis=1)
        self._cross = (self._scale_energy - eliminated) * self._m.prod(axis=1)
        self._schur = self._diagonal[:, 2:4] - eliminated[:, None] * self._m**2
        self._determinant = self._schur.prod(axis=1) - self._cross**2

    def solve(self, residual: Doubles) -> Doubles:
        """The blocks' inverse times [N, 8]."""
        out = residual / self._diagonal
        scaled = (self._coupling * out[:, 5:]).sum(axis=1)
        right = residual[:, 2:4] - scaled[:, None] * self._m
        out[:, 2] = (self._schur[:, 1] * right[:, 0] - self._cross * right[:, 1]) / self._determinant
        out[:, 3] = (self._schur[:, 0] * right[:, 1] - self._cross * right[:, 0]) / self._determinant
        along = (self._m * out[:, 2:4]).sum(axis=1)
        out[:, 5:] -= self._coupling * along[:, None] / self._diagonal[:, 5:]
        return out


def conjugate_gradients(
    frame: Frame, blocks: IsolatedBlocks, right: Doubles, products: int, free: Doubles, tolerance: float = 0.05
) -> Doubles:
    """Approximately solves (J^T J + damping) x = right [N, 8] with at most that many products.

    Where ``free`` [N, 8] is 0 the solution is 0; elsewhere it is 1.
    """
    x = np.zeros_like(right)
    r = right * free
    z = blocks.solve(r) * free
    p = z
    rz = first = float((r * z).sum())
    for _ in range(products):
        if not rz > tolerance**2 * first:
            break
        product = (frame.normal_product(p.astype(np.float32)) + blocks.damping * p) * free
        step = rz / float((p * product).sum())
        x += step * p
        r -= step * product
        z = blocks.solve(r) * free
        previous, rz = rz, float((r * z).sum())
        p = z + (rz / previous) * p
    return x


@dataclass(frozen=True, eq=False)
class Newton:
    """Where damped steps on the squared error have come to.

    Attributes:
        frame: with the splats as they are now.
        loss: mean squared error there.
        gradient: of the loss [N, 8].
        damping: of the next step, relative to the diagonal; it follows how well the model predicted the gain.
    """

    frame: Frame
    loss: float
    gradient: Floats
    damping: float


def start_newton(frame: Frame, target: Planes, damping: float = FIRST_DAMPING) -> Newton:
    """The state before the first step.

    Args:
        frame: of any level, with the splats to start from.
        target: uint8 [3, H, W] of the frame's size.
        damping: of the first step; that of the last one, where steps go on after a change from outside.

    Raises:
        ValueError: a parameter is not finite. Such a splat shows nothing, has no gradient, and would stay for ever.
    """
    if not frame.splats.are_finite():
        raise ValueError("the splats to start from have parameters that are not finite")
    return Newton(frame, *frame.gradient(target, Loss("l2")), damping)


def newton_step(
    state: Newton,
    target: Planes,
    bounds: Bounds,
    products: int,
    *,
    held: Booleans | None = None,
    limits: Floats | None = None,
    threads: int = 0,
) -> Newton:
    """The state after one step, its splats never worse than before, and finite as those of the state.

    Args:
        state: where to start.
        target: as for the state.
        bounds: where the parameters stay.
        products: with J^T J, at most.
        held: [N], splats of which only the colours change.
        limits: greatest aspects [N]; None: there are none.
        threads: that may be used, 0 for one for each processor; the result does not depend on it.
    """
    splats = state.frame.splats
    free = np.ones_like(splats.parameters, dtype=np.float64)
    if held is not None:
        free[held, :5] = 0
    half_size = target.size / 2  # the mean square's gradient, times this, is that of half the sum of squares
    right = -half_size * state.gradient.astype(np.float64)
    blocks = IsolatedBlocks(splats, state.frame.canvas.view, state.damping, weights_at(state.frame))
    direction = conjugate_gradients(state.frame, blocks, right, products, free)
    direction *= np.minimum(1, TRUST / np.maximum(np.abs(direction[:, :5]).max(axis=1), 1e-9))[:, None]
    predicted = float((right * direction).sum()) / 2 / half_size
    moved = bounds.move(splats, direction.astype(np.float32), np.inf, threads=threads)
    if limits is not None:
        moved = rounder(moved, limits if held is None else np.where(held, np.float32(np.inf), limits))
    if not moved.are_finite():  # without those that cannot be drawn the loss may even be less
        return replace(state, damping=_next_damping(state.damping, state.loss, math.inf, predicted))
    frame = state.frame.canvas.place(moved)
    loss, gradient = frame.gradient(target, Loss("l2"))
    damping = _next_damping(state.damping, state.loss, loss, predicted)
    if loss < state.loss:
        return Newton(frame, loss, gradient, damping)
    return replace(state, damping=damping)


def _next_damping(damping: float, before: float, after: float, predicted: float) -> float:
    gain = (before - after) / max(predicted, 1e-30)
    factor = 5.0 if not after < before else (0.3 if gain > 0.75 else (1.0 if gain > 0.25 else 3.0))
    return float(np.clip(damping * factor, *DAMPING_RANGE))
