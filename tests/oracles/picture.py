"""Pixels from the integers of a file in double precision, written from SPEC.md, sections 8 to 10."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from smartsplat.engines.reference import ReferenceCanvas, ReferenceFrame, node_weights
from smartsplat.model.splats import Splats
from smartsplat.model.view import View
from tests.oracles.lattice_stream import BASIS, CodedCoefficients, node_values
from tests.oracles.splat_stream import Code

Doubles = NDArray[np.float64]


def splat_parameters(codes: list[Code], step_index: int) -> Doubles:
    """Rows of centre, deviations, angle and colour [N, 8]; see section 8."""
    rows = np.empty((len(codes), 8))
    for row, code in zip(rows, codes, strict=True):
        size, ratio = 2.0 ** (code.size / 2**code.energy), 2.0 ** (code.ratio / 2**code.energy)
        step = 2 ** ((step_index - 128) / 16) / (np.sqrt(np.pi) * size)
        angle = np.pi * code.turn / 2**code.turn_bits
        row[:] = code.x / 256, code.y / 256, size * ratio, size / ratio, angle, *(step * np.array(code.colour) @ BASIS)
    return rows


def splat_sums(parameters: Doubles, view: View) -> Doubles:
    """The sum of splats [H, W, 3]."""
    splats = Splats(parameters.astype(np.float32))  # only counted: the frame sums the doubles
    return ReferenceFrame(ReferenceCanvas(view), splats, parameters).sums()


def lattice_sums(coded: CodedCoefficients, view: View) -> Doubles:
    """The sum of a lattice's Gaussians [H, W, 3]."""
    colours = node_values(coded)
    rows, columns = colours.shape[1:]
    down = node_weights(rows, coded.spacing, view.height, view.zoom * view.aspect, view.top, view.blur)
    across = node_weights(columns, coded.spacing, view.width, view.zoom, view.left, view.blur)
    return np.asarray(np.einsum("jy,ix,cji->yxc", down, across, colours, optimize=True))


def to_bytes(sums: Doubles) -> NDArray[np.uint8]:
    """Samples of 8 bits."""
    return np.floor(np.clip(sums, 0, 1) * 255 + 0.5).astype(np.uint8)


def to_words(sums: Doubles) -> NDArray[np.uint16]:
    """Samples of 16 bits, little-endian."""
    return np.floor(np.clip(sums, 0, 1) * 65535 + 0.5).astype("<u2")
