"""Where parameters must stay, so that no fit can run away."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from smartsplat import _native
from smartsplat.fitting.moves import move
from smartsplat.model.splats import Floats, Splats

GREATEST_COLOUR = 8.0
"""Amplitudes beyond this are always two splats that fight each other."""


class Bounds(NamedTuple):
    """Limits of the parameters: the picture's size, scales in px, and the magnitude of colours."""

    width: float
    height: float
    least_scale: float
    greatest_scale: float
    greatest_colour: float = GREATEST_COLOUR

    @classmethod
    def of(cls, width: int, height: int) -> Bounds:
        """The bounds for a picture of that size, px."""
        return cls(width, height, 0.3, 2.0 * max(width, height))

    def move(self, splats: Splats, direction: Floats, longest: float, *, threads: int = 0) -> Splats:
        """The splats moved along a direction [N, 8] in natural units, no component by more than ``longest``."""
        parameters = splats.parameters.copy()
        if isinstance(parameters, np.ndarray):
            _native.move(parameters, np.ascontiguousarray(direction, np.float32), longest, self, threads)
        else:
            move(parameters, direction, longest, self)
        return Splats(parameters)
