"""Samples as planes, and planes at half the size."""

from __future__ import annotations

import numpy as np

from smartsplat import _native
from smartsplat.pictures.samples import Bytes


def to_planes(pixels: Bytes, *, threads: int = 0) -> Bytes:
    """Interleaved samples uint8 [H, W, 3] as planes uint8 [3, H, W]; threads: 0 for one for each processor."""
    planes: Bytes = _native.to_planes(np.ascontiguousarray(pixels), threads)
    return planes


def halve(planes: Bytes, *, threads: int = 0) -> Bytes:
    """Planes uint8 [C, H, W] at half the size, rounded up: uint8 [C, ceil(H/2), ceil(W/2)].

    Each sample is the mean of 2x2, rounded to nearest with halves up, or of those that exist at an odd edge.
    As for threads, 0 is one for each processor.
    """
    halves: Bytes = _native.halve(np.ascontiguousarray(planes), threads)
    return halves
