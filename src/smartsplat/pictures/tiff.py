"""TIFF files that Pillow misreads: white as zero in deep greys, 12 bits, planes of 16 bits."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from smartsplat.errors import PictureError
from smartsplat.pictures.samples import Bytes, Converter, to_bytes

_BITS, _COMPRESSION, _PHOTOMETRIC, _PLANAR, _EXTRA, _SAMPLE_FORMAT, _SUBSAMPLING = 258, 259, 262, 284, 338, 339, 530

_WHITE_IS_ZERO, _YCBCR = 0, 6
_SIGNED = 2
_PREMULTIPLIED = 1

_COLOURS = {0: "white is zero", 1: "grey", 2: "RGB", 3: "palette", 4: "mask", 5: "CMYK", 6: "YCbCr", 8: "Lab", 9: "Lab",
            32803: "colour filter array", 34892: "linear raw"}  # fmt: skip
_KINDS = {1: "unsigned", 2: "signed", 3: "float"}


def is_misread(image: Image.Image) -> bool:
    """Whether Pillow would load an open picture otherwise than `prepare` has it."""
    tags = _tags(image)
    return tags.get(_PLANAR) == 2 and tags.get(_COMPRESSION, 1) == 1 and max(_numbers(tags, _BITS, 1)) == 16


def prepare(image: Image.Image) -> None:
    """Has the planes of 16 bits of an open picture, not yet loaded, taken for what they are.

    Raises:
        PictureError: if the picture is of a kind whose pixels Pillow gets wrong, and that cannot be helped.
    """
    check(image)
    tags = _tags(image)
    if not is_misread(image) or image.mode not in ("RGB", "RGBA", "CMYK"):
        return
    if _PREMULTIPLIED in _numbers(tags, _EXTRA, 0):
        raise PictureError("a TIFF of premultiplied planes of 16 bits is not supported")
    order = "L" if tags.prefix == b"II" else "B"
    image.tile = [  # type: ignore[attr-defined]
        tile._replace(args=(f"{tile.args[0]};16{order}", *tile.args[1:]))
        for tile in image.tile  # type: ignore[attr-defined]
    ]


def check(image: Image.Image) -> None:
    """Refuses, by a PictureError, an open picture whose pixels Pillow gets wrong where that cannot be helped."""
    tags = _tags(image)
    if image.mode == "L" and _SIGNED in _numbers(tags, _SAMPLE_FORMAT, 1):  # taken for unsigned
        raise PictureError("a TIFF of signed integers of 8 bits is not supported")
    uncompressed = tags.get(_COMPRESSION, 1) == 1
    if uncompressed and tags.get(_PHOTOMETRIC) == _YCBCR and _numbers(tags, _SUBSAMPLING, 2, 2) != (1, 1):
        raise PictureError("an uncompressed TIFF of YCbCr with fewer samples of colour is not supported")


def check_loaded(image: Image.Image) -> None:
    """Refuses, likewise, one that Pillow has loaded or will load without `prepare`."""
    check(image)
    if is_misread(image) and image.mode in ("RGB", "RGBA", "CMYK"):
        raise PictureError("Pillow garbles planes of 16 bits when it loads them; give the file in place of the picture")


def converter(image: Image.Image) -> Converter | None:
    """How parts of a TIFF's greys of 12 bits or more become samples; None for other pictures and other greys."""
    if not hasattr(image, "tag_v2") or not (image.mode == "F" or image.mode.startswith("I;16")):
        return None
    tags = _tags(image)
    inverted = tags.get(_PHOTOMETRIC, _WHITE_IS_ZERO) == _WHITE_IS_ZERO
    if image.mode == "F":
        return _inverted_floats if inverted else None
    most = (1 << max(_numbers(tags, _BITS, 16))) - 1
    return lambda part: _greys(part, most, inverted=inverted)


def describe(data: bytes) -> str:
    """What samples a TIFF's first picture has, for a message; empty where that cannot be read."""
    import io

    try:
        tags = ImageFileDirectory_v2(data[:8])
        file = io.BytesIO(data)
        file.seek(tags.next)
        tags.load(file)
        bits, kinds = _numbers(tags, _BITS, 1), _numbers(tags, _SAMPLE_FORMAT, 1)
        colours = _COLOURS.get(tags.get(_PHOTOMETRIC, 0), "other colours")
        return f"{colours}, {len(bits)} x {bits[0]} bits, {_KINDS.get(kinds[0], 'other')}"
    except Exception:  # Pillow's parser lets through whatever damaged files provoke
        return ""


def _tags(image: Image.Image) -> ImageFileDirectory_v2:
    tags: ImageFileDirectory_v2 = image.tag_v2  # type: ignore[attr-defined]
    return tags


def _numbers(tags: ImageFileDirectory_v2, tag: int, *otherwise: int) -> tuple[int, ...]:
    value: Any = tags.get(tag, otherwise)
    return value if isinstance(value, tuple) else (value,)


def _inverted_floats(part: Image.Image) -> Bytes:
    return to_bytes(np.float32(1) - np.asarray(part))[:, :, None]


def _greys(part: Image.Image, most: int, *, inverted: bool) -> Bytes:
    """Integers from 0 to `most` as 8 bits, rounded to nearest."""
    values = np.asarray(part).astype(np.uint32)
    values = most - values if inverted else values
    grey: Bytes = ((values * 255 + most // 2) // most).astype(np.uint8)
    return grey[:, :, None]
