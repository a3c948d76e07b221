"""Crops side by side on one sheet: the original, each method, and below each its error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from smartsplat.bench.interface import Pixels
from smartsplat.pictures.differences import ERROR_GAIN, error_picture

SIDE = 256
"""Crops that are smaller are enlarged by a whole number to about that, px."""

GAP, LINE = 6, 18
"""Between panels, and of a line of text, px."""

NOTHING = "#c0c0c0"
"""Where there is no picture."""


@dataclass(frozen=True)
class Panel:
    """What a method made of a crop.

    Attributes:
        method: its name.
        quality: a word on it, of the whole picture.
        crop: uint8 [h, w, 3], None if there is none.
    """

    method: str
    quality: str
    crop: Pixels | None


@dataclass(frozen=True)
class Strip:
    """A crop of the original, uint8 [h, w, 3], and what each method made of it."""

    title: str
    original: Pixels
    panels: Sequence[Panel]


def draw_sheet(strips: Sequence[Strip]) -> Pixels:
    """The sheet, uint8 [H, W, 3]; at least one strip."""
    drawn = [_draw_strip(strip) for strip in strips]
    size = max(strip.width for strip in drawn), sum(strip.height for strip in drawn)
    sheet = Image.new("RGB", size, "white")
    top = 0
    for strip in drawn:
        sheet.paste(strip, (0, top))
        top += strip.height
    return np.asarray(sheet)


def _draw_strip(strip: Strip) -> Image.Image:
    """A line of text, crops, two lines of text under each, errors."""
    factor = max(1, SIDE // max(strip.original.shape[:2]))
    height, width = (side * factor for side in strip.original.shape[:2])
    columns = 1 + len(strip.panels)
    wide, high = max(width, 150) + GAP, 2 * height + 3 * LINE + 2 * GAP
    image = Image.new("RGB", (columns * wide, high), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(13)
    draw.text((2, 1), strip.title, fill="black", font=font)
    crops, words, errors = LINE, LINE + height, 3 * LINE + height
    image.paste(_enlarged(strip.original, factor), (0, crops))
    draw.text((2, words + 1), f"original; errors below x {ERROR_GAIN}", fill="black", font=font)
    for column, panel in enumerate(strip.panels, 1):
        left = column * wide
        draw.text((left + 2, words + 1), panel.method, fill="black", font=font)
        draw.text((left + 2, words + LINE + 1), panel.quality[:30], fill="black", font=font)
        if panel.crop is None:
            draw.rectangle((left, crops, left + width - 1, crops + height - 1), fill=NOTHING)
            continue
        image.paste(_enlarged(panel.crop, factor), (left, crops))
        image.paste(_enlarged(error_picture(strip.original, panel.crop), factor), (left, errors))
    return image


def _enlarged(pixels: Pixels, factor: int) -> Image.Image:
    """Each pixel as a square."""
    return Image.fromarray(np.ascontiguousarray(pixels.repeat(factor, axis=0).repeat(factor, axis=1)))


def most_detailed(pixels: Pixels, side: int) -> tuple[int, int, int, int]:
    """The square with the greatest sum of differences between neighbours, among those half a side apart.

    Args:
        pixels: uint8 [H, W, 3].
        side: of the square, px; where the picture is smaller, all of it along that axis.

    Returns:
        x, y, width and height, px.
    """
    grey = pixels.mean(axis=2, dtype=np.float32)
    detail = np.zeros(grey.shape, np.float64)
    detail[:-1] += np.abs(np.diff(grey, axis=0))
    detail[:, :-1] += np.abs(np.diff(grey, axis=1))
    sums = np.pad(detail.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    height, width = min(side, grey.shape[0]), min(side, grey.shape[1])
    places = [
        (y, x) for y in _starts(grey.shape[0], height) for x in _starts(grey.shape[1], width)
    ]  # fmt: skip

    def within(y: int, x: int) -> float:
        return float(sums[y + height, x + width] - sums[y, x + width] - sums[y + height, x] + sums[y, x])

    y, x = max(places, key=lambda place: within(*place))
    return x, y, width, height


def _starts(length: int, side: int) -> list[int]:
    """Where squares begin along an axis, the last at its end."""
    return sorted({*range(0, length - side + 1, max(1, side // 2)), length - side})
