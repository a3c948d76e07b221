"""What little of ICC colour profiles matters here: their colour space, whether that is sRGB, and simple ones.

Offsets and encodings are those of ICC.1:2022, sections 7.2 (header), 7.3 (tag table) and 10 (tag types).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

_HEADER = 128

# XYZ of sRGB's red, green and blue (IEC 61966-2-1), adapted to the connection space's D50 after Bradford.
_SRGB_COLORANTS = np.array([[0.4361, 0.2225, 0.0139], [0.3851, 0.7169, 0.0971], [0.1431, 0.0606, 0.7141]])

_D50 = np.array([0.9642, 1, 0.8249])

_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])

_SRGB_CURVE = 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045
"""Of a parametric curve of type 3."""

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


def make_profile(
    primaries: Sequence[Sequence[float]], white: Sequence[float], gamma: float | None, *, grey: bool
) -> bytes:
    """A profile of version 4.4 of a display.

    Args:
        primaries: chromaticities x and y of red, green and blue.
        white: of white.
        gamma: power of the transfer curve, None for the curve of sRGB.
        grey: of colour space GRAY, without primaries.

    Raises:
        ValueError: if these are no colours: on a line, without light, out of range.
    """
    curve = _parametric_tag(0, (gamma,)) if gamma else _parametric_tag(3, _SRGB_CURVE)
    names = b"wtpt", b"chad", b"cprt", b"desc"
    points = [_to_xyz(point) for point in (*primaries, white)]
    adaptation = _adaptation(points[3])
    content = [
        _xyz_tag(_D50),
        b"sf32\0\0\0\0" + _fixed(adaptation.ravel()),
        _text_tag("CC0"),
        _text_tag("Colours of the picture's file"),
    ]
    tags = dict(zip(names, content, strict=True))
    if grey:
        return _assembled(b"GRAY", tags | {b"kTRC": curve})
    lights = np.stack(points[:3], axis=1)
    colorants = _product(adaptation, lights * _product(_inverse(lights), points[3]))
    tags |= {name: _xyz_tag(colorants[:, k]) for k, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))}
    return _assembled(b"RGB ", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve))


def _to_xyz(point: Sequence[float]) -> Doubles:
    """XYZ of chromaticities x and y, at Y = 1."""
    x, y = (float(value) for value in point)
    if not (0 <= x <= 1 and 0 < y <= 1):
        raise ValueError("no chromaticities")
    return np.array([x / y, 1, (1 - x - y) / y])


def _adaptation(white: Doubles) -> Doubles:
    """XYZ under that white to XYZ under D50, after Bradford."""
    scale = _product(_BRADFORD, _D50) / _product(_BRADFORD, white)
    return _product(_inverse(_BRADFORD), scale[:, None] * _BRADFORD)


def _product(matrix: Doubles, other: Doubles) -> Doubles:
    """Of [3, 3] by [3] or [3, K]; without OpenBLAS, which takes 32 MB for it and ends the process if there are none."""
    return np.asarray(sum(np.multiply.outer(matrix[:, k], other[k]) for k in range(3)))


def _inverse(matrix: Doubles) -> Doubles:
    rows = np.stack([np.cross(matrix[:, k - 2], matrix[:, k - 1]) for k in range(3)])
    determinant = (rows[0] * matrix[:, 0]).sum()
    if abs(determinant) < 1e-9:
        raise ValueError("the primaries lie on a line")
    return np.asarray(rows / determinant)


def _assembled(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A profile of these tags, of which equal ones share their bytes."""
    start = _HEADER + 4 + 12 * len(tags)
    places: dict[bytes, int] = {}
    body = b""
    for content in tags.values():
        if content not in places:
            places[content] = start + len(body)
            body += content + bytes(-len(content) % 4)
    table = b"".join(struct.pack(">4sII", name, places[data], len(data)) for name, data in tags.items())
    date = 2026, 1, 1, 0, 0, 0
    header = struct.pack(">I4xI4s4s4s6H4s28x", start + len(body), 0x04400000, b"mntr", space, b"XYZ ", *date, b"acsp")
    header += _fixed(_D50)
    return header.ljust(_HEADER, b"\0") + struct.pack(">I", len(tags)) + table + body


def _fixed(values: Iterable[float]) -> bytes:
    """Signed numbers with 16 bits after the point."""
    try:
        return b"".join(struct.pack(">i", round(float(value) * 65536)) for value in values)
    except (struct.error, OverflowError) as error:
        raise ValueError("out of range") from error


def _xyz_tag(values: Iterable[float]) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(values)


def _parametric_tag(kind: int, parameters: Sequence[float]) -> bytes:
    return b"para\0\0\0\0" + struct.pack(">Hxx", kind) + _fixed(parameters)


def _text_tag(text: str) -> bytes:
    data = text.encode("utf-16-be")
    return b"mluc\0\0\0\0" + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(data), 28) + data


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
    srgb = _parametric(3, _SRGB_CURVE, x)
    with np.errstate(all="ignore"):  # absurd parameters give infinities, and those are not near
        return bool(np.abs(_curve(tag, x) - srgb).max() < _CURVE_TOLERANCE)


def _curve(tag: bytes, x: Doubles) -> Doubles:
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


def _parametric(kind: int, parameters: tuple[float, ...], x: Doubles) -> Doubles:
    """ICC.1:2022, table 68: functions 0 (a power), 3 and 4 (a power above d, a line below it)."""
    if kind == 0:
        return np.asarray(x ** parameters[0])
    g, a, b, c, d, e, f = (*parameters, 0.0, 0.0)[:7]
    return np.where(x >= d, np.maximum(a * x + b, 0) ** g + e, c * x + f)
