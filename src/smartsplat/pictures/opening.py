"""Picture files as loaded pictures of Pillow, also where it misreads them or refuses them for a trifle."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from smartsplat.errors import PictureError, SmartSplatError, one_line
from smartsplat.pictures import jpeg, png, tiff
from smartsplat.pictures.picture import check_size

_HEAD = 64

_KINDS = (
    ("PNG", 0, png.SIGNATURE),
    ("JPEG", 0, b"\xff\xd8\xff"),
    ("GIF", 0, b"GIF8"),
    ("WebP", 8, b"WEBPVP8"),
    ("BMP", 0, b"BM"),
    ("TIFF", 0, b"II*\0"),
    ("TIFF", 0, b"MM\0*"),
    ("TIFF", 0, b"II+\0"),
    ("TIFF", 0, b"MM\0+"),
    ("JPEG 2000", 0, b"\0\0\0\x0cjP  "),
    ("JPEG XL", 0, b"\0\0\0\x0cJXL "),
    ("JPEG XL", 0, b"\xff\x0a"),
    ("AVIF", 4, b"ftypavi"),
    ("HEIF", 4, b"ftyphe"),
    ("HEIF", 4, b"ftypmif1"),
    ("HEIF", 4, b"ftypmsf1"),
    ("Photoshop", 0, b"8BPS"),
    ("OpenEXR", 0, b"v/1\x01"),
    ("Radiance HDR", 0, b"#?RADIANCE"),
    ("JPEG XR", 0, b"II\xbc\x01"),
    ("PDF", 0, b"%PDF-"),
)
"""Names of formats, and the bytes that tell them at an offset."""


@dataclass(frozen=True)
class Opened:
    """A loaded picture.

    Attributes:
        image: it.
        remarks: what was wrong with its file, each the end of a line that begins with its name.
    """

    image: Image.Image
    remarks: tuple[str, ...] = ()


def open_picture(file: BinaryIO, limit: int, frame: int = 0) -> Opened:
    """Opens and loads a picture file.

    Args:
        file: at its beginning.
        limit: pictures of more pixels are refused before they are decoded.
        frame: of several, from 0 on.

    Raises:
        PictureError: what it is, where it is too large or cannot be read; whatever Pillow raises comes through.
    """
    try:
        return Opened(_loaded(file, limit, frame))
    except (SmartSplatError, MemoryError):
        raise
    except Exception as error:  # Pillow's plugins raise errors of every kind
        opened = _mended_if_possible(_contents(file), limit)
        if opened is not None:
            return opened
        if isinstance(error, UnidentifiedImageError):
            raise PictureError(_unidentified(_contents(file))) from error
        raise


def is_misread(image: Image.Image) -> bool:
    """Whether a picture of Pillow's, not loaded yet, has to be read from its file in our own way."""
    if not getattr(image, "tile", None):
        return False
    if image.format == "TIFF":
        return tiff.is_misread(image)
    return image.format == "PNG" and _frame(image) == 0 and png.is_misread(image)


def reopened(image: Image.Image, limit: int) -> Opened:
    """The same picture, loaded from the file that a picture of Pillow's has open; that one stays as it is."""
    file = image.fp  # type: ignore[attr-defined]
    position = file.tell()
    try:
        data = _contents(file)
    finally:
        file.seek(position)
    return open_picture(io.BytesIO(data), limit, _frame(image))


def _frame(image: Image.Image) -> int:
    return image.tell()


def _contents(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()


def _loaded(file: BinaryIO, limit: int, frame: int) -> Image.Image:
    image = Image.open(file)
    check_size(image.width, image.height, limit)
    if frame:
        image.seek(frame)
    wants_low_bytes = False
    if image.format == "TIFF":
        tiff.prepare(image)
    elif image.format == "PNG" and not frame:
        png.prepare(image)
        wants_low_bytes = png.wants_low_bytes(image)
    image.load()
    if wants_low_bytes:
        file.seek(0)
        low = Image.open(file)
        png.load_low_bytes(low)
        png.apply_key(image, low)
    return image


def _mended_if_possible(data: bytes, limit: int) -> Opened | None:
    try:
        return _mended(data, limit)
    except (SmartSplatError, MemoryError):
        raise
    except Exception:  # there is more that is wrong; what was first said counts
        return None


def _mended(data: bytes, limit: int) -> Opened | None:
    """A picture whose file has faults that cost no pixels; None for others."""
    if data.startswith(png.SIGNATURE):
        mended = png.mended(data)
        if mended is None:
            return None
        content, profile, remark = mended
        image = _loaded(io.BytesIO(content), limit, 0)
        if profile is not None:
            image.info["icc_profile"] = profile
        return Opened(image, (remark,))
    if data.startswith(b"\xff\xd8\xff"):
        candidates = [_loaded(io.BytesIO(content), limit, 0) for content in jpeg.ended(data)]
        if candidates and all(c.tobytes() == candidates[0].tobytes() for c in candidates[1:]):
            return Opened(candidates[0], ("has no end marker",))
    return None


def _unidentified(data: bytes) -> str:
    """What is wrong with a file that no plugin of Pillow's takes."""
    head = data[:_HEAD]
    kind = next((name for name, at, magic in _KINDS if head[at:].startswith(magic)), None)
    if kind is None:
        return "is not a picture of a known kind"
    details = "; ".join(filter(None, (_refusal(data, kind), tiff.describe(data) if kind == "TIFF" else "")))
    return f"is a {kind} file that is damaged or not supported" + (f": {details}" if details else "")


def _refusal(data: bytes, kind: str) -> str:
    """Why Pillow's plugin of that name refuses it, which `Image.open` does not say."""
    factory, accept = Image.OPEN.get(kind.upper().replace(" ", ""), (None, None))
    if factory is None or (accept is not None and accept(data[:16]) is not True):
        return ""
    try:
        factory(io.BytesIO(data), "")
    except SyntaxError as error:  # its way to say what a plugin does not know; other errors are accidents
        return one_line(error)
    except Exception:
        return ""
    return ""
