"""Pictures of tensors of splats: tile by tile, each program those of its list at its pixels."""

from __future__ import annotations

import triton
import triton.language as tl

from smartsplat.gpu.kernels.weights import below, chosen, pixels_of, weigh

ROOM = tl.constexpr(1e-4)
"""What is added to the sum of weights of "topk"."""

THROUGH = tl.constexpr(2.0**-23)
"""Where less is let through by a whole tile, "alpha" ends."""


@triton.jit
def draw(
    placed, colours, offsets, members, bars, lasts, totals, picture, width, height, channels, tiles_across,
    STRONGEST: tl.constexpr, CHANNELS: tl.constexpr, TILE: tl.constexpr, S: tl.constexpr,
):  # fmt: skip
    """Sums of opacity weight colour, or the mean of the strongest ones' colours.

    Args:
        placed: [N, 8].
        colours: [N, C].
        offsets: where the tiles' lists begin and end, [tiles + 1].
        members: splats in the lists.
        bars: of "topk", as the next two: see ``choose``.
        lasts: likewise.
        totals: sums of the chosen weights, [H, W].
        picture: out: [H, W, C].
        width: of the picture, px.
        height: likewise.
        channels: C.
        tiles_across: in the picture.
        STRONGEST: whether it is "topk".
        CHANNELS: 1, or 3 that are drawn by one program.
        TILE: side of a tile, px.
        S: splats that are weighed at a time.
    """
    tile = tl.program_id(0)
    channel = tl.program_id(1) * CHANNELS
    columns, rows = pixels_of(tile % tiles_across, tile // tiles_across, TILE)
    inside = (columns < width) & (rows < height)
    pixel = rows.to(tl.int64) * width + columns
    kind = placed.dtype.element_ty
    a = tl.zeros([TILE * TILE], kind)
    b = tl.zeros([TILE * TILE], kind)
    c = tl.zeros([TILE * TILE], kind)
    if STRONGEST:
        bar = tl.load(bars + pixel, mask=inside, other=0.0)
        last = tl.load(lasts + pixel, mask=inside, other=0)
    begin = tl.load(offsets + tile)
    end = tl.load(offsets + tile + 1)
    for block in range(begin, end, S):
        place = block + tl.arange(0, S)
        index = tl.load(members + place, mask=place < end, other=0)
        _, _, weight, opacity = weigh(placed, index, place < end, columns, rows)
        strength = weight * opacity
        if STRONGEST:
            strength = chosen(strength, index, bar, last)
        colour = colours + index.to(tl.int64) * channels + channel
        a += tl.sum(strength * tl.load(colour, mask=place < end, other=0.0)[:, None], axis=0)
        if CHANNELS > 1:
            more = (place < end) & below(channel + 1, channels, place)
            b += tl.sum(strength * tl.load(colour + 1, mask=more, other=0.0)[:, None], axis=0)
            more = (place < end) & below(channel + 2, channels, place)
            c += tl.sum(strength * tl.load(colour + 2, mask=more, other=0.0)[:, None], axis=0)
    if STRONGEST:
        total = tl.load(totals + pixel, mask=inside, other=1.0) + ROOM
        a /= total
        b /= total
        c /= total
    out = picture + pixel * channels + channel
    tl.store(out, a, mask=inside)
    if CHANNELS > 1:
        tl.store(out + 1, b, mask=inside & below(channel + 1, channels, columns))
        tl.store(out + 2, c, mask=inside & below(channel + 2, channels, columns))


@triton.jit
def choose(
    placed, offsets, members, bars, lasts, totals, width, height, tiles_across, k, least,
    TILE: tl.constexpr, S: tl.constexpr,
):  # fmt: skip
    """Finds the k strongest splats of each pixel, of equal ones the first: k times the next one in that order.

    Args:
        placed: [N, 8].
        offsets: where the tiles' lists begin and end.
        members: splats in the lists.
        bars: out: the strength of the weakest chosen one [H, W], 0 where all are.
        lasts: out: its index.
        totals: out: sums of the chosen strengths.
        width: of the picture, px.
        height: likewise.
        tiles_across: in the picture.
        k: at least 1.
        least: strength below which a splat takes no part.
        TILE: side of a tile, px.
        S: splats that are weighed at a time.
    """
    tile = tl.program_id(0)
    columns, rows = pixels_of(tile % tiles_across, tile // tiles_across, TILE)
    inside = (columns < width) & (rows < height)
    kind = placed.dtype.element_ty
    bar = tl.full([TILE * TILE], float("inf"), kind)
    last = tl.full([TILE * TILE], -1, tl.int32)
    total = tl.zeros([TILE * TILE], kind)
    begin = tl.load(offsets + tile)
    end = tl.load(offsets + tile + 1)
    for _round in range(0, tl.minimum(k, end - begin)):
        best = tl.zeros([TILE * TILE], kind)
        which = tl.full([TILE * TILE], 2147483647, tl.int32)
        for block in range(begin, end, S):
            place = block + tl.arange(0, S)
            index = tl.load(members + place, mask=place < end, other=0)
            _, _, weight, opacity = weigh(placed, index, place < end, columns, rows)
            strength = weight * opacity
            next_ones = (strength < bar[None, :]) | ((strength == bar[None, :]) & (index[:, None] > last[None, :]))
            strength = tl.where(next_ones & (strength >= least), strength, 0.0)
            greatest = tl.max(strength, axis=0)
            equal = strength == greatest[None, :]
            first = tl.min(tl.where(equal, index[:, None], 2147483647), axis=0)
            better = greatest > best
            which = tl.where(better, first, which)
            best = tl.where(better, greatest, best)
        bar = best  # 0 where there is none left: then all that take part are chosen
        last = which
        total += best
    pixel = rows.to(tl.int64) * width + columns
    tl.store(bars + pixel, bar, mask=inside)
    tl.store(lasts + pixel, last, mask=inside)
    tl.store(totals + pixel, total, mask=inside)


@triton.jit
def draw_over(
    placed, colours, offsets, members, picture, width, height, channels, tiles_across,
    CHANNELS: tl.constexpr, TILE: tl.constexpr, S: tl.constexpr,
):  # fmt: skip
    """Alpha compositing, the first splat in front. See ``draw``."""
    tile = tl.program_id(0)
    channel = tl.program_id(1) * CHANNELS
    columns, rows = pixels_of(tile % tiles_across, tile // tiles_across, TILE)
    inside = (columns < width) & (rows < height)
    kind = placed.dtype.element_ty
    a = tl.zeros([TILE * TILE], kind)
    b = tl.zeros([TILE * TILE], kind)
    c = tl.zeros([TILE * TILE], kind)
    through = tl.full([TILE * TILE], 1.0, kind)
    begin = tl.load(offsets + tile)
    end = tl.load(offsets + tile + 1)
    for block in range(begin, end, S):
        if tl.max(tl.abs(through), axis=0) > THROUGH:
            for place in range(block, tl.minimum(block + S, end)):
                index = tl.load(members + place)
                one = tl.full([1], 0, tl.int32) + index
                _, _, weight, opacity = weigh(placed, one, one >= 0, columns, rows)
                alpha = tl.sum(weight * opacity, axis=0)
                share = alpha * through
                colour = colours + index.to(tl.int64) * channels + channel
                a += share * tl.load(colour)
                if CHANNELS > 1:
                    b += share * tl.load(colour + 1, mask=channel + 1 < channels, other=0.0)
                    c += share * tl.load(colour + 2, mask=channel + 2 < channels, other=0.0)
                through *= 1 - alpha
    out = picture + (rows.to(tl.int64) * width + columns) * channels + channel
    tl.store(out, a, mask=inside)
    if CHANNELS > 1:
        tl.store(out + 1, b, mask=inside & below(channel + 1, channels, columns))
        tl.store(out + 2, c, mask=inside & below(channel + 2, channels, columns))
