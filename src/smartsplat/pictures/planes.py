"""Samples as planes, and planes at half the size."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from smartsplat import _native
from smartsplat.pictures.samples import Bytes, Samples, greatest, to_bytes
from smartsplat.scratch import MEMORY, Scratch

LUMA = 0.299, 0.587, 0.114
"""What red, green and blue count in it."""


def to_planes(pixels: Samples, *, threads: int = 0, scratch: Scratch = MEMORY) -> Samples:
    """Interleaved samples [H, W, 3] as planes [3, H, W] of their type, in that scratch.

    As for threads, 0 is one for each processor.
    """
    height, width, channels = pixels.shape
    planes: Samples = scratch.empty((channels, height, width), pixels.dtype)
    _native.to_planes(np.ascontiguousarray(pixels), planes, threads)
    return planes


def halve(planes: Samples, *, threads: int = 0) -> Samples:
    """Planes [C, H, W] at half the size, rounded up: [C, ceil(H/2), ceil(W/2)] of their type.

    Each sample is the mean of 2x2, rounded to nearest with halves up, or of those that exist at an odd edge.
    As for threads, 0 is one for each processor.
    """
    halves: Samples = _native.halve(np.ascontiguousarray(planes), threads)
    return halves


def eight_bits(planes: Samples) -> Bytes:
    """Planes of 8 bits, the same if they have no more; for what looks at no more."""
    if planes.dtype == np.uint8:
        return np.asarray(planes, np.uint8)
    return np.stack([to_bytes(plane) for plane in planes])


def luma_of(planes: Bytes) -> NDArray[np.float32]:
    """The luma of planes [3, H, W], 0 to 255.

    Without BLAS, whose threads look for more work for a while afterwards, on processors that others have use for.
    """
    red, green, blue = (np.float32(factor) * plane for factor, plane in zip(LUMA, planes, strict=True))
    return np.asarray(red + green + blue, np.float32)


def rounded(sums: NDArray[np.float32], planes: Samples) -> Samples:
    """A picture of sums [H, W, 3], 1.0 is white, with as many bits as the planes."""
    return np.asarray(np.floor(np.clip(sums, 0, 1) * greatest(planes) + 0.5), planes.dtype)


def shrunk(planes: Samples, zoom: float) -> Bytes:
    """Planes [C, H, W] at that zoom, in (0, 1), of 8 bits: uint8 [C, ceil(H zoom), ceil(W zoom)].

    Each sample is a mean under a triangle of two samples' width; beyond the picture its last row and column go on.
    """
    _, height, width = planes.shape
    size = math.ceil(width * zoom), math.ceil(height * zoom)
    box = (0.0, 0.0, size[0] / zoom, size[1] / zoom)
    over = math.ceil(box[2]) - width, math.ceil(box[3]) - height

    def smaller(plane: Samples) -> Bytes:  # one after the other: each takes a copy
        wide = np.pad(to_bytes(plane), ((0, over[1]), (0, over[0])), "edge") if any(over) else to_bytes(plane)
        return np.asarray(Image.fromarray(wide).resize(size, Image.Resampling.BILINEAR, box))

    return np.stack([smaller(plane) for plane in planes])
