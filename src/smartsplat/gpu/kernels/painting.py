"""Frames of an engine: sums of splats and lattice tile by tile, and at once what is made of them.

A *band* is some whole rows of tiles of the view; pictures of a band are [rows, W, 3].
"""

from __future__ import annotations

import triton
import triton.language as tl

from smartsplat.gpu.kernels.lattice import lattice_weights
from smartsplat.gpu.kernels.weights import pixels_of, weigh

SUMS = tl.constexpr(0)
BYTES = tl.constexpr(1)
SQUARED = tl.constexpr(2)
ABSOLUTE = tl.constexpr(3)
DECODED = tl.constexpr(4)
CELLS = tl.constexpr(5)
CLAMPED = tl.constexpr(6)


@triton.jit
def paint(
    placed, colours, motion, offsets, members, across, axis, target, out, figures, width, height, band, first_tile,
    first_node, nodes_down, columns, taps, factor, WHAT: tl.constexpr, MOVING: tl.constexpr, LATTICE: tl.constexpr,
    TILE: tl.constexpr, S: tl.constexpr,
):  # fmt: skip
    """Sums at the pixels of a tile, and then what WHAT says.

    ``SUMS``: into ``out``. ``BYTES``: clamped and rounded, as bytes. ``CLAMPED``: clamped. ``SQUARED``: ``factor``
    times the residual, and the sum of its squares into ``figures``; ``ABSOLUTE``: its sign and its magnitude.
    ``DECODED``: the sum of squared differences of the bytes. ``CELLS``: means of the squared differences of the clamped
    sums in cells of half a tile.

    Args:
        placed: [N, 8].
        colours: [N, 3], with the opacity in them.
        motion: [N, 9] where MOVING: splats are their derivative along it: see ``frames.motion_of``.
        offsets: where the lists begin and end, of the tiles from ``first_tile`` on.
        members: splats in the lists.
        across: where LATTICE: those of its rows that reach the tiles, at the view's columns: [3, nodes_down, W].
        axis: of the lattice's rows, see ``lattice_weights``.
        target: [3, H, W], bytes.
        out: [rows of the band, W, 3], or where CELLS [cells down, cells across].
        figures: a number for each tile of the band.
        width: of the view, px.
        height: likewise.
        band: first row of tiles of the band.
        first_tile: that the lists begin with.
        first_node: the first of those rows.
        nodes_down: how many.
        columns: of tiles.
        taps: rows of the lattice that reach a pixel, at most.
        factor: see above.
        WHAT: see above.
        MOVING: see above.
        LATTICE: whether there is one.
        TILE: side of a tile, px.
        S: splats that are weighed at a time.
    """
    tile = tl.program_id(0)
    tile_y = band + tile // columns
    x, y = pixels_of(tile % columns, tile_y, TILE)
    inside = (x < width) & (y < height)
    a = tl.zeros([TILE * TILE], tl.float32)
    b = tl.zeros([TILE * TILE], tl.float32)
    c = tl.zeros([TILE * TILE], tl.float32)
    if LATTICE:
        for tap in range(0, taps):
            node, weight = lattice_weights(y, tap, axis)
            node -= first_node
            there = inside & (node >= 0) & (node < nodes_down)
            at = across + node.to(tl.int64) * width + x
            plane = tl.cast(nodes_down, tl.int64) * width
            a += weight * tl.load(at, mask=there, other=0.0)
            b += weight * tl.load(at + plane, mask=there, other=0.0)
            c += weight * tl.load(at + 2 * plane, mask=there, other=0.0)
    listed = tile_y * columns + tile % columns - first_tile
    begin = tl.load(offsets + listed)
    end = tl.load(offsets + listed + 1)
    for block in range(begin, end, S):
        place = block + tl.arange(0, S)
        there = place < end
        index = tl.load(members + place, mask=there, other=0)
        u, v, weight, _ = weigh(placed, index, there, x, y)
        colour = colours + index * 3
        red = tl.load(colour, mask=there, other=0.0)[:, None]
        green = tl.load(colour + 1, mask=there, other=0.0)[:, None]
        blue = tl.load(colour + 2, mask=there, other=0.0)[:, None]
        if MOVING:
            m = motion + index * 9
            turn = tl.load(m, mask=there, other=0.0)[:, None] * u
            turn += tl.load(m + 1, mask=there, other=0.0)[:, None] * v
            turn += tl.load(m + 2, mask=there, other=0.0)[:, None]
            turn += tl.load(m + 3, mask=there, other=0.0)[:, None] * u * u
            turn += tl.load(m + 4, mask=there, other=0.0)[:, None] * v * v
            turn += tl.load(m + 5, mask=there, other=0.0)[:, None] * u * v
            a += tl.sum(weight * (turn * red + tl.load(m + 6, mask=there, other=0.0)[:, None]), axis=0)
            b += tl.sum(weight * (turn * green + tl.load(m + 7, mask=there, other=0.0)[:, None]), axis=0)
            c += tl.sum(weight * (turn * blue + tl.load(m + 8, mask=there, other=0.0)[:, None]), axis=0)
        else:
            a += tl.sum(weight * red, axis=0)
            b += tl.sum(weight * green, axis=0)
            c += tl.sum(weight * blue, axis=0)
    pixel = out + ((y - band * TILE).to(tl.int64) * width + x) * 3
    if WHAT == SUMS:
        tl.store(pixel, a, mask=inside)
        tl.store(pixel + 1, b, mask=inside)
        tl.store(pixel + 2, c, mask=inside)
    if WHAT == CLAMPED:
        tl.store(pixel, clamped(a), mask=inside)
        tl.store(pixel + 1, clamped(b), mask=inside)
        tl.store(pixel + 2, clamped(c), mask=inside)
    if WHAT == BYTES:
        tl.store(pixel, as_byte(a).to(tl.uint8), mask=inside)
        tl.store(pixel + 1, as_byte(b).to(tl.uint8), mask=inside)
        tl.store(pixel + 2, as_byte(c).to(tl.uint8), mask=inside)
    if WHAT >= SQUARED and WHAT != CLAMPED:
        plane = tl.cast(width, tl.int64) * height
        goal = target + y.to(tl.int64) * width + x
        red_goal = tl.load(goal, mask=inside, other=0).to(tl.float32)
        green_goal = tl.load(goal + plane, mask=inside, other=0).to(tl.float32)
        blue_goal = tl.load(goal + 2 * plane, mask=inside, other=0).to(tl.float32)
        if WHAT == DECODED:
            red_off = as_byte(a) - red_goal
            green_off = as_byte(b) - green_goal
            blue_off = as_byte(c) - blue_goal
            off = (red_off * red_off + green_off * green_off + blue_off * blue_off).to(tl.int32)
            tl.store(figures + tile, tl.sum(tl.where(inside, off, 0), axis=0))
        elif WHAT == CELLS:
            red_off = clamped(a) - red_goal / 255
            green_off = clamped(b) - green_goal / 255
            blue_off = clamped(c) - blue_goal / 255
            off = (red_off * red_off + green_off * green_off + blue_off * blue_off) / 3
            store_cells(out, tl.where(inside, off, 0.0), inside, tile % columns, tile_y, width, height, TILE)
        else:
            red_off = tl.where(inside, residual(a, red_goal), 0.0)
            green_off = tl.where(inside, residual(b, green_goal), 0.0)
            blue_off = tl.where(inside, residual(c, blue_goal), 0.0)
            if WHAT == ABSOLUTE:
                figure = tl.sum(tl.abs(red_off) + tl.abs(green_off) + tl.abs(blue_off), axis=0)
                red_off = sign(red_off)
                green_off = sign(green_off)
                blue_off = sign(blue_off)
            else:
                figure = tl.sum(red_off * red_off + green_off * green_off + blue_off * blue_off, axis=0)
            tl.store(figures + tile, figure)
            tl.store(pixel, factor * red_off, mask=inside)
            tl.store(pixel + 1, factor * green_off, mask=inside)
            tl.store(pixel + 2, factor * blue_off, mask=inside)


@triton.jit
def clamped(value):
    """To [0, 1]."""
    return tl.minimum(tl.maximum(value, 0.0), 1.0)


@triton.jit
def as_byte(value):
    """The byte of a sum, as a float."""
    return tl.floor(clamped(value) * 255 + 0.5)


@triton.jit
def sign(value):
    """-1, 0 or 1."""
    return tl.where(value > 0, 1.0, tl.where(value < 0, -1.0, 0.0))


@triton.jit
def residual(value, goal):
    """The sum less the target, 0 where a sum beyond a saturated target is right; ``goal`` in steps of 8 bits."""
    off = value - goal / 255
    right = ((goal == 255) & (off > 0)) | ((goal == 0) & (off < 0))
    return tl.where(right, 0.0, off)


@triton.jit
def store_cells(out, values, inside, tile_x, tile_y, width, height, TILE: tl.constexpr):
    """The means of the values in the tile's four cells, over the pixels that are there."""
    p = tl.arange(0, TILE * TILE)
    half: tl.constexpr = TILE // 2
    cell = p // TILE // half * 2 + p % TILE // half
    across = (width + half - 1) // half
    down = (height + half - 1) // half
    for number in tl.static_range(4):
        mine = inside & (cell == number)
        x = tile_x * 2 + number % 2
        y = tile_y * 2 + number // 2
        total = tl.sum(tl.where(mine, values, 0.0), axis=0)
        count = tl.sum(mine.to(tl.int32), axis=0)
        tl.store(out + y * across + x, total / count, mask=(x < across) & (y < down))
