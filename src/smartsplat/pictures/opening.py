"""Picture files as loaded pictures of Pillow, also where it misreads them or refuses them for a trifle."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from smartsplat.errors import PictureError, SmartSplatError
from smartsplat.pictures import deep, jpeg, kinds, png, tiff
from smartsplat.pictures.bounded import whole
from smartsplat.pictures.colours import Told, read_told
from smartsplat.pictures.picture import check_size
from smartsplat.pictures.unloaded import Rows, rows_of
from smartsplat.scratch import MEMORY, Scratch


@dataclass(frozen=True)
class Opened:
    """A loaded picture.

    Attributes:
        image: it.
        told: what its file tells of colours and Pillow does not read.
        remarks: what was wrong with its file, each the end of a line that begins with its name.
        low: the lower bytes of colours of 16 bits, of which ``image`` has the upper ones.
        key: the transparent one of such colours, if there is one.
        premultiplied: whether such colours are multiplied with alpha.
        rows: where they come from if ``image`` is not loaded.
    """

    image: Image.Image
    told: Told | None = None
    remarks: tuple[str, ...] = ()
    low: Image.Image | None = None
    key: object = None
    premultiplied: bool = False
    rows: Rows | None = None


def open_picture(file: BinaryIO, limit: int, frame: int = 0, scratch: Scratch = MEMORY) -> Opened:
    """Opens and loads a picture file.

    Args:
        file: at its beginning.
        limit: pictures of more pixels are refused before they are decoded.
        frame: of several, from 0 on.
        scratch: limits memory: a picture that is too large for it is not loaded, if its rows can be had otherwise.

    Raises:
        PictureError: what it is, where it is too large or cannot be read; whatever Pillow raises comes through.
    """
    try:
        return _loaded(file, limit, frame, scratch)
    except (SmartSplatError, MemoryError):
        raise
    except Exception as error:  # Pillow's plugins raise errors of every kind
        opened = _mended_if_possible(file, limit)
        if opened is not None:
            return opened
        if isinstance(error, UnidentifiedImageError):
            raise PictureError(kinds.refusal(file)) from error
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


def _loaded(file: BinaryIO, limit: int, frame: int, scratch: Scratch = MEMORY) -> Opened:
    if kinds.is_ours(file):  # a plugin of ours may have told Pillow of them
        raise UnidentifiedImageError
    image = Image.open(file)
    check_size(image.width, image.height, limit)
    told = read_told(image, file)
    if frame:
        image.seek(frame)
    _prepare(image, frame)
    if not deep.is_deep(image) or (image.format != "TIFF" and frame):
        rows = None if frame else rows_of(image, file, scratch)
        if rows is not None:
            return Opened(image, told, rows=rows)
        lost = deep.is_packed_in_planes(image) and tiff.bits(image) == 16 and image.mode != "CMYK"
        image.load()
        return Opened(image, told, ("is a TIFF of packed planes: of its 16 bits the upper 8 are read",) if lost else ())
    premultiplied = deep.is_premultiplied(image)
    deep.take_as_stored(image)
    image.load()
    return Opened(image, told, (), _low(file, frame), image.info.pop("transparency", None), premultiplied)


def _low(file: BinaryIO, frame: int) -> Image.Image:
    """The lower bytes of the colours of a file's picture."""
    file.seek(0)
    low = Image.open(file)
    if frame:
        low.seek(frame)
    _prepare(low, frame)
    deep.take_as_stored(low)
    deep.load_low_bytes(low)
    return low


def _prepare(image: Image.Image, frame: int) -> None:
    """Has an open picture, not yet loaded, loaded as it is."""
    if image.format == "TIFF":
        tiff.prepare(image)
    elif image.format == "PNG" and not frame:
        png.prepare(image)


def _mended_if_possible(file: BinaryIO, limit: int) -> Opened | None:
    try:
        if not kinds.start(file).startswith((png.SIGNATURE, jpeg.SIGNATURE)):
            return None
        return _mended(whole(file, limit), limit)
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
        opened = _loaded(io.BytesIO(content), limit, 0)
        if profile is not None:
            opened.image.info["icc_profile"] = profile
        return replace(opened, remarks=(remark,))
    if data.startswith(jpeg.SIGNATURE):
        candidates = [_loaded(io.BytesIO(content), limit, 0) for content in jpeg.ended(data)]
        if candidates and all(c.image.tobytes() == candidates[0].image.tobytes() for c in candidates[1:]):
            return replace(candidates[0], remarks=("has no end marker",))
    return None
