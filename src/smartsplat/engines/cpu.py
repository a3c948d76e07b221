"""The native engine: C++ kernels on the processor's cores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import ClassVar, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from smartsplat import _native
from smartsplat.engines.protocol import Loss, require_direction, require_nodes
from smartsplat.model.lattice import Lattice
from smartsplat.model.splats import PARAMETERS, Floats, Splats
from smartsplat.model.view import View

P = ParamSpec("P")
T = TypeVar("T")


def _call(threads: int, function: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    """Calls native code with that many threads: the one place that knows that their number is the process's."""
    _native.set_thread_count(threads)
    return function(*arguments, **options)


def _lay(frame: _native.Frame, lattice: Lattice | None) -> None:
    if lattice is None:
        frame.lay(1, 1, 0, np.zeros((3, 0, 0), np.float32))
    else:
        frame.lay(lattice.width, lattice.height, lattice.spacing, lattice.values)


@dataclass(frozen=True, eq=False)
class CpuFrame:
    """See ``smartsplat.engines.protocol.Frame``."""

    canvas: CpuCanvas
    splats: Splats
    _frame: _native.Frame = field(repr=False)

    def render(self) -> Floats:
        return _call(self.canvas.threads, self._frame.render_floats)

    def render_bytes(self) -> NDArray[np.uint8]:
        return _call(self.canvas.threads, self._frame.render_bytes)

    def gradient(self, target: NDArray[np.uint8], loss: Loss) -> tuple[float, Floats]:
        gradient = np.empty((len(self.splats), PARAMETERS), np.float32)
        value = _call(self.canvas.threads, self._frame.gradient, target, loss.kind, loss.weight, gradient)
        return value, gradient

    def normal_product(self, direction: NDArray[np.floating]) -> Floats:
        require_direction(direction, len(self.splats))
        # An output that the bindings had to convert would stay unwritten.
        direction = np.ascontiguousarray(direction, np.float32)
        product = np.empty(direction.shape, np.float32)
        colours = direction.shape[1] == 3
        function = self._frame.colour_product if colours else self._frame.normal_product
        _call(self.canvas.threads, function, direction, product)
        return product

    def colour_diagonal(self) -> Floats:
        return _call(self.canvas.threads, self._frame.colour_diagonal)

    def decoded_error(self, target: NDArray[np.uint8]) -> float:
        return _call(self.canvas.threads, self._frame.decoded_error, target)

    def cell_errors(self, target: NDArray[np.uint8]) -> Floats:
        return _call(self.canvas.threads, self._frame.cell_errors, target)

    def lattice_residual(self, target: NDArray[np.uint8], size: tuple[int, int], spacing: int) -> Floats:
        require_nodes(self.canvas.lattice, size, spacing)
        if self.canvas.lattice is not None:
            return _call(self.canvas.threads, self._frame.lattice_residual, target)
        # Native code knows the nodes by the lattice that lies there: for the time of the call an empty one does.
        _lay(self._frame, Lattice.empty(*size, spacing))
        try:
            return _call(self.canvas.threads, self._frame.lattice_residual, target)
        finally:
            _lay(self._frame, None)


@dataclass(frozen=True, eq=False)
class CpuCanvas:
    """See ``smartsplat.engines.protocol.Canvas``."""

    view: View
    lattice: Lattice | None = None
    ssim: bool = False
    threads: int = 0

    def place(self, splats: Splats) -> CpuFrame:
        frame = _native.Frame(**asdict(self.view), ssim=self.ssim)
        if self.lattice is not None:
            _lay(frame, self.lattice)
        _call(self.threads, frame.place, splats.parameters)
        return CpuFrame(self, splats, frame)


@dataclass(frozen=True)
class CpuEngine:
    """The engine ``cpu``.

    Attributes:
        threads: 0 for one for each processor.
    """

    threads: int = 0
    name: ClassVar[str] = "cpu"

    def canvas(self, view: View, lattice: Lattice | None = None, *, ssim: bool = False) -> CpuCanvas:
        return CpuCanvas(view, lattice, ssim, self.threads)
