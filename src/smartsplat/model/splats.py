"""The data model: a set of coloured ellipses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from smartsplat import _native

# Columns of the parameters, and of the gradients by them.
CENTRE = slice(0, 2)
SCALE = slice(2, 4)
ANGLE = 4
COLOUR = slice(5, 8)
PARAMETERS = 8

# Weights below 1/255 are exactly zero, so a splat ends where q = 2 ln 255.
SUPPORT: float = _native.SUPPORT

Floats = NDArray[np.float32]
"""Single-precision array."""


@dataclass(frozen=True, eq=False)
class Splats:
    """A set of N splats, in no particular order.

    Attributes:
        parameters: float32 [N, 8], C-contiguous: the columns of ``xy``, ``scale``, ``angle`` and ``colour``.
    """

    parameters: Floats

    def __post_init__(self) -> None:
        shape = self.parameters.shape
        if len(shape) != 2 or shape[1] != PARAMETERS or self.parameters.dtype != np.float32:
            raise ValueError(f"parameters must be float32 [N, {PARAMETERS}], not {self.parameters.dtype} {shape}")

    @classmethod
    def from_arrays(cls, xy: ArrayLike, scale: ArrayLike, angle: ArrayLike, colour: ArrayLike) -> Splats:
        """Splats from one array for each attribute: [N, 2], [N, 2], [N] and [N, 3]; see the properties."""
        columns = (xy, scale, np.reshape(angle, (-1, 1)), colour)
        return cls(np.ascontiguousarray(np.concatenate([np.asarray(c) for c in columns], axis=1), np.float32))

    @property
    def xy(self) -> Floats:
        """Centres [N, 2] in px of the original picture, origin top left, pixel centres at integer + 0.5."""
        return self.parameters[:, CENTRE]

    @property
    def scale(self) -> Floats:
        """Standard deviations [N, 2] along the two axes, in px, above 0."""
        return self.parameters[:, SCALE]

    @property
    def angle(self) -> Floats:
        """Angles [N] in radians; the first axis points along (cos angle, sin angle), x right and y down."""
        return self.parameters[:, ANGLE]

    @property
    def colour(self) -> Floats:
        """Amplitudes [N, 3] of red, green and blue, where 1.0 is the 8-bit value 255; may be negative."""
        return self.parameters[:, COLOUR]

    def __len__(self) -> int:
        return len(self.parameters)

    def on_host(self) -> Splats:
        """The same in NumPy's own arrays, if an engine holds them elsewhere."""
        return self if isinstance(self.parameters, np.ndarray) else Splats(np.array(self.parameters))

    def are_finite(self) -> bool:
        """Whether all parameters are; splats of which one is not cannot be drawn."""
        return bool(np.isfinite(self.parameters).all())

    def canonical(self) -> Splats:
        """The same ellipses with the greater scale first and the angle in [0, pi)."""
        p = self.parameters.astype(np.float64)
        swap = p[:, 2] < p[:, 3]
        p[swap, 2], p[swap, 3] = p[swap, 3], p[swap, 2].copy()
        p[:, ANGLE] = np.mod(p[:, ANGLE] + np.where(swap, np.pi / 2, 0.0), np.pi)
        parameters = p.astype(np.float32)
        parameters[parameters[:, ANGLE] >= np.float32(np.pi), ANGLE] = 0
        return Splats(parameters)

    def clipped(self, width: int, height: int) -> Splats:
        """The same splats with their centres moved into the picture."""
        parameters = self.parameters.copy()
        parameters[:, 0] = parameters[:, 0].clip(0, width)
        parameters[:, 1] = parameters[:, 1].clip(0, height)
        return Splats(parameters)
