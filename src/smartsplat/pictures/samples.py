"""Samples of any kind as 8-bit RGB: bit depths, greys, palettes, other colour spaces, alpha."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor

from smartsplat.errors import PictureError
from smartsplat.pictures import icc

Bytes = NDArray[np.uint8]
"""8-bit samples."""

Colour = tuple[int, int, int]
"""An opaque colour, red, green and blue from 0 to 255."""

_BAND = 1 << 18  # pixels of a band, which bounds the memory beside the picture to some MB

Converter = Callable[[Image.Image], Bytes]
"""Makes samples uint8 [h, w, C] of a part of a picture: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha."""


def bands(width: int, height: int) -> Iterator[tuple[int, int]]:
    """First row and end of the bands in which a picture is converted, so that little memory is needed beside it."""
    rows = max(1, _BAND // width)
    for top in range(0, height, rows):
        yield top, min(top + rows, height)


def parse_colour(name: str | None) -> Colour | None:
    """The colour of a name or code such as ``white``, ``#fff`` or ``rgb(0, 10, 20)``; its alpha is ignored.

    Raises:
        PictureError: if ``PIL.ImageColor.getrgb`` does not know it.
    """
    if name is None:
        return None
    try:
        red, green, blue = (min(value, 255) for value in ImageColor.getrgb(name)[:3])
    except (ValueError, TypeError, AttributeError):  # the last two for what is no str
        raise PictureError(f"unknown colour {name!r}; use a name such as white, or #rrggbb") from None
    return red, green, blue


def is_neutral(colour: Colour | None) -> bool:
    """Whether greys over that background stay grey."""
    return colour is None or len(set(colour)) == 1


def to_bytes(samples: NDArray[Any]) -> Bytes:
    """Samples as 8 bits, rounded to nearest: integers of 16 bits divided by 257, floats in [0, 1] times 255.

    Raises:
        PictureError: if floats lie outside [0, 1] or are not numbers, or the type is none of these.
    """
    if samples.dtype == np.uint8:
        return samples
    if samples.dtype.type is np.uint16:
        return ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if samples.dtype.kind != "f":
        raise PictureError(f"samples of type {samples.dtype}, not uint8, uint16 or floats in [0, 1]")
    if not (samples.min() >= 0 and samples.max() <= 1):
        raise PictureError("float samples outside [0, 1]")
    rounded: Bytes = (samples * samples.dtype.type(255) + samples.dtype.type(0.5)).astype(np.uint8)
    return rounded


def without_alpha(samples: Bytes, background: Colour | None) -> Bytes:
    """Samples uint8 [h, w, 1 to 4] without their alpha, if any: uint8 [h, w, 1 or 3].

    Transparent pixels are composited over the background: (alpha c + (255 - alpha) b) / 255, rounded.

    Raises:
        PictureError: if a pixel is not opaque and there is no background.
    """
    channels = samples.shape[2]
    if channels % 2:
        return samples
    colours, alpha = samples[:, :, :-1], samples[:, :, -1:]
    if alpha.min() == 255:
        return colours
    if background is None:
        raise PictureError("has transparent pixels; give a colour to flatten them onto")
    weight = alpha.astype(np.uint32)
    blend = weight * colours + (255 - weight) * np.array(background, np.uint32)
    flat: Bytes = ((blend + 127) // 255).astype(np.uint8)
    return flat


def is_grey(image: Image.Image) -> bool:
    """Whether a picture is grey by its kind, whatever its pixels."""
    return image.mode in ("1", "L", "LA", "La", "I", "F") or image.mode.startswith("I;16")


def opaque_if_void(image: Image.Image) -> Image.Image:
    """A picture without its alpha where that is 0 everywhere and only pads: programs write such BMPs of 32 bits."""
    if image.format != "BMP" or image.mode != "RGBA" or image.getchannel("A").getextrema() != (0, 0):
        return image
    return image.convert("RGB")


def converter(image: Image.Image) -> Converter:
    """How parts of that picture become samples.

    Modes I and I;16 are taken for 16-bit, and F for floats in [0, 1]. CMYK goes through its own profile where
    there is one, and by inversion and multiplication where there is none.
    """
    if image.mode == "I" or image.mode.startswith("I;16"):
        key = image.info.get("transparency")
        return lambda part: _from_integers(np.asarray(part), key)
    if image.mode == "F":
        return lambda part: to_bytes(np.asarray(part))[:, :, None]
    managed = _colour_managed(image)
    if managed is not None:
        return managed
    mode = ("L" if is_grey(image) else "RGB") + ("A" if image.has_transparency_data else "")
    return lambda part: _three_dimensional(np.asarray(part.convert(mode)))


def _three_dimensional(samples: Bytes) -> Bytes:
    return samples if samples.ndim == 3 else samples[:, :, None]


def _from_integers(samples: NDArray[Any], key: object) -> Bytes:
    """Grey [h, w] of 16 bits, in whatever integers, and the one value that PNG may call transparent."""
    if samples.min() < 0 or samples.max() > 65535:
        raise PictureError("integer samples outside 0 to 65535")
    grey = to_bytes(samples.astype(np.uint16))
    if not isinstance(key, int):
        return grey[:, :, None]
    return np.stack([grey, np.where(samples == key, 0, 255).astype(np.uint8)], axis=2)


def _colour_managed(image: Image.Image) -> Converter | None:
    """CMYK to sRGB by the picture's profile; None where that does not apply or cannot be done."""
    profile = image.info.get("icc_profile")
    if image.mode != "CMYK" or not isinstance(profile, bytes) or icc.colour_space(profile) != "CMYK":
        return None
    from PIL import ImageCms

    try:  # some builds of Pillow have no colour management, which shows at the first use
        source, target = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
        transform = ImageCms.buildTransform(source, target, "CMYK", "RGB")
    except (ImportError, OSError, ImageCms.PyCMSError):
        return None
    return lambda part: _three_dimensional(np.asarray(transform.apply(part)))
