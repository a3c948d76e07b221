"""A server for one person on this machine: the viewer, some files and the pictures that they were made from."""

from __future__ import annotations

import json
import math
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO

from smartsplat.viewing import assets
from smartsplat.viewing.page import served_page

HOST = "127.0.0.1"

_TYPES = {".js": "text/javascript", ".css": "text/css", ".wasm": "application/wasm"}
_BROWSERS_READ = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}
_RANGE = re.compile(r"bytes=(\d{1,18})-(\d{0,18})")
_BITE = 1 << 20


@dataclass(frozen=True)
class Shown:
    """A file, and the picture that it was made from, if that is known."""

    path: Path
    original: Path | None = None


@dataclass
class _Facts:
    """What takes long to find out, once."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    known: dict[int, dict[str, float]] = field(default_factory=dict)


def make_server(files: Sequence[Shown], port: int = 0) -> ThreadingHTTPServer:
    """The server, which listens to this machine only.

    Args:
        files: at least one.
        port: 0 for any that is free; the server says which, ``server_port``.

    Raises:
        OSError: it is taken.
        MissingDecoderError: there is no decoder for browsers.
    """
    entries = [_entry(number, shown) for number, shown in enumerate(files)]
    values = {"page": served_page(entries).encode(), "files": tuple(files), "web": assets.folder(), "facts": _Facts()}
    handler: Any = type("Handler", (_Handler,), values)
    server = _Server((HOST, port), handler)
    handler.port = server.server_port
    return server


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: a browser breaks connections off when a page is left."""


def _entry(number: int, shown: Shown) -> dict[str, Any]:
    entry = {"name": shown.path.name, "source": f"/files/{number}"}
    if shown.original:
        entry |= {"original": f"/originals/{number}", "facts": f"/facts/{number}"}
    return entry


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else an answer's body may wait 40 ms until its head is acknowledged
    timeout = 60
    port: int
    page: bytes
    files: tuple[Shown, ...]
    web: Path
    facts: _Facts

    def do_GET(self) -> None:
        """Answers."""
        if not self._is_ours():
            return self._say(403, "this server speaks to this machine only")
        parts = self.path.split("?")[0].strip("/").split("/")
        answers: dict[str, Callable[[str], None]] = {
            "web": self._web, "files": self._file, "originals": self._original, "facts": self._psnr,
        }  # fmt: skip
        try:
            if parts == [""]:
                self._send(self.page, "text/html; charset=utf-8")
            elif len(parts) == 2 and parts[0] in answers:
                answers[parts[0]](parts[1])
            else:
                self._missing()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_HEAD = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: the terminal is the person's."""

    def _is_ours(self) -> bool:
        """Whether the browser means this machine: pages elsewhere may have names that lead here."""
        return self.headers.get("Host", "") in (f"{HOST}:{self.port}", f"localhost:{self.port}")

    def _web(self, name: str) -> None:
        kind = _TYPES.get(Path(name).suffix)
        if kind is None or not re.fullmatch(r"[\w.]+", name) or not (self.web / name).is_file():
            return self._missing()
        return self._send((self.web / name).read_bytes(), kind)

    def _file(self, number: str) -> None:
        if shown := self._shown(number):
            self._send_file(shown.path, "image/x-ssplat")

    def _original(self, number: str) -> None:
        if (shown := self._compared(number)) is None:
            return
        _, original = shown
        if kind := _BROWSERS_READ.get(original.suffix.lower()):
            self._send_file(original, kind)
        else:
            self._send(_as_png(original), "image/png")

    def _psnr(self, number: str) -> None:
        if (shown := self._compared(number)) is None:
            return
        with self.facts.lock:
            found = self.facts.known.get(int(number))
            if found is None:
                found = self.facts.known[int(number)] = _psnr(*shown)
        self._send(
            json.dumps({name: value for name, value in found.items() if math.isfinite(value)}).encode(),
            "application/json",
        )

    def _shown(self, number: str) -> Shown | None:
        """The file of that number; says that there is none."""
        if re.fullmatch(r"\d{1,6}", number) and int(number) < len(self.files):
            return self.files[int(number)]
        self._missing()
        return None

    def _compared(self, number: str) -> tuple[Path, Path] | None:
        """The file of that number and its original; says that there is none."""
        shown = self._shown(number)
        if shown is None:
            return None
        if shown.original is None:
            self._missing()
            return None
        return shown.path, shown.original

    def _send_file(self, path: Path, kind: str) -> None:
        """A file or a range of it."""
        try:
            file = path.open("rb")
        except OSError:
            return self._say(404, f"{path.name} cannot be opened any more")
        with file:
            size = file.seek(0, 2)
            match = _RANGE.fullmatch(self.headers.get("Range", ""))
            first = int(match[1]) if match else 0
            last = min(int(match[2] or size), size - 1) if match else size - 1
            if match and (first >= size or last < first):
                return self._say(416, "there is no such part", {"Content-Range": f"bytes */{size}"})
            headers = {"Content-Range": f"bytes {first}-{last}/{size}"} if match else {}
            self._start(206 if match else 200, kind, last + 1 - first, {"Accept-Ranges": "bytes"} | headers)
            file.seek(first)
            return self._copy(file, last + 1 - first)

    def _copy(self, file: BinaryIO, count: int) -> None:
        if self.command == "HEAD":
            return
        while count > 0 and (data := file.read(min(count, _BITE))):
            self.wfile.write(data)
            count -= len(data)
        self.close_connection = count > 0  # the file has become shorter

    def _missing(self) -> None:
        self._say(404, "there is nothing at this address")

    def _say(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        self._send(f"{text}\n".encode(), "text/plain; charset=utf-8", status, headers)

    def _send(self, data: bytes, kind: str, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._start(status, kind, len(data), headers or {})
        if self.command != "HEAD":
            self.wfile.write(data)

    def _start(self, status: int, kind: str, length: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        always = {"Content-Type": kind, "Content-Length": str(length), "Cache-Control": "no-cache"}
        for name, value in (always | {"X-Content-Type-Options": "nosniff"} | headers).items():
            self.send_header(name, value)
        self.end_headers()


def _as_png(path: Path) -> bytes:
    """A picture that browsers cannot read, as one that they can."""
    from smartsplat.pictures.metadata import Metadata
    from smartsplat.pictures.reading import read
    from smartsplat.pictures.writing import Described, strips_as_bytes

    pixels = read(path).with_alpha()
    return strips_as_bytes("original.png", [pixels], Described.of(pixels, Metadata()))


def _psnr(path: Path, original: Path) -> dict[str, float]:
    """PSNR [dB] of what is seen of a file against what it was made from; nothing if that cannot be said."""
    from smartsplat.errors import SmartSplatError
    from smartsplat.file.renderer import colours_in
    from smartsplat.file.splatfile import SplatFile
    from smartsplat.metrics import psnr
    from smartsplat.metrics.visible import visible_psnr
    from smartsplat.pictures.reading import read

    try:
        picture = read(original)
        decoded = _in_colour(colours_in(SplatFile.open(path).render(dtype=picture.pixels.dtype)))
        if picture.alpha is None or decoded.shape != picture.pixels.shape:
            return {"psnr": psnr(picture.pixels, decoded)}
        return {"psnr": visible_psnr(picture.pixels, picture.alpha, decoded)}
    except (SmartSplatError, OSError):
        return {}


def _in_colour(pixels: Any) -> Any:
    """As [H, W, 3]."""
    return pixels if pixels.ndim == 3 else pixels[:, :, None].repeat(3, 2)
