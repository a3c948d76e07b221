"""How many pixels a picture may have."""

from __future__ import annotations

import operator


def pixel_limit(max_pixels: object) -> int:
    """A limit on pixels as callers give it, any integer from 1 on; for all else, and bools, a ValueError."""
    try:
        limit = operator.index(max_pixels)  # type: ignore[arg-type]
    except TypeError:
        limit = 0
    if isinstance(max_pixels, bool) or limit < 1:
        raise ValueError(f"max_pixels must be a whole number from 1 on, not {max_pixels!r}")
    return limit
