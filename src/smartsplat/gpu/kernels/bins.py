"""Which splats show on which tiles: a counting sort of pairs of a splat and a tile.

A *span* is the run of tiles in one row of tiles that the ellipse of a splat touches; a splat's spans stand side by
side,
from the top, and a span's pairs as well. So pairs are numbered by splat, and the lists of the tiles, in the order of
these numbers, have their splats in order.
"""

from __future__ import annotations

import triton
import triton.language as tl

# The ellipse is taken by this much larger than it is, so that rounding never loses a tile.
SLACK = tl.constexpr(1.001)
MARGIN = tl.constexpr(0.01)


@triton.jit
def ellipse_of(placed, index, there):
    """Centres, both axes and squared reaches of splats; where there is none a circle that is not drawn."""
    at = placed + index * 8
    x = tl.load(at, mask=there, other=0.0)
    y = tl.load(at + 1, mask=there, other=0.0)
    ux = tl.load(at + 2, mask=there, other=1.0)
    uy = tl.load(at + 3, mask=there, other=0.0)
    vx = tl.load(at + 4, mask=there, other=0.0)
    vy = tl.load(at + 5, mask=there, other=1.0)
    return x, y, ux, uy, vx, vy, tl.load(at + 7, mask=there, other=-1.0)


@triton.jit
def find_rows(placed, firsts, counts, splats, top, bottom, tiles_across, across, TILE: tl.constexpr, S: tl.constexpr):
    """The rows of tiles, of those from ``top`` to before ``bottom``, that splats touch.

    Args:
        placed: [N, 8].
        firsts: out: the first one, [N].
        counts: out: how many, [N].
        splats: N.
        top: row of tiles.
        bottom: likewise.
        tiles_across: in the picture.
        across: out: how many columns of tiles their bounding boxes touch, [N].
        TILE: side of a tile, px.
        S: splats of a program.
    """
    index = tl.program_id(0) * S + tl.arange(0, S)
    there = index < splats
    x, y, ux, uy, vx, vy, reach = ellipse_of(placed, index, there)
    drawn = reach >= 0
    far = tl.sqrt(tl.maximum(reach, 0.0) * SLACK) / tl.abs(ux * vy - uy * vx)
    x_extent = far * tl.sqrt(uy * uy + vy * vy) + MARGIN
    y_extent = far * tl.sqrt(ux * ux + vx * vx) + MARGIN
    first, past = tiles_between(y - y_extent, y + y_extent, top, bottom, TILE)
    left, right = tiles_between(x - x_extent, x + x_extent, 0, tiles_across, TILE)
    seen = drawn & (past > first) & (right > left)
    tl.store(firsts + index, first, mask=there)
    tl.store(counts + index, tl.where(seen, past - first, 0), mask=there)
    tl.store(across + index, tl.where(seen, right - left, 0), mask=there)


@triton.jit
def tiles_between(low, high, least, most, TILE: tl.constexpr):
    """Of the tiles from ``least`` to before ``most`` the first with a pixel's centre in an interval, and one past."""
    first = tl.ceil((low - (TILE - 0.5)) / TILE)
    past = tl.floor((high - 0.5) / TILE) + 1
    first = tl.minimum(tl.maximum(first, least * 1.0), most * 1.0)
    return first.to(tl.int32), tl.minimum(tl.maximum(past, first), most * 1.0).to(tl.int32)


@triton.jit
def find_spans(
    placed, owners, starts, firsts, rows, lefts, lengths, spans, tiles_across, TILE: tl.constexpr, S: tl.constexpr
):
    """The tiles of each span, exactly those that the ellipse touches.

    Args:
        placed: [N, 8].
        owners: splat of each span.
        starts: first span of each splat.
        firsts: first row of tiles of each splat.
        rows: out: row of tiles of each span.
        lefts: out: first column of tiles of each span.
        lengths: out: tiles of each span.
        spans: how many.
        tiles_across: in the picture.
        TILE: side of a tile, px.
        S: spans of a program.
    """
    span = tl.program_id(0) * S + tl.arange(0, S)
    there = span < spans
    owner = tl.load(owners + span, mask=there, other=0)
    row = tl.load(firsts + owner, mask=there, other=0) + (span - tl.load(starts + owner, mask=there, other=0)).to(
        tl.int32
    )
    x, y, ux, uy, vx, vy, reach = ellipse_of(placed, owner, there)
    reach = tl.where(there, reach, 1.0) * SLACK
    conic = ux * ux + vx * vx
    slope = -(ux * uy + vx * vy) / conic  # of the middles of the ellipse's rows: dx over dy
    inverse = tl.abs(ux * vy - uy * vx)
    y_extent = tl.sqrt(reach * conic) / inverse
    # The ellipse's rightmost point, whose row may lie beyond the tiles': its side is concave, so the nearest is best.
    rightmost = slope * conic * tl.sqrt(reach / (uy * uy + vy * vy)) / inverse
    top = tl.maximum(row * TILE + 0.5 - MARGIN - y, -y_extent)
    bottom = tl.maximum(tl.minimum(row * TILE + TILE - 0.5 + MARGIN - y, y_extent), top)
    low = tl.minimum(tl.maximum(-rightmost, top), bottom)
    high = tl.minimum(tl.maximum(rightmost, top), bottom)
    left = slope * low - half_width(low, y_extent, conic, reach) - MARGIN
    right = slope * high + half_width(high, y_extent, conic, reach) + MARGIN
    first, past = tiles_between(x + left, x + right, 0, tiles_across, TILE)
    tl.store(rows + span, row, mask=there)
    tl.store(lefts + span, first, mask=there)
    tl.store(lengths + span, past - first, mask=there)


@triton.jit
def half_width(dy, y_extent, conic, reach):
    """Of the ellipse in the row at that offset from its centre."""
    share = dy / y_extent
    return tl.sqrt(tl.maximum(1 - share * share, 0.0) * reach / conic)


@triton.jit
def count_pairs(rows, lefts, starts, owners, tiles, slots, counts, pairs, top, tiles_across, S: tl.constexpr):
    """The tile of each pair, and one of the places in that tile's list, each to a different pair.

    Args:
        rows: row of tiles of each span.
        lefts: first column of tiles of each span.
        starts: first pair of each span.
        owners: span of each pair.
        tiles: out: of each pair, counted from the row ``top``.
        slots: out: place of each pair, in no order.
        counts: in and out: pairs of each tile, 0 at first.
        pairs: how many.
        top: row of tiles.
        tiles_across: in the picture.
        S: pairs of a program.
    """
    pair = tl.program_id(0) * S + tl.arange(0, S)
    there = pair < pairs
    span = tl.load(owners + pair, mask=there, other=0)
    column = tl.load(lefts + span, mask=there, other=0) + (pair - tl.load(starts + span, mask=there, other=0)).to(
        tl.int32
    )
    tile = (tl.load(rows + span, mask=there, other=0) - top) * tiles_across + column
    tl.store(tiles + pair, tile, mask=there)
    tl.store(slots + pair, tl.atomic_add(counts + tile, 1, mask=there), mask=there)


@triton.jit
def place_pairs(tiles, slots, offsets, unordered, pairs, S: tl.constexpr):
    """Puts each pair into its place of its tile's list."""
    pair = tl.program_id(0) * S + tl.arange(0, S)
    there = pair < pairs
    tile = tl.load(tiles + pair, mask=there, other=0)
    place = tl.load(offsets + tile, mask=there, other=0) + tl.load(slots + pair, mask=there, other=0)
    tl.store(unordered + place, pair, mask=there)


@triton.jit
def order_pairs(offsets, unordered, ordered, S: tl.constexpr):
    """Orders the list of a tile: the place of a pair is the number of those in the list that come before it."""
    tile = tl.program_id(0)
    begin = tl.load(offsets + tile)
    end = tl.load(offsets + tile + 1)
    for block in range(begin, end, S):
        mine = block + tl.arange(0, S)
        pair = tl.load(unordered + mine, mask=mine < end, other=0)
        place = tl.zeros([S], tl.int32)
        for others in range(begin, end, S):
            other = others + tl.arange(0, S)
            before = tl.load(unordered + other, mask=other < end, other=2147483647)[None, :] < pair[:, None]
            place += tl.sum(before.to(tl.int32), axis=1)
        tl.store(ordered + begin + place, pair, mask=mine < end)
