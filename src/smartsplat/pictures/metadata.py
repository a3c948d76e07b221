"""What a picture file says about its pixels: the ICC profile and EXIF that are worth keeping."""

from __future__ import annotations

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


@dataclass(frozen=True)
class Metadata:
    """What is kept of a picture file beside its pixels.

    Attributes:
        icc: ICC profile of colour space RGB, or GRAY for grey pictures; None for sRGB.
        exif: EXIF as a TIFF structure, without the prefix that JPEG puts before it, or None.
        lost: names of what the file has and is not kept.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    lost: tuple[str, ...] = field(default=(), compare=False)


def read_orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8, that remains to be applied to the loaded pixels; 1 where there is none."""
    try:
        value = image.getexif().get(Base.Orientation, 1)
    except Exception:  # Pillow's parser lets through whatever damaged EXIF provokes
        return 1
    return int(value) if value in range(1, 9) else 1


def read_metadata(image: Image.Image, profile: bytes | None, *, grey: bool) -> Metadata:
    """Metadata of an open picture of that colour profile whose pixels are turned upright and converted to RGB.

    EXIF keeps the tags that describe the picture, with an orientation of 1 and without thumbnail and
    interoperability index; damaged EXIF is left out.
    """
    exif = _kept_exif(image)
    return Metadata(_kept_icc(profile, grey=grey), exif, _lost(image, exif))


def save_options(metadata: Metadata, file_format: str, *, grey: bool) -> dict[str, Any]:
    """Arguments for Pillow's ``save``.

    Left out are profiles that do not fit the pixels' colour space, and EXIF beyond JPEG's 64 KB.
    """
    options: dict[str, Any] = {}
    if metadata.icc and icc.colour_space(metadata.icc) == ("GRAY" if grey else "RGB"):
        options["icc_profile"] = metadata.icc
    if metadata.exif and (file_format != "JPEG" or len(metadata.exif) <= _JPEG_EXIF_LIMIT):
        options["exif"] = EXIF_PREFIX + metadata.exif
    return options


def _kept_icc(profile: bytes | None, *, grey: bool) -> bytes | None:
    if profile is None or icc.is_srgb(profile):
        return None
    return profile if icc.colour_space(profile) in (("RGB", "GRAY") if grey else ("RGB",)) else None


def _lost(image: Image.Image, exif: bytes | None) -> tuple[str, ...]:
    """XMP, and a resolution that EXIF does not say and that is none of those that programs write without asking."""
    names = ["XMP"] if any(image.info.get(key) for key in _XMP_KEYS) else []
    try:
        resolution = {round(float(value)) for value in image.info.get("dpi", ())}
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):  # damaged
        resolution = set()
    if resolution - _MEANINGLESS_DPI and not (exif and Base.XResolution in image.getexif()):
        names.append("resolution")
    return tuple(names)


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
