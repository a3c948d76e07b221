"""Adam in natural units: steps relative to each splat's own extent."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from smartsplat import _native
from smartsplat.fitting.bounds import Bounds
from smartsplat.fitting.moves import adam_direction, move
from smartsplat.model.splats import Floats, Splats

USUAL_STEPS = 800
"""Steps of a fit that the rates were chosen for."""


@dataclass(frozen=True)
class AdamRates:
    """Step lengths at the start of a fit, in natural units, and the decay of the moments.

    The high rates and the short memory of the second moment are what makes a fit of some hundred steps
    possible; docs/decisions.md has the figures.
    """

    centre: float = 0.25
    scale: float = 0.15
    angle: float = 0.15
    colour: float = 0.05
    beta1: float = 0.9
    beta2: float = 0.9
    epsilon: float = 1e-3
    longest_move: float = 0.5
    cooling: float = 0.7

    def in_steps(self, steps: int) -> AdamRates:
        """The rates of a fit of so many steps: colours move less in long ones, or they drift into pairs that cancel."""
        return replace(self, colour=self.colour * min(1.0, (USUAL_STEPS / steps) ** 0.5))

    def cooled(self, done: float) -> float:
        """The factor of all rates when that part of a fit is done: a cosine, to the power ``cooling``."""
        return float((0.5 + 0.5 * math.cos(math.pi * done)) ** self.cooling)

    def row(self, factor: float) -> tuple[float, ...]:
        """The rates of the eight parameters, times a factor."""
        rates = (self.centre,) * 2 + (self.scale,) * 2 + (self.angle,) + (self.colour,) * 3
        return tuple(rate * factor for rate in rates)


UNDER_LATTICE = AdamRates()
"""Rates of splats that leave something to a lattice."""

ALONE = AdamRates(centre=0.42, scale=0.25, angle=0.25, cooling=0.5)
"""Rates of splats that stand alone: minima that are found so are flatter, and lose less by rounding."""


class Adam:
    """The optimiser's state for N splats: its moments, which each step overwrites to save copies, and its steps.

    A splat without a gradient stays where it is: epsilon is relative to the typical gradient.

    Args:
        count: N.
        rates: of all steps.
        bounds: where the parameters stay.
        threads: that may be used, 0 for one for each processor; the result does not depend on it.
    """

    def __init__(self, count: int, rates: AdamRates, bounds: Bounds, *, threads: int = 0) -> None:
        self.rates = rates
        self.bounds = bounds
        self.threads = threads
        self.first: Floats = np.zeros((count, 8), np.float32)
        self.second: Floats = np.zeros((count, 8), np.float32)
        self.steps = 0

    def step(self, splats: Splats, gradient: Floats, factor: float) -> Splats:
        """The splats after one step against the gradient [N, 8], its length times ``factor`` in [0, 1]."""
        self.steps += 1
        parameters = splats.parameters.copy()
        r, betas = self.rates, (self.rates.beta1, self.rates.beta2)
        if isinstance(parameters, np.ndarray):
            _native.adam_step(
                parameters, gradient, self.first, self.second, r.row(factor), betas, self.steps, r.epsilon,
                r.longest_move, self.bounds, self.threads,
            )  # fmt: skip
            return Splats(parameters)
        if self.steps == 1:  # the moments are where the gradients are
            self.first, self.second = np.zeros_like(gradient), np.zeros_like(gradient)
        rates = np.array(r.row(factor), np.float32)
        direction = adam_direction(gradient, self.first, self.second, rates, betas, self.steps, r.epsilon)
        move(parameters, direction, r.longest_move, self.bounds)
        return Splats(parameters)

    def forget(self, rows: np.ndarray) -> None:
        """Starts anew for the splats of some rows, which are now something else."""
        self.first[rows] = 0
        self.second[rows] = self.second.mean(axis=0)
