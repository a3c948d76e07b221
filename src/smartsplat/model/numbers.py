"""Numbers as callers give them: of any type that is one, and never cut, wrapped or taken for something else."""

from __future__ import annotations

import math
import operator
from typing import Any

MOST_THREADS = 256
"""More do not help on any machine, and the system may not give them."""


def whole_number(value: Any, name: str, least: int, most: int | None = None) -> int:
    """A whole number in that range; a float will do if it is whole, a bool will not.

    Raises:
        ValueError: it is none; the text names what it should have been.
    """
    number = _whole(value)
    if number is None or number < least or (most is not None and number > most):
        limits = f"from {least} on" if most is None else f"from {least} to {most}"
        raise ValueError(f"{name} must be a whole number {limits}, not {_shown(value)}")
    return number


def positive_number(value: Any, name: str, *, finite: bool = True) -> float:
    """A number above 0, finite or perhaps not.

    Raises:
        ValueError: it is none.
    """
    number = _float(value)
    if not number > 0 or (finite and math.isinf(number)):
        raise ValueError(f"{name} must be above 0, not {_shown(value)}")
    return number


def number_between(value: Any, name: str, least: float, most: float) -> float:
    """A number in that range, both ends with it.

    Raises:
        ValueError: it is none.
    """
    number = _float(value)
    if not least <= number <= most:
        raise ValueError(f"{name} must be from {least:g} to {most:g}, not {_shown(value)}")
    return number


def thread_count(threads: Any) -> int:
    """A number of threads as native code takes it: 0 for one for each processor, to MOST_THREADS.

    Raises:
        ValueError: it is no whole number from 0 on.
    """
    return min(whole_number(threads, "threads", 0), MOST_THREADS)


def two_sides(size: Any) -> tuple[int, int]:
    """Width and height, two whole numbers or one for both.

    Raises:
        TypeError: they are none.
    """
    try:
        sides = [operator.index(side) for side in (size if hasattr(size, "__len__") else (size, size))]
    except TypeError:
        sides = []
    if len(sides) != 2 or isinstance(size, bool):
        raise TypeError(f"a size is a whole number, or two of them, not {_shown(size)}")
    return sides[0], sides[1]


def _float(value: Any) -> float:
    """As a float; NaN if it is no number."""
    try:
        return math.nan if isinstance(value, (bool, str, bytes, bytearray)) else float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _whole(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return int(value) if isinstance(value, float) and value.is_integer() else None


def _shown(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else text[:77] + "..."
