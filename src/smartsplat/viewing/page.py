"""The viewer's pages, as HTML."""

from __future__ import annotations

import gzip
import html
import json
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from smartsplat.viewing import assets
from smartsplat.viewing.bundle import bundle

_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>{style}</head>
<body><noscript>This page shows pictures by JavaScript, which is switched off.</noscript>
"""

_SERVED = """<script type="application/json" id="list">{files}</script>
<script type="text/plain" id="worker">{worker}</script>
<script>
{script}
smartsplat.showServed();
</script></body></html>
"""

_EMBEDDED = """<script type="text/plain" id="picture">{picture}</script>
<script type="text/plain" id="decoder">{decoder}</script>
<script type="text/plain" id="worker">{worker}</script>
<script>
{script}
smartsplat.showEmbedded({name});
</script></body></html>
"""


def served_page(files: Sequence[dict[str, Any]]) -> str:
    """The page of the local server. Its scripts are in it: one answer is there sooner than twenty.

    Args:
        files: what ``web/page.js`` calls FileEntry.
    """
    head = (
        f'<link id="decoder" rel="preload" href="/web/{assets.DECODER}" as="fetch" type="application/wasm" crossorigin>'
        f"{_style()}"
    )
    return _HEAD.format(title="SmartSplat", style=head) + _SERVED.format(
        files=_json(files), worker=_script("worker.js"), script=_script("embedded.js")
    )


def embedded_page(name: str, data: bytes) -> str:
    """A page that needs nothing but itself: viewer, decoder and picture are in it.

    Args:
        name: of the picture, for people.
        data: a ``.ssplat`` file.
    """
    return _HEAD.format(title=html.escape(name), style=_style()) + _EMBEDDED.format(
        picture=b64encode(data).decode(),
        decoder=b64encode(gzip.compress(assets.decoder(), 9, mtime=0)).decode(),
        worker=_script("worker.js"),
        script=_script("embedded.js"),
        name=_json(name),
    )


def _style() -> str:
    """The style sheet, in the page too: scripts would wait for another answer."""
    return f'<style>{assets.text("viewer.css")}</style><link rel="icon" href="data:,">'


def _script(entry: str) -> str:
    """Modules as one script that can stand in HTML."""
    script = bundle(entry, assets.text)
    if "</script" in script or "<!--" in script:
        raise ValueError(f"{entry} would end its element of the page")
    return script


def _json(value: Any) -> str:
    """JSON that can stand in an element of a page."""
    return json.dumps(value).replace("<", "\\u003c")
