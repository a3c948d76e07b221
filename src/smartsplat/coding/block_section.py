"""The section of blocks: squares of 8 x 8 px whose very colours stand in the place of what splats and lattice show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smartsplat import _native
from smartsplat.coding.format import PIXEL_BLOCK
from smartsplat.model.splats import Floats

Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class CodedBlocks:
    """A section, and what it was made of.

    Attributes:
        section: its bytes.
        flags: [rows, columns] of blocks, those that have pixels.
        bits: float32 likewise, what each takes.
        grey: the picture has one channel.
        deep: its samples have more than 8 bits.
        width: of the picture, px.
        height: likewise.
    """

    section: bytes
    flags: Flags
    bits: Floats
    grey: bool
    deep: bool
    width: int
    height: int

    def draw(self, pixels: NDArray[Any], *, threads: int = 0) -> None:
        """Draws them over the whole picture [H, W, 3], uint8 or uint16."""
        blocks = _native.read_blocks(self.section, self.width, self.height, self.grey, self.deep, threads)
        blocks.draw(_native.view_of(self.width, self.height, None, 1.0), pixels, threads)


def blocks_shape(width: int, height: int) -> tuple[int, int]:
    """Rows and columns of the blocks of a picture of that size, px."""
    return -(-height // PIXEL_BLOCK), -(-width // PIXEL_BLOCK)


def write_blocks(
    planes: NDArray[Any], flags: Flags, *, grey: bool, of_colour: float, of_pixel: float, threads: int = 0
) -> CodedBlocks:
    """The section of some blocks of a picture, with fewer colours where that is cheaper.

    Args:
        planes: uint8 or uint16 [3, H, W].
        flags: [rows, columns] of blocks, those to code.
        grey: the planes are equal.
        of_colour: squared steps of 8 bits, summed up over pixels and channels, that a colour less may cost.
        of_pixel: likewise, of a pixel that takes part in it.
        threads: 0 for one for each processor.
    """
    deep = planes.dtype != np.uint8
    unit = 257.0**2 if deep else 1.0
    section, bits = _native.write_blocks(
        planes.astype(np.uint16), flags.astype(np.uint8), grey, deep, of_colour * unit, of_pixel * unit, None, threads
    )
    return CodedBlocks(section, flags, bits, grey, deep, planes.shape[2], planes.shape[1])
