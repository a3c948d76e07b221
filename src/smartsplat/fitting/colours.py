"""Colours by least squares: the picture is linear in them."""

from __future__ import annotations

import numpy as np

from smartsplat.engines import Frame, Loss
from smartsplat.fitting.bounds import GREATEST_COLOUR
from smartsplat.fitting.levels import Planes, weights_at
from smartsplat.model.splats import Splats


def solve_colours(frame: Frame, target: Planes, *, products: int, damping: float = 1e-4, floor: float = 1e-3) -> Frame:
    """The frame's splats with the colours that minimise the weighted squared error, by conjugate gradients.

    Args:
        frame: of any level, with N splats from whose colours the search starts.
        target: uint8 [3, H, W] of the frame's size.
        products: products with the Gram matrix of the weights, at most.
        damping: weight of the distance to zero, relative to the matrix's diagonal; keeps splats that nearly
            coincide from taking large colours of opposite signs.
        floor: the same in absolute terms (sums of squared weights), for splats that hardly show.

    Returns:
        The solved splats on the same canvas; ``frame`` if the search raised the error, or found colours that are
        not finite.
    """
    splats = frame.splats
    before, gradient = frame.gradient(target, Loss("l2"))
    diagonal = (frame.colour_diagonal().astype(np.float64) * weights_at(frame))[:, None]
    ridge = damping * diagonal + floor
    x = splats.colour.astype(np.float64)
    r = -gradient[:, 5:].astype(np.float64) * (target.size / 2) - ridge * x
    z = r / (diagonal + ridge)
    p, rz = z, (r * z).sum(axis=0)
    for _ in range(products):
        product = frame.normal_product(p.astype(np.float32)) + ridge * p
        step = rz / np.maximum((p * product).sum(axis=0), 1e-30)
        x = x + step * p
        r = r - step * product
        z = r / (diagonal + ridge)
        previous, rz = rz, (r * z).sum(axis=0)
        p = z + rz / np.maximum(previous, 1e-30) * p
    if not np.isfinite(x).all():  # the error may be less without those splats, which are not drawn
        return frame
    parameters = splats.parameters.copy()
    parameters[:, 5:] = x.clip(-GREATEST_COLOUR, GREATEST_COLOUR)
    solved = frame.canvas.place(Splats(parameters))
    return solved if solved.gradient(target, Loss("l2"))[0] <= before else frame
