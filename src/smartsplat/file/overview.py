"""Overviews: a file in a file, of the same picture at a fraction of its size (SPEC.md, section 2)."""

from __future__ import annotations

from smartsplat.errors import FormatError

GREATEST_LOG = 16
"""log2 of the px of the picture for one of an overview."""


def overview_section(data: bytes, factor_log: int) -> bytes:
    """The section that keeps a file as an overview."""
    return bytes([factor_log]) + data


def split_overview(section: bytes) -> tuple[int, bytes]:
    """How many px of the picture are one of the overview, and its file.

    Raises:
        FormatError: it cannot be one.
    """
    if len(section) < 1 or not 1 <= section[0] <= GREATEST_LOG:
        raise FormatError("the overview is damaged")
    return 1 << section[0], section[1:]


def check_overview(width: int, height: int, factor: int, size: tuple[int, int]) -> None:
    """Refuses one whose sides are not those of a picture reduced.

    Raises:
        FormatError: they are not.
    """
    wanted = -(-width // factor), -(-height // factor)
    if size != wanted:
        raise FormatError(f"the overview has {size[0]} x {size[1]} px, and should have {wanted[0]} x {wanted[1]}")
