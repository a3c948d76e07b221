"""The section of the lattice: wavelet coefficients of its colours, quantised with one step.

The coefficients are in units of the L2 norm that they have in the picture, so that one step suits them all, and the
step has the unit of the splats' quantum: 1.0 is one pixel of 8-bit 255.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from smartsplat import _native
from smartsplat.coding.container import Reader, write_number
from smartsplat.coding.quantise import COLOUR_BASIS
from smartsplat.errors import FormatError
from smartsplat.lattice import Lattice, lattice_shape
from smartsplat.splats import Floats

STEPS = 1 << 12
"""Step lengths that a file can name."""

GREATEST_SPACING_LOG = 10

NODES_PER_BYTE = 1 << 20
"""No section holds more nodes than this for each of its bytes; a header that claims so is refused."""

PRICE = 0.11
"""What a bit may cost in squared steps: lambda of the choice between a coefficient and a smaller one.

That is the slope of distortion over rate of the quantiser itself; see docs/decisions.md.
"""


def step_length(knob: int) -> float:
    """Step of the knob 0..4095 that stands in the file: 2^((knob - 2048) / 256)."""
    return float(2.0 ** ((knob - STEPS // 2) / 256))


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
        """The coefficients of a lattice; of its luma alone if the picture is grey."""
        basis = COLOUR_BASIS[: 1 if grey else 3].astype(np.float32) * np.float32(lattice.spacing)
        planes = np.ascontiguousarray(np.einsum("pc,cyx->pyx", basis, lattice.values))
        return cls(lattice.width, lattice.height, lattice.spacing, _native.wavelet(planes, False))


class CodedLattice(NamedTuple):
    """A section and what it decodes to."""

    section: bytes
    lattice: Lattice


def write_lattice(spectrum: Spectrum, knob: int, price: float = PRICE) -> CodedLattice:
    """The section of a lattice with the step of that knob."""
    scaled = spectrum.coefficients * np.float32(1 / step_length(knob))
    streams, quantised = _native.encode_coefficients(scaled, price)
    head = write_number(spectrum.spacing.bit_length() - 1) + knob.to_bytes(2, "little")
    head += b"".join(write_number(len(stream)) for stream in streams[:-1])
    size = spectrum.width, spectrum.height
    return CodedLattice(head + b"".join(streams), _decoded(quantised, knob, spectrum.spacing, *size))


def _decoded(quantised: NDArray[np.int32], knob: int, spacing: int, width: int, height: int) -> Lattice:
    scale = np.float32(step_length(knob) / spacing)
    planes = _native.wavelet(quantised.astype(np.float32), True)
    basis = COLOUR_BASIS[: len(planes)].astype(np.float32) * scale
    values = np.ascontiguousarray(np.einsum("pc,pyx->cyx", basis, planes))
    return Lattice(width, height, spacing, values)


def read_lattice(section: bytes, width: int, height: int, *, grey: bool) -> Lattice:
    """The lattice of a section.

    Raises:
        FormatError: the bytes cannot be such a section.
    """
    reader = Reader(section)
    spacing_log = reader.number()
    if spacing_log > GREATEST_SPACING_LOG:
        raise FormatError(f"a lattice's spacing cannot be 2^{spacing_log} px")
    spacing = 1 << spacing_log
    knob = int.from_bytes(reader.take(2), "little")
    if knob >= STEPS:
        raise FormatError(f"a lattice's step is numbered {knob}, beyond {STEPS}")
    rows, columns = lattice_shape(width, height, spacing)
    if rows * columns > NODES_PER_BYTE * len(section):
        raise FormatError(f"a lattice of {columns} x {rows} nodes cannot stand in {len(section)} bytes")
    lengths = [reader.number() for _ in range(_native.lattice_strips(rows, columns) - 1)]
    streams = [reader.take(length) for length in lengths] + [reader.rest()]
    try:
        quantised = _native.decode_coefficients(streams, 1 if grey else 3, rows, columns)
    except ValueError as error:
        raise FormatError(str(error)) from error
    return _decoded(quantised, knob, spacing, width, height)
