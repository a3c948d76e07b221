"""What the bytes of the sections are spent on: splats, a lattice under them, or both."""

from __future__ import annotations

from dataclasses import dataclass

from smartsplat._native import most_nodes

BYTES_PER_SPLAT = {False: 4.6, True: 4.0}
"""What a splat will cost, by whether the picture is grey: it settles how many are fitted.

Fewer, finer coded ones and more, coarser coded ones were both worse; see docs/decisions.md.
"""

BYTES_ALONE = {False: 4.3, True: 4.0}
"""The same where there is no lattice: these are rounded with more care."""

NODES_PER_BYTE = 1 << 12
"""Of a lattice, at most: more would make a small file slow to decode, for what it cannot show."""

LATTICE_SHARED = 1
"""Bytes of a lattice's section that a file has anyway: whether there is a lattice."""

HIGHEST_RATE = 4.0
"""Bits a pixel from which a lattice gets all bytes, without a trial; see docs/decisions.md."""


FINER_PIXELS = 4e8
"""Of a picture, at most, for which a finer lattice is tried: it takes four times the memory and the time."""


def bits_per_pixel(budget: int, pixels: int) -> float:
    """What so many bytes are for each pixel."""
    return 8 * budget / pixels


@dataclass(frozen=True)
class Plan:
    """How a budget is divided, settled before anything is fitted.

    Attributes:
        budget: bytes of all sections of the picture together.
        splat_budget: bytes of the section of splats, at most; 0 if there are none.
        count: splats to fit; 0 likewise.
        spacing: of the lattice, px; None if there is none.
    """

    budget: int
    splat_budget: int
    count: int
    spacing: int | None

    @property
    def lattice_budget(self) -> int:
        """Bytes that the lattice will have, about, before the section of splats is there."""
        return self.budget - self.splat_budget

    def left_for_lattice(self, spent: int) -> int:
        """Bytes that the lattice's section may have where the section of splats has ``spent``; may be negative."""
        return self.budget - spent + LATTICE_SHARED

    def left_for_splats(self, spent: int) -> int:
        """Bytes that the section of splats may have where the lattice's has ``spent``; 0 stands for no lattice."""
        return self.budget - (spent - LATTICE_SHARED if spent else 0)


def plan_for(pixels: int, budget: int, share: float, *, grey: bool, spacing: int | None = None) -> Plan:
    """The plan for a picture of so many pixels.

    Args:
        pixels: of the picture, at least 1.
        budget: bytes of the sections, at least 1.
        share: of the splats in the bytes; at 1 or more there is no lattice, at 0 or less there are no splats.
        grey: whether the picture is.
        spacing: of the lattice, px; None: that of `spacing_for`.
    """
    spacing = spacing or spacing_for(pixels, budget)
    if share <= 0:
        return Plan(budget, 0, 0, spacing)
    splat_budget = budget if share >= 1 else int(share * budget)
    bytes_each = (BYTES_ALONE if share >= 1 else BYTES_PER_SPLAT)[grey]
    count = max(1, min(pixels, int(splat_budget / bytes_each)))
    return Plan(budget, splat_budget, count, None if share >= 1 else spacing)


def spacing_for(pixels: int, budget: int) -> int:
    """Spacing of the lattice, px, for a picture of so many pixels and so many bytes.

    Finer ones are always better, by less the fewer bytes there are, and take time and memory.
    """
    ratio = 3 * pixels / budget
    if pixels <= 32e6 and ratio <= (600 if pixels <= 12.5e6 else 120):
        return 1
    spacing = 2 if pixels <= 64e6 or ratio <= 300 else 4
    while pixels > NODES_PER_BYTE / 2 * budget * spacing**2:
        spacing *= 2
    return spacing


def finer_spacing(pixels: int, budget: int) -> int | None:
    """The spacing that may be better than that of `spacing_for`, px: half of it; None if that would be too much."""
    finer = spacing_for(pixels, budget) // 2
    if finer == 0 or pixels > FINER_PIXELS or pixels > NODES_PER_BYTE / 2 * budget * finer**2:
        return None
    return finer if pixels / finer**2 <= most_nodes(budget) else None
