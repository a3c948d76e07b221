"""How much memory of a card a fit takes, at most: counted, array by array, from what the modules of this room hold."""

from __future__ import annotations

from smartsplat.gpu.frames import Limits
from smartsplat.gpu.launch import TILE, parts
from smartsplat.gpu.similarity import FLOATS, HALO
from smartsplat.model.lattice import lattice_shape

SPLAT_BYTES = 1600
"""Of a splat: its parameters, moments, and the arrays in double precision that placing and a solve take for a while."""

PAIR_BYTES = 44
"""Of a pair of a splat and a tile, while it is sorted; 4 of them stay."""

SPAN_BYTES = 76
"""Of a span, while it is sorted and summed up; 24 of them stay."""

BASE_BYTES = 1 << 20
"""Of what has no size worth counting."""


def fit_bytes(
    width: int, height: int, splats: int, pairs: int, spans: int, *, spacing: int | None = None, ssim: bool = True,
    targets: int = 1, limits: Limits | None = None,
) -> int:  # fmt: skip
    """Bytes on the card that the fit of a picture takes at most, beside PyTorch's own.

    Args:
        width: of the picture, px.
        height: likewise.
        splats: N.
        pairs: of splats and tiles of 16 px that they touch; in no row of tiles more than the limit.
        spans: of splats and rows of such tiles that they touch.
        spacing: of the lattice, px, if there is one.
        ssim: whether the loss is Eq. 22.
        targets: pictures of bytes of that size that are held: 1, or 3 where levels of it are fitted.
        limits: what the engine holds at a time; its usual ones if that is None.
    """
    limits = limits or Limits()
    rows = min(max(1, limits.pixels // (width * TILE)), parts(height, TILE)) * TILE
    line = 3 * 4 * width
    band = ((rows + 2 * TILE) + FLOATS * (rows + HALO) + 2 * rows) * line if ssim else 2 * rows * line
    lattice = 0
    if spacing is not None:
        down, across = lattice_shape(width, height, spacing)
        lattice = 3 * 4 * (down * across + rows * across + (rows // spacing + TILE) * width)
    tiles = 16 * parts(width, TILE) * parts(height, TILE)
    lists = _list_bytes(pairs, spans, limits) + tiles
    return targets * 3 * width * height + band + lists + lattice + splats * SPLAT_BYTES + BASE_BYTES


def _list_bytes(pairs: int, spans: int, limits: Limits) -> int:
    """Of the lists that are made at a time, and of those that are kept."""
    made, kept = min(pairs, limits.pairs), min(pairs, limits.kept)
    return PAIR_BYTES * made + SPAN_BYTES * min(spans, made) + 4 * kept + 24 * min(spans, kept)
