"""The probabilities that models begin with (SPEC.md, section 4), from the tables that the native core includes."""

from __future__ import annotations

import re
from functools import cache
from itertools import accumulate
from pathlib import Path

FOLDER = Path(__file__).parent.parent.parent / "native" / "core" / "coding"
ENTRY = re.compile(r"\{(\d+), (\d+), (\d+)\}")


@cache
def table(name: str) -> dict[int, tuple[int, int]]:
    """Probability and count of the models in a table, ``lattice`` or ``splat``, by their number."""
    text = (FOLDER / f"{name}_probabilities.inc").read_text()
    entries = [tuple(map(int, entry)) for entry in ENTRY.findall(text)]
    places = accumulate(gap for gap, _, _ in entries)
    return {place: (256 * byte + 128, seen) for place, (_, byte, seen) in zip(places, entries, strict=True)}
