"""The section of splats: their number, the quantum's knob, and the stream."""

from __future__ import annotations

from smartsplat import _native
from smartsplat.coding.container import Reader, write_number
from smartsplat.coding.quantise import KNOBS, Codes, dequantise, knob_quantum
from smartsplat.errors import FormatError
from smartsplat.splats import Splats

MOST_PER_BYTE = 2
"""No stream holds more splats than this for each of its bytes; a header that claims so is refused."""


def write_splats(codes: Codes, knob: int, width: int, height: int) -> tuple[bytes, Codes]:
    """The section's bytes, and the codes as they will be decoded (in the stream's order, centres rounded)."""
    stream, decoded = _native.encode_splats(codes, width, height)
    return write_number(len(codes)) + bytes([knob]) + stream, decoded


def read_codes(section: bytes, width: int, height: int) -> tuple[Codes, int]:
    """The codes and the knob.

    Raises:
        FormatError: the bytes cannot be such a section.
    """
    reader = Reader(section)
    count = reader.number()
    knob = reader.take(1)[0]
    assert knob < KNOBS
    stream = reader.rest()
    if count > MOST_PER_BYTE * (len(stream) + 8):
        raise FormatError(f"{count} splats cannot stand in {len(stream)} bytes")
    try:
        return _native.decode_splats(stream, count, width, height), knob
    except ValueError as error:
        raise FormatError(str(error)) from error


def read_splats(section: bytes, width: int, height: int) -> Splats:
    """The splats of a section; see ``read_codes``."""
    codes, knob = read_codes(section, width, height)
    return dequantise(codes, knob_quantum(knob))
