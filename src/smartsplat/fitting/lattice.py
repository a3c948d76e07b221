"""Colours of the lattice by least squares: exactly, for the weights are products of those along the two axes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from smartsplat import _native
from smartsplat.engines import Frame
from smartsplat.fitting.levels import Planes
from smartsplat.model.lattice import LATTICE_REACH, LATTICE_SCALE, Lattice, lattice_shape
from smartsplat.scratch import MEMORY, Scratch

Doubles = NDArray[np.float64]

RIDGE = 1e-6
"""Damping relative to the greatest diagonal element, for nodes of which the picture shows little."""


def axis_gram(nodes: int, spacing: int, pixels: int) -> Doubles:
    """Gram matrix of the weights of one axis' nodes at its pixels: upper bands, the diagonal last."""
    reach = LATTICE_REACH * spacing
    centre = (np.arange(nodes) + 0.5) * spacing - 0.5
    first = np.ceil(centre - reach).astype(np.int64)[:, None]
    at = first + np.arange(int(2 * reach) + 2)
    distance = at - centre[:, None]
    weights = np.exp(-(distance**2) / (2 * (LATTICE_SCALE * spacing) ** 2))
    weights[(distance > reach) | (at < 0) | (at >= pixels)] = 0
    taps = weights.shape[1]
    bands = min(int(2 * LATTICE_REACH) + 1, nodes)
    gram = np.zeros((bands, nodes))
    for offset in range(bands):  # the next node but `offset` begins `offset` spacings later
        shift = min(offset * spacing, taps)
        gram[bands - 1 - offset, offset:] = (weights[: nodes - offset, shift:] * weights[offset:, : taps - shift]).sum(
            1
        )
    gram[-1] += RIDGE * gram[-1].max()
    return gram


def solve_lattice(
    frame: Frame, target: Planes, spacing: int, *, threads: int = 0, scratch: Scratch = MEMORY
) -> Lattice:
    """The lattice that, under the frame's splats, has the least squared error.

    Args:
        frame: of the picture itself, at its own size, without a lattice.
        target: uint8 [3, H, W].
        spacing: of the nodes, px.
        threads: that may be used, 0 for one for each processor; the result does not depend on it.
        scratch: where its values will lie.

    Raises:
        ValueError: there is a lattice under the splats already.
    """
    if frame.canvas.lattice is not None:
        raise ValueError("a lattice lies under the splats already")
    _, height, width = target.shape
    rows, columns = lattice_shape(width, height, spacing)
    sums = scratch.empty((3, rows, columns), np.float32)
    frame.lattice_residual(target, (width, height), spacing, out=sums)
    down, across = axis_gram(rows, spacing, height), axis_gram(columns, spacing, width)
    _native.solve_lattice(sums, down, across, threads)
    return Lattice(width, height, spacing, sums)
