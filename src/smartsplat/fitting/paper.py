"""The paper's optimisation, literally: full-size Adam with four constant rates on Eq. 22.

Nothing holds the parameters: scales have no floor, centres may leave the picture and colours any range, as in the
published code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from smartsplat.engines import Canvas, Engine, Loss
from smartsplat.fitting.fit import Progress
from smartsplat.fitting.levels import Planes
from smartsplat.fitting.steplog import StepLog
from smartsplat.model.recipe import Recipe
from smartsplat.model.splats import ANGLE, CENTRE, COLOUR, PARAMETERS, SCALE, Floats, Splats

Doubles = NDArray[np.float64]

STEPS = 50_000
"""Of a fit, as in the paper."""

BETAS = (0.9, 0.999)
EPSILON = 1e-15
"""As in the released code; the paper names none. Gradients of a mean over millions of pixels are as small as 1e-8."""


@dataclass(frozen=True)
class Parameters:
    """What Adam's parameters are, float64 [N, 8], and what they stand for.

    The centre runs from -1 to 1 across the picture, the scales are px with a sign that does not count, the angle is
    as the recipe says, the colour is as in ``Splats``.

    Attributes:
        recipe: says what the angle's is.
        width: of the picture, px.
        height: likewise.
    """

    recipe: Recipe
    width: int
    height: int

    def of(self, splats: Splats) -> Doubles:
        """Those of splats."""
        p = splats.parameters.astype(np.float64)
        p[:, CENTRE] = p[:, CENTRE] / self._half - 1
        p[:, ANGLE] = self._from_radians(p[:, ANGLE])
        return p

    def splats(self, p: Doubles) -> Splats:
        """The splats that they stand for."""
        q = p.copy()
        q[:, CENTRE] = (p[:, CENTRE] + 1) * self._half
        q[:, SCALE] = np.abs(p[:, SCALE])
        q[:, ANGLE] = self._to_radians(p[:, ANGLE])[0]
        return Splats(q.astype(np.float32))

    def gradient(self, p: Doubles, natural: Floats) -> Doubles:
        """The gradient by them [N, 8] from that in natural units; what is not finite counts as zero."""
        angle, by_p = self._to_radians(p[:, ANGLE])
        c, s, scale = np.cos(angle), np.sin(angle), np.abs(p[:, SCALE])
        g = natural.astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # of scales that are zero
            along = g[:, CENTRE] / scale
            g[:, 0] = (c * along[:, 0] - s * along[:, 1]) * self._half[0]
            g[:, 1] = (s * along[:, 0] + c * along[:, 1]) * self._half[1]
            g[:, SCALE] = g[:, SCALE] / scale * np.where(p[:, SCALE] < 0, -1, 1)
        g[:, ANGLE] *= by_p
        return np.where(np.isfinite(g), g, 0)

    @property
    def rates(self) -> Doubles:
        """Adam's step lengths [8]."""
        r = self.recipe
        rates = np.empty(PARAMETERS)
        rates[CENTRE], rates[SCALE], rates[ANGLE], rates[COLOUR] = (
            r.rate_centre,
            r.rate_scale,
            r.rate_angle,
            r.rate_colour,
        )
        return rates

    @property
    def _half(self) -> Doubles:
        return np.array([self.width / 2, self.height / 2])

    def _from_radians(self, angle: Doubles) -> Doubles:
        if self.recipe.angle == "radians":
            return angle
        turns = angle / (2 * np.pi)
        if self.recipe.angle == "turns":
            return turns
        inside = turns.clip(1e-6, 1 - 1e-6)  # at the ends the parameter would be infinite
        odds: Doubles = np.log(inside / (1 - inside))
        return odds

    def _to_radians(self, p: Doubles) -> tuple[Doubles, Doubles | float]:
        """The angles, and their derivatives by the parameter."""
        if self.recipe.angle == "radians":
            return p, 1.0
        if self.recipe.angle == "turns":
            return 2 * np.pi * p, 2 * np.pi
        share = 1 / (1 + np.exp(-p))
        return 2 * np.pi * share, 2 * np.pi * share * (1 - share)


@dataclass(frozen=True, eq=False)
class PaperState:
    """Where a fit has come to.

    Attributes:
        steps: that were done.
        parameters: float64 [N, 8], see ``Parameters``.
        first: Adam's first moments [N, 8].
        second: its second ones.
    """

    steps: int
    parameters: Doubles
    first: Doubles
    second: Doubles

    @classmethod
    def before(cls, parameters: Doubles) -> PaperState:
        """The state before the first step."""
        return cls(0, parameters, np.zeros_like(parameters), np.zeros_like(parameters))

    def held(self, engine: Engine) -> PaperState:
        """The same where the engine computes."""
        return PaperState(self.steps, *map(engine.hold, (self.parameters, self.first, self.second)))

    def after(self, gradient: Doubles, rates: Doubles) -> PaperState:
        """The state after one more step of Adam against a gradient [N, 8]."""
        steps = self.steps + 1
        first = self.first + (1 - BETAS[0]) * (gradient - self.first)
        second = self.second + (1 - BETAS[1]) * (gradient**2 - self.second)
        deviation = np.sqrt(second / (1 - BETAS[1] ** steps)) + EPSILON
        parameters = self.parameters - rates / (1 - BETAS[0] ** steps) * first / deviation
        return PaperState(steps, parameters, first, second)


def fit_paper(
    canvas: Canvas,
    target: Planes,
    parameters: Parameters,
    state: PaperState,
    steps: int,
    *,
    keep: Callable[[PaperState], None],
    log: StepLog,
    progress: Progress,
) -> PaperState:
    """Goes on with a fit by Eq. 22 until so many steps are done; the last iterate is the result, as in the paper.

    Args:
        canvas: of the picture at its own size, made for SSIM.
        target: uint8 [3, H, W].
        parameters: what those of the state stand for.
        state: where to begin.
        steps: to be done in all.
        keep: given each state, and the last one if the fit is broken off.
        log: told how the fit goes.
        progress: told how far it is.
    """
    loss = Loss("l1+ssim", parameters.recipe.lambda_l)
    while True:
        splats = parameters.splats(state.parameters)
        log.at(state.steps, partial(canvas.place, splats), target, loss, last=state.steps >= steps)
        if state.steps >= steps:
            return state
        gradient = canvas.place(splats).gradient(target, loss)[1]
        state = state.after(parameters.gradient(state.parameters, gradient), parameters.rates)
        keep(state)
        progress(state.steps / steps)
