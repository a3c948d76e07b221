"""What little of ICC colour profiles matters here: their colour space, and whether that is sRGB.

Offsets and encodings are those of ICC.1:2022, sections 7.2 (header), 7.3 (tag table) and 10 (tag types).
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

_HEADER = 128

# XYZ of sRGB's red, green and blue (IEC 61966-2-1), adapted to the connection space's D50 after Bradford.
_SRGB_COLORANTS = np.array([[0.4361, 0.2225, 0.0139], [0.3851, 0.7169, 0.0971], [0.1431, 0.0606, 0.7141]])

# Profiles round their colorants to about 0.001; the nearest other space in use is much further away.
_COLORANT_TOLERANCE = 0.003

# Small tables stand for the curve to about 0.0005; a plain power of 2.2 is 0.008 away from it.
_CURVE_TOLERANCE = 0.002


def colour_space(profile: bytes) -> str | None:
    """Colour space of a profile's device: ``RGB``, ``GRAY``, ``CMYK``, ...; None if it is no profile."""
    if len(profile) < _HEADER + 4 or profile[36:40] != b"acsp":
        return None
    return profile[16:20].decode("latin-1").strip()


def is_srgb(profile: bytes) -> bool:
    """Whether a profile says no more than a file without one: sRGB, or grey with the curve of sRGB.

    Names are not asked, since linear variants bear "sRGB" too: colorants and transfer curves are compared. A
    profile that works by look-up tables is never taken for sRGB.
    """
    try:
        tags = _tags(profile)
        space = colour_space(profile)
        if b"A2B0" in tags or space not in ("RGB", "GRAY"):
            return False
        if space == "GRAY":
            return _has_srgb_curve(tags[b"kTRC"])
        colorants = np.array([_xyz(tags[name]) for name in (b"rXYZ", b"gXYZ", b"bXYZ")])
        near = np.abs(colorants - _SRGB_COLORANTS).max() < _COLORANT_TOLERANCE
        return bool(near) and all(_has_srgb_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC"))
    except (struct.error, KeyError, ValueError):
        return False  # damaged, or a class of profile that has other tags


def _tags(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, _HEADER)
    if count > (len(profile) - _HEADER) // 12:
        raise ValueError("the tag table is longer than the profile")
    entries = (struct.unpack_from(">4sII", profile, _HEADER + 4 + 12 * i) for i in range(count))
    return {name: profile[offset : offset + size] for name, offset, size in entries}


def _xyz(tag: bytes) -> tuple[float, ...]:
    return tuple(v / 65536 for v in struct.unpack_from(">8x3i", tag))


def _has_srgb_curve(tag: bytes) -> bool:
    x = np.linspace(0, 1, 65)
    srgb = _parametric(3, (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045), x)
    with np.errstate(all="ignore"):  # absurd parameters give infinities, and those are not near
        return bool(np.abs(_curve(tag, x) - srgb).max() < _CURVE_TOLERANCE)


def _curve(tag: bytes, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """A tone curve at device values x in [0, 1]."""
    if tag[:4] == b"para":
        (kind,) = struct.unpack_from(">8xH", tag)
        count = {0: 1, 3: 5, 4: 7}[kind]
        return _parametric(kind, tuple(v / 65536 for v in struct.unpack_from(f">12x{count}i", tag)), x)
    if tag[:4] != b"curv":
        raise ValueError("not a curve")
    (count,) = struct.unpack_from(">8xI", tag)
    if count < 2:
        gamma = struct.unpack_from(">12xH", tag)[0] / 256 if count else 1.0
        return np.asarray(x**gamma)
    table = np.array(struct.unpack_from(f">12x{count}H", tag)) / 65535
    return np.interp(x, np.linspace(0, 1, count), table)


def _parametric(kind: int, parameters: tuple[float, ...], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """ICC.1:2022, table 68: functions 0 (a power), 3 and 4 (a power above d, a line below it)."""
    if kind == 0:
        return np.asarray(x ** parameters[0])
    g, a, b, c, d, e, f = (*parameters, 0.0, 0.0)[:7]
    return np.where(x >= d, np.maximum(a * x + b, 0) ** g + e, c * x + f)
