"""napari shows ``.ssplat`` files: levels of detail, of which it decodes what is on the screen.

``napari.yaml`` beside this module tells napari of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smartsplat.file.renderer import Renderer, channels_of
from smartsplat.file.splatfile import SplatFile

Layer = tuple[Any, dict[str, Any], str]
"""Data, how to show them, and the kind of layer."""

CHUNK = 512
"""Side, px, of what is decoded at a time; the coarsest level has about one."""


def get_reader(path: str | Sequence[str]) -> Callable[[Any], list[Layer]] | None:
    """What napari asks with a name: the function that reads it, None if that is not for us."""
    paths = [path] if isinstance(path, str) else list(path)
    return read if all(str(name).lower().endswith(".ssplat") for name in paths) else None


def read(path: str | Sequence[str]) -> list[Layer]:
    """A layer for each file.

    Raises:
        FormatError: it is not a valid file.
        OSError: it cannot be read.
    """
    return [_layer(name) for name in ([path] if isinstance(path, str) else path)]


def _layer(path: str) -> Layer:
    import dask.array

    from_array: Any = dask.array.from_array  # it is not typed
    file = SplatFile.open(path)
    renderer = Renderer(file)
    count = max(0, (max(file.width, file.height) - 1).bit_length() - CHUNK.bit_length() + 1)
    channels = channels_of(file)
    levels = [Level(renderer, file.width, file.height, k, channels=channels) for k in range(count + 1)]
    arrays = [from_array(level, chunks=(CHUNK, CHUNK, *level.shape[2:]), name=False) for level in levels]
    return arrays, {"multiscale": True, "rgb": channels > 1, "name": Path(path).stem}, "image"


class Level:
    """The picture at 1 / 2^k of its size as an array that is decoded where it is looked at.

    Args:
        renderer: of the picture.
        width: of the picture, px.
        height: likewise.
        k: the level.
        channels: of the picture, 1 to 4; grey and alpha is shown as RGB and alpha.

    Attributes:
        shape: rows, columns, and 3, or 4 with alpha, unless it is grey alone.
        dtype: uint8.
        ndim: 3, or 2.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, renderer: Renderer, width: int, height: int, k: int, *, channels: int) -> None:
        self._renderer, self._factor, self._size = renderer, 2**k, (width, height)
        sides = (-(-height >> k), -(-width >> k))
        self.shape: tuple[int, ...] = sides if channels == 1 else (*sides, 3 if channels == 3 else 4)
        self.ndim = len(self.shape)

    def __getitem__(self, key: Any) -> NDArray[np.uint8]:
        """Pixels of rows and columns, as of any array; slices are decoded alone."""
        rows, columns, *rest = (*key, slice(None))[:3] if isinstance(key, tuple) else (key, slice(None))
        (top, bottom), (left, right) = _bounds(rows, self.shape[0]), _bounds(columns, self.shape[1])
        if top >= bottom or left >= right:
            pixels = np.zeros((bottom - top, right - left, *self.shape[2:]), np.uint8)
        else:
            x, y = left * self._factor, top * self._factor
            region = x, y, min(right * self._factor, self._size[0]) - x, min(bottom * self._factor, self._size[1]) - y
            pixels = self._renderer.render(region=region, size=(right - left, bottom - top), dtype=np.uint8)
            if pixels.ndim == 3 and pixels.shape[2] == 2:
                pixels = pixels[:, :, [0, 0, 0, 1]]
        picked: NDArray[np.uint8] = pixels[_within(rows, top), _within(columns, left)]
        return np.asarray(picked[..., rest[0]]) if self.ndim == 3 and rest else picked


def _bounds(part: Any, length: int) -> tuple[int, int]:
    """First and last place + 1 that a slice or a number needs."""
    if not isinstance(part, slice):
        return int(part), int(part) + 1
    places = range(*part.indices(length))
    return (min(places), max(places) + 1) if places else (0, 0)


def _within(part: Any, first: int) -> Any:
    """The same slice or number in an array that begins there."""
    if not isinstance(part, slice):
        return 0
    if part.step in (None, 1):
        return slice(None)
    if part.step > 1:
        return slice(None, None, part.step)
    return slice(None, None, part.step)
