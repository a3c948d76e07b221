"""Splats as pictures: their outlines, and how many lie where."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from smartsplat.model.splats import Splats
from smartsplat.reporting.reducing import Pixels, Size

MOST_OUTLINES = 20_000
"""More are not told apart, and take seconds to draw."""

_CORNERS = (8, 16, 36)
_PIXELS_PER_CORNER = 4.0

_RAMP = np.array([[13, 8, 60], [86, 15, 125], [187, 55, 84], [249, 142, 9], [252, 255, 164]], float)
"""From none to many: dark to bright, told apart in grey too."""


def outlines(splats: Splats, size: Size, scale: float, corner: tuple[float, float] = (0.0, 0.0)) -> Image.Image:
    """The ellipses at one standard deviation in the hue of their colours, on black, the longest first.

    Args:
        splats: which; of more than MOST_OUTLINES the largest.
        size: of the result.
        scale: its pixels for each px of the picture.
        corner: px of the picture that lie in the result's top left corner.
    """
    image = Image.new("RGB", size, "black")
    draw = ImageDraw.Draw(image)
    largest = np.argsort(-splats.scale.prod(axis=1), kind="stable")[:MOST_OUTLINES]
    around = 2 * np.pi * scale * splats.scale[largest].max(axis=1)
    classes = np.searchsorted(np.array(_CORNERS[:-1]) * _PIXELS_PER_CORNER, around)
    for k in reversed(range(len(_CORNERS))):
        chosen = largest[classes == k]
        lines = _corners(splats, chosen, _CORNERS[k], scale, corner)
        for line, colour in zip(lines, _hues(splats.colour[chosen]), strict=True):
            draw.line(line.tolist(), fill=colour)
    return image


def _hues(colours: NDArray[np.float32]) -> list[tuple[int, int, int]]:
    strength = np.abs(colours)
    hues = 80 + 175 * strength / np.maximum(strength.max(axis=1, keepdims=True), 1e-6)
    return [(r, g, b) for r, g, b in hues.astype(int).tolist()]


def _corners(
    splats: Splats, chosen: NDArray[np.int64], count: int, scale: float, corner: tuple[float, float]
) -> NDArray[np.float64]:
    """The closed outlines of the chosen splats, x and y in turn, [splats, 2 (count + 1)]."""
    turn = np.linspace(0, 2 * np.pi, count + 1)
    c, s = np.cos(splats.angle[chosen])[:, None], np.sin(splats.angle[chosen])[:, None]
    u, v = (np.outer(splats.scale[chosen, k], wave(turn)) for k, wave in enumerate((np.cos, np.sin)))
    x, y = splats.xy[chosen, 0][:, None] + u * c - v * s, splats.xy[chosen, 1][:, None] + u * s + v * c
    return np.stack([(x - corner[0]) * scale, (y - corner[1]) * scale], axis=2).reshape(len(chosen), 2 * (count + 1))


def counts(splats: Splats, width: int, height: int, cells: Size) -> NDArray[np.float64]:
    """How many centres lie in each of so many equal cells of a picture, [rows, columns]."""
    found, _, _ = np.histogram2d(
        splats.xy[:, 1], splats.xy[:, 0], bins=(cells[1], cells[0]), range=((0, height), (0, width))
    )
    return np.asarray(found, np.float64)


def heat(values: NDArray[np.float64]) -> Pixels:
    """Numbers from 0 on as colours: logarithmic, the greatest is the brightest."""
    level = np.log1p(values) / max(np.log1p(values.max(initial=0)), 1e-9) * (len(_RAMP) - 1)
    channels = [np.interp(level, range(len(_RAMP)), _RAMP[:, c]) for c in range(3)]
    return np.asarray(np.stack(channels, axis=-1), np.uint8)


def inside(splats: Splats, left: float, top: float, side: float) -> Splats:
    """Those whose outlines can reach a square."""
    reach = splats.scale.max(axis=1, initial=0)
    x, y = splats.xy[:, 0], splats.xy[:, 1]
    near = (x + reach > left) & (x - reach < left + side) & (y + reach > top) & (y - reach < top + side)
    return Splats(splats.parameters[near])
