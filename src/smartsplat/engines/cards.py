"""Whether it may be worth asking for a graphics card: told without loading PyTorch, which takes seconds."""

from __future__ import annotations

import importlib.util
from pathlib import Path

WORTH_PIXELS = 1 << 23
"""Of a picture, from which on ``auto`` takes a card. A guess: it has not been measured where one pays."""

DEVICES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
"""What the drivers of NVIDIA and AMD show on Linux, and both on Linux within Windows."""


def may_have_card() -> bool:
    """Whether there is a driver for a card, and what the engine ``cuda`` needs is installed."""
    known = all(importlib.util.find_spec(name) is not None for name in ("torch", "triton"))
    return known and any(Path(device).exists() for device in DEVICES)
