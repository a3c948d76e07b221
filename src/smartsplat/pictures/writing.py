"""Pixels as picture files."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import numpy as np
from PIL import Image

from smartsplat.errors import OutputError, SmartSplatError, one_line, shown
from smartsplat.pictures.files import PathLike, atomic_write
from smartsplat.pictures.metadata import EXIF_PREFIX, Metadata, save_options
from smartsplat.pictures.picture import check_pixels
from smartsplat.pictures.png_writer import PngWriter
from smartsplat.pictures.samples import Bytes

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"}

# Greatest width and height. JPEG has 16 bits for them, but libjpeg stops a little earlier.
_LONGEST_SIDE = {"JPEG": 65500, "WEBP": 16383}


def save(
    path: PathLike,
    pixels: Bytes,
    *,
    metadata: Metadata = Metadata(),  # noqa: B008 (immutable)
    overwrite: bool = False,
    quality: int | None = None,
) -> None:
    """Writes a picture file, whole or not at all.

    Args:
        path: file to write; its extension, one of .png, .jpg, .jpeg, .webp, .tif, .tiff, decides the format.
        pixels: uint8 [H, W, 3] RGB or [H, W] grey.
        metadata: written where the format and the pixels' colour space allow.
        overwrite: whether an existing file may be replaced.
        quality: 1 to 100, for JPEG and WebP; None for JPEG of quality 95 without chroma subsampling and WebP
            without loss. PNG and TIFF have no loss and ignore it.

    Raises:
        OutputError: if the extension is unknown, the picture too large for the format, the file exists
            without `overwrite`, or cannot be written.
        ValueError: if the pixels have another shape or type, or the quality is outside 1 to 100.
    """
    check_pixels(pixels)
    if quality is not None and not 1 <= quality <= 100:
        raise ValueError(f"quality must lie in 1 to 100, not be {quality}")
    picture_file = _PictureFile.of(path, pixels, metadata, quality)
    with atomic_write(path, overwrite=overwrite) as file, _write_errors(path):
        picture_file.write(file, [pixels])


def strips_as_bytes(
    name: PathLike,
    strips: Iterable[Bytes],
    width: int,
    height: int,
    *,
    grey: bool,
    metadata: Metadata = Metadata(),  # noqa: B008 (immutable)
) -> bytes:
    """What `save_strips` would write to a file of that name, with its errors but those of the system."""
    picture_file = _PictureFile(supported_output(name, width=width, height=height), width, height, grey, metadata)
    stream = io.BytesIO()
    with _write_errors(name):
        picture_file.write(stream, strips)
    return stream.getvalue()


def save_strips(
    path: PathLike,
    strips: Iterable[Bytes],
    width: int,
    height: int,
    *,
    grey: bool,
    metadata: Metadata = Metadata(),  # noqa: B008 (immutable)
    overwrite: bool = False,
) -> None:
    """Writes a picture file of strips of rows, whole or not at all.

    PNG takes them as they come; other formats need all of them first.

    Args:
        path: see ``save``.
        strips: uint8 [rows, W, 3], or [rows, W], each in memory of its own. What is wrong with them comes through.
        width: of the picture, px.
        height: likewise.
        grey: whether it has one channel.
        metadata: see ``save``.
        overwrite: likewise.

    Raises:
        OutputError: as ``save``.
    """
    picture_file = _PictureFile(supported_output(path, width=width, height=height), width, height, grey, metadata)
    with atomic_write(path, overwrite=overwrite) as file, _write_errors(path):
        picture_file.write(file, strips)


@dataclass(frozen=True)
class _PictureFile:
    """A picture that is written: Pillow's name of the format, and all but the pixels."""

    format: str
    width: int
    height: int
    grey: bool
    metadata: Metadata
    quality: int | None = None

    @classmethod
    def of(cls, path: PathLike, pixels: Bytes, metadata: Metadata, quality: int | None) -> _PictureFile:
        height, width = pixels.shape[:2]
        file_format = supported_output(path, width=width, height=height)
        return cls(file_format, width, height, pixels.ndim == 2, metadata, quality)

    def write(self, file: BinaryIO, strips: Iterable[Bytes]) -> None:
        options = save_options(self.metadata, self.format, grey=self.grey)
        if self.format == "PNG":
            self._write_png(file, strips, options)
            return
        options |= _coding_options(self.format, self.quality)
        image = Image.fromarray(self._gathered(strips))
        image.save(cast(IO[bytes], _Blocks(file)), format=self.format, **options)

    def _write_png(self, file: BinaryIO, strips: Iterable[Bytes], options: dict[str, Any]) -> None:
        exif = options.get("exif", EXIF_PREFIX).removeprefix(EXIF_PREFIX) or None
        icc = options.get("icc_profile")
        with PngWriter(file, self.width, self.height, grey=self.grey, icc=icc, exif=exif) as png:
            for strip in strips:
                png.write(strip)

    def _gathered(self, strips: Iterable[Bytes]) -> Bytes:
        """All rows; a single strip is not copied."""
        pixels, y = None, 0
        for strip in strips:
            if len(strip) == self.height:
                return strip
            if pixels is None:
                pixels = np.empty((self.height, *strip.shape[1:]), np.uint8)
            pixels[y : y + len(strip)] = strip
            y += len(strip)
        if pixels is None or y < self.height:
            raise ValueError(f"{self.height - y} rows are missing")
        return pixels


def supported_output(path: PathLike, *, width: int = 1, height: int = 1) -> str:
    """Pillow's name of the format that `save` would write a picture of that size in.

    Raises:
        OutputError: if there is no such format, or it cannot hold the picture.
    """
    name = shown(os.fsdecode(path))
    extension = Path(os.fsdecode(path)).suffix.lower()
    if extension not in _FORMATS:
        raise OutputError(f"{name}: unknown extension {extension!r}, not one of {', '.join(_FORMATS)}")
    file_format = _FORMATS[extension]
    limit = _LONGEST_SIDE.get(file_format)
    if limit is not None and max(width, height) > limit:
        raise OutputError(f"{name}: {width} x {height} pixels; {file_format} ends at {limit} on each side")
    return file_format


class _Blocks:
    """A file that shows Pillow no descriptor.

    To a descriptor, Pillow writes a JPEG or TIFF in a single call in C, and no signal is handled until all of it
    is done. Without one it hands over block after block, and an interrupt comes through between two of them.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.write, self.seek, self.tell, self.flush = file.write, file.seek, file.tell, file.flush


@contextmanager
def _write_errors(path: PathLike) -> Iterator[None]:
    """The same for what Pillow raises on saving; `atomic_write` takes care of the system's errors."""
    try:
        yield
    except (OSError, SmartSplatError):
        raise
    except Exception as error:
        raise OutputError(f"{shown(os.fsdecode(path))}: cannot be written: {one_line(error)}") from error


def _coding_options(file_format: str, quality: int | None) -> dict[str, Any]:
    match file_format:
        case "JPEG":
            return {"quality": 95, "subsampling": 0} if quality is None else {"quality": quality}
        case "WEBP":
            # Without loss, quality means effort: 80 takes four times as long as 0 to save 0.2 % of the bytes.
            return {"lossless": True, "quality": 0} if quality is None else {"quality": quality}
    return {}
