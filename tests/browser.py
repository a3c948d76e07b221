"""Chromium for tests, and a server that answers as it is told."""

import os
import re
import shutil
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from smartsplat.viewing import assets

ROOT = Path(__file__).parent.parent
WEB = ROOT / "web"
DECODER = WEB / "smartsplat.wasm"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
TYPES = {".js": "text/javascript", ".wasm": "application/wasm", ".css": "text/css", ".html": "text/html"}


HELP = """
globalThis.smartsplat = await import("/web/index.js");
globalThis.base64 = (bytes) => new Promise((resolve) => {
  const reader = new FileReader();
  reader.onload = () => resolve(reader.result.split(",")[1]);
  reader.readAsDataURL(new Blob([bytes]));
});
globalThis.failure = (promise) => promise.then(() => "none", (error) => `${error.name}: ${error.message}`);
"""


def needs_decoder():
    """Skips where the decoder has not been built, or only after the package was installed."""
    try:
        assets.folder()
    except assets.MissingDecoderError as error:
        pytest.skip(str(error))
    if not DECODER.exists():
        pytest.skip("there is no web/smartsplat.wasm: python native/wasm/build.py makes it")


@contextmanager
def chromium():
    """A browser; skips where there is none."""
    needs_decoder()
    playwright = pytest.importorskip("playwright.sync_api", reason="there is no playwright")
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("there is no Chromium")
    arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


@contextmanager
def module_page(browser, address, **options):
    """A page of that server with the package as `smartsplat`, on which no error may be left over."""
    page = browser.new_page(**options)
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"{address}/")
    page.evaluate(f"async () => {{ {HELP} }}")
    yield page
    page.close()
    assert not problems


@dataclass
class Answer:
    """What a server says to one address; a length that is not that of the body is a lie.

    With a list of ranges it gives those that are asked for, and notes them.
    """

    body: bytes = b""
    status: int = 200
    type: str = "application/octet-stream"
    length: int | None = None
    headers: dict = field(default_factory=dict)
    ranges: list | None = None

    def part(self, asked):
        """What answers a request for a range, which is noted, if this knows ranges: status, body and headers."""
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", asked or "")
        if self.ranges is None or found is None or int(found[1]) >= len(self.body):
            return self.status, self.body, {}
        first, last = int(found[1]), min(int(found[2]), len(self.body) - 1)
        self.ranges.append((first, last + 1 - first))
        return 206, self.body[first : last + 1], {"Content-Range": f"bytes {first}-{last}/{len(self.body)}"}


@contextmanager
def serving(answers):
    """A server of ``web`` at /web/, an empty page at /, and of answers by their path; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            answer = answers.get(self.path) or web_file(self.path)
            status, body, headers = answer.part(self.headers.get("Range"))
            self.send_response(status)
            self.send_header("Content-Type", answer.type)
            self.send_header("Content-Length", str(len(body) if answer.length is None else answer.length))
            for name, value in (answer.headers | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = answer.length is not None

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_):  # the browser breaks connections off
            pass

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def web_file(path):
    if path == "/":
        return Answer(b"<!doctype html><title>test</title><body>", type="text/html")
    file = WEB / path.removeprefix("/web/")
    if path.startswith("/web/") and file.parent == WEB and file.is_file():
        return Answer(file.read_bytes(), type=TYPES.get(file.suffix, "text/plain"))
    return Answer(b"nothing here", 404, "text/plain")
