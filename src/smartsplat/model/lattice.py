"""The data model of the smooth layer: a lattice of equal Gaussians under the splats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smartsplat import _native
from smartsplat.model.splats import Floats

LATTICE_SCALE: float = _native.LATTICE_SCALE
"""Standard deviation of a node's Gaussian along both axes, in units of the spacing."""

LATTICE_REACH: float = _native.LATTICE_REACH
"""Distance along either axis, in units of the spacing, beyond which a node's weight is exactly zero."""


@dataclass(frozen=True, eq=False)
class Lattice:
    """Equal Gaussians at ((i + 1/2) spacing, (j + 1/2) spacing), enough to cover a picture; only colours differ.

    Attributes:
        width: of the picture, px.
        height: likewise.
        spacing: of the nodes, px, at least 1.
        values: float32 [3, rows, columns], the nodes' colours in units where 1.0 is 8-bit 255.
    """

    width: int
    height: int
    spacing: int
    values: Floats

    def __post_init__(self) -> None:
        expected = (3, *lattice_shape(self.width, self.height, self.spacing))
        if self.values.shape != expected or self.values.dtype != np.float32:
            raise ValueError(f"values must be float32 {expected}, not {self.values.dtype} {self.values.shape}")

    @classmethod
    def empty(cls, width: int, height: int, spacing: int) -> Lattice:
        """A lattice without colours."""
        return cls(width, height, spacing, np.zeros((3, *lattice_shape(width, height, spacing)), np.float32))


def lattice_shape(width: int, height: int, spacing: int) -> tuple[int, int]:
    """Rows and columns of the lattice that covers a picture."""
    return -(-height // spacing), -(-width // spacing)
