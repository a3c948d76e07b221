"""The lattice, whose weights are products of one along each axis: forward and its adjoint, an axis at a time.

An *axis* is eight doubles on the device: zoom, origin [px of the picture], spacing [px], deviation of a node's
Gaussian in the view [px], the weight of a node at its own centre, the reach in deviations beyond which it is 0, and
twice unused.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def lattice_weights(pixel, tap, axis):
    """The ``tap``-th of the nodes that may reach pixels, and its weight there.

    Places are computed in double precision: in a wide picture the places of nodes have no room in single precision.

    Args:
        pixel: whole numbers.
        tap: from 0 on.
        axis: see above.
    """
    zoom = tl.load(axis)
    spacing = tl.load(axis + 2)
    reach = tl.load(axis + 3) * tl.load(axis + 5)  # px of the view
    place = (pixel.to(tl.float64) + 0.5) / zoom + tl.load(axis + 1)
    first = tl.ceil((place - reach / zoom) / spacing - 0.5 - 1e-9)
    node = first + tap
    return node.to(tl.int32), weight_at(place - (node + 0.5) * spacing, axis)


@triton.jit
def weight_at(distance, axis):
    """Weight of a node at that distance, px of the picture, a double."""
    d = (distance * tl.load(axis) / tl.load(axis + 3)).to(tl.float32)
    near = tl.abs(d) <= tl.load(axis + 5).to(tl.float32)
    return tl.where(near, tl.load(axis + 4).to(tl.float32) * tl.exp(d * d * -0.5), 0.0)


@triton.jit
def spread(values, axis, out, rows, nodes, width, first, count, taps, ROWS: tl.constexpr, S: tl.constexpr):
    """Some rows of the lattice at the columns of a view: [3, count, width].

    Args:
        values: colours [3, rows, nodes].
        axis: of the columns.
        out: see above.
        rows: of the lattice.
        nodes: in a row.
        width: of the view, px.
        first: of the rows.
        count: how many, all within the lattice.
        taps: nodes that reach a pixel, at most.
        ROWS: of a program.
        S: pixels of a program.
    """
    x = tl.program_id(0) * S + tl.arange(0, S)
    row = tl.program_id(1) * ROWS + tl.arange(0, ROWS)
    plane = tl.program_id(2)
    line = (plane * rows + first + row).to(tl.int64)[:, None]
    total = tl.zeros([ROWS, S], tl.float32)
    there = row < count
    for tap in range(0, taps):
        node, weight = lattice_weights(x, tap, axis)
        known = there[:, None] & ((node >= 0) & (node < nodes) & (x < width))[None, :]
        total += weight[None, :] * tl.load(values + line * nodes + node[None, :], mask=known, other=0.0)
    at = out + (plane * count + row).to(tl.int64)[:, None] * width + x[None, :]
    tl.store(at, total, mask=there[:, None] & (x < width)[None, :])


@triton.jit
def reduce_across(image, axis, out, rows, width, nodes, reach, ROWS: tl.constexpr, S: tl.constexpr):
    """The adjoint along the columns: for each row of a picture, node and channel the sum of weight times value.

    Args:
        image: [rows, width, 3].
        axis: of the columns.
        out: [3, rows, nodes].
        rows: of the picture.
        width: px.
        nodes: in a row of the lattice.
        reach: pixels that a node reaches, at most.
        ROWS: of a program.
        S: nodes of a program.
    """
    node = tl.program_id(0) * S + tl.arange(0, S)
    row = tl.program_id(1) * ROWS + tl.arange(0, ROWS)
    plane = tl.program_id(2)
    centre, start = reached_from(node, axis)
    total = tl.zeros([ROWS, S], tl.float32)
    line = row.to(tl.int64)[:, None] * width
    for tap in range(0, reach):
        x = start + tap
        distance = (x.to(tl.float64) + 0.5) / tl.load(axis) + tl.load(axis + 1) - centre
        known = (row < rows)[:, None] & ((x >= 0) & (x < width) & (node < nodes))[None, :]
        at = image + (line + x[None, :]) * 3 + plane
        total += weight_at(distance, axis)[None, :] * tl.load(at, mask=known, other=0.0)
    at = out + (plane * rows + row).to(tl.int64)[:, None] * nodes + node[None, :]
    tl.store(at, total, mask=(row < rows)[:, None] & (node < nodes)[None, :])


@triton.jit
def reached_from(node, axis):
    """Centre of a node, px of the picture, and the first pixel that it may reach."""
    centre = (node.to(tl.float64) + 0.5) * tl.load(axis + 2)
    reach = tl.load(axis + 3) * tl.load(axis + 5)
    first = tl.ceil((centre - tl.load(axis + 1)) * tl.load(axis) - reach - 0.5 - 1e-9)
    # Those that the view does not show, however far they are, must not wrap around.
    return centre, tl.minimum(tl.maximum(first, -1073741824.0), 1073741824.0).to(tl.int32)


@triton.jit
def reduce_down(lines, axis, sums, rows, columns, nodes, first, top, reach, ROWS: tl.constexpr, S: tl.constexpr):
    """The adjoint along the rows of a band: adds to the sums of the nodes.

    Args:
        lines: [3, rows, columns], of ``reduce_across``.
        axis: of the rows.
        sums: in and out: [3, nodes, columns].
        rows: of the band.
        columns: nodes in a row of the lattice.
        nodes: rows of the lattice.
        first: the row that the programs begin with.
        top: first row of the band in the view, px.
        reach: pixels that a node reaches, at most.
        ROWS: nodes of a program.
        S: columns of a program.
    """
    column = tl.program_id(0) * S + tl.arange(0, S)
    node = first + tl.program_id(1) * ROWS + tl.arange(0, ROWS)
    plane = tl.program_id(2)
    centre, start = reached_from(node, axis)
    at = sums + (plane * nodes + node).to(tl.int64)[:, None] * columns + column[None, :]
    there = (node < nodes)[:, None] & (column < columns)[None, :]
    total = tl.load(at, mask=there, other=0.0)
    for tap in range(0, reach):
        y = start + tap
        distance = (y.to(tl.float64) + 0.5) / tl.load(axis) + tl.load(axis + 1) - centre
        row = y - top
        known = ((row >= 0) & (row < rows) & (node < nodes))[:, None] & (column < columns)[None, :]
        line = lines + (plane * rows + row).to(tl.int64)[:, None] * columns + column[None, :]
        total += weight_at(distance, axis)[:, None] * tl.load(line, mask=known, other=0.0)
    tl.store(at, total, mask=there)
