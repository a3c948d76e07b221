"""The parts of the viewer that run in a browser: modules of JavaScript, a style sheet, the decoder."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from smartsplat.errors import SmartSplatError

DECODER = "smartsplat.wasm"

_PACKAGE = Path(__file__).parent.parent
_PLACES = _PACKAGE / "web", _PACKAGE.parent.parent / "web"
"""Of an installed package, and of the sources."""


class MissingDecoderError(SmartSplatError):
    """This installation has no decoder for browsers."""


@cache
def folder() -> Path:
    """Where they are, the decoder too.

    Raises:
        MissingDecoderError: it is not there.
    """
    for place in _PLACES:
        if (place / DECODER).is_file():
            return place
    raise MissingDecoderError(
        "this installation has no decoder for browsers: before installing from the sources, run "
        "'pip install ziglang' and 'python native/wasm/build.py'"
    )


def text(name: str) -> str:
    """One of the modules, or the style sheet."""
    return (folder() / name).read_text(encoding="utf-8")


def decoder() -> bytes:
    """The decoder, a module of WebAssembly."""
    return (folder() / DECODER).read_bytes()
