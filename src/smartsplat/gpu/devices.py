"""Which card there is."""

from __future__ import annotations

import os

import torch

from smartsplat.errors import SmartSplatError

KINDS = {"float32": torch.float32, "uint8": torch.uint8}
"""Types of pixels by NumPy's names."""


def card() -> torch.device:
    """The graphics card that PyTorch takes by default.

    Raises:
        SmartSplatError: there is none.
    """
    if not torch.cuda.is_available():
        raise SmartSplatError("engine cuda: PyTorch sees no graphics card of NVIDIA or AMD here")
    return torch.device("cuda", torch.cuda.current_device())


def interpreted() -> bool:
    """Whether Triton's interpreter runs the kernels, on the processor."""
    return os.environ.get("TRITON_INTERPRET") == "1"
