"""Frames on the device: splats placed in a view, and every verb of an engine, band by band.

Memory does not grow with the picture but for the target, which is bytes: pictures of floats are of a band of rows, and
the lists of splats of so many rows of tiles as MOST_PAIRS allows.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from smartsplat.gpu import bins, similarity
from smartsplat.gpu.blending import add_up
from smartsplat.gpu.kernels import gathering, painting
from smartsplat.gpu.lattice import Grid
from smartsplat.gpu.launch import TILE, WEIGHED, launch, parts
from smartsplat.gpu.projection import Projected, motion_of, natural, project
from smartsplat.model.view import View

SUMS, BYTES, SQUARED, ABSOLUTE, DECODED, CELLS, CLAMPED = range(7)
"""As in ``kernels.painting``."""

EVERYTHING, CHANNELS, SQUARES = range(3)
"""As the KINDs of ``kernels.gathering.gather_spans``."""


MOST_ROWS = 4096
"""Of tiles in a band: kernels have a program for some rows of pixels each along an axis that ends at 65535."""


@dataclass(frozen=True)
class Limits:
    """What is held at a time.

    Attributes:
        pairs: of a splat and a tile that are sorted: where a single row of tiles has more, as many as it has.
        kept: pairs in lists that are kept for the frame's next verb.
        pixels: of a band, about: at least those of a row of tiles.
    """

    pairs: int = 1 << 23
    kept: int = 1 << 25
    pixels: int = 1 << 22


@dataclass(frozen=True, eq=False)
class Lists:
    """Splats sorted into a group of rows of tiles, and the order of their spans by rows.

    Attributes:
        sorted: the lists.
        order: spans, those of the first row first, int32.
        row_starts: where each row begins in that, one more than there are rows.
    """

    sorted: bins.Bins
    order: Tensor
    row_starts: list[int]

    @classmethod
    def of(cls, placed: Tensor, top: int, bottom: int, columns: int) -> Lists:
        """Of the rows of tiles from ``top`` to before ``bottom``."""
        lists = bins.sort(placed, top, bottom, columns)
        order = torch.argsort(lists.rows, stable=True).int()
        counts = torch.bincount(lists.rows - top, minlength=bottom - top).cumsum(0)
        return cls(lists, order, [0, *counts.tolist()])


@dataclass(frozen=True, eq=False)
class Under:
    """A lattice that lies under the splats.

    Attributes:
        grid: its nodes.
        values: the colours of some of its rows, [3, n, columns], on the device.
        first: of these rows.
    """

    grid: Grid
    values: Tensor
    first: int = 0


@dataclass(frozen=True, eq=False)
class DeviceFrame:
    """Splats in a view.

    Attributes:
        view: the pixels.
        splats: as kernels take them.
        under: the lattice, if there is one.
        limits: what is held at a time.
        groups: rows of tiles, from and to, whose lists are made together.
        weights: what squared errors count in squares of half a tile, [rows, columns]; None: the same everywhere.
    """

    view: View
    splats: Projected
    under: Under | None
    limits: Limits
    groups: tuple[tuple[int, int], ...]
    weights: Tensor | None = None
    _lists: dict[int, Lists] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls, view: View, parameters: Tensor, under: Under | None, limits: Limits, most: float | None = None,
        weights: Tensor | None = None,
    ) -> DeviceFrame:  # fmt: skip
        """Places splats [N, 8].

        Args:
            view: the pixels.
            parameters: of the splats.
            under: the lattice.
            limits: what is held at a time.
            most: pairs that there may be; None for any number.
            weights: see above.

        Raises:
            LimitError: there are more.
        """
        splats = project(parameters, view)
        rows, columns = parts(view.height, TILE), parts(view.width, TILE)
        reach = bins.reach_of(splats.placed, 0, rows, columns)
        counts: list[int] = bins.bounds_by_row(reach, rows).tolist()
        bins.check_work(sum(counts), most)
        return cls(view, splats, under, limits, _cut(counts, limits.pairs), weights)

    @property
    def columns(self) -> int:
        """Of tiles."""
        return parts(self.view.width, TILE)

    def lists(self, group: int) -> Lists:
        """The lists of a group; they are kept while all together have no more pairs than may be kept."""
        if group not in self._lists:
            made = Lists.of(self.splats.placed, *self.groups[group], self.columns)
            kept = sum(lists.sorted.members.shape[0] for lists in self._lists.values())
            if kept + made.sorted.members.shape[0] > self.limits.kept:
                self._lists.clear()
            self._lists[group] = made
        return self._lists[group]

    def bands(self) -> Iterator[tuple[int, int, int]]:
        """Groups, and rows of tiles in each, from and to: so many that they have about the limit's pixels."""
        rows = max(1, min(MOST_ROWS, self.limits.pixels // (self.view.width * TILE)))
        for group, (top, bottom) in enumerate(self.groups):
            for begin in range(top, bottom, rows):
                yield group, begin, min(begin + rows, bottom)

    def lines(self, top: int, bottom: int) -> tuple[int, int]:
        """The rows of pixels of rows of tiles, from and to."""
        return top * TILE, min(bottom * TILE, self.view.height)

    # Forward

    def paint(
        self, what: int, top: int, bottom: int, out: Tensor, *, target: Tensor | None = None,
        figures: Tensor | None = None, factor: float = 1.0, colours: Tensor | None = None,
        motion: Tensor | None = None,
    ) -> None:  # fmt: skip
        """Sums in the rows of tiles from ``top`` to before ``bottom``, which may be of several groups.

        Args:
            what: see ``kernels.painting.paint``, as for the others.
            top: row of tiles.
            bottom: likewise.
            out: picture of these rows; for CELLS of the whole view.
            target: [3, H, W], where ``what`` needs it.
            figures: one for each tile.
            factor: of a residual.
            colours: [N, 3]; the splats' own if it is None, and the lattice only lies under those.
            motion: [N, 9].
        """
        for group, (first, past) in enumerate(self.groups):
            begin, end = max(top, first), min(bottom, past)
            if begin < end:
                lists = self.lists(group).sorted
                line, tile = (begin - top) * TILE, (begin - top) * self.columns
                self._paint(
                    what, lists, begin, end, out if what == CELLS else out[line:], target,
                    figures[tile:] if figures is not None else out, factor, colours, motion,
                )  # fmt: skip

    def _paint(
        self, what: int, lists: bins.Bins, begin: int, end: int, out: Tensor, target: Tensor | None, figures: Tensor,
        factor: float, colours: Tensor | None, motion: Tensor | None,
    ) -> None:  # fmt: skip
        placed, own, view = self.splats.placed, self.splats.colours, self.view
        under = self.under if colours is None and motion is None else None
        across, first, axis, taps = placed, 0, placed, 0
        if under is not None:
            across, first = under.grid.spread(under.values, under.first, view.width, *self.lines(begin, end))
            axis, taps = under.grid.down_axis, under.grid.down.taps
        launch(
            painting.paint, ((end - begin) * self.columns,), placed, own if colours is None else colours,
            placed if motion is None else motion, lists.offsets, lists.members, across, axis,
            lists.members if target is None else target, out, figures, view.width, view.height, begin,
            lists.first_tile, first, across.shape[1] if under is not None else 0, self.columns, taps, factor, WHAT=what,
            MOVING=motion is not None, LATTICE=under is not None, TILE=TILE, S=WEIGHED,
        )  # fmt: skip

    def picture(self, what: int, kind: torch.dtype) -> Iterator[tuple[int, Tensor]]:
        """Bands [rows, W, 3] of the picture from the top, with their first rows; ``what`` is SUMS, BYTES or CLAMPED."""
        for _, top, bottom in self.bands():
            first, past = self.lines(top, bottom)
            out = self.splats.placed.new_empty((past - first, self.view.width, 3), dtype=kind)
            self.paint(what, top, bottom, out)
            yield first, out

    def residuals(self, target: Tensor, what: int, factor: float) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Of each band its first row, ``factor`` times the residual or its sign, and the sum of squares or sizes."""
        for _, top, bottom in self.bands():
            first, past = self.lines(top, bottom)
            out = self.splats.placed.new_empty((past - first, self.view.width, 3))
            figures = self.splats.placed.new_empty((bottom - top) * self.columns)
            self.paint(what, top, bottom, out, target=target, figures=figures, factor=factor)
            yield first, out, figures.double().sum()

    def decoded_error(self, target: Tensor) -> float:
        """Sum of squared differences of the bytes."""
        rows = parts(self.view.height, TILE)
        figures = self.splats.placed.new_empty(rows * self.columns, dtype=torch.int32)
        self.paint(DECODED, 0, rows, self.splats.placed, target=target, figures=figures)
        return float(figures.double().sum())

    def cell_errors(self, target: Tensor) -> Tensor:
        """Means of the squared errors of the clamped sums in cells of half a tile."""
        cells = (parts(self.view.height, TILE // 2), parts(self.view.width, TILE // 2))
        out = self.splats.placed.new_empty(cells)
        self.paint(CELLS, 0, parts(self.view.height, TILE), out, target=target)
        return out

    # Losses

    def similar(self, target: Tensor, share: float) -> Iterator[tuple[int, Tensor, Tensor]]:
        """As ``residuals`` for Eq. 22: its gradient, and the loss's share of the mean."""
        rows = parts(self.view.height, TILE)
        for _, top, bottom in self.bands():
            above, below = max(0, top - 1), min(rows, bottom + 1)  # a row of tiles has more pixels than a halo
            start, end = self.lines(above, below)
            sums = self.splats.placed.new_empty((end - start, self.view.width, 3))
            self.paint(SUMS, above, below, sums)
            first, past = self.lines(top, bottom)
            gradient, value = similarity.band_gradient(sums, target, start, first, past, share)
            yield first, gradient, value

    # Backward

    def gather(self, image: Callable[[], Iterator[tuple[int, Tensor]]], kind: int = EVERYTHING) -> Tensor:
        """Sums for each splat, [N, 9], from a picture that comes in the bands of ``bands``.

        Args:
            image: gives the bands' first rows and their pictures [rows, W, 3].
            kind: which sums; the others mean nothing.
        """
        count = self.splats.placed.shape[0]
        total = self.splats.placed.new_zeros((count, 9))
        pictures = image()
        for group, bands in itertools.groupby(self.bands(), key=operator.itemgetter(0)):
            lists = self.lists(group)
            rows = total.new_zeros((1, lists.sorted.spans, 9))  # kinds leave some as they are
            for _, top, bottom in bands:
                line, picture = next(pictures)
                self._gather(lists, top, bottom, line, picture, rows, kind)
            total += add_up(rows, lists.sorted.starts, count)[0]
        return total

    def _gather(
        self, lists: Lists, top: int, bottom: int, line: int, picture: Tensor, rows: Tensor, kind: int
    ) -> None:  # fmt: skip
        own, splats = lists.sorted, self.splats
        begin, end = (lists.row_starts[row - own.top] for row in (top, bottom))
        launch(
            gathering.gather_spans, (end - begin, 1), splats.placed, splats.colours, own.owners, own.rows, own.lefts,
            own.lengths, lists.order, picture, picture, picture, own.members, rows, self.view.width, line,
            line + picture.shape[0], 3, own.spans, begin, STRONGEST=False, KIND=kind, CHANNELS=3, TILE=TILE,
        )  # fmt: skip

    def gradient(self, target: Tensor, kind: str, share: float) -> tuple[float, Tensor]:
        """The loss, and its gradient [N, 8] in natural units; see ``engines.protocol.Loss``."""
        samples = target.numel()
        values: list[Tensor] = []

        def bands() -> Iterator[tuple[int, Tensor]]:
            if kind == "l1+ssim":
                found = self.similar(target, share)
            elif kind == "l1":
                found = self.residuals(target, ABSOLUTE, 1 / samples)
            else:
                found = self._weighted_residuals(target, 2 / samples)
            for line, picture, value in found:
                values.append(value)
                yield line, picture

        sums = self.gather(bands)
        loss = float(torch.stack(values).sum())
        return loss if kind == "l1+ssim" else loss / samples, natural(self.splats, sums)

    def _weighted_residuals(self, target: Tensor, factor: float) -> Iterator[tuple[int, Tensor, Tensor]]:
        """As ``residuals``, residuals and squares times the weights."""
        for line, picture, value in self.residuals(target, SQUARED, factor):
            if self.weights is None:
                yield line, picture, value
            else:
                weighted = self._weighted(line, picture)
                yield line, weighted, (weighted * picture).double().sum() / factor**2

    def _weighted(self, line: int, picture: Tensor) -> Tensor:
        """A band [rows, W, 3], whose first row is that one, times the weights of its pixels."""
        if self.weights is None:
            return picture
        cell, (height, width) = TILE // 2, picture.shape[:2]
        rows = self.weights[line // cell : parts(line + height, cell)]  # bands begin with a tile
        spread = rows.repeat_interleave(cell, 0)[:height].repeat_interleave(cell, 1)[:, :width]
        return picture * spread[:, :, None]

    def vjp(self, cotangent: Tensor) -> Tensor:
        """Natural gradients [N, 8] from a cotangent [H, W, 3]."""
        return natural(self.splats, self.gather(lambda: self._cut_up(cotangent)))

    def _cut_up(self, picture: Tensor) -> Iterator[tuple[int, Tensor]]:
        for _, top, bottom in self.bands():
            first, past = self.lines(top, bottom)
            yield first, picture[first:past]

    def normal_product(self, direction: Tensor) -> Tensor:
        """J^T W J direction, [N, 8] or [N, 3]."""
        colours_alone = direction.shape[1] == 3
        colours = direction * self.splats.amplitude[:, None] if colours_alone else self.splats.colours
        motion = None if colours_alone else motion_of(self.splats, direction)

        def bands() -> Iterator[tuple[int, Tensor]]:
            for _, top, bottom in self.bands():
                first, past = self.lines(top, bottom)
                out = direction.new_empty((past - first, self.view.width, 3))
                self.paint(SUMS, top, bottom, out, colours=colours.contiguous(), motion=motion)
                yield first, self._weighted(first, out)

        if colours_alone:
            return self.gather(bands, CHANNELS)[:, 6:] * self.splats.amplitude[:, None]
        return natural(self.splats, self.gather(bands))

    def colour_diagonal(self) -> Tensor:
        """Sums of squared weights [N]."""
        nothing = self.splats.placed.new_empty(1)

        def bands() -> Iterator[tuple[int, Tensor]]:
            for _, top, bottom in self.bands():
                first, past = self.lines(top, bottom)
                yield first, nothing.expand(past - first, self.view.width, 3)  # of which only the size counts

        return self.gather(bands, SQUARES)[:, 0] * self.splats.amplitude**2

    # The lattice's adjoint

    def lattice_sums(self, bands: Iterator[tuple[int, Tensor]], grid: Grid) -> Tensor:
        """For each node and channel the sum of weight times picture, [3, rows, columns]."""
        sums = self.splats.placed.new_zeros((3, grid.rows, grid.columns))
        for line, picture in bands:
            grid.reduce(picture.contiguous(), line, sums)
        return sums

    def lattice_residual(self, target: Tensor, grid: Grid) -> Tensor:
        """The same of the target less the sums."""
        found = self.residuals(target, SQUARED, -1.0)
        return self.lattice_sums(((line, picture) for line, picture, _ in found), grid)

    def lattice_vjp(self, cotangent: Tensor, grid: Grid) -> Tensor:
        """The same of a cotangent [H, W, 3]."""
        return self.lattice_sums(self._cut_up(cotangent), grid)


def _cut(counts: list[int], most: int) -> tuple[tuple[int, int], ...]:
    """Runs of rows with at most so many pairs together, or of a single one."""
    cuts, total = [0], 0
    for row, count in enumerate(counts):
        if total + count > most and row > cuts[-1]:
            cuts.append(row)
            total = 0
        total += count
    cuts.append(len(counts))
    return tuple(itertools.pairwise(cuts))
