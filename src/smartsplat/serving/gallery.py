"""The page that shows what a folder holds."""

from __future__ import annotations

import html
from collections.abc import Sequence
from urllib.parse import quote

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>SmartSplat</title>
<style>
:root {{ color-scheme: light dark; font: 16px/1.4 system-ui, sans-serif }}
body {{ margin: 2rem auto; max-width: 72rem; padding: 0 1rem }}
main {{ display: grid; gap: 1.5rem; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)) }}
figure {{ margin: 0 }} figcaption {{ overflow-wrap: anywhere }} small a {{ margin-right: .6em }}
img {{ width: 100%; height: 12rem; object-fit: contain; background: #8882 }}
</style>
<h1>Pictures</h1>
<main>{figures}</main>
{nothing}
"""

_FIGURE = """<figure><a href="/iiif/{id}/full/max/0/default.jpg"><img loading="lazy" alt=""
src="/iiif/{id}/full/^!480,480/0/default.jpg"></a><figcaption>{name}<br><small><a href="/iiif/{id}/info.json">IIIF</a>
<a href="/dzi/{path}.dzi">DeepZoom</a><a href="/files/{path}.ssplat">file</a></small></figcaption></figure>
"""


def gallery(names: Sequence[str]) -> str:
    """HTML with a thumbnail and addresses of each picture."""
    figures = [_FIGURE.format(id=quote(name, safe=""), path=quote(name), name=html.escape(name)) for name in names]
    return _PAGE.format(figures="".join(figures), nothing="" if names else "<p>There are no .ssplat files here.</p>")
