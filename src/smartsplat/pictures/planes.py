"""Samples as planes, and planes at half the size."""

from __future__ import annotations

import numpy as np

from smartsplat import _native
from smartsplat.pictures.samples import Bytes


def to_planes(pixels: Bytes) -> Bytes:
    """Interleaved samples uint8 [H, W, 3] as planes uint8 [3, H, W]."""
    planes: Bytes = _native.to_planes(np.ascontiguousarray(pixels))
    return planes


def halve(planes: Bytes) -> Bytes:
    """Planes uint8 [C, H, W] at half the size, rounded up: uint8 [C, ceil(H/2), ceil(W/2)].

    Each sample is the mean of 2x2, rounded to nearest with halves up, or of those that exist at an odd edge.
    """
    halves: Bytes = _native.halve(np.ascontiguousarray(planes))
    return halves
