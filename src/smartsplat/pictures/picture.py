"""Picture files and 8-bit arrays."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from smartsplat import _native
from smartsplat.errors import OutputError, PictureError, SmartSplatError, one_line
from smartsplat.pictures.files import PathLike, atomic_write
from smartsplat.pictures.metadata import Metadata, read_metadata, read_orientation, save_options
from smartsplat.pictures.samples import (
    Bytes,
    Colour,
    converter,
    is_grey,
    is_neutral,
    parse_colour,
    to_bytes,
    without_alpha,
)

DEFAULT_MAX_PIXELS = 400_000_000
"""Pictures of more pixels are refused unless asked for: 16384 x 16384 and a half; they decode to 1.2 GB."""

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"}

# Greatest width and height. JPEG has 16 bits for them, but libjpeg stops a little earlier.
_LONGEST_SIDE = {"JPEG": 65500, "WEBP": 16383}

# Pixels that are converted at once, which bounds the memory beside the picture to some MB.
_PART = 1 << 18


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as 8-bit RGB, upright.

    Attributes:
        pixels: uint8 [H, W, 3], C-contiguous.
        grey: whether it came as a grey picture, so that its three channels are equal.
        metadata: its colour profile and EXIF.
    """

    pixels: Bytes
    grey: bool
    metadata: Metadata

    @property
    def height(self) -> int:
        """Height, px."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Width, px."""
        return int(self.pixels.shape[1])


def load(path: PathLike, *, max_pixels: int = DEFAULT_MAX_PIXELS, flatten: str | None = None) -> Picture:
    """Reads a picture file: PNG, JPEG, WebP, TIFF and what else Pillow opens; of several frames the first.

    EXIF orientation is applied. Grey samples of 16 bits are divided by 257 and rounded; of colours of 16 bits
    Pillow keeps the upper eight. Grey pictures get three equal channels; palettes, CMYK, YCbCr and Lab become
    RGB. An alpha channel is dropped if all of it is opaque.

    While it works, Pillow's own limit on pixels (``PIL.Image.MAX_IMAGE_PIXELS``) is lifted for all threads.

    Args:
        path: file to read.
        max_pixels: pictures of more pixels are refused before they are decoded.
        flatten: colour to composite transparent pixels over, anything ``PIL.ImageColor.getrgb`` understands.

    Raises:
        PictureError: if the file cannot be read, is not a picture, is damaged or too large, has transparent
            pixels and `flatten` is None, or `flatten` is not a colour.
    """
    background = parse_colour(flatten)
    with _read_errors(path), _pillow_limit, Path(path).open("rb") as file, Image.open(file) as image:
        if image.width * image.height > max_pixels:
            raise PictureError(f"{image.width} x {image.height} pixels are beyond the limit of {max_pixels}")
        image.load()
        grey = is_grey(image) and (is_neutral(background) or not image.has_transparency_data)
        metadata = read_metadata(image, grey=grey)
        return Picture(_upright_pixels(image, background), grey, metadata)


def from_array(array: NDArray[Any], *, flatten: str | None = None) -> Picture:
    """A picture of an array, which is not copied if it is C-contiguous uint8 [H, W, 3].

    Args:
        array: [H, W] or [H, W, 1] grey, [H, W, 2] grey and alpha, [H, W, 3] RGB, [H, W, 4] RGB and alpha;
            uint8, uint16 (divided by 257 and rounded), or floats in [0, 1].
        flatten: as in `load`.

    Raises:
        PictureError: if the array is of another shape or type or has no pixels, has floats outside [0, 1] or
            transparent pixels and `flatten` is None, or `flatten` is not a colour.
    """
    background = parse_colour(flatten)
    samples = array[:, :, None] if array.ndim == 2 else array
    if samples.ndim != 3 or not 1 <= samples.shape[2] <= 4 or samples.size == 0:
        raise PictureError(f"an array {list(array.shape)} is no picture; [H, W] or [H, W, 1 to 4] is")
    if samples.dtype == np.uint8 and samples.shape[2] == 3:
        return Picture(np.ascontiguousarray(samples), False, Metadata())
    grey = samples.shape[2] == 1 or (samples.shape[2] == 2 and is_neutral(background))
    return Picture(_opaque_pixels(samples, background), grey, Metadata())


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
    if pixels.dtype != np.uint8 or pixels.size == 0 or pixels.shape[2:] not in ((), (3,)) or pixels.ndim < 2:
        raise ValueError(f"pixels must be uint8 [H, W, 3] or [H, W], not {pixels.dtype} {list(pixels.shape)}")
    if quality is not None and not 1 <= quality <= 100:
        raise ValueError(f"quality must lie in 1 to 100, not be {quality}")
    height, width = pixels.shape[:2]
    file_format = supported_output(path, width=width, height=height)
    options = _coding_options(file_format, quality) | save_options(metadata, file_format, grey=pixels.ndim == 2)
    with atomic_write(path, overwrite=overwrite) as file, _write_errors(path):
        Image.fromarray(pixels).save(file, format=file_format, **options)


def supported_output(path: PathLike, *, width: int = 1, height: int = 1) -> str:
    """Pillow's name of the format that `save` would write a picture of that size in.

    Raises:
        OutputError: if there is no such format, or it cannot hold the picture.
    """
    name = os.fspath(path)
    extension = Path(name).suffix.lower()
    if extension not in _FORMATS:
        raise OutputError(f"{name}: unknown extension {extension!r}, not one of {', '.join(_FORMATS)}")
    file_format = _FORMATS[extension]
    limit = _LONGEST_SIDE.get(file_format)
    if limit is not None and max(width, height) > limit:
        raise OutputError(f"{name}: {width} x {height} pixels; {file_format} ends at {limit} on each side")
    return file_format


def to_planes(pixels: Bytes) -> Bytes:
    """Interleaved samples uint8 [H, W, 3] as planes uint8 [3, H, W]."""
    planes: Bytes = _native.to_planes(np.ascontiguousarray(pixels))
    return planes


def halve(planes: Bytes) -> Bytes:
    """Planes uint8 [C, H, W] at half the size, rounded up: uint8 [C, ceil(H/2), ceil(W/2)].

    Each sample is the mean of 2x2, rounded to nearest with halves up, or of those that exist at an odd edge.
    """
    halves: Bytes = _native.halve(np.ascontiguousarray(planes))
    return halves


class _PillowLimit:
    """Lifts Pillow's limit on pixels, one for the whole process, as long as any thread is inside."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._saved: int | None = None

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._saved, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                Image.MAX_IMAGE_PIXELS = self._saved


_pillow_limit = _PillowLimit()


@contextmanager
def _read_errors(path: PathLike) -> Iterator[None]:
    """Turns whatever goes wrong with a file into one line that names it."""
    try:
        yield
    except Exception as error:  # on damaged files Pillow's plugins raise errors of every kind
        raise PictureError(f"{os.fspath(path)}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    match error:
        case SmartSplatError():
            return str(error)
        case FileNotFoundError():
            return "there is no such file"
        case IsADirectoryError():
            return "is a folder, not a file"
        case UnidentifiedImageError():
            return "is not a picture of a known kind"
        case MemoryError():
            return "there is not enough memory to decode it"
    return f"cannot be read: {one_line(error)}"


@contextmanager
def _write_errors(path: PathLike) -> Iterator[None]:
    """The same for what Pillow raises on saving; `atomic_write` takes care of the system's errors."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OutputError(f"{os.fspath(path)}: cannot be written: {one_line(error)}") from error


def _coding_options(file_format: str, quality: int | None) -> dict[str, Any]:
    match file_format:
        case "JPEG":
            return {"quality": 95, "subsampling": 0} if quality is None else {"quality": quality}
        case "WEBP":
            # Without loss, quality means effort: 80 takes four times as long as 0 to save 0.2 % of the bytes.
            return {"lossless": True, "quality": 0} if quality is None else {"quality": quality}
        case "PNG":
            return {"compress_level": 3}
    return {}


def _upright_pixels(image: Image.Image, background: Colour | None) -> Bytes:
    """The loaded picture as uint8 [H, W, 3], converted part by part straight to where it belongs."""
    orientation = read_orientation(image)
    width, height = image.size
    pixels = np.empty((width, height, 3) if orientation >= 5 else (height, width, 3), np.uint8)
    stored = _as_stored(pixels, orientation)
    convert = converter(image)
    rows = max(1, _PART // width)
    for top in range(0, height, rows):
        part = image.crop((0, top, width, min(top + rows, height)))
        stored[top : top + rows] = without_alpha(convert(part), background)
    return pixels


def _as_stored(upright: Bytes, orientation: int) -> Bytes:
    """A view of upright pixels [H, W, 3] in the order in which a file of that orientation stores them."""
    order = upright.transpose(1, 0, 2) if orientation >= 5 else upright
    vertical = -1 if orientation in (3, 4, 6, 7) else 1
    horizontal = -1 if orientation in (2, 3, 7, 8) else 1
    return order[::vertical, ::horizontal]


def _opaque_pixels(samples: NDArray[Any], background: Colour | None) -> Bytes:
    height, width = samples.shape[:2]
    pixels = np.empty((height, width, 3), np.uint8)
    rows = max(1, _PART // width)
    for top in range(0, height, rows):
        pixels[top : top + rows] = without_alpha(to_bytes(samples[top : top + rows]), background)
    return pixels
