"""Tiles of a tiled pyramidal TIFF through libvips behind Starlette: what `smartsplat serve` is compared with.

    python -P benchmarks/vips_server.py FILE.tif PORT

Runs in an environment of its own: ``pip install pyvips-binary pyvips starlette uvicorn``. Answers the addresses of IIIF
that benchmarks/serving.py asks for, tiles of a level of the pyramid, as JPEG of quality 88.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import anyio
import pyvips
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

QUALITY = 88


def make_app(path: str) -> Starlette:
    """The server, as many tiles at a time as there are processors."""
    pages = pyvips.Image.new_from_file(path).get("n-pages")
    levels = [pyvips.Image.new_from_file(path, page=page) for page in range(pages)]
    limiter = anyio.CapacityLimiter(os.cpu_count() or 1)

    def tile(x: int, y: int, width: int, height: int, size: int) -> Any:
        level = max(0, (width // size).bit_length() - 1)
        image = levels[level]
        left, top = x >> level, y >> level
        cut = image.crop(left, top, min(width >> level, image.width - left), min(height >> level, image.height - top))
        return cut.jpegsave_buffer(Q=QUALITY)

    async def answer(request: Request) -> Response:
        x, y, width, height = map(int, request.path_params["region"].split(","))
        size = int(request.path_params["size"].rstrip(","))
        data = await anyio.to_thread.run_sync(tile, x, y, width, height, size, limiter=limiter)
        return Response(data, media_type="image/jpeg")

    return Starlette(routes=[Route("/iiif/{name}/{region}/{size}/0/default.jpg", answer)])


if __name__ == "__main__":
    pyvips.cache_set_max(0)  # of operations, which would only keep what is asked for twice
    uvicorn.run(make_app(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]), access_log=False, log_level="warning")
