"""The weights of splats at pixels: one place, so that all kernels find the same numbers to the last bit."""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def pixels_of(tile_x, tile_y, TILE: tl.constexpr):
    """Columns and rows of a tile's pixels, [TILE * TILE] each."""
    p = tl.arange(0, TILE * TILE)
    return tile_x * TILE + p % TILE, tile_y * TILE + p // TILE


@triton.jit
def weigh(placed, index, there, columns, rows):
    """Offsets u and v along the axes in standard deviations, weights, and opacities: [S, P] each, the last [S, 1].

    Args:
        placed: [N, 8], see ``smartsplat.gpu.placing``.
        index: which splats, [S].
        there: whether they are, [S].
        columns: of P pixels.
        rows: likewise.
    """
    at = placed + index * 8
    x = tl.load(at, mask=there, other=0.0)
    y = tl.load(at + 1, mask=there, other=0.0)
    ux = tl.load(at + 2, mask=there, other=0.0)[:, None]
    uy = tl.load(at + 3, mask=there, other=0.0)[:, None]
    vx = tl.load(at + 4, mask=there, other=0.0)[:, None]
    vy = tl.load(at + 5, mask=there, other=0.0)[:, None]
    opacity = tl.load(at + 6, mask=there, other=0.0)[:, None]
    reach = tl.load(at + 7, mask=there, other=-1.0)[:, None]
    dx = (columns.to(x.dtype) + 0.5)[None, :] - x[:, None]
    dy = (rows.to(y.dtype) + 0.5)[None, :] - y[:, None]
    # Explicit, so that no compiler fuses them one way here and another way there: a threshold of "topk" that one
    # kernel finds must be that of the next.
    u = tl.fma(ux, dx, uy * dy)
    v = tl.fma(vx, dx, vy * dy)
    q = tl.fma(u, u, v * v)
    return u, v, tl.where(q <= reach, tl.exp(q * -0.5), 0.0), opacity


@triton.jit
def chosen(strength, index, bar, last):
    """Strengths [S, P], 0 for those that are not among the strongest.

    Args:
        strength: of splats at pixels.
        index: of the splats, [S].
        bar: strength of the weakest one that is, [P].
        last: index of the last one of that strength that is, [P].
    """
    above = strength > bar[None, :]
    level = (strength == bar[None, :]) & (index[:, None] <= last[None, :])
    return tl.where(above | level, strength, 0.0)


@triton.jit
def below(number, limit, like):
    """Whether one number is below another, for each entry of a block; the interpreter combines none with a number."""
    return tl.zeros_like(like) + number < limit
