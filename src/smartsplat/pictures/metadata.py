"""What a picture file says about its pixels and is worth keeping: ICC profile or colour code, EXIF, XMP, resolution."""

from __future__ import annotations

import re
import struct
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from PIL import Image
from PIL.ExifTags import IFD, Base

from smartsplat.pictures import icc

EXIF_PREFIX = b"Exif\0\0"

# Tags of the first directory that describe the picture; others say how a file stores it, or are private.
_KEPT_TAGS = (
    Base.ImageDescription,
    Base.Make,
    Base.Model,
    Base.Orientation,
    Base.XResolution,
    Base.YResolution,
    Base.ResolutionUnit,
    Base.Software,
    Base.DateTime,
    Base.Artist,
    Base.HostComputer,
    Base.Rating,
    Base.Copyright,
    Base.XPTitle,
    Base.XPComment,
    Base.XPAuthor,
    Base.XPKeywords,
    Base.XPSubject,
)

_XMP_KEYS = ("xmp", "XML:com.adobe.xmp")

_MEANINGLESS_DPI = {0, 1, 72, 96}

_JPEG_EXIF_LIMIT = 65533 - len(EXIF_PREFIX)

_JPEG_XMP_LIMIT = 65533 - len(b"http://ns.adobe.com/xap/1.0/\0")


KINDS = ("icc", "exif", "xmp", "resolution")
"""Names of what callers may leave out; a colour code goes with the profile."""

GREATEST_XMP = 1 << 24
"""Bytes of XMP from which it is not kept."""

INCH = 0.0254
"""In metres."""

_KEPT_UNIT = 1000  # metres: 300 px an inch come back as 300.0000


@dataclass(frozen=True)
class Metadata:
    """What is kept of a picture file beside its pixels.

    Attributes:
        icc: ICC profile of colour space RGB, or GRAY for grey pictures; None for sRGB.
        exif: EXIF as a TIFF structure, without the prefix that JPEG puts before it, or None.
        lost: names of what the file has and is not kept: XMP that is too large or no text.
        xmp: XMP packet, or None.
        resolution: px per inch along x and y, where EXIF does not say it, or None.
        code: colours that no profile says, such as those of HDR: primaries, transfer curve and matrix of ITU-T H.273,
            and 1 if samples use their full range; or None.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    lost: tuple[str, ...] = field(default=(), compare=False)
    xmp: bytes | None = None
    resolution: tuple[float, float] | None = None
    code: tuple[int, int, int, int] | None = None

    def only(self, kinds: Collection[str]) -> Metadata:
        """Those of the KINDS."""
        return Metadata(
            icc=self.icc if "icc" in kinds else None,
            exif=self.exif if "exif" in kinds else None,
            lost=self.lost if "xmp" in kinds else (),
            xmp=self.xmp if "xmp" in kinds else None,
            resolution=self.resolution if "resolution" in kinds else None,
            code=self.code if "icc" in kinds else None,
        )


def pack_resolution(resolution: tuple[float, float]) -> bytes:
    """As a ``.ssplat`` file has it (SPEC.md, section 2)."""
    return struct.pack("<2I", *(min(round(value / INCH * _KEPT_UNIT), 0xFFFFFFFF) for value in resolution))


def unpack_resolution(data: bytes) -> tuple[float, float] | None:
    """The inverse; None for what is none."""
    if len(data) != struct.calcsize("<2I"):
        return None
    across, down = (value * INCH / _KEPT_UNIT for value in struct.unpack("<2I", data))
    return (across, down) if across > 0 and down > 0 else None


def read_orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8, that remains to be applied to the loaded pixels; 1 where there is none."""
    try:
        value = image.getexif().get(Base.Orientation, 1)
    except Exception:  # Pillow's parser lets through whatever damaged EXIF provokes
        return 1
    return int(value) if value in range(1, 9) else 1


def read_metadata(
    image: Image.Image, profile: bytes | None, code: tuple[int, int, int, int] | None, *, grey: bool
) -> Metadata:
    """Metadata of an open picture of that colour profile or code whose pixels are turned upright and converted to RGB.

    EXIF keeps the tags that describe the picture, with an orientation of 1 and without thumbnail and
    interoperability index; damaged EXIF is left out.
    """
    exif = _kept_exif(image)
    xmp, lost = _kept_xmp(image)
    resolution = None if exif and Base.XResolution in image.getexif() else _resolution(image)
    return Metadata(_kept_icc(profile, grey=grey), exif, lost, xmp, resolution, code)


def save_options(metadata: Metadata, file_format: str, *, grey: bool) -> dict[str, Any]:
    """Arguments for Pillow's ``save``, also of formats that are not written by it.

    Left out are profiles that do not fit the pixels' colour space, EXIF and XMP beyond JPEG's 64 KB, and what the
    format has no place for.
    """
    options: dict[str, Any] = {}
    jpeg = file_format == "JPEG"
    if metadata.icc and icc.colour_space(metadata.icc) == ("GRAY" if grey else "RGB"):
        options["icc_profile"] = metadata.icc
    if metadata.exif and (not jpeg or len(metadata.exif) <= _JPEG_EXIF_LIMIT):
        options["exif"] = EXIF_PREFIX + metadata.exif
    if metadata.xmp and (not jpeg or len(metadata.xmp) <= _JPEG_XMP_LIMIT):
        options["xmp"] = metadata.xmp
    if metadata.resolution and file_format in ("PNG", "JPEG", "TIFF"):
        options["dpi"] = metadata.resolution
    if metadata.code and file_format == "PNG" and "icc_profile" not in options:
        options["cicp"] = metadata.code
    return options


def left_out(metadata: Metadata, options: dict[str, Any]) -> tuple[str, ...]:
    """Names of what is not among the options that ``save_options`` made of it."""
    names = {"icc_profile": "colour profile", "exif": "EXIF", "xmp": "XMP", "dpi": "resolution", "cicp": "colour code"}
    values = (metadata.icc, metadata.exif, metadata.xmp, metadata.resolution, metadata.code)
    present = zip(names.items(), values, strict=True)
    return tuple(name for (key, name), value in present if value is not None and key not in options)


def _kept_icc(profile: bytes | None, *, grey: bool) -> bytes | None:
    if profile is None or icc.is_srgb(profile):
        return None
    return profile if icc.colour_space(profile) in (("RGB", "GRAY") if grey else ("RGB",)) else None


def _kept_xmp(image: Image.Image) -> tuple[bytes | None, tuple[str, ...]]:
    """The packet, of an upright picture; and what is lost: one that is too large, or is no text."""
    found = next((image.info[key] for key in _XMP_KEYS if image.info.get(key)), None)
    if found is None:
        return None, ()
    packet = found.encode("utf-8", "replace") if isinstance(found, str) else bytes(found)
    packet = packet.rstrip(b"\0")
    if len(packet) >= GREATEST_XMP or b"<" not in packet:
        return None, ("XMP",)
    return _ORIENTATION.sub(rb"\g<1>1", packet), ()


_ORIENTATION = re.compile(rb"""(tiff:Orientation(?:\s*=\s*["']|\s*>\s*))[2-8]""")
"""What XMP says of how pixels are turned, as an attribute or an element."""


def _resolution(image: Image.Image) -> tuple[float, float] | None:
    """Of the upright picture, px per inch, if it is none of those that programs write without asking."""
    try:
        across, down = (float(value) for value in image.info.get("dpi", ()))
        meant = {round(across), round(down)} - _MEANINGLESS_DPI
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):  # there is none, or it is damaged
        return None
    if not meant or not (0 < across < _GREATEST_DPI and 0 < down < _GREATEST_DPI):
        return None
    return (down, across) if read_orientation(image) >= 5 else (across, down)


_GREATEST_DPI = 1e5
"""Beyond it nothing is meant; a file ends a little later."""


def _kept_exif(image: Image.Image) -> bytes | None:
    try:
        kept = _described(image.getexif())
        if set(kept) <= {Base.Orientation}:
            return None
        return kept.tobytes().removeprefix(EXIF_PREFIX)
    except Exception:  # as in read_orientation
        return None


def _described(exif: Image.Exif) -> Image.Exif:
    kept = Image.Exif()
    for tag in _KEPT_TAGS:
        if tag in exif:
            kept[tag] = exif[tag]
    if Base.Orientation in kept:
        kept[Base.Orientation] = 1
    for directory in (IFD.Exif, IFD.GPSInfo):
        entries = {tag: value for tag, value in exif.get_ifd(directory).items() if tag != IFD.Interop}
        if entries:
            kept[directory] = entries
    return kept
