"""The section of the lattice: wavelet coefficients of its colours, quantised with one step.

The coefficients are in units of the L2 norm that they have in the picture, so that one step suits them all, and the
step has the unit of the splats' base_step: 1.0 is one pixel of 8-bit 255.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartsplat import _native
from smartsplat.coding.container import Reader, read_spacing, write_number
from smartsplat.coding.splat_codes import COLOUR_BASIS
from smartsplat.errors import FormatError
from smartsplat.model.lattice import Lattice, lattice_shape
from smartsplat.model.splats import Floats

LATTICE_STEPS = 1 << 13
"""Step lengths that a file can name."""

UNIT_STEP_INDEX = 5120
"""The step_index of the step 1."""

NODES_PER_BYTE = 1 << 12
"""No section holds more nodes than this for each of its bytes; a header that claims so is refused."""

LAMBDA = 0.11
"""What a bit may cost in squared steps: lambda of the choice between a coefficient and a smaller one.

That is the slope of distortion over rate of the quantiser itself; see docs/decisions.md.
"""


def lattice_step(step_index: int) -> float:
    """Step of the step_index 0..8191 that stands in the file: 2^((step_index - 5120) / 256), from 2^-20 to 2^12."""
    return float(2.0 ** ((step_index - UNIT_STEP_INDEX) / 256))


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Wavelet coefficients of a lattice's colours, not quantised.

    Attributes:
        width: of the picture, px.
        height: likewise.
        spacing: of the lattice, px.
        coefficients: float32 [1 or 3, rows, columns].
    """

    width: int
    height: int
    spacing: int
    coefficients: Floats

    @classmethod
    def of(cls, lattice: Lattice, *, grey: bool) -> Spectrum:
        """The coefficients of a lattice, whose values are overwritten; of its luma alone if the picture is grey."""
        planes = lattice.values
        _native.mix_planes(planes, (COLOUR_BASIS * lattice.spacing).astype(np.float32))
        planes = planes[:1].copy() if grey else planes
        _native.wavelet(planes, lattice.spacing, False)
        return cls(lattice.width, lattice.height, lattice.spacing, planes)


@dataclass(frozen=True, eq=False)
class CodedLattice:
    """A section, and the integers that it holds.

    Attributes:
        section: its bytes.
        quantised: int32 [1 or 3, rows, columns].
        step_index: of the step.
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

    def decoded(self) -> Lattice:
        """What the section decodes to."""
        return _decoded(self.quantised.copy(), self.step_index, self.spacing, self.width, self.height)


def _decoded(quantised: NDArray[np.int32], step_index: int, spacing: int, width: int, height: int) -> Lattice:
    """What integers stand for; their memory is used for it."""
    _native.to_floats(quantised)
    planes = quantised.view(np.float32)
    _native.wavelet(planes, spacing, True)
    values = planes
    if len(planes) == 1:
        values = np.zeros((3, *planes.shape[1:]), np.float32)
        values[:1] = planes
    _native.mix_planes(values, np.ascontiguousarray(COLOUR_BASIS.T * (lattice_step(step_index) / spacing), np.float32))
    return Lattice(width, height, spacing, values)


def write_lattice(spectrum: Spectrum, step_index: int, lambda_: float = LAMBDA) -> CodedLattice:
    """The section of a lattice with the step of that step_index."""
    streams, quantised = _native.encode_coefficients(spectrum.coefficients, 1 / lattice_step(step_index), lambda_)
    section = write_number(spectrum.spacing.bit_length() - 1) + step_index.to_bytes(2, "little")
    section += b"".join(write_number(len(stream)) for stream in streams[:-1]) + b"".join(streams)
    section += bytes(max(0, quantised[0].size // NODES_PER_BYTE + 1 - len(section)))  # decoders read zeros anyway
    return CodedLattice(section, quantised, step_index, spectrum.spacing, spectrum.width, spectrum.height)


def read_lattice(section: bytes, width: int, height: int, *, grey: bool) -> Lattice:
    """The lattice of a section.

    Raises:
        FormatError: the bytes cannot be such a section.
    """
    reader = Reader(section)
    spacing = read_spacing(reader)
    step_index = int.from_bytes(reader.take(2), "little")
    if step_index >= LATTICE_STEPS:
        raise FormatError(f"a lattice's step is numbered {step_index}, beyond {LATTICE_STEPS}")
    rows, columns = lattice_shape(width, height, spacing)
    if rows * columns > NODES_PER_BYTE * len(section):
        raise FormatError(f"a lattice of {columns} x {rows} nodes cannot stand in {len(section)} bytes")
    lengths = [reader.number() for _ in range(_native.lattice_strips(rows, columns) - 1)]
    streams = [reader.take(length) for length in lengths] + [reader.rest()]
    try:
        quantised = _native.decode_coefficients(streams, 1 if grey else 3, rows, columns)
    except ValueError as error:
        raise FormatError(str(error)) from error
    return _decoded(quantised, step_index, spacing, width, height)
