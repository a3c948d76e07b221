"""A picture as RGB of 8 or 16 bits with or without alpha, from arrays and as a picture of Pillow."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from smartsplat.errors import PictureError, PictureWarning, one_line
from smartsplat.pictures.limits import pixel_limit
from smartsplat.pictures.metadata import Metadata, save_options
from smartsplat.pictures.samples import (
    Bytes,
    Samples,
    bands,
    flattened,
    greatest,
    is_neutral,
    parse_colour,
    parse_range,
    to_bytes,
    to_samples,
)
from smartsplat.scratch import MEMORY, Scratch

DEFAULT_MAX_PIXELS = 400_000_000
"""Pictures of more pixels are refused unless asked for: 16384 x 16384 and a half; they decode to 1.2 GB."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as RGB, upright.

    Attributes:
        pixels: uint8 or uint16 [H, W, 3], C-contiguous. Their colours are not multiplied with alpha.
        grey: whether it came as a grey picture, so that its three channels are equal.
        metadata: its colour profile, EXIF and so on.
        name: what messages call it.
        remarks: what was wrong with its file, each the end of a line that begins with the name.
        alpha: [H, W] of the same type, if not all pixels are opaque.
        bits: of a sample before it came here, 8 to 16; the pixels are uint16 if there were more than 8.
    """

    pixels: Samples
    grey: bool
    metadata: Metadata
    name: str = "<array>"
    remarks: tuple[str, ...] = ()
    alpha: Samples | None = None
    bits: int = 8

    @property
    def height(self) -> int:
        """Height, px."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Width, px."""
        return int(self.pixels.shape[1])

    def with_alpha(self) -> Samples:
        """The pixels [H, W, 3], or [H, W, 4] with alpha."""
        if self.alpha is None:
            return self.pixels
        return np.concatenate([self.pixels, self.alpha[:, :, None]], axis=2)

    def opaque_bytes(self) -> Bytes:
        """The pixels as uint8 [H, W, 3], for what has neither more bits nor alpha.

        Raises:
            PictureError: some are transparent.
        """
        if self.alpha is not None:
            raise PictureError(f"{self.name}: has transparent pixels; give a colour to flatten them onto")
        return to_bytes(self.pixels)


def from_array(
    array: object, *, max_pixels: int = DEFAULT_MAX_PIXELS, flatten: str | None = None,
    value_range: tuple[float, float] | None = None, scratch: Scratch = MEMORY,
) -> Picture:  # fmt: skip
    """A picture of an array, which is not copied if it is C-contiguous uint8 or uint16 [H, W, 3].

    Args:
        array: [H, W] or [H, W, 1] grey, [H, W, 2] grey and alpha, [H, W, 3] RGB, [H, W, 4] RGB and alpha (not
            multiplied with it); uint8, uint16, or floats, which become 16 bits. What gives such an array by
            ``__array__`` or ``__array_interface__`` will do.
        max_pixels: pictures of more pixels are refused before anything is converted.
        flatten: colour to composite transparent pixels over, anything ``PIL.ImageColor.getrgb`` understands.
        value_range: what floats are black and full intensity (and transparent and opaque).
        scratch: where large arrays lie.

    Raises:
        PictureError: if the array is of another shape or type, masked, too large or has no pixels, has floats
            and there is no range or some lie outside it, or `flatten` is not a colour.
        ValueError: if `max_pixels` is not a whole number from 1 on.
    """
    limit, background, floats = pixel_limit(max_pixels), parse_colour(flatten), parse_range(value_range)
    samples = _samples(array)
    check_size(samples.shape[1], samples.shape[0], limit)
    if samples.dtype in (np.uint8, np.uint16) and samples.shape[2] == 3:
        scratch.note(samples)
        return Picture(np.ascontiguousarray(samples), False, Metadata(), bits=8 * samples.dtype.itemsize)
    grey = samples.shape[2] == 1 or (samples.shape[2] == 2 and is_neutral(background))
    pixels = Assembly(samples.shape[0], samples.shape[1], scratch=scratch)
    for top, bottom in bands(samples.shape[1], samples.shape[0]):
        pixels.add(top, flattened(to_samples(samples[top:bottom], floats), background))
    return pixels.picture(grey, Metadata())


class Assembly:
    """A picture that is put together from bands of samples, of whatever channels they have.

    Args:
        height: of the picture as its bands come, px.
        width: likewise.
        orientation: of EXIF, 1 to 8, in which the bands come; the picture is upright.
        scratch: where it will lie.
    """

    def __init__(self, height: int, width: int, orientation: int = 1, scratch: Scratch = MEMORY) -> None:
        self._scratch = scratch
        self._shape = (width, height) if orientation >= 5 else (height, width)
        self._orientation = orientation
        self._pixels: Samples | None = None
        self._alpha: Samples | None = None

    def add(self, top: int, samples: Samples) -> None:
        """Puts samples [h, W, 1 to 4] at rows from ``top`` on."""
        if self._pixels is None:
            self._pixels = self._scratch.empty((*self._shape, 3), samples.dtype)
        rows = slice(top, top + len(samples))
        colours = samples.shape[2] - (samples.shape[2] + 1) % 2
        _as_stored(self._pixels, self._orientation)[rows] = samples[:, :, :colours]
        if samples.shape[2] % 2 == 0:
            self._add_alpha(rows, samples[:, :, -1])

    def _add_alpha(self, rows: slice, alpha: Samples) -> None:
        opaque = greatest(alpha)
        if self._alpha is None:
            if alpha.min() == opaque:
                return
            self._alpha = self._scratch.empty(self._shape, alpha.dtype)
            self._alpha[...] = opaque
        _as_stored(self._alpha, self._orientation)[rows] = alpha

    def picture(self, grey: bool, metadata: Metadata, remarks: tuple[str, ...] = (), bits: int = 16) -> Picture:
        """The picture; ``bits`` of a sample if they are more than 8."""
        assert self._pixels is not None
        bits = 8 if self._pixels.dtype == np.uint8 else bits
        return Picture(self._pixels, grey, metadata, remarks=remarks, alpha=self._alpha, bits=bits)


def _as_stored(upright: NDArray[Any], orientation: int) -> NDArray[Any]:
    """A view of upright pixels [H, W, ...] in the order in which a file of that orientation stores them."""
    order = upright.swapaxes(0, 1) if orientation >= 5 else upright
    vertical = -1 if orientation in (3, 4, 6, 7) else 1
    horizontal = -1 if orientation in (2, 3, 7, 8) else 1
    return order[::vertical, ::horizontal]


def to_pil(pixels: Samples, metadata: Metadata = Metadata()) -> Image.Image:  # noqa: B008 (immutable)
    """Pixels as a picture of Pillow, as if opened from a file that `writing.save` wrote.

    Args:
        pixels: [H, W] grey, [H, W, 2] grey and alpha, [H, W, 3] RGB or [H, W, 4] RGB and alpha; uint8, or uint16,
            which Pillow has for grey alone, so that others are rounded to 8 bits.
        metadata: becomes entries of ``info``, the profile if it fits the colour space of the pixels; what is None
            is not there.

    Returns:
        A picture of mode L, LA, RGB, RGBA or I;16.

    Raises:
        ValueError: if the pixels have another shape or type.
    """
    check_pixels(pixels)
    image = Image.fromarray(pixels if pixels.ndim == 2 else to_bytes(pixels))
    image.info.update(save_options(metadata, "PNG", grey=channels_of(pixels) < 3))
    return image


def channels_of(pixels: NDArray[Any]) -> int:
    """Of pixels [H, W] or [H, W, C]."""
    return 1 if pixels.ndim == 2 else int(pixels.shape[2])


def with_metadata(picture: Picture, kept: Collection[str]) -> Picture:
    """A picture with those kinds of its metadata alone; warns of what of them is lost.

    Args:
        picture: any.
        kept: of ``smartsplat.pictures.metadata.KINDS``.
    """
    metadata = picture.metadata.only(kept)
    if metadata.lost:
        names = " and ".join(metadata.lost)
        warnings.warn(f"{picture.name}: its {names} will not be kept", PictureWarning, stacklevel=3)
    return replace(picture, metadata=metadata)


def check_pixels(pixels: NDArray[Any]) -> None:
    """Refuses, by a ValueError, what is not uint8 or uint16 [H, W] or [H, W, 2 to 4] with at least one pixel."""
    shaped = pixels.ndim == 2 or (pixels.ndim == 3 and 2 <= pixels.shape[2] <= 4)
    if pixels.dtype not in (np.uint8, np.uint16) or pixels.size == 0 or not shaped:
        raise ValueError(
            f"pixels must be uint8 or uint16 [H, W] or [H, W, 2 to 4], not {pixels.dtype} {list(pixels.shape)}"
        )


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
