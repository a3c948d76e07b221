"""Windows of a picture: rectangles that are worked on one by one."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smartsplat.model.splats import SUPPORT, Floats, Splats

ALIGNMENT = 64
"""Borders between windows lie at multiples of it, px: so do the steps that centres are rounded to, nearly all."""


@dataclass(frozen=True)
class Window:
    """A rectangle of a picture's pixels.

    Attributes:
        left: its first column, px.
        top: its first row, px.
        width: px, at least 1.
        height: px, at least 1.
    """

    left: int
    top: int
    width: int
    height: int

    @property
    def pixels(self) -> int:
        """Pixels in it."""
        return self.width * self.height

    def cut(self, planes: NDArray[Any]) -> NDArray[Any]:
        """Its pixels of a picture uint8 [3, H, W]."""
        rows, columns = slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)
        return np.ascontiguousarray(planes[:, rows, columns])

    def grown(self, margin: int, width: int, height: int) -> Window:
        """The same and a margin, px, on all sides where the picture of that size goes on."""
        left, top = max(0, self.left - margin), max(0, self.top - margin)
        right, bottom = min(width, self.left + self.width + margin), min(height, self.top + self.height + margin)
        return Window(left, top, right - left, bottom - top)

    def holds(self, xy: Floats) -> NDArray[np.bool_]:
        """Which of the points [N, 2] lie in it, those on its left or top border with them: bool [N]."""
        first = np.array([self.left, self.top], np.float32)
        last = first + np.array([self.width, self.height], np.float32)
        return np.asarray(((xy >= first) & (xy < last)).all(axis=1))

    def reached_by(self, splats: Splats) -> NDArray[np.bool_]:
        """Which of N splats, in the picture's coordinates, may show in it: bool [N]."""
        cos2 = np.cos(splats.parameters[:, 4]) ** 2
        squared = splats.scale**2
        extent = np.empty_like(splats.xy)
        extent[:, 0] = squared[:, 0] * cos2 + squared[:, 1] * (1 - cos2)
        extent[:, 1] = squared[:, 1] * cos2 + squared[:, 0] * (1 - cos2)
        reach = np.sqrt(SUPPORT * extent)
        first = np.array([self.left, self.top], np.float32)
        last = first + np.array([self.width, self.height], np.float32)
        return np.asarray(((splats.xy + reach > first) & (splats.xy - reach < last)).all(axis=1))


def windows_of(width: int, height: int, most_pixels: float) -> tuple[Window, ...]:
    """Windows of about that many pixels at most that cover a picture, row by row, with borders at ALIGNMENT.

    Args:
        width: of the picture, px.
        height: likewise.
        most_pixels: of a window, at least ALIGNMENT^2.
    """
    rows = math.ceil(height / math.sqrt(most_pixels))
    columns = math.ceil(width * (height / rows) / most_pixels)
    across, down = _borders(width, columns), _borders(height, rows)
    return tuple(
        Window(left, top, right - left, bottom - top)
        for top, bottom in itertools.pairwise(down)
        for left, right in itertools.pairwise(across)
    )


def _borders(length: int, parts: int) -> list[int]:
    """Ends of about equal parts of a side, px, from 0 to its length."""
    inner = {round(i * length / parts / ALIGNMENT) * ALIGNMENT for i in range(1, parts)}
    return sorted({0, length} | {at for at in inner if 0 < at < length})
