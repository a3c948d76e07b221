"""Pixels as picture files."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import numpy as np
from PIL import Image, features

from smartsplat.errors import OutputError, PictureWarning, SmartSplatError, one_line, shown
from smartsplat.pictures.files import PathLike, atomic_write
from smartsplat.pictures.jpeg_writer import JpegWriter
from smartsplat.pictures.metadata import Metadata, left_out, save_options
from smartsplat.pictures.picture import channels_of, check_pixels
from smartsplat.pictures.png_writer import PngWriter
from smartsplat.pictures.samples import Bytes, Samples, to_bytes
from smartsplat.pictures.tiff_writer import TiffWriter

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF",
            ".avif": "AVIF"}  # fmt: skip

DEEP = ("PNG", "TIFF")
"""Formats that take 16 bits; pixels that have them are rounded to 8 for others."""

_OPAQUE = ("JPEG",)

# Greatest width and height. JPEG has 16 bits for them, but libjpeg stops a little earlier.
_LONGEST_SIDE = {"JPEG": 65500, "WEBP": 16383, "AVIF": 65536}


def save(
    path: PathLike,
    pixels: Samples,
    *,
    metadata: Metadata = Metadata(),  # noqa: B008 (immutable)
    overwrite: bool = False,
    quality: int | None = None,
) -> None:
    """Writes a picture file, whole or not at all.

    Args:
        path: file to write; its extension, one of .png, .jpg, .jpeg, .webp, .tif, .tiff, .avif, decides the format.
        pixels: [H, W] grey, [H, W, 2] grey and alpha, [H, W, 3] RGB or [H, W, 4] RGB and alpha; uint8, or uint16, which
            PNG and TIFF take as it is.
        metadata: written where the format and the pixels' colour space allow; a warning says what is left out.
        overwrite: whether an existing file may be replaced.
        quality: 1 to 100, for JPEG, WebP and AVIF; None for JPEG of quality 95 and AVIF of 90 without chroma
            subsampling and WebP without loss. PNG and TIFF have no loss and ignore it.

    Raises:
        OutputError: if the extension is unknown, the picture too large for the format or has alpha and it has not,
            the file exists without `overwrite`, or cannot be written.
        ValueError: if the pixels have another shape or type, or the quality is outside 1 to 100.
    """
    check_pixels(pixels)
    if quality is not None and not 1 <= quality <= 100:
        raise ValueError(f"quality must lie in 1 to 100, not be {quality}")
    picture_file = _PictureFile.of(path, Described.of(pixels, metadata), quality)
    with atomic_write(path, overwrite=overwrite) as file, _write_errors(path):
        picture_file.write(file, [pixels])


@dataclass(frozen=True)
class Described:
    """A picture but for its pixels.

    Attributes:
        width: px.
        height: likewise.
        channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
        bits: of a sample, 8 or 16.
        metadata: written where the format and the colour space allow; a warning says what is left out.
    """

    width: int
    height: int
    channels: int
    bits: int = 8
    metadata: Metadata = field(default_factory=Metadata)

    @classmethod
    def of(cls, pixels: Samples, metadata: Metadata) -> Described:
        """That of pixels."""
        height, width = pixels.shape[:2]
        return cls(width, height, channels_of(pixels), 8 * pixels.dtype.itemsize, metadata)


def strips_as_bytes(name: PathLike, strips: Iterable[Samples], described: Described) -> bytes:
    """What `save_strips` would write to a file of that name, with its errors but those of the system."""
    picture_file = _PictureFile.of(name, described)
    stream = io.BytesIO()
    with _write_errors(name):
        picture_file.write(stream, strips)
    return stream.getvalue()


def save_strips(path: PathLike, strips: Iterable[Samples], described: Described, *, overwrite: bool = False) -> None:
    """Writes a picture file of strips of rows, whole or not at all.

    PNG, TIFF and JPEG take them as they come; other formats need all of them first.

    Args:
        path: see ``save``.
        strips: [rows, W, C], or [rows, W], each in memory of its own. What is wrong with them comes through.
        described: the picture.
        overwrite: see ``save``.

    Raises:
        OutputError: as ``save``.
    """
    picture_file = _PictureFile.of(path, described)
    with atomic_write(path, overwrite=overwrite) as file, _write_errors(path):
        picture_file.write(file, strips)


@dataclass(frozen=True)
class _PictureFile:
    """A picture that is written: Pillow's name of the format, and all but the pixels."""

    format: str
    picture: Described
    said: dict[str, Any]
    quality: int | None = None

    @classmethod
    def of(cls, path: PathLike, picture: Described, quality: int | None = None) -> _PictureFile:
        """What there is to be said; warns of what the format has no place for."""
        file_format = supported_output(
            path, width=picture.width, height=picture.height, alpha=picture.channels % 2 == 0
        )  # fmt: skip
        said = save_options(picture.metadata, file_format, grey=picture.channels < 3)
        if names := left_out(picture.metadata, said):
            text = f"{shown(os.fsdecode(path))}: without {' and '.join(names)}, which {file_format} cannot say of it"
            warnings.warn(text, PictureWarning, stacklevel=4)
        return cls(file_format, picture, said, quality)

    def write(self, file: BinaryIO, strips: Iterable[Samples]) -> None:
        if self.format == "PNG":
            self._write_png(file, strips)
        elif self.format == "TIFF":
            self._write_tiff(file, strips)
        else:
            self._write_by_pillow(file, strips)

    def _write_by_pillow(self, file: BinaryIO, strips: Iterable[Samples]) -> None:
        options = self.said | _coding_options(self.format, self.quality)
        bands = iter(strips)
        first = to_bytes(next(bands))
        if self.format == "JPEG" and self.quality is None and len(first) < self.picture.height:
            self._write_jpeg(file, chain([first], bands), options)
            return
        image = Image.fromarray(self._gathered(chain([first], bands)))
        image.save(cast(IO[bytes], _Blocks(file)), format=self.format, **options)

    def _write_jpeg(self, file: BinaryIO, strips: Iterable[Samples], options: dict[str, Any]) -> None:
        del options["subsampling"]
        jpeg = JpegWriter(file, self.picture.height, options)
        for strip in strips:
            jpeg.write(to_bytes(strip))
        jpeg.close()

    def _write_png(self, file: BinaryIO, strips: Iterable[Samples]) -> None:
        picture = self.picture
        with PngWriter(
            file, picture.width, picture.height, channels=picture.channels, bits=picture.bits, said=self.said
        ) as png:
            for strip in strips:
                png.write(strip)

    def _write_tiff(self, file: BinaryIO, strips: Iterable[Samples]) -> None:
        picture = self.picture
        tiff = TiffWriter(
            file, picture.width, picture.height, channels=picture.channels, bits=picture.bits, said=self.said
        )
        for strip in strips:
            tiff.write(strip)
        tiff.close()

    def _gathered(self, strips: Iterable[Samples]) -> Bytes:
        """All rows, of 8 bits; a single strip is not copied."""
        pixels, y, height = None, 0, self.picture.height
        for strip in map(to_bytes, strips):
            if len(strip) == height:
                return strip
            if pixels is None:
                pixels = np.empty((height, *strip.shape[1:]), np.uint8)
            pixels[y : y + len(strip)] = strip
            y += len(strip)
        if pixels is None or y < height:
            raise ValueError(f"{height - y} rows are missing")
        return pixels


def supported_output(path: PathLike, *, width: int = 1, height: int = 1, alpha: bool = False) -> str:
    """Pillow's name of the format that `save` would write a picture of that size in.

    Raises:
        OutputError: if there is no such format here, or it cannot hold the picture.
    """
    name = shown(os.fsdecode(path))
    extension = Path(os.fsdecode(path)).suffix.lower()
    if extension not in _FORMATS:
        raise OutputError(f"{name}: unknown extension {extension!r}, not one of {', '.join(_FORMATS)}")
    file_format = _FORMATS[extension]
    if file_format == "AVIF" and not features.check("avif"):
        raise OutputError(f"{name}: this build of Pillow does not write AVIF")
    limit = _LONGEST_SIDE.get(file_format)
    if limit is not None and max(width, height) > limit:
        raise OutputError(f"{name}: {width} x {height} pixels; {file_format} ends at {limit} on each side")
    if alpha and file_format in _OPAQUE:
        raise OutputError(
            f"{name}: the picture is transparent, which {file_format} cannot be; give a colour to flatten it onto"
        )
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
            # Exact, or colours where the alpha is 0 would be others.
            return {"exact": True} | ({"lossless": True, "quality": 0} if quality is None else {"quality": quality})
        case "AVIF":
            return {"quality": 90, "subsampling": "4:4:4"} if quality is None else {"quality": quality}
    return {}
