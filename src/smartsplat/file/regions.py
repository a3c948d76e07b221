"""Parts of a picture, as callers give them, and the view that shows one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from smartsplat import _native
from smartsplat.errors import PictureError
from smartsplat.model.numbers import two_sides
from smartsplat.model.view import View

Region = Sequence[float] | NDArray[Any]
"""x, y, width, height in px of the picture: four numbers of any type, in a sequence or an array."""


def region_from_box(box: Region) -> tuple[float, float, float, float]:
    """The region of a box as Pillow has them: left, upper, right and lower border, px.

    Raises:
        PictureError: these are not four numbers.
    """
    left, upper, right, lower = _four_numbers(box)
    return left, upper, right - left, lower - upper


def view_of(width: int, height: int, scale: float, region: Region | None) -> View:
    """The view of a region of a picture at a scale.

    Seen smaller, a pixel stands for the mean of 1 / scale^2 pixels; as far as the second moment goes, that is
    a blur of (1 - scale^2) / 12 px^2.

    Args:
        width: of the picture, px.
        height: likewise.
        scale: pixels of the view for each px, above 0; sides are rounded, and at least 1.
        region: None for all of the picture. Its borders may be off the picture by a rounding error.

    Raises:
        PictureError: the region is empty or not within the picture, or the view is too large for any machine.
    """
    numbers = None if region is None else _four_numbers(region)
    return View(*_native.view_of(width, height, numbers, _number(scale)))


def view_or_sized(width: int, height: int, scale: float, size: Any, region: Region | None) -> View:
    """``view_of``, or ``sized_view`` where there is a size.

    Raises:
        TypeError: the size is no whole number, nor two of them.
        ValueError: there is a scale as well.
    """
    if size is None:
        return view_of(width, height, scale, region)
    if scale != 1:
        raise ValueError("give a scale or a size, not both")
    return sized_view(width, height, two_sides(size), region)


def sized_view(width: int, height: int, size: tuple[int, int], region: Region | None) -> View:
    """The view of a region of a picture that has so many pixels; see ``view_of`` for the rest.

    Args:
        width: of the picture, px.
        height: likewise.
        size: pixels across and down. They may stretch the picture.
        region: None for all of the picture.

    Raises:
        ValueError: a side of the size is below 1.
    """
    if min(size) < 1:
        raise ValueError(f"a view has at least one pixel, not {size[0]} x {size[1]}")
    plain = view_of(width, height, 1.0, region)
    across, down = (width, height) if region is None else _four_numbers(region)[2:]
    zoom, aspect = size[0] / across, size[1] / down * across / size[0]
    least = min(1.0, zoom, zoom * aspect)
    return View(*size, zoom, plain.left, plain.top, (1 - least**2) / 12, aspect)


def _four_numbers(values: Any) -> tuple[float, float, float, float]:
    try:
        numbers = [_number(value) for value in values]
    except TypeError:
        numbers = []
    if len(numbers) != 4:
        raise PictureError(f"a region is four numbers, x, y, width and height, not {_shown(values)}")
    return numbers[0], numbers[1], numbers[2], numbers[3]


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise PictureError(f"not a number: {_shown(value)}") from None


def _shown(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else text[:77] + "..."
