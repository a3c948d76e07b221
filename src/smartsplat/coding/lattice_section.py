"""The section of the lattice: wavelet coefficients of its colours, quantised with one step.

The coefficients are in units of the L2 norm that they have in the picture, so that one step suits them all, and the
step has the unit of the splats' base step: 1.0 is one pixel of 8-bit 255.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from smartsplat import _native
from smartsplat.model.lattice import Lattice, lattice_shape
from smartsplat.model.splats import Floats
from smartsplat.scratch import MEMORY, Scratch

EQUAL_WEIGHT = _native.EQUAL_WEIGHT
WEIGHTS_PER_OCTAVE = _native.WEIGHTS_PER_OCTAVE
"""How weights of errors are written: the one stands for 1, the other is how much more stands for twice as much."""

LAMBDA = 0.29
"""What a bit may cost in squared steps: lambda of the choice of what coefficients become.

That is the slope of distortion over rate of the quantisers themselves; see docs/decisions.md.
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
        return cls.taking(replace(lattice, values=lattice.values.copy()), grey=grey, threads=threads)

    @classmethod
    def taking(cls, lattice: Lattice, *, grey: bool, threads: int = 0) -> Spectrum:
        """The same in the place of a lattice that nobody needs any more."""
        planes, kept = lattice.values, 1 if grey else 3
        _native.lattice_coefficients(planes, lattice.width, lattice.height, lattice.spacing, kept, threads)
        return cls(lattice.width, lattice.height, lattice.spacing, planes[:kept])

    def square_log(self, budget: int) -> int:
        """log2 of the sides [px] of the squares that suit a section of so many bytes."""
        return _native.usual_lattice_square_log(self.width, self.height, self.spacing, budget)


@dataclass(frozen=True, eq=False)
class CodedLattice:
    """A section, and what it says of the lattice.

    Attributes:
        section: its bytes.
        step_index: of the quantisation step.
        spacing: of the lattice, px.
        width: of the picture, px.
        height: likewise.
        grey: it has one plane.
    """

    section: bytes
    step_index: int
    spacing: int
    width: int
    height: int
    grey: bool = False

    def decoded(self, *, threads: int = 0, scratch: Scratch = MEMORY) -> Lattice:
        """What the section decodes to, in that scratch.

        Raises:
            FormatError: the bytes cannot be such a section.
        """
        values = scratch.empty((3, *lattice_shape(self.width, self.height, self.spacing)), np.float32)
        _native.lattice_values(self.section, self.width, self.height, self.grey, values, threads)
        return Lattice(self.width, self.height, self.spacing, values)

    def quantised(self, *, threads: int = 0, scratch: Scratch = MEMORY) -> NDArray[np.int32]:
        """The coefficients [1 or 3, rows, columns] in quantisation steps, in that scratch.

        Raises:
            FormatError: the bytes cannot be such a section.
        """
        shape = (1 if self.grey else 3, *lattice_shape(self.width, self.height, self.spacing))
        integers = scratch.empty(shape, np.int32)
        _native.quantised_lattice(self.section, self.width, self.height, self.grey, integers, threads)
        return integers


def write_lattice(
    spectrum: Spectrum, step_index: int, lambda_: float = LAMBDA, *, threads: int = 0, square_log: int | None = None
) -> CodedLattice:
    """The section of a lattice with the quantisation step of that index; see ``write_splats`` for the squares."""
    return write_lattices(spectrum, [(step_index, lambda_)], threads=threads, square_log=square_log)[0][0]


def write_lattices(
    spectrum: Spectrum, trials: Sequence[tuple[int, float]], *, threads: int = 0, square_log: int | None = None
) -> list[tuple[CodedLattice, float]]:
    """The sections of a lattice with several steps and prices of a bit, worked on at the same time, and their errors.

    Args:
        spectrum: of the lattice.
        trials: index of the quantisation step and lambda of each.
        threads: 0 for one for each processor; no section depends on it.
        square_log: see ``write_splats``.

    Returns:
        Each section and the sum of the squared errors of its coefficients, each times its weight.
    """
    s = spectrum
    written = _native.write_lattices(
        s.coefficients, s.width, s.height, s.spacing, list(trials), threads, square_log, s.weights
    )
    return [
        (CodedLattice(section, step_index, s.spacing, s.width, s.height, grey=len(s.coefficients) == 1), error)
        for (step_index, _), (section, error) in zip(trials, written, strict=True)
    ]


def read_lattice(section: bytes, width: int, height: int, *, grey: bool, threads: int = 0) -> Lattice:
    """The lattice of a section.

    Raises:
        FormatError: the bytes cannot be such a section.
    """
    spacing, step_index = _native.lattice_head(section, width, height, grey)
    return CodedLattice(section, step_index, spacing, width, height, grey).decoded(threads=threads)
