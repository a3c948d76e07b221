"""The methods by their names on the command line; loads nothing, for the command line checks names with it."""

from __future__ import annotations

from smartsplat.bench.names import NAMES, split_name

SPLATS_ONLY = ("smartsplat:paper", "smartsplat:official-code", "smartsplat:splats")
SYSTEMS = ("3dgs", "lig", "gi-rs", "gi-cholesky", "image-gs", "image-gs:official")
CLASSICAL = tuple(name for name in NAMES if name != "smartsplat")
METHODS = ("smartsplat", *SPLATS_ONLY, *SYSTEMS, *CLASSICAL)
"""``smartsplat`` and the classical ones may have an effort after a colon, as in ``bench rd``."""


def check_method(name: str) -> None:
    """Raises ValueError, in one line, if there is no such method."""
    if name in METHODS:
        return
    if name.partition(":")[0] not in NAMES:
        raise ValueError(f"no method {name!r}; there are {', '.join(METHODS)}")
    split_name(name)


def is_classical(name: str) -> bool:
    """Whether a method is a codec without Gaussians."""
    return name.partition(":")[0] in CLASSICAL
