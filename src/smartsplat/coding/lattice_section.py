"""The section of the lattice: wavelet coefficients of its colours, quantised with one step.

The coefficients are in units of the L2 norm that they have in the picture, so that one step suits them all, and the
step has the unit of the splats' base step: 1.0 is one pixel of 8-bit 255.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartsplat import _native
from smartsplat.model.lattice import Lattice
from smartsplat.model.splats import Floats

EQUAL_WEIGHT = _native.EQUAL_WEIGHT
WEIGHTS_PER_OCTAVE = _native.WEIGHTS_PER_OCTAVE
"""How weights of errors are written: the one stands for 1, the other is how much more stands for twice as much."""

LAMBDA = 0.11
"""What a bit may cost in squared steps: lambda of the choice between a coefficient and a smaller one.

That is the slope of distortion over rate of the quantiser itself; see docs/decisions.md.
"""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Wavelet coefficients of a lattice's colours, not quantised.

    Attributes:
        width: of the picture, px.
        height: likewise.
        spacing: of the lattice, px.
        coefficients: float32 [1 or 3, rows, columns].
        weights: uint8 [rows, columns], what squared errors of coefficients count: EQUAL_WEIGHT is 1, WEIGHTS_PER_OCTAVE
            more twice as much; None where all count the same. Those of the lowest band count nothing.
    """

    width: int
    height: int
    spacing: int
    coefficients: Floats
    weights: NDArray[np.uint8] | None = None

    @classmethod
    def of(cls, lattice: Lattice, *, grey: bool, threads: int = 0) -> Spectrum:
        """The coefficients of a lattice; of its luma alone if the picture is grey."""
        planes = lattice.values.copy()
        kept = 1 if grey else 3
        _native.lattice_coefficients(planes, lattice.width, lattice.height, lattice.spacing, kept, threads)
        return cls(lattice.width, lattice.height, lattice.spacing, planes[:1].copy() if grey else planes)


@dataclass(frozen=True, eq=False)
class CodedLattice:
    """A section, and the integers that it holds.

    Attributes:
        section: its bytes.
        quantised: int32 [1 or 3, rows, columns].
        step_index: of the quantisation step.
        spacing: of the lattice, px.
        width: of the picture, px.
        height: likewise.
    """

    section: bytes
    quantised: NDArray[np.int32]
    step_index: int
    spacing: int
    width: int
    height: int

    def decoded(self, *, threads: int = 0) -> Lattice:
        """What the section decodes to; the values are read-only."""
        values = _native.lattice_values(self.quantised, self.width, self.height, self.spacing, self.step_index, threads)
        return Lattice(self.width, self.height, self.spacing, values)


def write_lattice(
    spectrum: Spectrum, step_index: int, lambda_: float = LAMBDA, *, threads: int = 0, square_log: int | None = None
) -> CodedLattice:
    """The section of a lattice with the quantisation step of that index; see ``write_splats`` for the squares."""
    s = spectrum
    section, quantised = _native.write_lattice(
        s.coefficients, s.width, s.height, s.spacing, step_index, lambda_, threads, square_log, s.weights
    )
    return CodedLattice(section, quantised, step_index, s.spacing, s.width, s.height)


def read_lattice(section: bytes, width: int, height: int, *, grey: bool, threads: int = 0) -> Lattice:
    """The lattice of a section.

    Raises:
        FormatError: the bytes cannot be such a section.
    """
    spacing, step_index, quantised = _native.read_lattice(section, width, height, grey, threads)
    return CodedLattice(section, quantised, step_index, spacing, width, height).decoded(threads=threads)
