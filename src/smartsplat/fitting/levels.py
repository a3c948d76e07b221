"""The picture at coarser and coarser levels, and how splats are seen there."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from smartsplat import _native
from smartsplat.engines import Canvas, Engine, Frame
from smartsplat.engines.protocol import CELL_SIZE
from smartsplat.model.lattice import Lattice
from smartsplat.model.splats import Floats
from smartsplat.model.view import View
from smartsplat.pictures.planes import shrunk
from smartsplat.pictures.samples import Samples

Planes = Samples
"""A picture as uint8 or uint16 [3, H, W]."""

LEVEL_BLUR = 0.15
"""px^2 of a coarse level by which splats are widened there, for the extent of its pixels."""

FINISHING_OCTAVES = 2
"""How much finer than its coarsest level a fit needs to become."""

START_SCALE = 0.7
"""Least standard deviation, in px of a level, that splats may start with there; narrower ones degenerate."""

ROOM = 1.4
"""How much wider than START_SCALE splats start on levels whose zoom is made for them."""


@dataclass(frozen=True)
class Pyramid:
    """A picture and smaller ones of it: usually its half, its quarter and so on.

    Attributes:
        levels: planes of level 0 (the picture), 1, ...
        first_zoom: of level 1, px of its own for each px of the picture; each further level has half the zoom of the
            one before, and half its size, rounded up.
        weights: of each level, what squared errors count in its cells (see ``Engine.canvas``); None: all the same.
    """

    levels: tuple[Planes, ...]
    first_zoom: float = 0.5
    weights: tuple[Floats, ...] | None = None

    @classmethod
    def of(cls, planes: Planes, coarsest: int, *, threads: int = 0) -> Pyramid:
        """The pyramid of a picture down to a level (or to the last one that is not a single pixel)."""
        levels = [planes]
        while len(levels) <= coarsest and max(levels[-1].shape[1:]) > 1:
            levels.append(_native.halve(levels[-1], threads))
        return cls(tuple(levels))

    @classmethod
    def down_to(cls, planes: Planes, zoom: float, *, threads: int = 0) -> Pyramid:
        """The pyramid of a picture down to a level of that zoom, below 1."""
        octaves = math.ceil(-math.log2(zoom)) - 1
        first = zoom * 2.0**octaves
        levels = [planes, shrunk(planes, first)]
        for _ in range(octaves):
            levels.append(_native.halve(levels[-1], threads))
        return cls(tuple(levels), first)

    def zoom(self, level: int) -> float:
        """Of a level."""
        return self.first_zoom * 0.5 ** (level - 1) if level else 1.0

    @property
    def coarsest(self) -> int:
        """The last level."""
        return len(self.levels) - 1

    @property
    def width(self) -> int:
        """Width of the picture, px."""
        return int(self.levels[0].shape[2])

    @property
    def height(self) -> int:
        """Height of the picture, px."""
        return int(self.levels[0].shape[1])

    def pixels(self, level: int) -> int:
        """Pixels of a level."""
        _, height, width = self.levels[level].shape
        return int(height * width)

    def view(self, level: int) -> View:
        """How the splats of the picture are seen at a level."""
        _, height, width = self.levels[level].shape
        return View(width, height, zoom=self.zoom(level), blur=LEVEL_BLUR if level else 0.0)

    @property
    def finishing(self) -> int:
        """The level for Gauss-Newton steps: finer than where the fit starts by as much as the last steps can see."""
        return max(0, self.coarsest - FINISHING_OCTAVES)

    def canvas(self, engine: Engine, level: int, lattice: Lattice | None = None, *, ssim: bool = False) -> Canvas:
        """A canvas for a level; see ``Engine.canvas``."""
        weights = None if self.weights is None else self.weights[level]
        return engine.canvas(self.view(level), lattice, ssim=ssim, weights=weights)


def weights_at(frame: Frame) -> Floats | float:
    """What squared errors count at the centres of a frame's splats: [N], or 1 where all count the same."""
    canvas = frame.canvas
    if canvas.weights is None:
        return 1.0
    xy = (frame.splats.on_host().xy - np.array([canvas.view.left, canvas.view.top])) * canvas.view.zoom / CELL_SIZE
    last = np.array(canvas.weights.shape[::-1]) - 1
    columns, rows = np.nan_to_num(xy).astype(np.int64).clip(0, last).T
    weights: Floats = canvas.weights[rows, columns]
    return weights


def coarsest_level(scale: float) -> int:
    """The coarsest level on which splats of that scale, px of the picture, are no narrower than START_SCALE."""
    return max(0, math.floor(math.log2(max(scale, START_SCALE) / START_SCALE)))


def margin_at(level: float, scale: float) -> float:
    """By how many octaves splats of that scale are wider on a level than START_SCALE, from 0 to 1."""
    return min(max(math.log2(max(scale, START_SCALE) / START_SCALE) - level, 0.0), 1.0)


def exact_zoom(scale: float) -> float:
    """The zoom, at most 1, at which splats of that scale, px of the picture, are ROOM times START_SCALE wide."""
    return min(1.0, ROOM * START_SCALE / scale)
