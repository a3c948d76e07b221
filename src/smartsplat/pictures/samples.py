"""Samples of any kind as grey or RGB of 8 or 16 bits: bit depths, palettes, other colour spaces, alpha."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor

from smartsplat.errors import PictureError
from smartsplat.pictures import icc

Bytes = NDArray[np.uint8]
"""8-bit samples."""

Samples = NDArray[np.unsignedinteger[Any]]
"""Samples of 8 or 16 bits."""

Range = tuple[float, float]
"""What floats stand for black and for full intensity, the first below the second."""

Colour = tuple[int, int, int]
"""An opaque colour, red, green and blue from 0 to 255."""

_BAND = 1 << 18  # pixels of a band, which bounds the memory beside the picture to some MB

Converter = Callable[[Image.Image], Samples]
"""Makes samples [h, w, C] of a part of a picture: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha."""


def bands(width: int, height: int, step: int = 1) -> Iterator[tuple[int, int]]:
    """First row and end of the bands in which a picture is converted, so that little memory is needed beside it.

    All but the last have a multiple of ``step`` rows.
    """
    rows = max(1, _BAND // width // step) * step
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


def parse_range(value_range: object) -> Range | None:
    """A range as callers give it: two finite numbers, the first below the second.

    Raises:
        PictureError: it is none.
    """
    if value_range is None:
        return None
    try:
        low, high = (float(value) for value in value_range)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        low = high = math.nan
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise PictureError(f"a range is two numbers, the first below the second, not {value_range!r}")
    return low, high


def greatest(samples: NDArray[Any]) -> int:
    """That samples of the type can be: 255 or 65535."""
    return int(np.iinfo(samples.dtype).max)


def to_samples(samples: NDArray[Any], value_range: Range | None = None) -> Samples:
    """Integers of 8 and 16 bits as they are; floats as 16 bits, rounded to nearest.

    Args:
        samples: of any shape.
        value_range: what floats mean.

    Raises:
        PictureError: there are floats and no range, some lie outside it or are not numbers, or the type is none of
            these.
    """
    if samples.dtype == np.uint8:
        return samples
    if samples.dtype.type is np.uint16:
        return samples.astype(np.uint16, copy=False)
    if samples.dtype.kind != "f":
        raise PictureError(f"samples of type {samples.dtype}, not uint8, uint16 or floats")
    if value_range is None:
        raise PictureError("float samples need a range, black and white: --value-range 0,1 (value_range=(0, 1))")
    low, high = value_range
    if not (samples.min() >= low and samples.max() <= high):
        raise PictureError(f"float samples outside {low:g} to {high:g}")
    scaled = (samples.astype(np.float64) - low) * (65535 / (high - low))
    return (scaled + 0.5).astype(np.uint16)


def to_bytes(samples: Samples) -> Bytes:
    """Samples of 16 bits as 8 bits, divided by 257 and rounded to nearest; of 8 bits as they are."""
    if samples.dtype == np.uint8:
        return np.asarray(samples, np.uint8)
    return ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)


def flattened(samples: Samples, background: Colour | None) -> Samples:
    """Samples [h, w, 1 to 4] over a background, if there is one: (alpha c + (most - alpha) b) / most, rounded.

    What was grey and had alpha has three channels then, equal ones over a neutral background.
    """
    if samples.shape[2] % 2 or background is None:
        return samples
    most = greatest(samples)
    weight = samples[:, :, -1:].astype(np.uint64)
    below = np.array(background, np.uint64) * (most // 255)
    blend = weight * samples[:, :, :-1] + (most - weight) * below
    return np.asarray((blend + most // 2) // most, samples.dtype)


def is_grey(image: Image.Image) -> bool:
    """Whether a picture is grey by its kind, whatever its pixels."""
    return image.mode in ("1", "L", "LA", "La", "I", "F") or image.mode.startswith("I;16")


def opaque_if_void(image: Image.Image) -> Image.Image:
    """A picture without its alpha where that is 0 everywhere and only pads: programs write such BMPs of 32 bits."""
    if image.format != "BMP" or image.mode != "RGBA" or image.getchannel("A").getextrema() != (0, 0):
        return image
    return image.convert("RGB")


def converter(image: Image.Image, value_range: Range | None = None) -> Converter:
    """How parts of that picture become samples.

    Modes I and I;16 are taken for 16-bit, and F for floats of that range. CMYK goes through its own profile where
    there is one, and by inversion and multiplication where there is none.
    """
    if image.mode == "I" or image.mode.startswith("I;16"):
        key = image.info.get("transparency")
        return lambda part: _from_integers(np.asarray(part), key)
    if image.mode == "F":
        return lambda part: to_samples(np.asarray(part), value_range)[:, :, None]
    managed = _colour_managed(image)
    if managed is not None:
        return managed
    mode = ("L" if is_grey(image) else "RGB") + ("A" if image.has_transparency_data else "")
    return lambda part: _three_dimensional(np.asarray(part.convert(mode)))


def _three_dimensional(samples: Bytes) -> Bytes:
    return samples if samples.ndim == 3 else samples[:, :, None]


def _from_integers(samples: NDArray[Any], key: object) -> Samples:
    """Grey [h, w] of 16 bits, in whatever integers, and the one value that PNG may call transparent."""
    if samples.min() < 0 or samples.max() > 65535:
        raise PictureError("integer samples outside 0 to 65535")
    grey = samples.astype(np.uint16)
    if not isinstance(key, int):
        return grey[:, :, None]
    return np.stack([grey, np.where(samples == key, 0, 65535).astype(np.uint16)], axis=2)


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
