"""The probabilities that models begin with (SPEC.md, section 4), from the tables that the native core includes."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent.parent.parent / "native" / "core" / "coding"
ENTRY = re.compile(r"\{(\d+), (\d+), (\d+)\}")


@cache
def table(name: str) -> dict[int, tuple[int, int]]:
    """Probability and count of the models in a table, ``lattice`` or ``splat``, by their number."""
    text = (FOLDER / f"{name}_probabilities.inc").read_text()
    return {int(place): (int(probability), int(seen)) for place, probability, seen in ENTRY.findall(text)}
