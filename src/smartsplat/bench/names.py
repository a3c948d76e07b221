"""The names of the codecs, as on the command line; loads nothing, for the command line checks names with it."""

from __future__ import annotations

NAMES = ("smartsplat", "jpeg", "webp", "jxl", "avif")
"""Codecs that there are."""

_EFFORTS = {"smartsplat": range(1, 10), "webp": range(7), "jxl": range(1, 10), "avif": range(11)}


def split_name(name: str) -> tuple[str, int | None]:
    """``avif:4`` as ("avif", 4), ``avif`` as ("avif", None).

    Raises:
        ValueError: there is no such codec, or it has no such effort.
    """
    kind, colon, effort = name.partition(":")
    if kind not in NAMES:
        raise ValueError(f"no codec {kind!r}; there are {', '.join(NAMES)}")
    if not colon:
        return kind, None
    if kind not in _EFFORTS or not (effort.isdigit() and int(effort) in _EFFORTS[kind]):
        raise ValueError(f"codec {kind} has no effort {effort!r}")
    return kind, int(effort)
