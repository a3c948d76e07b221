"""The section of splats: their number, the index of the base step, and chunks."""

from __future__ import annotations

from smartsplat import _native
from smartsplat.coding.splat_codes import Codes, dequantise
from smartsplat.model.splats import Splats


def write_splats(
    codes: Codes, step_index: int, width: int, height: int, *, square_log: int | None = None
) -> tuple[bytes, Codes]:
    """The section's bytes, and the codes as they will be decoded (in the chunks' order, centres rounded).

    Args:
        codes: in any order.
        step_index: of the base step.
        width: of the picture, px.
        height: likewise.
        square_log: log2 of the sides of the smallest squares that have chunks of their own, px, 5 to 22; None for what
            suits a picture of that size.
    """
    return _native.write_splats(codes, step_index, width, height, square_log)


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
