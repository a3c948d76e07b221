"""What a file says of its colours other than by an ICC profile, as a profile: in PNG, AVIF, TIFF and EXIF.

Code points are those of ITU-T H.273, tables 2 and 3, which PNG (cICP) and AVIF (nclx) share.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO, NamedTuple

from PIL import Image
from PIL.ExifTags import IFD, Base

from smartsplat.pictures import icc

Point = Sequence[float]
"""Chromaticities x and y."""

_D65 = 0.3127, 0.329
_BT709 = (0.64, 0.33), (0.3, 0.6), (0.15, 0.06)

_PRIMARIES = {
    1: (_BT709, _D65),
    4: (((0.67, 0.33), (0.21, 0.71), (0.14, 0.08)), (0.31, 0.316)),
    5: (((0.64, 0.33), (0.29, 0.6), (0.15, 0.06)), _D65),
    6: (((0.63, 0.34), (0.31, 0.595), (0.155, 0.07)), _D65),
    7: (((0.63, 0.34), (0.31, 0.595), (0.155, 0.07)), _D65),
    9: (((0.708, 0.292), (0.17, 0.797), (0.131, 0.046)), _D65),
    11: (((0.68, 0.32), (0.265, 0.69), (0.15, 0.06)), (0.314, 0.351)),
    12: (((0.68, 0.32), (0.265, 0.69), (0.15, 0.06)), _D65),
    22: (((0.63, 0.34), (0.295, 0.605), (0.155, 0.077)), _D65),
}
"""Chromaticities of red, green and blue, and of white."""

_GAMMAS = {1: None, 4: 2.2, 5: 2.8, 6: None, 7: None, 8: 1.0, 11: None, 12: None, 13: None, 14: None, 15: None, 17: 2.6}
"""Powers of transfer curves; those of television, meant for a camera, are taken for that of sRGB, as viewers do."""

_UNSPECIFIED = 2

_HDR = {16: "PQ", 18: "HLG"}

_ADOBE_RGB, _ADOBE_GAMMA = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)), 563 / 256

_USUAL_GAMMA, _GAMMA_TOLERANCE = 1 / 2.2, 0.05
"""What PNGs of sRGB say, and the part by which others say the same (libpng's tolerance)."""

_TAKEN = "the samples are taken for sRGB"
_KEPT = "the samples stay as they are, and a code beside them says what they are (PNG has it, as cICP)"

_WHITE_POINT, _CHROMATICITIES, _TRANSFER_FUNCTION = 318, 319, 301

_AVIF_BOXES = 1 << 16  # bytes in which the boxes before the coded samples are looked for

_MOST_CHUNKS = 1000


class Code(NamedTuple):
    """Primaries, transfer curve, matrix, and whether samples use their full range."""

    primaries: int
    transfer: int
    matrix: int
    full_range: bool


Told = Code | str
"""What a file tells of colours, or a remark that it does so in a way that is not read."""


def read_told(image: Image.Image, file: BinaryIO) -> Told | None:
    """What the file of an open picture tells of colours and Pillow does not read; the file stays where it is."""
    read = _READERS.get(image.format or "")
    if read is None:
        return None
    position = file.tell()
    try:
        return read(file)
    except (struct.error, OSError):  # damaged: whether that matters, the pixels tell
        return None
    finally:
        file.seek(position)


def profile_of(image: Image.Image, told: Told | None, *, grey: bool) -> tuple[bytes | None, str | None]:
    """The ICC profile of a loaded picture, its own or one of what it says in other words; and why there is none."""
    own = image.info.get("icc_profile")
    if told is not None and not (own and image.format == "AVIF"):  # there, a profile goes before
        remark = told if isinstance(told, str) else _excuse(told)
        if isinstance(told, Code) and remark is None:
            return _made(*_PRIMARIES[told.primaries], _GAMMAS[told.transfer], grey), None
        if not own:
            return None, remark
    if own:
        return (own if isinstance(own, bytes) else None), None
    if image.mode == "CMYK":
        return None, None
    if image.format == "PNG":
        return _of_png(image.info, grey), None
    if image.format == "TIFF" and hasattr(image, "tag_v2"):
        return _of_tiff(image.tag_v2, grey)
    return (_made(_ADOBE_RGB, _D65, _ADOBE_GAMMA, grey) if _is_adobe_rgb(image) else None), None


def code_of(told: Told | None, profile: bytes | None) -> tuple[int, int, int, int] | None:
    """What a file tells of its colours that no profile says, as PNG's chunk cICP has it; None where one does.

    The samples are full RGB or grey (matrix 0) here, unless the file says that they have a narrow range.
    """
    if not isinstance(told, Code) or profile is not None or _excuse(told) is None or told.matrix != 0:
        return None
    return told.primaries, told.transfer, 0, int(told.full_range)


def _made(primaries: Sequence[Point], white: Point, gamma: float | None, grey: bool) -> bytes | None:
    try:
        return icc.make_profile(primaries, white, gamma, grey=grey)
    except ValueError:  # no colours at all
        return None


def _excuse(code: Code) -> str | None:
    """Why a code cannot be said by a profile, None if it can."""
    meant = _KEPT if code.matrix == 0 else _TAKEN
    if code.transfer in _HDR:
        return f"is HDR ({_HDR[code.transfer]}), which is not converted: {meant}"
    if not code.full_range:
        return f"has samples of a narrow range, which is not widened: {meant}"
    if code.primaries not in _PRIMARIES or code.transfer not in _GAMMAS or code.matrix != 0:
        return f"has colours of a kind (H.273: {code.primaries}, {code.transfer}, {code.matrix}) not known: {meant}"
    return None


# PNG


def _png_code(file: BinaryIO) -> Code | None:
    """What the chunk cICP says, of those before the pixels."""
    file.seek(8)
    for _ in range(_MOST_CHUNKS):
        length, kind = struct.unpack(">I4s", file.read(8))
        if kind == b"cICP":
            primaries, transfer, matrix, full_range = struct.unpack("4B", file.read(4))
            is_open = length != 4 or _UNSPECIFIED in (primaries, transfer)
            return None if is_open else Code(primaries, transfer, matrix, full_range == 1)
        if kind in (b"IDAT", b"IEND"):
            return None
        file.seek(length + 4, 1)
    return None


def _of_png(info: dict[Any, Any], grey: bool) -> bytes | None:
    """What gAMA and cHRM say, if sRGB does not say that they are not needed."""
    gamma: float = info.get("gamma", 0)
    points: tuple[float, ...] = info.get("chromaticity", ())
    if "srgb" in info or not (gamma or points):
        return None
    usual = not gamma or abs(gamma / _USUAL_GAMMA - 1) < _GAMMA_TOLERANCE
    power = None if usual else 1 / gamma
    if not points:
        return _made(_BT709, _D65, power, grey)
    white, *primaries = zip(points[::2], points[1::2], strict=False)
    return _made(primaries, white, power, grey)


# AVIF


def _avif_code(file: BinaryIO) -> Code | None:
    """What the box colr says of a picture whose samples libavif has made full RGB; None where it leaves that open."""
    file.seek(0)
    boxes = file.read(_AVIF_BOXES)
    at = boxes.find(b"colrnclx")
    if at < 0:
        return None
    primaries, transfer = struct.unpack_from(">2H", boxes, at + 8)
    return None if _UNSPECIFIED in (primaries, transfer) else Code(primaries, transfer, 0, True)


# BMP


def _bmp_told(file: BinaryIO) -> str | None:
    """Whether a header of version 4 or 5 has a profile or a calibration, as hardly any has."""
    file.seek(14)
    header = file.read(124)
    (size,) = struct.unpack_from("<I", header)
    if size < 108:
        return None
    kind, calibration = header[56:60], header[60:108]
    if kind in (b"DEBM", b"KNIL") or (kind == bytes(4) and any(calibration)):
        return f"has colours of its own (a profile or calibration in its header), which are not read: {_TAKEN}"
    return None


_READERS: dict[str, Callable[[BinaryIO], Told | None]] = {"PNG": _png_code, "AVIF": _avif_code, "BMP": _bmp_told}


# TIFF, EXIF


def _of_tiff(tags: Any, grey: bool) -> tuple[bytes | None, str | None]:
    if _TRANSFER_FUNCTION in tags:
        return None, f"has transfer curves of its own (tag 301), which are not read: {_TAKEN}"
    points, white = tags.get(_CHROMATICITIES), tags.get(_WHITE_POINT, _D65)
    if points is None or len(points) != 6 or len(white) != 2:
        return None, None
    numbers = [float(value) for value in points]
    return _made(list(zip(numbers[::2], numbers[1::2], strict=True)), [float(v) for v in white], None, grey), None


def _is_adobe_rgb(image: Image.Image) -> bool:
    """Whether EXIF says so, as cameras do: colours without calibration, interoperability by the rules R03 of DCF."""
    try:
        exif = image.getexif()
        return (
            exif.get_ifd(IFD.Exif).get(Base.ColorSpace) == 0xFFFF
            and str(exif.get_ifd(IFD.Interop).get(Base.InteropIndex, "")).rstrip("\0") == "R03"
        )
    except Exception:  # Pillow's parser lets through whatever damaged EXIF provokes
        return False
