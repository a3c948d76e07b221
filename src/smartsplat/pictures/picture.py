"""A picture as 8-bit RGB, from arrays and as a picture of Pillow."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from smartsplat.errors import PictureError, PictureWarning, one_line
from smartsplat.pictures.limits import pixel_limit
from smartsplat.pictures.metadata import Metadata, save_options
from smartsplat.pictures.samples import Bytes, Colour, bands, is_neutral, parse_colour, to_bytes, without_alpha

DEFAULT_MAX_PIXELS = 400_000_000
"""Pictures of more pixels are refused unless asked for: 16384 x 16384 and a half; they decode to 1.2 GB."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as 8-bit RGB, upright.

    Attributes:
        pixels: uint8 [H, W, 3], C-contiguous.
        grey: whether it came as a grey picture, so that its three channels are equal.
        metadata: its colour profile and EXIF.
        name: what messages call it.
        remarks: what was wrong with its file, each the end of a line that begins with the name.
    """

    pixels: Bytes
    grey: bool
    metadata: Metadata
    name: str = "<array>"
    remarks: tuple[str, ...] = ()

    @property
    def height(self) -> int:
        """Height, px."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Width, px."""
        return int(self.pixels.shape[1])


def from_array(array: object, *, max_pixels: int = DEFAULT_MAX_PIXELS, flatten: str | None = None) -> Picture:
    """A picture of an array, which is not copied if it is C-contiguous uint8 [H, W, 3].

    Args:
        array: [H, W] or [H, W, 1] grey, [H, W, 2] grey and alpha, [H, W, 3] RGB, [H, W, 4] RGB and alpha;
            uint8, uint16 (divided by 257 and rounded), or floats in [0, 1]. What gives such an array by
            ``__array__`` or ``__array_interface__`` will do.
        max_pixels: pictures of more pixels are refused before anything is converted.
        flatten: colour to composite transparent pixels over, anything ``PIL.ImageColor.getrgb`` understands.

    Raises:
        PictureError: if the array is of another shape or type, masked, too large or has no pixels, has floats
            outside [0, 1] or transparent pixels and `flatten` is None, or `flatten` is not a colour.
        ValueError: if `max_pixels` is not a whole number from 1 on.
    """
    limit, background = pixel_limit(max_pixels), parse_colour(flatten)
    samples = _samples(array)
    check_size(samples.shape[1], samples.shape[0], limit)
    if samples.dtype == np.uint8 and samples.shape[2] == 3:
        return Picture(np.ascontiguousarray(samples), False, Metadata())
    grey = samples.shape[2] == 1 or (samples.shape[2] == 2 and is_neutral(background))
    return Picture(_opaque_pixels(samples, background), grey, Metadata())


def to_pil(pixels: Bytes, metadata: Metadata = Metadata()) -> Image.Image:  # noqa: B008 (immutable)
    """Pixels as a picture of Pillow, as if opened from a file that `writing.save` wrote.

    Args:
        pixels: uint8 [H, W, 3] RGB or [H, W] grey.
        metadata: becomes ``info["icc_profile"]``, if the profile fits the colour space of the pixels, and
            ``info["exif"]``; what is None is not there.

    Returns:
        A picture of mode RGB or L.

    Raises:
        ValueError: if the pixels have another shape or type.
    """
    check_pixels(pixels)
    image = Image.fromarray(pixels)
    image.info.update(save_options(metadata, "PNG", grey=pixels.ndim == 2))
    return image


def with_metadata(picture: Picture, *, icc: bool, exif: bool) -> Picture:
    """A picture without what is not wanted of its metadata; warns of what is and is lost."""
    metadata = picture.metadata
    if exif and metadata.lost:
        names = " and ".join(metadata.lost)
        warnings.warn(f"{picture.name}: its {names} will not be kept", PictureWarning, stacklevel=3)
    kept = Metadata(metadata.icc if icc else None, metadata.exif if exif else None)
    return replace(picture, metadata=kept)


def check_pixels(pixels: Bytes) -> None:
    """Refuses, by a ValueError, what is not uint8 [H, W, 3] or [H, W] with at least one pixel."""
    if pixels.dtype != np.uint8 or pixels.size == 0 or pixels.shape[2:] not in ((), (3,)) or pixels.ndim < 2:
        raise ValueError(f"pixels must be uint8 [H, W, 3] or [H, W], not {pixels.dtype} {list(pixels.shape)}")


def check_size(width: int, height: int, limit: int) -> None:
    """Refuses, by a PictureError, sizes without pixels or with more than the limit."""
    if width < 1 or height < 1:
        raise PictureError(f"{width} x {height} pixels are no picture")
    if width * height > limit:
        raise PictureError(f"{width} x {height} pixels are beyond the limit of {limit}")


def _samples(array: object) -> NDArray[Any]:
    """What stands for an array as [H, W, 1 to 4], of any type and perhaps empty."""
    if isinstance(array, np.ma.MaskedArray):
        raise PictureError("a masked array, whose mask would be lost; fill it first (array.filled(0))")
    try:
        samples = np.asarray(array)
    except Exception as error:  # whatever other libraries raise, for arrays on another device for one
        raise PictureError(f"the {type(array).__name__} gives no array: {one_line(error)}") from error
    if samples.ndim not in (2, 3) or (samples.ndim == 3 and not 1 <= samples.shape[2] <= 4):
        raise PictureError(f"an array {list(samples.shape)} is no picture; [H, W] or [H, W, 1 to 4] is")
    return samples[:, :, None] if samples.ndim == 2 else samples


def _opaque_pixels(samples: NDArray[Any], background: Colour | None) -> Bytes:
    height, width = samples.shape[:2]
    pixels = np.empty((height, width, 3), np.uint8)
    for top, bottom in bands(width, height):
        pixels[top:bottom] = without_alpha(to_bytes(samples[top:bottom]), background)
    return pixels
