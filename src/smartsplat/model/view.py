"""A grid of pixels over a picture: what is rendered, or fitted at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class View:
    """A grid of pixels laid over the picture.

    The picture's point (x, y) lies at ((x - left) * zoom, (y - top) * zoom * aspect) in the grid, whose pixel
    centres are at integer + 0.5.

    Attributes:
        width: pixels of the grid, at least 1.
        height: likewise.
        zoom: pixels of the grid for each px of the picture, above 0.
        left: picture coordinate of the grid's left border, px.
        top: likewise.
        blur: variance, px^2 of the grid, by which every splat is widened; its integral is kept. It stands for
            the extent of a pixel of a grid that is coarser than the picture.
        aspect: above 0; other than 1 only for rendering, so that rounded sides show the whole picture.
    """

    width: int
    height: int
    zoom: float = 1.0
    left: float = 0.0
    top: float = 0.0
    blur: float = 0.0
    aspect: float = 1.0

    def __post_init__(self) -> None:
        if min(self.width, self.height) < 1 or not min(self.zoom, self.aspect) > 0 or self.blur < 0:
            raise ValueError(f"not a view: {self}")
