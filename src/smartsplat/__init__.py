"""SmartSplat: an image codec made of 2D Gaussians.

import smartsplat
file = smartsplat.encode("picture.png", cr=200)
file.save("picture.ssplat")
pixels = smartsplat.open("picture.ssplat").render(scale=0.5)
"""

from __future__ import annotations

TYPE_CHECKING = False  # that of `typing` would load it, and the command line wants to catch an interrupt soon
if TYPE_CHECKING:
    from typing import Any

    from smartsplat.api import decode, encode, open
    from smartsplat.cluster import ClusterError
    from smartsplat.errors import (
        CheckpointError,
        FormatError,
        LimitError,
        OutputError,
        PictureError,
        PictureWarning,
        SmartSplatError,
        TargetError,
    )
    from smartsplat.file.regions import region_from_box
    from smartsplat.file.renderer import Renderer
    from smartsplat.file.splatfile import SplatFile
    from smartsplat.file.splatset import SplatSet
    from smartsplat.model.lattice import Lattice
    from smartsplat.model.recipe import Recipe
    from smartsplat.model.report import Report
    from smartsplat.model.splats import Splats

__version__ = "0.1.0"

_HOMES = {
    "encode": "smartsplat.api",
    "decode": "smartsplat.api",
    "open": "smartsplat.api",
    "Renderer": "smartsplat.file.renderer",
    "SplatFile": "smartsplat.file.splatfile",
    "SplatSet": "smartsplat.file.splatset",
    "Recipe": "smartsplat.model.recipe",
    "region_from_box": "smartsplat.file.regions",
    "Lattice": "smartsplat.model.lattice",
    "Report": "smartsplat.model.report",
    "Splats": "smartsplat.model.splats",
    "SmartSplatError": "smartsplat.errors",
    "CheckpointError": "smartsplat.errors",
    "ClusterError": "smartsplat.cluster",
    "FormatError": "smartsplat.errors",
    "LimitError": "smartsplat.errors",
    "OutputError": "smartsplat.errors",
    "PictureError": "smartsplat.errors",
    "PictureWarning": "smartsplat.errors",
    "TargetError": "smartsplat.errors",
}

__all__ = [
    "CheckpointError",
    "ClusterError",
    "FormatError",
    "Lattice",
    "LimitError",
    "OutputError",
    "PictureError",
    "PictureWarning",
    "Recipe",
    "Renderer",
    "Report",
    "SmartSplatError",
    "SplatFile",
    "SplatSet",
    "Splats",
    "TargetError",
    "__version__",
    "decode",
    "encode",
    "open",
    "region_from_box",
]


def __getattr__(name: str) -> Any:
    """Loads the parts of the public face when they are first used: importing the package loads nothing heavy."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public face, loaded or not."""
    return sorted({*globals(), *__all__})
