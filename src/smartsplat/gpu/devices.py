"""Which card there is."""

from __future__ import annotations

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


def processor() -> torch.device:
    """Where Triton's interpreter runs kernels."""
    return torch.device("cpu")


def name_of(device: torch.device) -> str:
    """What its maker calls it."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "interpreter"
