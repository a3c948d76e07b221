"""Where a picture has structure: sampling weights from gradients and colour variance (Eq. 9 to 11)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartsplat import _native
from smartsplat.model.splats import Floats

TILE = 1024
"""Side of the paper's tiles, px."""

LAMBDA_M = 0.9
"""The paper's share of the gradient in the weights, lambda_m of Eq. 10."""


@dataclass(frozen=True, eq=False)
class Tiling:
    """Equal tiles that cover a picture: every combination of a row and a column of tiles.

    Attributes:
        tops: int32, first pixel row of each row of tiles, px, ascending.
        lefts: int32, first pixel column of each column of tiles, likewise.
        height: of every tile, px.
        width: likewise.
    """

    tops: NDArray[np.int32]
    lefts: NDArray[np.int32]
    height: int
    width: int

    @classmethod
    def of(cls, planes: NDArray[np.uint8], tile: int = TILE) -> Tiling:
        """The tiles of a picture [3, H, W], at most ``tile`` px wide and high."""
        _, height, width = planes.shape
        return cls(tile_starts(height, tile), tile_starts(width, tile), min(height, tile), min(width, tile))

    def __len__(self) -> int:
        return len(self.tops) * len(self.lefts)


def tile_starts(length: int, tile: int) -> NDArray[np.int32]:
    """First pixels of ceil(length / tile) tiles, spread evenly: the adaptive stride of the paper.

    The first tile begins at the first pixel, the last one ends at the last, and no pixel between is left out.
    Only tiles that are neighbours overlap.

    Args:
        length: of the picture along this axis, px, at least 1.
        tile: length of a tile, px, at least 1; a shorter picture is one tile.

    Raises:
        ValueError: one of them is less than 1.
    """
    if length < 1 or tile < 1:
        raise ValueError(f"no tiles of {tile} px on {length} px")
    last = -(-length // tile) - 1
    starts = np.arange(last + 1, dtype=np.int64) * max(length - tile, 0) // max(last, 1)
    return starts.astype(np.int32)


def tile_weights(
    planes: NDArray[np.uint8], x: int, y: int, width: int, height: int, lambda_m: float = LAMBDA_M
) -> Floats:
    """The weights w of one tile (Eq. 9 and 10); the probabilities of Eq. 11 are these over their sum.

    The gradient is that of the 3x3 Sobel operator, its norm taken for each channel, and the variance the
    unbiased one of the 5x5 pixels around. Both are means over the channels, divided by their greatest value
    in the tile. Neighbourhoods reach over the tile's border; beyond the picture its outermost pixels are
    repeated.

    Args:
        planes: uint8 [3, H, W].
        x: first column of the tile, px.
        y: first row, px.
        width: of the tile, px.
        height: likewise.
        lambda_m: share of the gradient, in [0, 1].

    Returns:
        float32 [height, width], in [1e-8, 1].

    Raises:
        ValueError: the tile is not in the picture, or lambda_m not in [0, 1].
    """
    check_share(lambda_m)
    weights: Floats = _native.tile_weights(planes, x, y, width, height, lambda_m)
    return weights


def feature_map(planes: NDArray[np.uint8], lambda_m: float = LAMBDA_M, tile: int = TILE, *, threads: int = 0) -> Floats:
    """The weights of ``tile_weights`` for the whole picture; where tiles overlap the greatest of theirs.

    Args:
        planes: uint8 [3, H, W].
        lambda_m: share of the gradient, in [0, 1].
        tile: side of the tiles, px; scratch memory is 8 bytes for each pixel of a tile and thread.
        threads: that may be used, 0 for one for each processor; the result does not depend on it.

    Returns:
        float32 [H, W], in [1e-8, 1].

    Raises:
        ValueError: tile is less than 1, or lambda_m not in [0, 1].
    """
    check_share(lambda_m)
    t = Tiling.of(planes, tile)
    weights: Floats = _native.feature_map(planes, t.tops, t.lefts, t.height, t.width, lambda_m, threads)
    return weights


def check_share(lambda_m: float) -> None:
    """Raises ValueError if lambda_m of Eq. 10 is not in [0, 1]."""
    if not 0 <= lambda_m <= 1:
        raise ValueError(f"lambda_m must be in [0, 1], not {lambda_m}")
