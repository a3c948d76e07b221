"""Which splats show on which tiles: see ``kernels.bins``."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from smartsplat.errors import LimitError
from smartsplat.gpu.kernels import bins as kernels
from smartsplat.gpu.launch import TILE, VECTOR, launch, parts

BY_RANK = 2048
"""Splats in one list up to which lists are ordered by counting, tile by tile: the work grows with the square."""

MOST_PAIRS = 2**31 - 1
"""Of splats and tiles at a time: their numbers are of 32 bits."""


@dataclass(frozen=True, eq=False)
class Bins:
    """Splats sorted into some rows of tiles.

    Attributes:
        top: first row of tiles.
        bottom: row past the last one.
        columns: of tiles.
        owners: splat of each span, int32 [spans].
        starts: first span of each splat, int32 [N + 1].
        rows: row of tiles of each span.
        lefts: first column of tiles of each span.
        lengths: tiles of each span.
        pair_starts: first pair of each span, int32 [spans + 1].
        offsets: where the tiles' lists begin and end, int32 [tiles + 1].
        members: splats in the lists, int32 [pairs].
        pairs: numbers of the pairs in the lists; None where nobody asked for them.
    """

    top: int
    bottom: int
    columns: int
    owners: Tensor
    starts: Tensor
    rows: Tensor
    lefts: Tensor
    lengths: Tensor
    pair_starts: Tensor
    offsets: Tensor
    members: Tensor
    pairs: Tensor | None = None

    @property
    def first_tile(self) -> int:
        """The first tile of the lists."""
        return self.top * self.columns

    @property
    def spans(self) -> int:
        """How many there are."""
        return int(self.owners.shape[0])


@dataclass(frozen=True, eq=False)
class Reach:
    """Which rows of tiles, of some, splats touch; and how many columns their bounding boxes do."""

    firsts: Tensor
    counts: Tensor
    across: Tensor


def reach_of(placed: Tensor, top: int, bottom: int, columns: int) -> Reach:
    """Of splats [N, 8] among the rows of tiles from ``top`` to before ``bottom``."""
    count = placed.shape[0]
    firsts, counts, across = (placed.new_empty(count, dtype=torch.int32) for _ in range(3))
    launch(
        kernels.find_rows, (parts(count, VECTOR),), placed, firsts, counts, count, top, bottom, columns, across,
        TILE=TILE, S=VECTOR,
    )  # fmt: skip
    return Reach(firsts, counts, across)


def bounds_by_row(reach: Reach, rows: int) -> Tensor:
    """Upper bounds of the pairs in each of so many rows of tiles, from row 0 on: int64 [rows]."""
    ends = torch.zeros(rows + 1, dtype=torch.int64, device=reach.firsts.device)
    across = reach.across.long()
    ends.index_add_(0, reach.firsts.long(), across)
    ends.index_add_(0, (reach.firsts + reach.counts).long(), -across)
    return ends.cumsum(0)[:rows]


def check_work(pairs: int, most: float | None) -> None:
    """Raises LimitError if there are more pairs than there may be."""
    if most is not None and pairs > most:
        raise LimitError(
            "the file's splats overlap so much that this view takes far more work than one of its size should; "
            "allow more with max_work"
        )


def sort(placed: Tensor, top: int, bottom: int, columns: int, *, numbers: bool = False) -> Bins:
    """Sorts splats [N, 8] into the tiles of the rows from ``top`` to before ``bottom``.

    Args:
        placed: the splats.
        top: first row of tiles.
        bottom: row past the last one.
        columns: of tiles.
        numbers: whether the numbers of the pairs are wanted.

    Raises:
        LimitError: there are more than MOST_PAIRS.
    """
    reach = reach_of(placed, top, bottom, columns)
    starts, spans = _starts(reach.counts)
    owners = _expanded(reach.counts, spans)
    rows, lefts, lengths = (placed.new_empty(spans, dtype=torch.int32) for _ in range(3))
    launch(
        kernels.find_spans, (parts(spans, VECTOR),), placed, owners, starts, reach.firsts, rows, lefts, lengths, spans,
        columns, TILE=TILE, S=VECTOR,
    )  # fmt: skip
    pair_starts, pairs = _starts(lengths)
    span_of = _expanded(lengths, pairs)
    tiles = (bottom - top) * columns
    offsets, ordered = _lists(rows, lefts, pair_starts, span_of, pairs, top, columns, tiles)
    members = owners[span_of[ordered.long()].long()] if pairs else ordered
    return Bins(
        top, bottom, columns, owners, starts, rows, lefts, lengths, pair_starts, offsets, members,
        ordered if numbers else None,
    )  # fmt: skip


def _starts(counts: Tensor) -> tuple[Tensor, int]:
    """Where each one's begin, int32 [n + 1], and how many there are in all."""
    ends = torch.zeros(counts.shape[0] + 1, dtype=torch.int64, device=counts.device)
    torch.cumsum(counts, 0, out=ends[1:])
    total = int(ends[-1])
    if total > MOST_PAIRS:
        raise LimitError(f"the splats touch {total} tiles in all; the engine cuda takes {MOST_PAIRS} at a time")
    return ends.int(), total


def _expanded(counts: Tensor, total: int) -> Tensor:
    """Each index as often as its count says, int32 [total]."""
    index = torch.arange(counts.shape[0], dtype=torch.int32, device=counts.device)
    return torch.repeat_interleave(index, counts, output_size=total)


def _lists(
    rows: Tensor, lefts: Tensor, pair_starts: Tensor, span_of: Tensor, pairs: int, top: int, columns: int, tiles: int
) -> tuple[Tensor, Tensor]:
    """Where the tiles' lists begin and end, and the pairs in them, in order."""
    tile, slots, unordered = (rows.new_empty(pairs) for _ in range(3))
    counts = rows.new_zeros(tiles)
    grid = (parts(pairs, VECTOR),)
    launch(
        kernels.count_pairs, grid, rows, lefts, pair_starts, span_of, tile, slots, counts, pairs, top, columns, S=VECTOR
    )
    offsets = torch.zeros(tiles + 1, dtype=torch.int32, device=rows.device)
    torch.cumsum(counts, 0, out=offsets[1:], dtype=torch.int32)
    if pairs and int(counts.max()) > BY_RANK:
        return offsets, torch.sort(tile, stable=True).indices.int()
    launch(kernels.place_pairs, grid, tile, slots, offsets, unordered, pairs, S=VECTOR)
    ordered = slots  # no longer needed
    launch(kernels.order_pairs, (tiles,), offsets, unordered, ordered, S=64, num_warps=2)
    return offsets, ordered
