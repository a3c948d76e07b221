"""Gradients: from a cotangent of the picture to sums for each splat, without atomic additions.

For "sum" and "topk" each program takes one span of a splat (see ``bins``) over its tiles and writes a row of sums; the
rows of a splat, which stand side by side, are then added up. For "alpha", where what reaches a splat depends on
those in front of it, each program takes a tile and writes a row for each pair.

A row has the sums of h, h u, h v, h u u, h u v and h v v, h being the weight times the cotangent's product with the
colour, and then for each channel the sum of weight times cotangent.
"""

from __future__ import annotations

import triton
import triton.language as tl

from smartsplat.gpu.kernels.weights import below, chosen, pixels_of, weigh


@triton.jit
def gather_spans(
    placed, colours, owners, rows, lefts, lengths, order, cotangent, minus, bars, lasts, sums, width, top, bottom,
    channels, spans, begin, STRONGEST: tl.constexpr, KIND: tl.constexpr, CHANNELS: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """Sums over the tiles of a span, for a group of channels: [groups, spans, 6 + CHANNELS].

    Args:
        placed: [N, 8].
        colours: [N, C].
        owners: splat of each span.
        rows: row of tiles of each span.
        lefts: first column of tiles of each span.
        lengths: tiles of each span.
        order: spans in the order in which programs take them.
        cotangent: [bottom - top, W, C]; for "topk" over the sum of weights.
        minus: for "topk", what is taken off the product of cotangent and colour: [H, W].
        bars: see ``drawing.choose``.
        lasts: likewise.
        sums: out.
        width: of the picture, px.
        top: first row of pixels that the cotangent has.
        bottom: row past its last one.
        channels: C.
        spans: in all.
        begin: first one in ``order`` that is to be done.
        STRONGEST: whether it is "topk".
        KIND: 0 for all sums, 1 for those of the channels alone, 2 for the sum of squared weights in place of h alone.
        CHANNELS: 1, or 3 that a program takes.
        TILE: side of a tile, px.
    """
    span = tl.load(order + begin + tl.program_id(0))
    group = tl.program_id(1)
    channel = group * CHANNELS
    index = tl.full([1], 0, tl.int32) + tl.load(owners + span)
    kind = placed.dtype.element_ty
    one = tl.zeros([1, TILE * TILE], kind)
    x = tl.zeros([1, TILE * TILE], kind)
    y = tl.zeros([1, TILE * TILE], kind)
    xx = tl.zeros([1, TILE * TILE], kind)
    xy = tl.zeros([1, TILE * TILE], kind)
    yy = tl.zeros([1, TILE * TILE], kind)
    a = tl.zeros([1, TILE * TILE], kind)
    b = tl.zeros([1, TILE * TILE], kind)
    c = tl.zeros([1, TILE * TILE], kind)
    colour = colours + index.to(tl.int64) * channels + channel
    second = below(channel + 1, channels, index)
    third = below(channel + 2, channels, index)
    if KIND == 0:
        red = tl.load(colour)[:, None]
        if CHANNELS > 1:
            green = tl.load(colour + 1, mask=second, other=0.0)[:, None]
            blue = tl.load(colour + 2, mask=third, other=0.0)[:, None]
    row = tl.load(rows + span)
    left = tl.load(lefts + span)
    for tile_x in range(left, left + tl.load(lengths + span)):
        columns, lines = pixels_of(tile_x, row, TILE)
        inside = (columns < width) & (lines >= top) & (lines < bottom)
        u, v, weight, opacity = weigh(placed, index, index >= 0, columns, lines)
        pixel = (lines - top).to(tl.int64) * width + columns
        if STRONGEST:
            bar = tl.load(bars + pixel, mask=inside, other=float("inf"))
            weight = chosen(weight * opacity, index, bar, tl.load(lasts + pixel, mask=inside, other=-1))
        if KIND == 2:
            one += tl.where(inside[None, :], weight * weight, 0.0)
        else:
            at = cotangent + pixel * channels + channel
            g = tl.load(at, mask=inside, other=0.0)[None, :]
            a += weight * g
            if KIND == 0:
                product = g * red
            if CHANNELS > 1:
                g = tl.load(at + 1, mask=inside & below(channel + 1, channels, columns), other=0.0)[None, :]
                b += weight * g
                if KIND == 0:
                    product += g * green
                g = tl.load(at + 2, mask=inside & below(channel + 2, channels, columns), other=0.0)[None, :]
                c += weight * g
                if KIND == 0:
                    product += g * blue
            if KIND == 0:
                if STRONGEST:
                    product -= tl.where(group == 0, tl.load(minus + pixel, mask=inside, other=0.0), 0.0)[None, :]
                h = weight * product
                one += h
                x += h * u
                y += h * v
                xx += h * u * u
                xy += h * u * v
                yy += h * v * v
    out = sums + (group.to(tl.int64) * spans + span) * (6 + CHANNELS)
    if KIND != 1:
        tl.store(out, total_of(one))
    if KIND == 0:
        tl.store(out + 1, total_of(x))
        tl.store(out + 2, total_of(y))
        tl.store(out + 3, total_of(xx))
        tl.store(out + 4, total_of(xy))
        tl.store(out + 5, total_of(yy))
    if KIND != 2:
        tl.store(out + 6, total_of(a))
        if CHANNELS > 1:
            tl.store(out + 7, total_of(b))
            tl.store(out + 8, total_of(c))


@triton.jit
def total_of(values):
    """The sum of [1, P]."""
    return tl.sum(tl.sum(values, axis=1), axis=0)


@triton.jit
def keep_through(
    placed, offsets, members, kept_offsets, kept, tiles_across, TILE: tl.constexpr, S: tl.constexpr
):  # fmt: skip
    """For "alpha": what is let through to each S-th splat of a tile's list but the first, [blocks, TILE * TILE].

    Args:
        placed: [N, 8].
        offsets: where the tiles' lists begin and end.
        members: splats in the lists.
        kept_offsets: first row of each tile.
        kept: out.
        tiles_across: in the picture.
        TILE: side of a tile, px.
        S: splats from one row to the next.
    """
    tile = tl.program_id(0)
    columns, rows = pixels_of(tile % tiles_across, tile // tiles_across, TILE)
    begin = tl.load(offsets + tile)
    end = tl.load(offsets + tile + 1)
    out = kept + tl.load(kept_offsets + tile).to(tl.int64) * (TILE * TILE) + tl.arange(0, TILE * TILE)
    through = tl.full([TILE * TILE], 1.0, placed.dtype.element_ty)
    for place in range(begin, end):
        if (place > begin) & ((place - begin) % S == 0):
            tl.store(out + ((place - begin) // S - 1) * (TILE * TILE), through)
        one = tl.full([1], 0, tl.int32) + tl.load(members + place)
        _, _, weight, opacity = weigh(placed, one, one >= 0, columns, rows)
        through *= 1 - tl.sum(weight * opacity, axis=0)


@triton.jit
def gather_over(
    placed, colours, offsets, members, pairs_of, kept_offsets, kept, cotangent, sums, width, height, channels,
    tiles_across, TILE: tl.constexpr, S: tl.constexpr,
):  # fmt: skip
    """For "alpha": the sums of each pair [pairs, 6 + C], from the back of the lists to their front.

    With T what reaches a splat and B what would be seen behind it, both times the cotangent, the derivative by its
    alpha is T (colour - B). Nothing is divided by 1 - alpha, which may be 0.

    Args:
        placed: [N, 8].
        colours: [N, C].
        offsets: where the tiles' lists begin and end.
        members: splats in the lists.
        pairs_of: the pairs' numbers in the lists.
        kept_offsets: see ``keep_through``.
        kept: likewise.
        cotangent: [H, W, C].
        sums: out.
        width: of the picture, px.
        height: likewise.
        channels: C.
        tiles_across: in the picture.
        TILE: side of a tile, px.
        S: splats that are taken at a time.
    """
    tile = tl.program_id(0)
    columns, rows = pixels_of(tile % tiles_across, tile // tiles_across, TILE)
    inside = (columns < width) & (rows < height)
    at = cotangent + (rows.to(tl.int64) * width + columns) * channels
    begin = tl.load(offsets + tile)
    count = tl.load(offsets + tile + 1) - begin
    saved = kept + tl.load(kept_offsets + tile).to(tl.int64) * (TILE * TILE) + tl.arange(0, TILE * TILE)
    kind = placed.dtype.element_ty
    behind = tl.zeros([TILE * TILE], kind)
    lane = tl.arange(0, S)[:, None]
    blocks = (count + S - 1) // S
    for number in range(0, blocks):
        block = blocks - 1 - number
        place = block * S + tl.arange(0, S)
        there = place < count
        index = tl.load(members + begin + place, mask=there, other=0)
        u, v, weight, opacity = weigh(placed, index, there, columns, rows)
        alpha = weight * opacity
        shine = tl.zeros([S, TILE * TILE], kind)  # the cotangent's product with the colour
        for channel in range(0, channels):
            colour = tl.load(colours + index.to(tl.int64) * channels + channel, mask=there, other=0.0)
            shine += colour[:, None] * tl.load(at + channel, mask=inside, other=0.0)[None, :]
        through = tl.load(saved + (block - 1) * (TILE * TILE), mask=below(0, block, columns), other=1.0)
        reaching = tl.zeros([S, TILE * TILE], kind)
        for step in tl.static_range(S):
            reaching = tl.where(lane == step, through[None, :], reaching)
            through *= 1 - tl.sum(tl.where(lane == step, alpha, 0.0), axis=0)
        covered = tl.zeros([S, TILE * TILE], kind)
        for step in tl.static_range(S):
            mine = lane == S - 1 - step
            covered = tl.where(mine, behind[None, :], covered)
            own = tl.sum(tl.where(mine, alpha, 0.0), axis=0)
            behind = own * tl.sum(tl.where(mine, shine, 0.0), axis=0) + (1 - own) * behind
        by_weight = tl.where(inside[None, :], reaching * (shine - covered) * weight, 0.0)
        out = sums + tl.load(pairs_of + begin + place, mask=there, other=0).to(tl.int64) * (6 + channels)
        tl.store(out, tl.sum(by_weight, axis=1), mask=there)
        tl.store(out + 1, tl.sum(by_weight * u, axis=1), mask=there)
        tl.store(out + 2, tl.sum(by_weight * v, axis=1), mask=there)
        tl.store(out + 3, tl.sum(by_weight * u * u, axis=1), mask=there)
        tl.store(out + 4, tl.sum(by_weight * u * v, axis=1), mask=there)
        tl.store(out + 5, tl.sum(by_weight * v * v, axis=1), mask=there)
        for channel in range(0, channels):
            g = tl.load(at + channel, mask=inside, other=0.0)
            tl.store(out + 6 + channel, tl.sum(reaching * weight * g[None, :], axis=1), mask=there)


@triton.jit
def add_up(rows, starts, totals, splats, groups, count, columns, COLUMNS: tl.constexpr):
    """Adds up the rows of each splat, one after the other: [groups, splats, columns].

    Args:
        rows: [groups, count, columns].
        starts: the first row of each splat and, last, the number of rows.
        totals: out.
        splats: N.
        groups: of channels; a program for each.
        count: of rows.
        columns: of a row.
        COLUMNS: a power of two that is no less.
    """
    splat = tl.program_id(0)
    group = tl.program_id(1).to(tl.int64)
    column = tl.arange(0, COLUMNS)
    total = tl.zeros([COLUMNS], rows.dtype.element_ty)
    for row in range(tl.load(starts + splat), tl.load(starts + splat + 1)):
        total += tl.load(rows + (group * count + row) * columns + column, mask=column < columns, other=0.0)
    tl.store(totals + (group * splats + splat) * columns + column, total, mask=column < columns)
