"""The paper's optimisation, literally: full-size Adam with four constant rates on Eq. 22."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from smartsplat.engines import Engine, Loss
from smartsplat.fitting.bounds import Bounds
from smartsplat.fitting.fit import Progress
from smartsplat.fitting.levels import Planes, Pyramid
from smartsplat.model.splats import Floats, Splats

STEPS = 50_000
LAMBDA_L = 0.9
RATES = {"centre": 1e-4, "colour": 5e-3, "scale": 5e-2, "angle": 1e-3}
"""Of the centre in [-1, 1] across the picture, the colour in [0, 1], the scales in px, the angle in radians.

The paper gives the four numbers without their parameters; the released code assigns them so.
"""

BETAS = (0.9, 0.999)
EPSILON = 1e-15
"""As in the released code. The gradients of a mean over millions of pixels are of the order of 1e-8."""

RELATIVE_EPSILON = 1e-6
"""Of each parameter's typical gradient, on top: without it a splat that has no gradient at all walks off."""


def raw_gradient(splats: Splats, gradient: Floats) -> NDArray[np.float64]:
    """The gradient by x, y, scales [px], angle and colour, from that in natural units; both [N, 8]."""
    raw = gradient.astype(np.float64)
    scale, c, s = splats.scale.astype(np.float64), np.cos(splats.angle), np.sin(splats.angle)
    along = raw[:, :2] / scale
    raw[:, 0] = c * along[:, 0] - s * along[:, 1]
    raw[:, 1] = s * along[:, 0] + c * along[:, 1]
    raw[:, 2:4] /= scale
    return raw


class PlainAdam:
    """Adam on the raw parameters."""

    def __init__(self, count: int, width: int, height: int) -> None:
        self._first = np.zeros((count, 8))
        self._second = np.zeros((count, 8))
        self._steps = 0
        rates = [
            RATES["centre"] * width / 2,
            RATES["centre"] * height / 2,
        ]  # the centre's unit is half a side
        rates += [RATES["scale"]] * 2 + [RATES["angle"]] + [RATES["colour"]] * 3
        # The gradient by a centre in [-1, 1] is half a side times that by px, which Adam's ratio cancels.
        self._rates = np.array(rates)
        self._bounds = Bounds.of(width, height)

    def step(self, splats: Splats, gradient: Floats) -> Splats:
        """One step; the scales pass through abs() as in the released code, and the bounds keep all finite."""
        raw = np.nan_to_num(raw_gradient(splats, gradient))
        self._steps += 1
        self._first += (1 - BETAS[0]) * (raw - self._first)
        self._second += (1 - BETAS[1]) * (raw**2 - self._second)
        second = np.sqrt(self._second / (1 - BETAS[1] ** self._steps))
        typical = np.sqrt((second**2).mean(axis=0))
        change = self._first / (1 - BETAS[0] ** self._steps) / (second + RELATIVE_EPSILON * typical + EPSILON)
        parameters = splats.parameters - self._rates * change
        b = self._bounds
        parameters[:, 2:4] = np.abs(parameters[:, 2:4]).clip(b.least_scale, b.greatest_scale)
        parameters[:, 5:] = parameters[:, 5:].clip(-b.greatest_colour, b.greatest_colour)
        return Splats(parameters.astype(np.float32)).clipped(int(b.width), int(b.height))


def fit_paper(engine: Engine, target: Planes, splats: Splats, steps: int, progress: Progress) -> Splats:
    """Fits by Eq. 22 with lambda_l = 0.9; the last iterate is the result, as in the paper.

    Args:
        engine: computes losses and gradients.
        target: uint8 [3, H, W].
        splats: the paper's initialisation.
        steps: of Adam, at full size.
        progress: told how far the fit is.
    """
    pyramid = Pyramid((target,))
    canvas = pyramid.canvas(engine, 0, ssim=True)
    adam = PlainAdam(len(splats), pyramid.width, pyramid.height)
    for done in range(steps):
        gradient = canvas.place(splats).gradient(target, Loss("l1+ssim", LAMBDA_L))[1]
        splats = adam.step(splats, gradient)
        progress((done + 1) / steps)
    return splats
