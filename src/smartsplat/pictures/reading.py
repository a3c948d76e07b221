"""Pictures from wherever callers have them: files, their bytes, open files, arrays and pictures of Pillow."""

from __future__ import annotations

import io
import os
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from numpy.typing import NDArray
from PIL import Image, ImageFile

from smartsplat.errors import PictureError, PictureWarning, SmartSplatError, one_line, shown
from smartsplat.pictures import png, tiff
from smartsplat.pictures.bounded import received
from smartsplat.pictures.colours import code_of, profile_of, read_told
from smartsplat.pictures.deep import joined
from smartsplat.pictures.files import PathLike, Readable
from smartsplat.pictures.limits import pixel_limit
from smartsplat.pictures.metadata import read_metadata, read_orientation
from smartsplat.pictures.opening import Opened, is_misread, open_picture, reopened
from smartsplat.pictures.picture import DEFAULT_MAX_PIXELS, Assembly, Picture, check_size, from_array
from smartsplat.pictures.samples import (
    Colour,
    Converter,
    Range,
    bands,
    converter,
    flattened,
    is_grey,
    is_neutral,
    opaque_if_void,
    parse_colour,
    parse_range,
)
from smartsplat.pictures.unloaded import upright
from smartsplat.scratch import MEMORY, Scratch


class SupportsArray(Protocol):
    """What gives an array, such as a tensor of another library; ``__array_interface__`` will do, too."""

    def __array__(self) -> NDArray[Any]:
        """The array."""


Source = PathLike | bytes | bytearray | memoryview | Readable | NDArray[Any] | SupportsArray | Image.Image
"""Whatever `read` takes."""

_FILE_BUFFER = 1 << 16  # bytes asked of a caller's file at least, each time


@dataclass(frozen=True)
class Way:
    """How samples are converted.

    Attributes:
        background: of transparent pixels; None keeps their alpha.
        value_range: of floats.
        scratch: where large arrays lie.
    """

    background: Colour | None
    value_range: Range | None
    scratch: Scratch = MEMORY


def read(
    source: Source, *, max_pixels: int = DEFAULT_MAX_PIXELS, flatten: str | None = None,
    value_range: tuple[float, float] | None = None, scratch: Scratch = MEMORY,
) -> Picture:  # fmt: skip
    """A picture of any source.

    Args:
        source: one of these:

            - the path of a picture file, see `load`;
            - the bytes of a picture file;
            - a file open in binary mode, read from its current position on; it stays open, its position left
              anywhere;
            - an array or what gives one, see `from_array`;
            - a picture of Pillow of any mode, opened from a file or not, treated as its file would be, at the
              frame where it stands. It is loaded, as any use of it would, and not changed otherwise.
        max_pixels: pictures of more pixels are refused before they are decoded or converted.
        flatten: colour to composite transparent pixels over, anything ``PIL.ImageColor.getrgb`` understands.
        value_range: what floats are black and full intensity.
        scratch: where large arrays lie, and what limits memory.

    Raises:
        PictureError: as `load` and `from_array`; if the source has no pixels, is closed, or open as text.
        OSError: if the file of a path cannot be opened.
        TypeError: if the source is none of these.
        ValueError: if `max_pixels` is not a whole number from 1 on.
    """
    if isinstance(source, (str, os.PathLike)):
        return load(source, max_pixels=max_pixels, flatten=flatten, value_range=value_range, scratch=scratch)
    if _is_array(source):
        return from_array(source, max_pixels=max_pixels, flatten=flatten, value_range=value_range, scratch=scratch)
    limit, way = pixel_limit(max_pixels), Way(parse_colour(flatten), parse_range(value_range), scratch)
    if isinstance(source, Image.Image):
        return _named(_image_name(source), lambda: _of_callers_image(source, limit, way))
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _named("<bytes>", lambda: _of_file(io.BytesIO(bytes(source)), limit, way))
    if callable(getattr(source, "read", None)):
        return _named(_file_name(source), lambda: _of_file(_from_here(cast(Readable, source), limit), limit, way))
    raise TypeError(
        "a picture is a path, the bytes of a picture file, a binary file, an array or a PIL image, "
        f"not {type(source).__name__}"
    )


def load(
    path: PathLike, *, max_pixels: int = DEFAULT_MAX_PIXELS, flatten: str | None = None,
    value_range: tuple[float, float] | None = None, scratch: Scratch = MEMORY,
) -> Picture:  # fmt: skip
    """Reads a picture file: PNG, JPEG, WebP, TIFF and what else Pillow opens; of several frames the first.

    EXIF orientation is applied. Samples of more than 8 bits become 16. Grey pictures get three equal channels;
    palettes, CMYK, YCbCr and Lab become RGB. An alpha channel is dropped if all of it is opaque.

    While it works, Pillow's own limit on pixels (``PIL.Image.MAX_IMAGE_PIXELS``) is lifted for all threads.

    Args:
        path: file to read.
        max_pixels: pictures of more pixels are refused before they are decoded.
        flatten: colour to composite transparent pixels over, anything ``PIL.ImageColor.getrgb`` understands.
        value_range: what floats are black and full intensity.
        scratch: where large arrays lie, and what limits memory.

    Raises:
        PictureError: if the file is not a picture, is damaged or too large, has floats that are outside the range or
            without one, or `flatten` is not a colour, or no file can have that name.
        OSError: if the file cannot be opened: FileNotFoundError, IsADirectoryError, PermissionError, ...
        ValueError: if `max_pixels` is not a whole number from 1 on.
    """
    limit, way = pixel_limit(max_pixels), Way(parse_colour(flatten), parse_range(value_range), scratch)
    name = shown(os.fsdecode(path))
    with _opened(path, name) as file:
        return _named(name, lambda: _of_file(file if file.seekable() else received(file, limit), limit, way))


def _opened(path: PathLike, name: str) -> BinaryIO:
    try:
        return Path(os.fsdecode(path)).open("rb")
    except ValueError as error:  # a name that no system takes, such as one with a null byte
        raise PictureError(f"{name}: cannot be opened: {one_line(error)}") from error


def _of_file(file: BinaryIO, limit: int, way: Way) -> Picture:
    return _of_opened(open_picture(file, limit, scratch=way.scratch), way)


def _of_opened(opened: Opened, way: Way) -> Picture:
    image = opaque_if_void(opened.image)
    kind_is_grey = is_grey(image) or png.is_raw_grey(image)
    grey = kind_is_grey and (is_neutral(way.background) or not image.has_transparency_data)
    profile, remark = profile_of(image, opened.told, grey=grey)
    metadata = read_metadata(image, profile, code_of(opened.told, profile), grey=grey)
    remarks = (*opened.remarks, *([remark] if remark else []))
    as_stored = upright(opened.rows, image)
    if as_stored is not None:
        return Picture(as_stored, grey, metadata, remarks=remarks)
    return _converted(opened, image, way).picture(grey, metadata, remarks, _bits(image))


def _of_callers_image(image: Image.Image, limit: int, way: Way) -> Picture:
    """The same for a picture that may have been closed, which Pillow says in other words for each kind of file."""
    check_size(image.width, image.height, limit)
    file: Any = getattr(image, "fp", None)
    is_open = file is not None and not getattr(file, "closed", False)
    if is_open and is_misread(image):
        return _of_opened(reopened(image, limit), way)
    if image.format == "TIFF" and hasattr(image, "tag_v2"):
        tiff.check_loaded(image)
    told = read_told(image, file) if is_open else None  # of others nobody knows any more
    try:
        _load_unmapped(image)
    except (ValueError, AssertionError, AttributeError) as error:
        if is_open:
            raise
        raise PictureError("is closed, and its pixels are gone") from error
    except OSError:
        if not is_open:
            raise
        return _of_opened(reopened(image, limit), way)
    return _of_opened(Opened(image, told), way)


def _load_unmapped(image: Image.Image) -> None:
    """Loads a picture without mapping its file into memory.

    Pillow would map raw TIFFs of a path, and some versions (13.0) exchange the sides of those that are turned.
    """
    if not isinstance(image, ImageFile.ImageFile) or not getattr(image, "filename", ""):
        image.load()
        return
    name, image.filename = image.filename, ""  # files without a name are not mapped
    try:
        image.load()
    finally:
        image.filename = name


def _is_array(source: object) -> bool:
    if isinstance(source, (bytes, Image.Image)):  # NumPy's bytes and pictures of Pillow give arrays, too
        return False
    return hasattr(source, "__array__") or hasattr(source, "__array_interface__")


def _image_name(image: Image.Image) -> str:
    name = getattr(image, "filename", None)
    return shown(os.fsdecode(name)) if isinstance(name, (str, bytes, os.PathLike)) and name else "<picture>"


def _file_name(file: object) -> str:
    name = getattr(file, "name", None)
    return shown(name) if isinstance(name, str) and name else "<file>"


def _from_here(file: Readable, limit: int) -> BinaryIO:
    """A caller's file as one that starts at its current position, and that Pillow can go back in."""
    if isinstance(file, io.TextIOBase):
        raise PictureError("is open as text; open it in binary mode")
    if not _says(file, "readable", otherwise=True):
        raise PictureError("is not open for reading")
    if _says(file, "seekable", otherwise=False):
        return io.BufferedReader(_Rest(cast(BinaryIO, file)), _FILE_BUFFER)
    return received(file, limit)


def _says(file: Readable, question: str, *, otherwise: bool) -> bool:
    """What a file answers, if it has that method."""
    method = getattr(file, question, None)
    return bool(method()) if callable(method) else otherwise


def _binary(data: object) -> bytes:
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise PictureError(f"gives {type(data).__name__}, not bytes; open it in binary mode")
    return bytes(data)


class _Rest(io.RawIOBase):
    """What follows a file's current position; closing it leaves the file open.

    It has no descriptor: that of a file that unpacks another one leads to the packed bytes, and Pillow would read
    them.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._start = file.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = _binary(self._file.read(len(buffer)))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = self._start if whence == os.SEEK_SET else 0
        return self._file.seek(start + offset, whence) - self._start


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


def _named(name: str, make: Callable[[], Picture]) -> Picture:
    """The picture that is made, with its name; warns of what was wrong with its file."""
    with _picture_errors(name), _pillow_limit:
        picture = make()
    for remark in picture.remarks:
        warnings.warn(f"{name}: {remark}", PictureWarning, stacklevel=4)
    return replace(picture, name=name)


@contextmanager
def _picture_errors(name: str) -> Iterator[None]:
    """Turns whatever goes wrong with a source into one line that names it."""
    try:
        yield
    except Exception as error:  # on damaged files Pillow's plugins raise errors of every kind
        raise PictureError(f"{name}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    match error:
        case SmartSplatError():
            return str(error)
        case MemoryError():
            return "there is not enough memory to decode it"
    return f"cannot be read: {one_line(error)}"


def _converted(opened: Opened, image: Image.Image, way: Way) -> Assembly:
    """The loaded picture, upright, converted part by part straight to where it belongs."""
    width, height = image.size
    pixels = Assembly(height, width, read_orientation(image), way.scratch)
    convert = _converter(image, way.value_range)
    for top, bottom in bands(width, height):
        if opened.rows is not None:
            pixels.add(top, opened.rows.read(top, bottom))
            continue
        box = (0, top, width, bottom)
        part = image.crop(box)
        if opened.low is None:
            samples = convert(part)
        else:
            samples = joined(part, opened.low.crop(box), opened.key, premultiplied=opened.premultiplied)
        pixels.add(top, flattened(samples, way.background))
    return pixels


def _converter(image: Image.Image, value_range: Range | None) -> Converter:
    if png.is_raw_grey(image):
        return png.raw_grey
    return tiff.converter(image, value_range) or converter(image, value_range)


def _bits(image: Image.Image) -> int:
    """Of a sample of a loaded picture that has more than 8."""
    bits = tiff.bits(image) if hasattr(image, "tag_v2") else 16
    return bits if 8 < bits < 16 else 16
