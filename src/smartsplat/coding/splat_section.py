"""The section of splats: their number, the index of the base step, and the stream."""

from __future__ import annotations

from smartsplat import _native
from smartsplat.coding.splat_codes import Codes, dequantise
from smartsplat.model.splats import Splats


def write_splats(codes: Codes, step_index: int, width: int, height: int) -> tuple[bytes, Codes]:
    """The section's bytes, and the codes as they will be decoded (in the stream's order, centres rounded)."""
    return _native.write_splats(codes, step_index, width, height)


def read_codes(section: bytes, width: int, height: int) -> tuple[Codes, int]:
    """The codes and the index of the base step.

    Raises:
        FormatError: the bytes cannot be such a section.
    """
    return _native.read_splats(section, width, height)


def read_splats(section: bytes, width: int, height: int) -> Splats:
    """The splats of a section; see ``read_codes``."""
    codes, step_index = read_codes(section, width, height)
    return dequantise(codes, _native.splat_step(step_index))
