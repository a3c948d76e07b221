"""SSIM of a band and its gradient, window by window: 11 taps of sigma 1.5 along each axis, zeros beyond the picture.

Pictures of a band are [rows, 3 W], samples of a pixel side by side, with the target as it is: bytes [3, H, W].
"""

from __future__ import annotations

import triton
import triton.language as tl

C1 = tl.constexpr(0.01**2)
C2 = tl.constexpr(0.03**2)
RADIUS = tl.constexpr(5)


@triton.jit
def sample_of(target, row, place, width, height, there):
    """The target's samples at places of a row, 1.0 is 255; 0 beyond the picture."""
    at = target + (place % 3).to(tl.int64) * height * width + row.to(tl.int64) * width + place // 3
    return tl.load(at, mask=there, other=0).to(tl.float32) / 255


@triton.jit
def moments_down(
    sums, target, taps, out, top, first, rows, width, height, ROWS: tl.constexpr, S: tl.constexpr
):  # fmt: skip
    """Window means along the columns of x, y, x x, y y and x y, x being the sums clamped to [0, 1]: [5, rows, 3 W].

    Args:
        sums: [.., 3 W], the first row of which is row ``top`` of the picture.
        target: [3, H, W].
        taps: [11].
        out: for ``rows`` rows, the first of which is row ``first`` of the picture, which may lie beyond it.
        top: see above.
        first: likewise.
        rows: likewise.
        width: of the picture, px.
        height: likewise.
        ROWS: of a program.
        S: samples of a program.
    """
    place = tl.program_id(0) * S + tl.arange(0, S)[None, :]
    line = tl.program_id(1) * ROWS + tl.arange(0, ROWS)[:, None]
    mx = tl.zeros([ROWS, S], tl.float32)
    my = tl.zeros([ROWS, S], tl.float32)
    xx = tl.zeros([ROWS, S], tl.float32)
    yy = tl.zeros([ROWS, S], tl.float32)
    xy = tl.zeros([ROWS, S], tl.float32)
    for tap in range(0, 2 * RADIUS + 1):
        row = first + line + tap - RADIUS
        there = (row >= 0) & (row < height) & (place < 3 * width) & (line < rows)
        x = tl.load(sums + (row - top).to(tl.int64) * 3 * width + place, mask=there, other=0.0)
        x = tl.minimum(tl.maximum(x, 0.0), 1.0)
        y = sample_of(target, row, place, width, height, there)
        w = tl.load(taps + tap)
        mx += w * x
        my += w * y
        xx += w * x * x
        yy += w * y * y
        xy += w * x * y
    at = out + line.to(tl.int64) * 3 * width + place
    plane = tl.cast(rows, tl.int64) * 3 * width
    there = (place < 3 * width) & (line < rows)
    tl.store(at, mx, mask=there)
    tl.store(at + plane, my, mask=there)
    tl.store(at + 2 * plane, xx, mask=there)
    tl.store(at + 3 * plane, yy, mask=there)
    tl.store(at + 4 * plane, xy, mask=there)


@triton.jit
def compare(
    moments, taps, out, figures, first, rows, begin, end, width, height, ROWS: tl.constexpr, S: tl.constexpr
):  # fmt: skip
    """The rest of the means; SSIM, and its derivatives by the means of x, x x and x y: [3, rows, 3 W].

    Args:
        moments: of ``moments_down``.
        taps: [11].
        out: see above; 0 in rows beyond the picture.
        figures: out: sums of SSIM over the rows from ``begin`` to before ``end``, one for each program.
        first: row of the picture that the first row is.
        rows: how many.
        begin: row of the picture.
        end: likewise.
        width: of the picture, px.
        height: likewise.
        ROWS: of a program.
        S: samples of a program.
    """
    place = tl.program_id(0) * S + tl.arange(0, S)[None, :]
    line = tl.program_id(1) * ROWS + tl.arange(0, ROWS)[:, None]
    mx = tl.zeros([ROWS, S], tl.float32)
    my = tl.zeros([ROWS, S], tl.float32)
    xx = tl.zeros([ROWS, S], tl.float32)
    yy = tl.zeros([ROWS, S], tl.float32)
    xy = tl.zeros([ROWS, S], tl.float32)
    plane = tl.cast(rows, tl.int64) * 3 * width
    for tap in range(0, 2 * RADIUS + 1):
        beside = place + (tap - RADIUS) * 3
        there = (beside >= 0) & (beside < 3 * width) & (line < rows)
        at = moments + line.to(tl.int64) * 3 * width + beside
        w = tl.load(taps + tap)
        mx += w * tl.load(at, mask=there, other=0.0)
        my += w * tl.load(at + plane, mask=there, other=0.0)
        xx += w * tl.load(at + 2 * plane, mask=there, other=0.0)
        yy += w * tl.load(at + 3 * plane, mask=there, other=0.0)
        xy += w * tl.load(at + 4 * plane, mask=there, other=0.0)
    a1 = 2 * mx * my + C1
    a2 = 2 * (xy - mx * my) + C2
    b1 = mx * mx + my * my + C1
    b2 = (xx - mx * mx) + (yy - my * my) + C2
    ssim = a1 * a2 / (b1 * b2)
    by_xx = -ssim / b2
    by_xy = 2 * a1 / (b1 * b2)
    by_mx = 2 * my * a2 / (b1 * b2) - 2 * mx * ssim / b1 - 2 * mx * by_xx - my * by_xy
    row = first + line
    there = (place < 3 * width) & (line < rows)
    shown = there & (row >= 0) & (row < height)
    at = out + line.to(tl.int64) * 3 * width + place
    tl.store(at, tl.where(shown, by_mx, 0.0), mask=there)
    tl.store(at + plane, tl.where(shown, by_xx, 0.0), mask=there)
    tl.store(at + 2 * plane, tl.where(shown, by_xy, 0.0), mask=there)
    counted = shown & (row >= begin) & (row < end)
    figure = tl.sum(tl.sum(tl.where(counted, ssim, 0.0), axis=1), axis=0)
    tl.store(figures + tl.program_id(1) * tl.num_programs(0) + tl.program_id(0), figure)


@triton.jit
def derivatives_down(derivatives, taps, out, rows, kept, width, ROWS: tl.constexpr, S: tl.constexpr):
    """Window means along the columns of the three derivatives, for the rows that have RADIUS others on both sides.

    Args:
        derivatives: [3, rows, 3 W].
        taps: [11].
        out: [3, kept, 3 W], kept = rows - 2 RADIUS.
        rows: see above.
        kept: likewise.
        width: of the picture, px.
        ROWS: of a program.
        S: samples of a program.
    """
    place = tl.program_id(0) * S + tl.arange(0, S)[None, :]
    line = tl.program_id(1) * ROWS + tl.arange(0, ROWS)[:, None]
    there = (place < 3 * width) & (line < kept)
    plane = tl.cast(rows, tl.int64) * 3 * width
    a = tl.zeros([ROWS, S], tl.float32)
    b = tl.zeros([ROWS, S], tl.float32)
    c = tl.zeros([ROWS, S], tl.float32)
    for tap in range(0, 2 * RADIUS + 1):
        at = derivatives + (line + tap).to(tl.int64) * 3 * width + place
        w = tl.load(taps + tap)
        a += w * tl.load(at, mask=there, other=0.0)
        b += w * tl.load(at + plane, mask=there, other=0.0)
        c += w * tl.load(at + 2 * plane, mask=there, other=0.0)
    at = out + line.to(tl.int64) * 3 * width + place
    plane = tl.cast(kept, tl.int64) * 3 * width
    tl.store(at, a, mask=there)
    tl.store(at + plane, b, mask=there)
    tl.store(at + 2 * plane, c, mask=there)


@triton.jit
def finish(
    sums, target, means, taps, out, figures, top, begin, rows, width, height, share, factor,
    ROWS: tl.constexpr, S: tl.constexpr,
):  # fmt: skip
    """The gradient of the loss by the sums, and sums of |x - y|.

    Args:
        sums: see ``moments_down``.
        target: likewise.
        means: [3, rows, 3 W], of ``derivatives_down``.
        taps: [11].
        out: [rows, 3 W].
        figures: out: one for each program.
        top: row of the picture that the first row of the sums is.
        begin: likewise of the other arrays.
        rows: how many.
        width: of the picture, px.
        height: likewise.
        share: lambda_l, of L1.
        factor: over the number of samples.
        ROWS: of a program.
        S: samples of a program.
    """
    place = tl.program_id(0) * S + tl.arange(0, S)[None, :]
    line = tl.program_id(1) * ROWS + tl.arange(0, ROWS)[:, None]
    plane = tl.cast(rows, tl.int64) * 3 * width
    a = tl.zeros([ROWS, S], tl.float32)
    b = tl.zeros([ROWS, S], tl.float32)
    c = tl.zeros([ROWS, S], tl.float32)
    for tap in range(0, 2 * RADIUS + 1):
        beside = place + (tap - RADIUS) * 3
        there = (beside >= 0) & (beside < 3 * width) & (line < rows)
        at = means + line.to(tl.int64) * 3 * width + beside
        w = tl.load(taps + tap)
        a += w * tl.load(at, mask=there, other=0.0)
        b += w * tl.load(at + plane, mask=there, other=0.0)
        c += w * tl.load(at + 2 * plane, mask=there, other=0.0)
    row = begin + line
    there = (place < 3 * width) & (line < rows)
    value = tl.load(sums + (row - top).to(tl.int64) * 3 * width + place, mask=there, other=0.0)
    x = tl.minimum(tl.maximum(value, 0.0), 1.0)
    y = sample_of(target, row, place, width, height, there)
    off = x - y
    sign = tl.where(off > 0, 1.0, tl.where(off < 0, -1.0, 0.0))
    gradient = share * sign - (1 - share) * (a + 2 * x * b + y * c)
    gradient = tl.where((value >= 0) & (value <= 1), gradient * factor, 0.0)
    tl.store(out + line.to(tl.int64) * 3 * width + place, gradient, mask=there)
    figure = tl.sum(tl.sum(tl.where(there, tl.abs(off), 0.0), axis=1), axis=0)
    tl.store(figures + tl.program_id(1) * tl.num_programs(0) + tl.program_id(0), figure)
