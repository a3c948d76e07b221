"""What kind of file it is, by its first bytes, and why Pillow does not take it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import BinaryIO

from PIL import Image

from smartsplat._native import MAGIC
from smartsplat.errors import one_line
from smartsplat.pictures import jpeg, png, tiff

_HEAD = 64

_KINDS = (
    ("PNG", 0, png.SIGNATURE),
    ("JPEG", 0, jpeg.SIGNATURE),
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


def is_ours(file: BinaryIO) -> bool:
    """Whether it begins as a .ssplat file does."""
    return start(file).startswith(MAGIC)


def refusal(file: BinaryIO) -> str:
    """What is wrong with a file that no plugin of Pillow's takes; a file of any length, of which little is read."""
    head = start(file)
    if head.startswith(MAGIC):
        return "is a .ssplat file already, not a picture"
    kind = _kind(head)
    if kind is None:
        return "is not a picture of a known kind"
    details = "; ".join(filter(None, (_plugin_s_words(file, kind), tiff.describe(file) if kind == "TIFF" else "")))
    return f"is a {kind} file that is damaged or not supported" + (f": {details}" if details else "")


def may_be_picture(head: bytes) -> bool:
    """Whether a file that begins so may be one of a known kind, even if Pillow takes nothing that is cut off here."""
    if head.startswith(MAGIC):
        return False
    Image.init()
    return _kind(head) is not None or any(_accepts(accept, head[:16]) for _, accept in Image.OPEN.values() if accept)


def start(file: BinaryIO) -> bytes:
    """The first bytes of a file, which is left at its beginning."""
    file.seek(0)
    head = file.read(_HEAD)
    file.seek(0)
    return head


def _kind(head: bytes) -> str | None:
    return next((name for name, at, magic in _KINDS if head[at:].startswith(magic)), None)


def _accepts(accept: Callable[[bytes], bool | str], prefix: bytes) -> bool:
    try:
        return accept(prefix) is True  # else it may say what is missing
    except (SyntaxError, IndexError, TypeError, struct.error):  # as `Image.open` has it
        return False


def _plugin_s_words(file: BinaryIO, kind: str) -> str:
    """Why Pillow's plugin of that name refuses it, which `Image.open` does not say."""
    factory, accept = Image.OPEN.get(kind.upper().replace(" ", ""), (None, None))
    if factory is None or (accept is not None and not _accepts(accept, start(file)[:16])):
        return ""
    try:
        factory(file, "")
    except SyntaxError as error:  # its way to say what a plugin does not know; other errors are accidents
        return one_line(error)
    except Exception:
        return ""
    return ""
