"""The native engine: C++ kernels on the processor's cores."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from smartsplat import _native
from smartsplat.engines.protocol import Loss
from smartsplat.model.lattice import Lattice
from smartsplat.model.splats import Floats, Splats
from smartsplat.model.view import View


class CpuFrame:
    """See ``smartsplat.engines.protocol.Frame``."""

    def __init__(self, view: View, *, ssim: bool) -> None:
        self.view = view
        self._frame = _native.Frame(**asdict(view), ssim=ssim)
        self._count = 0

    def place(self, splats: Splats) -> None:
        self._count = len(splats)
        self._frame.place(splats.parameters)

    def lay(self, lattice: Lattice | None) -> None:
        if lattice is None:
            self._frame.lay(1, 1, 0, np.zeros((3, 0, 0), np.float32))
        else:
            self._frame.lay(lattice.width, lattice.height, lattice.spacing, lattice.values)

    def lattice_residual(self, target: NDArray[np.uint8]) -> Floats:
        return self._frame.lattice_residual(target)

    def render(self) -> Floats:
        return self._frame.render_floats()

    def render_bytes(self) -> NDArray[np.uint8]:
        return self._frame.render_bytes()

    def gradient(self, target: NDArray[np.uint8], loss: Loss) -> tuple[float, Floats]:
        gradient = np.empty((self._count, 8), np.float32)
        return self._frame.gradient(target, loss.kind, loss.weight, gradient), gradient

    def normal_product(self, direction: Floats) -> Floats:
        product = np.empty_like(direction)
        if direction.shape[1] == 3:
            self._frame.colour_product(direction, product)
        else:
            self._frame.normal_product(direction, product)
        return product

    def colour_diagonal(self) -> Floats:
        return self._frame.colour_diagonal()

    def decoded_error(self, target: NDArray[np.uint8]) -> float:
        return self._frame.decoded_error(target)

    def cell_errors(self, target: NDArray[np.uint8]) -> Floats:
        return self._frame.cell_errors(target)


MOST_THREADS = 256
"""More do not help on any machine, and the system may not give them."""


class CpuEngine:
    """The engine ``cpu``.

    Args:
        threads: 0 for one for each processor; at most MOST_THREADS are used.
    """

    name = "cpu"

    def __init__(self, threads: int = 0) -> None:
        _native.set_thread_count(max(0, min(threads, MOST_THREADS)))

    def frame(self, view: View, *, ssim: bool = False) -> CpuFrame:
        """See ``smartsplat.engines.protocol.Engine``."""
        return CpuFrame(view, ssim=ssim)
