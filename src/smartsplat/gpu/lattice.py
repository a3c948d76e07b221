"""The lattice under a view, and its adjoint: see ``kernels.lattice``."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from smartsplat.gpu.kernels import lattice as kernels
from smartsplat.gpu.launch import launch, parts
from smartsplat.model.lattice import LATTICE_REACH, LATTICE_SCALE, lattice_shape
from smartsplat.model.view import View

ROWS, ACROSS = 4, 128
"""Rows, and pixels or nodes of a row, that a program has."""


@dataclass(frozen=True, eq=False)
class Axis:
    """The nodes along one axis of a view.

    Attributes:
        zoom: of the view along it.
        origin: of the view, px of the picture.
        spacing: of the nodes, px.
        deviation: of a node's Gaussian, px of the view.
        ratio: a node's weight at its own centre.
        cutoff: in deviations, beyond which a weight is 0.
    """

    zoom: float
    origin: float
    spacing: int
    deviation: float
    ratio: float
    cutoff: float

    @classmethod
    def of(cls, zoom: float, origin: float, spacing: int, blur: float) -> Axis:
        """The axis of a view of that zoom along it."""
        own = LATTICE_SCALE * spacing * zoom
        deviation = math.sqrt(own**2 + blur)
        return cls(zoom, origin, spacing, deviation, own / deviation, LATTICE_REACH / LATTICE_SCALE)

    @property
    def reach(self) -> float:
        """Of a node, px of the view."""
        return self.deviation * self.cutoff

    @property
    def taps(self) -> int:
        """Nodes that reach a pixel, at most."""
        return math.floor(2 * self.reach / (self.zoom * self.spacing)) + 2

    @property
    def pixels(self) -> int:
        """Pixels that a node reaches, at most."""
        return math.floor(2 * self.reach) + 2

    def nodes(self, first: int, past: int, count: int) -> tuple[int, int]:
        """Which of ``count`` nodes may reach pixels from ``first`` to before ``past``: from and to."""
        ends = (first + 0.5 - self.reach, past - 0.5 + self.reach)
        low, high = ((end / self.zoom + self.origin) / self.spacing - 0.5 for end in ends)
        start = max(0, min(count, math.floor(low)))
        return start, max(start, min(count, math.ceil(high) + 1))

    def tensor(self, device: torch.device) -> Tensor:
        """As kernels take it."""
        numbers = (self.zoom, self.origin, self.spacing, self.deviation, self.ratio, self.cutoff, 0, 0)
        return torch.tensor(numbers, dtype=torch.float64, device=device)


@dataclass(frozen=True, eq=False)
class Grid:
    """The nodes of a lattice under a view.

    Attributes:
        rows: of nodes.
        columns: likewise.
        down: the axis of the rows.
        across: that of the columns.
        down_axis: the same on the device.
        across_axis: likewise.
    """

    rows: int
    columns: int
    down: Axis
    across: Axis
    down_axis: Tensor
    across_axis: Tensor

    @classmethod
    def of(cls, view: View, size: tuple[int, int], spacing: int, device: torch.device) -> Grid:
        """Of a picture of that width and height, px."""
        rows, columns = lattice_shape(*size, spacing)
        down = Axis.of(view.zoom * view.aspect, view.top, spacing, view.blur)
        across = Axis.of(view.zoom, view.left, spacing, view.blur)
        return cls(rows, columns, down, across, down.tensor(device), across.tensor(device))

    def spread(self, values: Tensor, above: int, width: int, first: int, past: int) -> tuple[Tensor, int]:
        """The rows that reach some rows of pixels, at each column.

        Args:
            values: [3, rows, columns] of the lattice's rows from ``above`` on, all of those among them.
            above: see there.
            width: of the view, px.
            first: row of pixels.
            past: likewise, behind the last one.

        Returns:
            [3, n, width], and the first of those rows.
        """
        start, end = self.down.nodes(first, past, self.rows)
        out = values.new_empty((3, end - start, width))
        launch(
            kernels.spread, (parts(width, ACROSS), parts(end - start, ROWS), 3), values, self.across_axis, out,
            values.shape[1], self.columns, width, start - above, end - start, self.across.taps, ROWS=ROWS, S=ACROSS,
        )  # fmt: skip
        return out, start

    def reduce(self, image: Tensor, top: int, sums: Tensor) -> None:
        """Adds to the sums [3, rows, columns] what a band [rows, W, 3] of the view has for them.

        Args:
            image: of the band.
            top: its first row in the view.
            sums: in and out.
        """
        rows, width, _ = image.shape
        lines = image.new_empty((3, rows, self.columns))
        launch(
            kernels.reduce_across, (parts(self.columns, ACROSS), parts(rows, ROWS), 3), image, self.across_axis, lines,
            rows, width, self.columns, self.across.pixels, ROWS=ROWS, S=ACROSS,
        )  # fmt: skip
        first, past = self.down.nodes(top, top + rows, self.rows)
        launch(
            kernels.reduce_down, (parts(self.columns, ACROSS), parts(past - first, ROWS), 3), lines, self.down_axis,
            sums, rows, self.columns, self.rows, first, top, self.down.pixels, ROWS=ROWS, S=ACROSS,
        )  # fmt: skip
