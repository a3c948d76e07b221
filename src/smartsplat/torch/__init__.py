"""Gaussians as a differentiable PyTorch operator: docs/torch.md.

This room is a face: nothing of the package imports it, and it alone imports PyTorch (the extra ``torch``).
"""

from __future__ import annotations

try:
    import torch as _torch  # noqa: F401
except ImportError as error:
    raise ImportError("smartsplat.torch needs PyTorch: pip install 'smartsplat[torch]'") from error

from smartsplat.torch.rasterize import BLENDS, rasterize, rasterize_conics

__all__ = ["BLENDS", "rasterize", "rasterize_conics"]
