"""DeepZoom: a picture as levels of tiles, each twice as large as the one before."""

from __future__ import annotations

import re

from smartsplat.serving.requests import FORMATS, RequestError, Wanted

TILE = 512
"""Side of a tile, px. Tiles need no overlap: each is rendered by itself as if the whole level were."""

FORMAT = "jpg"


def levels(width: int, height: int) -> int:
    """Number of the level of the picture's own size; level 0 is a single pixel."""
    return (max(width, height) - 1).bit_length()


def description(width: int, height: int) -> str:
    """The ``.dzi`` of a picture."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Image xmlns="http://schemas.microsoft.com/deepzoom/2008" Format="{FORMAT}" Overlap="0" TileSize="{TILE}">'
        f'<Size Width="{width}" Height="{height}"/></Image>\n'
    )


def parse(level: str, tile: str, width: int, height: int) -> Wanted:
    """What a level and ``COLUMN_ROW.FORMAT`` ask for of a picture of that width and height, px.

    Raises:
        RequestError: they are no tile (400), or one that there is not (404).
    """
    match = re.fullmatch(r"([0-9]{1,9})_([0-9]{1,9})\.(\w+)", tile)
    if not re.fullmatch(r"[0-9]{1,3}", level) or not match or match[3] not in FORMATS:
        raise RequestError(400, "a tile is LEVEL/COLUMN_ROW.FORMAT")
    smaller = levels(width, height) - int(level)
    column, row = int(match[1]), int(match[2])
    if smaller < 0:
        raise RequestError(404, "there is no such level")
    side = TILE << smaller  # px of the original
    if column * side >= width or row * side >= height:
        raise RequestError(404, "there is no such tile")
    x, y = column * side, row * side
    region = x, y, min(side, width - x), min(side, height - y)
    return Wanted(region, (-(-region[2] >> smaller), -(-region[3] >> smaller)), format=match[3])
