"""Samples as planes, and planes at half the size."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

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


def shrunk(planes: Bytes, zoom: float) -> Bytes:
    """Planes uint8 [C, H, W] at that zoom, in (0, 1): uint8 [C, ceil(H zoom), ceil(W zoom)].

    Each sample is a mean under a triangle of two samples' width; beyond the picture its last row and column go on.
    """
    _, height, width = planes.shape
    size = math.ceil(width * zoom), math.ceil(height * zoom)
    box = (0.0, 0.0, size[0] / zoom, size[1] / zoom)
    over = math.ceil(box[2]) - width, math.ceil(box[3]) - height
    wide = np.pad(planes, ((0, 0), (0, over[1]), (0, over[0])), "edge")
    smaller = [Image.fromarray(plane).resize(size, Image.Resampling.BILINEAR, box) for plane in wide]
    return np.stack([np.asarray(plane) for plane in smaller])
