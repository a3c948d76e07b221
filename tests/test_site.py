"""The site's gallery: its viewers show pictures in headless Chromium."""

import importlib.util
import re

import pytest

import smartsplat
from tests.browser import ROOT, TYPES, Answer, chromium, needs_decoder, serving


@pytest.fixture(scope="module")
def gallery():
    """What the site has of it, by path."""
    pytest.importorskip("mkdocs", reason="there is no mkdocs")
    needs_decoder()
    found = importlib.util.spec_from_file_location("hooks", ROOT / "docs" / "hooks.py")
    hooks = importlib.util.module_from_spec(found)
    found.loader.exec_module(hooks)
    return hooks.gallery()


def test_every_picture_is_there(gallery):
    sources = re.findall(r'<smart-splat src="([^"]+)"', gallery["gallery.md"])
    assert len(sources) == 3
    for source in sources:
        file = smartsplat.SplatFile.from_bytes(gallery[f"gallery/{source}"])
        assert f"{len(file):,} bytes" in gallery["gallery.md"]


def test_the_viewers_show_them(gallery):
    answers = {
        f"/{path}": Answer(content, type=TYPES.get(f".{path.rsplit('.')[-1]}", "image/x-ssplat"))
        for path, content in gallery.items()
        if isinstance(content, bytes)
    }
    body = "\n".join(line for line in gallery["gallery.md"].splitlines() if line.startswith("<"))
    answers["/gallery/"] = Answer(f"<!doctype html><body>{body}".encode(), type="text/html")
    with chromium() as browser, serving(answers) as address:
        page = browser.new_page()
        page.goto(f"{address}/gallery/")
        page.wait_for_function("[...document.querySelectorAll('smart-splat')].every((e) => e.picture)", timeout=60_000)
        shown = page.evaluate("[...document.querySelectorAll('smart-splat')].map((e) => e.picture.width)")
    assert shown == [1134] * 3
