"""Gauss-Newton steps with Levenberg-Marquardt damping, solved by conjugate gradients without a matrix.

Near the end of a fit the loss is close to quadratic, and the products J^T J v cost no more than a gradient:
a few damped steps of ten products each gain what Adam needs several times as many gradients for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartsplat.engines import Frame, Loss
from smartsplat.fitting.bounds import Bounds
from smartsplat.fitting.levels import Planes
from smartsplat.model.splats import Splats
from smartsplat.model.view import View

Doubles = NDArray[np.float64]
Booleans = NDArray[np.bool_]

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

    def __init__(self, splats: Splats, view: View, damping: float) -> None:
        own = (view.zoom * splats.scale.astype(np.float64)) ** 2
        variance = own + view.blur
        self._t = own / variance
        self._m = 1 - self._t / 2
        amplitude = np.sqrt(self._t.prod(axis=1))
        colour = amplitude[:, None] * splats.colour
        area = np.pi * np.sqrt(variance.prod(axis=1))
        energy = area * (colour**2).sum(axis=1)
        turn2 = (own[:, 0] - own[:, 1]) ** 2 / variance.prod(axis=1)
        diagonal = np.empty((len(splats), 8))
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


@dataclass
class GaussNewton:
    """Damped steps on the squared error; the damping follows how well the model predicted the gain."""

    bounds: Bounds
    damping: float = 3e-3

    def run(
        self, frame: Frame, target: Planes, splats: Splats, steps: int, products: int, held: Booleans | None = None
    ) -> Splats:
        """The splats after some steps, never worse than before; ``frame`` is left with the last ones placed.

        Of those that are ``held`` [N] only the colours change.
        """
        free = np.ones(splats.parameters.shape)
        if held is not None:
            free[held, :5] = 0
        frame.place(splats)
        loss, gradient = frame.gradient(target, Loss("l2"))
        half_size = target.size / 2  # the mean square's gradient, times this, is that of half the sum of squares
        for _ in range(steps):
            blocks = IsolatedBlocks(splats, frame.view, self.damping)
            right = -half_size * gradient.astype(np.float64)
            direction = conjugate_gradients(frame, blocks, right, products, free)
            direction *= np.minimum(1, TRUST / np.maximum(np.abs(direction[:, :5]).max(axis=1), 1e-9))[:, None]
            predicted = float((right * direction).sum()) / 2 / half_size
            candidate = self.bounds.move(splats, direction.astype(np.float32), np.inf)
            frame.place(candidate)
            new_loss, new_gradient = frame.gradient(target, Loss("l2"))
            if not self._accept(loss, new_loss, predicted):
                frame.place(splats)
                continue
            splats, loss, gradient = candidate, new_loss, new_gradient
        return splats

    def _accept(self, loss: float, new_loss: float, predicted: float) -> bool:
        better = new_loss < loss
        gain = (loss - new_loss) / max(predicted, 1e-30)
        factor = 5.0 if not better else (0.3 if gain > 0.75 else (1.0 if gain > 0.25 else 3.0))
        self.damping = float(np.clip(self.damping * factor, *DAMPING_RANGE))
        return better
