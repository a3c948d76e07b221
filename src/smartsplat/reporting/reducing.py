"""Pictures of any size made small, a few rows at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
"""A picture as uint8 [H, W, 3]."""

Size = tuple[int, int]
"""Width and height, px."""


def fitting(width: int, height: int, side: int) -> Size:
    """The largest size of the same proportions within a square of that side, but no larger than the picture."""
    scale = min(1.0, side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def enlarged(pixels: Pixels, side: int) -> Pixels:
    """Each pixel as a square of them, as large as fits into a square of that side."""
    factor = max(1, side // max(pixels.shape[:2]))
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)


class Reducer:
    """Takes the rows of a picture from its top, and keeps the mean over each pixel of a smaller one.

    Args:
        width: of the picture, px.
        height: likewise.
        size: of the smaller one, at most as large.
    """

    def __init__(self, width: int, height: int, size: Size) -> None:
        self._columns, self._rows = _edges(width, size[0]), _edges(height, size[1])
        self._sums = np.zeros((size[1], size[0], 3))
        self._top = 0

    def add(self, rows: Pixels) -> None:
        """The next rows, uint8 [rows, width, 3]."""
        bottom = self._top + len(rows)
        first = int(np.searchsorted(self._rows, self._top, side="right")) - 1
        last = int(np.searchsorted(self._rows, bottom, side="left"))
        starts = np.maximum(self._rows[first:last] - self._top, 0)
        sums = np.add.reduceat(rows, starts, axis=0, dtype=np.uint32)
        self._sums[first:last] += np.add.reduceat(sums, self._columns[:-1], axis=1, dtype=np.uint64)
        self._top = bottom

    def result(self) -> NDArray[np.float64]:
        """The means, [height, width, 3], once all rows are there."""
        return np.asarray(self._sums / (np.diff(self._rows)[:, None, None] * np.diff(self._columns)[:, None]))


def _edges(length: int, parts: int) -> NDArray[np.int64]:
    return np.arange(parts + 1, dtype=np.int64) * length // parts


def reduced(pixels: Pixels, size: Size) -> Pixels:
    """A picture made smaller, in bands: no copy of all of it is made."""
    height, width = pixels.shape[:2]
    reducer = Reducer(width, height, size)
    rows = max(1, (1 << 25) // (3 * width))
    for top in range(0, height, rows):
        reducer.add(pixels[top : top + rows])
    return np.asarray(reducer.result() + 0.5, np.uint8)


def resized(pixels: Pixels, size: Size) -> Pixels:
    """A small picture enlarged by nearest neighbours."""
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST))
