"""The section of splats: their number, the base_step's step_index, and the stream."""

from __future__ import annotations

from smartsplat import _native
from smartsplat.coding.container import Reader, write_number
from smartsplat.coding.splat_codes import SPLAT_STEPS, Codes, dequantise, splat_step
from smartsplat.errors import FormatError
from smartsplat.model.splats import Splats

MOST_PER_BYTE = 2
"""No stream holds more splats than this for each of its bytes; a header that claims so is refused."""


def write_splats(codes: Codes, step_index: int, width: int, height: int) -> tuple[bytes, Codes]:
    """The section's bytes, and the codes as they will be decoded (in the stream's order, centres rounded)."""
    stream, decoded = _native.encode_splats(codes, width, height)
    return write_number(len(codes)) + bytes([step_index]) + stream, decoded


def read_codes(section: bytes, width: int, height: int) -> tuple[Codes, int]:
    """The codes and the step_index.

    Raises:
        FormatError: the bytes cannot be such a section.
    """
    reader = Reader(section)
    count = reader.number()
    step_index = reader.take(1)[0]
    assert step_index < SPLAT_STEPS
    stream = reader.rest()
    if count > MOST_PER_BYTE * (len(stream) + 8):
        raise FormatError(f"{count} splats cannot stand in {len(stream)} bytes")
    try:
        return _native.decode_splats(stream, count, width, height), step_index
    except ValueError as error:
        raise FormatError(str(error)) from error


def read_splats(section: bytes, width: int, height: int) -> Splats:
    """The splats of a section; see ``read_codes``."""
    codes, step_index = read_codes(section, width, height)
    return dequantise(codes, splat_step(step_index))
