"""SmartSplat: an image codec made of 2D Gaussians.

import smartsplat
file = smartsplat.encode("picture.png", cr=200)
file.save("picture.ssplat")
pixels = smartsplat.open("picture.ssplat").render(scale=0.5)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smartsplat.api import decode, encode, open
    from smartsplat.file.splatfile import SplatFile
    from smartsplat.model.lattice import Lattice
    from smartsplat.model.splats import Splats

__version__ = "0.1.0"
__all__ = ["Lattice", "SplatFile", "Splats", "__version__", "decode", "encode", "open"]

_HOMES = {
    "encode": "smartsplat.api",
    "decode": "smartsplat.api",
    "open": "smartsplat.api",
    "Lattice": "smartsplat.model.lattice",
    "SplatFile": "smartsplat.file.splatfile",
    "Splats": "smartsplat.model.splats",
}


def __getattr__(name: str) -> Any:
    """Loads the parts of the public face when they are first used: importing the package loads nothing heavy."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
