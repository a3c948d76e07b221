"""TIFF files that Pillow misreads: white as zero in deep greys, 12 bits, planes of 16 bits."""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from smartsplat.errors import PictureError
from smartsplat.pictures import deep
from smartsplat.pictures.samples import Converter, Range, Samples, to_samples

_BITS, _COMPRESSION, _PHOTOMETRIC, _PLANAR, _EXTRA, _SAMPLE_FORMAT, _SUBSAMPLING = 258, 259, 262, 284, 338, 339, 530

_INKS, _COEFFICIENTS, _BLACK_AND_WHITE = 332, 529, 532

_WHITE_IS_ZERO, _YCBCR = 0, 6
_CMYK = 1
_SIGNED = 2
_PREMULTIPLIED = 1

_COLOURS = {0: "white is zero", 1: "grey", 2: "RGB", 3: "palette", 4: "mask", 5: "CMYK", 6: "YCbCr", 8: "Lab", 9: "Lab",
            32803: "colour filter array", 34892: "linear raw"}  # fmt: skip
_KINDS = {1: "unsigned", 2: "signed", 3: "float"}


_NATIVE = {"F;32BF": "F;32NF", "I;32BS": "I;32NS", "I;16BS": "I;16NS"}
"""Layouts in which Pillow takes compressed samples, which libtiff gives in the machine's order, for big-endian."""


def is_misread(image: Image.Image) -> bool:
    """Whether Pillow would load an open picture, not yet loaded, otherwise than `prepare` has it."""
    return _has_deep_planes(image) or _has_swapped_samples(image) or deep.is_deep(image)


def _has_swapped_samples(image: Image.Image) -> bool:
    return any(tile[0] == "libtiff" and tile[3][0] in _NATIVE for tile in image.tile)  # type: ignore[attr-defined]


def _has_deep_planes(image: Image.Image) -> bool:
    if image.mode not in ("RGB", "RGBA", "CMYK"):
        return False
    tags = _tags(image)
    return tags.get(_PLANAR) == 2 and tags.get(_COMPRESSION, 1) == 1 and max(_numbers(tags, _BITS, 1)) == 16


def prepare(image: Image.Image) -> None:
    """Has the samples of an open picture, not yet loaded, taken for what they are.

    Raises:
        PictureError: if the picture is of a kind whose pixels Pillow gets wrong, and that cannot be helped.
    """
    check(image)
    if _has_swapped_samples(image):
        deep.rename_layouts(image, lambda name: _NATIVE.get(name, name))
    if not _has_deep_planes(image):
        return
    tags = _tags(image)
    if image.mode == "CMYK" or _PREMULTIPLIED in _numbers(tags, _EXTRA, 0):
        raise PictureError("a TIFF of CMYK or premultiplied colours in planes of 16 bits is not supported")
    order = "L" if tags.prefix == b"II" else "B"
    deep.rename_layouts(image, lambda name: f"{name};16{order}")
    deep.mark_planes(image)


def check(image: Image.Image) -> None:
    """Refuses, by a PictureError, an open picture whose pixels Pillow gets wrong where that cannot be helped."""
    tags = _tags(image)
    bits = max(_numbers(tags, _BITS, 1))
    if image.mode in ("L", "I") and bits <= 16 and _SIGNED in _numbers(tags, _SAMPLE_FORMAT, 1):  # taken for unsigned
        raise PictureError(f"a TIFF of signed integers of {bits} bits is not supported")
    if image.mode in ("LA", "La") and tags.get(_PLANAR) == 2:  # a compressed alpha would be lost
        raise PictureError("a TIFF of grey and alpha in planes is not supported")
    if image.mode == "LAB" and tags.get(_PLANAR) == 2:
        raise PictureError("a TIFF of Lab in planes is not supported")
    if image.mode == "CMYK" and tags.get(_INKS, _CMYK) != _CMYK:
        raise PictureError("a TIFF of other inks than those of CMYK is not supported")
    if tags.get(_PHOTOMETRIC) == _YCBCR and tags.get(_COMPRESSION, 1) == 1:  # libtiff reads compressed ones right
        _check_ycbcr(tags)


def _check_ycbcr(tags: ImageFileDirectory_v2) -> None:
    if _numbers(tags, _SUBSAMPLING, 2, 2) != (1, 1):
        raise PictureError("an uncompressed TIFF of YCbCr with fewer samples of colour is not supported")
    for tag, usual in ((_COEFFICIENTS, (0.299, 0.587, 0.114)), (_BLACK_AND_WHITE, (0, 255, 128, 255, 128, 255))):
        found = [float(value) for value in _numbers(tags, tag, *usual)]
        if len(found) != len(usual) or max(abs(a - b) for a, b in zip(found, usual, strict=True)) > 0.001:
            raise PictureError("an uncompressed TIFF of YCbCr other than JPEG's is not supported")


def check_loaded(image: Image.Image) -> None:
    """Refuses, likewise, one that Pillow has loaded or will load without `prepare`."""
    check(image)
    if _has_deep_planes(image):
        raise PictureError("Pillow garbles planes of 16 bits when it loads them; give the file in place of the picture")


def bits(image: Image.Image) -> int:
    """Of a sample of a loaded TIFF, as its tags have it."""
    return max(_numbers(_tags(image), _BITS, 1))


def converter(image: Image.Image, value_range: Range | None) -> Converter | None:
    """How parts of a TIFF's greys of 12 bits or more become samples; None for other pictures and other greys."""
    if not hasattr(image, "tag_v2") or not (image.mode == "F" or image.mode.startswith("I;16")):
        return None
    tags = _tags(image)
    inverted = tags.get(_PHOTOMETRIC, _WHITE_IS_ZERO) == _WHITE_IS_ZERO
    if image.mode == "F":
        return (lambda part: _inverted_floats(part, value_range)) if inverted else None
    most = (1 << max(_numbers(tags, _BITS, 16))) - 1
    return lambda part: _greys(part, most, inverted=inverted)


def describe(file: BinaryIO) -> str:
    """What samples a TIFF's first picture has, for a message; empty where that cannot be read."""
    try:
        file.seek(0)
        tags = ImageFileDirectory_v2(file.read(8))
        file.seek(tags.next)
        tags.load(file)
        bits, kinds = _numbers(tags, _BITS, 1), _numbers(tags, _SAMPLE_FORMAT, 1)
        colours = _COLOURS.get(tags.get(_PHOTOMETRIC, 0), "other colours")
        return f"{colours}, {len(bits)} x {bits[0]} bits, {_KINDS.get(kinds[0], 'other')}" + (
            ", in planes" if tags.get(_PLANAR) == 2 else ""
        )
    except Exception:  # Pillow's parser lets through whatever damaged files provoke
        return ""


def _tags(image: Image.Image) -> ImageFileDirectory_v2:
    tags: ImageFileDirectory_v2 = image.tag_v2  # type: ignore[attr-defined]
    return tags


def _numbers(tags: ImageFileDirectory_v2, tag: int, *otherwise: int) -> tuple[int, ...]:
    value: Any = tags.get(tag, otherwise)
    return value if isinstance(value, tuple) else (value,)


def _inverted_floats(part: Image.Image, value_range: Range | None) -> Samples:
    return 65535 - to_samples(np.asarray(part), value_range)[:, :, None]


def _greys(part: Image.Image, most: int, *, inverted: bool) -> Samples:
    """Integers from 0 to `most` as 16 bits, rounded to nearest."""
    values = np.asarray(part).astype(np.uint32)
    values = most - values if inverted else values
    grey = ((values * np.uint32(65535) + np.uint32(most // 2)) // np.uint32(most)).astype(np.uint16)
    return grey[:, :, None]
