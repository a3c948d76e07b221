"""The server: addresses, headers, limits."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, unquote

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from smartsplat.errors import SmartSplatError
from smartsplat.serving import deepzoom, iiif
from smartsplat.serving.catalogue import Catalogue, Entry, Opened
from smartsplat.serving.gallery import gallery
from smartsplat.serving.pictures import make_picture
from smartsplat.serving.requests import FORMATS, RequestError, Wanted

T = TypeVar("T")

MEDIA_TYPE = "image/x-ssplat"

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Expose-Headers": "Content-Range, Content-Length, ETag, Link",
}

METHODS = ["GET", "HEAD", "OPTIONS"]


@dataclass(frozen=True)
class Limits:
    """What the server may be asked for.

    Attributes:
        pixels: of a picture that is served.
        workers: pictures that are made at a time, at least 1.
        waiting: requests that may wait for that; more are turned away (503).
        max_age: seconds for which others may keep what was served.
    """

    pixels: int = 16_000_000
    workers: int = 2
    waiting: int = 256
    max_age: int = 3600


def make_app(folder: Path, limits: Limits = Limits()) -> Starlette:
    """The server of a folder, an ASGI application."""
    server = _Server(Catalogue(folder), limits)
    routes = [
        Route("/", server.answering(server.gallery), methods=METHODS),
        Route("/iiif/{rest:path}", server.answering(server.iiif), methods=METHODS),
        Route("/dzi/{rest:path}", server.answering(server.deepzoom), methods=METHODS),
        Route("/files/{rest:path}", server.answering(server.file), methods=METHODS),
    ]
    return Starlette(routes=routes, exception_handlers={404: _not_found})


async def _not_found(_: Request, __: Exception) -> Response:
    return PlainTextResponse("there is nothing at this address\n", 404, headers=CORS)


class _Server:
    def __init__(self, catalogue: Catalogue, limits: Limits) -> None:
        self._catalogue, self._limits = catalogue, limits
        self._workers = anyio.CapacityLimiter(limits.workers)

    def answering(self, answer: Callable[[Request], Any]) -> Callable[[Request], Any]:
        """An endpoint whose errors are a sentence, and whose answers anybody's pages may use."""

        @functools.wraps(answer)
        async def endpoint(request: Request) -> Response:
            if request.method == "OPTIONS":
                return Response(status_code=204, headers=CORS)
            try:
                response: Response = await answer(request)
            except RequestError as error:
                response = PlainTextResponse(f"{error}\n", error.status)
            except (SmartSplatError, OSError) as error:
                response = PlainTextResponse(f"the file cannot be shown: {error}\n", 500)
            response.headers.update(CORS)
            return response

        return endpoint

    async def gallery(self, _: Request) -> Response:
        """A page with all pictures."""
        entries = await anyio.to_thread.run_sync(self._catalogue.entries)
        return HTMLResponse(gallery([entry.name for entry in entries]), headers={"Cache-Control": "no-cache"})

    async def file(self, request: Request) -> Response:
        """A file itself, or ranges of it."""
        name = "/".join(_segments(request)[1:])
        entry = await self._find(name.removesuffix(".ssplat") if name.endswith(".ssplat") else "")
        headers = self._caching(entry)
        if _is_known(request, entry):
            return Response(status_code=304, headers=headers)
        return FileResponse(entry.path, media_type=MEDIA_TYPE, headers=headers)

    async def iiif(self, request: Request) -> Response:
        """See ``smartsplat.serving.iiif``."""
        name, *parts = _segments(request)[1:] or [""]
        entry = await self._find(name)
        identity = f"{_base(request)}/iiif/{quote(name, safe='')}"
        if not parts:
            return RedirectResponse(f"{identity}/info.json", 303)
        if _is_known(request, entry):
            return Response(status_code=304, headers=self._caching(entry))
        if parts == ["info.json"]:
            return self._description(request, entry, identity, await self._open(entry))
        return await self._work(self._iiif_picture, entry, identity, parts)

    def _iiif_picture(self, entry: Entry, identity: str, parts: list[str]) -> Response:
        opened = self._catalogue.open(entry)
        wanted = iiif.parse(parts, opened.width, opened.height, self._limits.pixels)
        links = f'<{iiif.PROFILE}>;rel="profile"'
        links += f', <{iiif.canonical(identity, wanted, opened.width, opened.height)}>;rel="canonical"'
        return self._picture(entry, opened, wanted, {"Link": links})

    def _description(self, request: Request, entry: Entry, identity: str, opened: Opened) -> Response:
        linked = "application/ld+json" in request.headers.get("accept", "")
        kind = f'application/ld+json;profile="{iiif.CONTEXT}"' if linked else "application/json"
        info = iiif.description(identity, opened.width, opened.height, self._limits.pixels)
        return JSONResponse(info, headers=self._caching(entry) | {"Vary": "Accept"}, media_type=kind)

    async def deepzoom(self, request: Request) -> Response:
        """See ``smartsplat.serving.deepzoom``."""
        segments = _segments(request)[1:]
        if segments and segments[-1].endswith(".dzi"):
            entry = await self._find("/".join(segments).removesuffix(".dzi"))
            opened = await self._open(entry)
            text = deepzoom.description(opened.width, opened.height)
            return Response(text, media_type="application/xml", headers=self._caching(entry))
        if len(segments) < 3 or not segments[-3].endswith("_files"):
            raise RequestError(404, "an address is NAME.dzi or NAME_files/LEVEL/COLUMN_ROW.FORMAT")
        entry = await self._find("/".join(segments[:-2]).removesuffix("_files"))
        if _is_known(request, entry):
            return Response(status_code=304, headers=self._caching(entry))
        return await self._work(self._tile, entry, *segments[-2:])

    def _tile(self, entry: Entry, level: str, tile: str) -> Response:
        opened = self._catalogue.open(entry)
        return self._picture(entry, opened, deepzoom.parse(level, tile, opened.width, opened.height), {})

    def _picture(self, entry: Entry, opened: Opened, wanted: Wanted, headers: dict[str, str]) -> Response:
        data = make_picture(opened, wanted)
        return Response(data, media_type=FORMATS[wanted.format], headers=self._caching(entry) | headers)

    async def _open(self, entry: Entry) -> Opened:
        return await self._work(self._catalogue.open, entry)

    async def _work(self, call: Callable[..., T], *arguments: Any) -> T:
        """Calls it in one of so many threads."""
        if self._workers.statistics().tasks_waiting >= self._limits.waiting:
            raise RequestError(503, "too many requests wait already; come again")
        done: T = await anyio.to_thread.run_sync(call, *arguments, limiter=self._workers)
        return done

    async def _find(self, name: str) -> Entry:
        find = self._catalogue.find  # a thread of its own would take longer, but where the folder has to be walked
        entry = find(name) if self._catalogue.is_fresh() else await anyio.to_thread.run_sync(find, name)
        if entry is None:
            raise RequestError(404, "there is no such picture")
        return entry

    def _caching(self, entry: Entry) -> dict[str, str]:
        return {"ETag": f'"{entry.tag}"', "Cache-Control": f"public, max-age={self._limits.max_age}"}


def _segments(request: Request) -> list[str]:
    """Parts of the path between slashes; escaped ones are none, for they belong to names."""
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    return [unquote(part) for part in raw.decode("latin-1").strip("/").split("/")]


def _base(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def _is_known(request: Request, entry: Entry) -> bool:
    tags = (tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(","))
    return f'"{entry.tag}"' in tags
