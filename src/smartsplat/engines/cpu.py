"""The native engine: C++ kernels on the processor's cores."""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from smartsplat import _native
from smartsplat.engines.protocol import Loss, require_cotangent, require_direction, require_nodes, require_weights
from smartsplat.model.lattice import Lattice, lattice_shape
from smartsplat.model.splats import Floats, Splats
from smartsplat.model.view import View

if TYPE_CHECKING:
    from smartsplat.pictures.samples import Samples


@dataclass(frozen=True, eq=False)
class CpuFrame:
    """See ``smartsplat.engines.protocol.Frame``."""

    canvas: CpuCanvas
    splats: Splats
    _frame: _native.Frame = field(repr=False)

    def render(self) -> Floats:
        return self._frame.render_sums(self.canvas.threads)

    def render_bytes(self) -> NDArray[np.uint8]:
        return self._frame.render_bytes(self.canvas.threads)

    def gradient(self, target: Samples, loss: Loss) -> tuple[float, Floats]:
        return self._frame.gradient(target, loss.kind, loss.weight, self.canvas.threads)

    def vjp(self, cotangent: NDArray[np.floating]) -> Floats:
        require_cotangent(cotangent, self.canvas.view)
        return self._frame.vjp(np.ascontiguousarray(cotangent, np.float32), self.canvas.threads)

    def lattice_vjp(self, cotangent: NDArray[np.floating], size: tuple[int, int], spacing: int) -> Floats:
        require_cotangent(cotangent, self.canvas.view)
        picture = np.ascontiguousarray(cotangent, np.float32)
        return self._frame.lattice_vjp(picture, *size, spacing, self.canvas.threads)

    def normal_product(self, direction: NDArray[np.floating]) -> Floats:
        require_direction(direction, len(self.splats))
        return self._frame.normal_product(np.ascontiguousarray(direction, np.float32), self.canvas.threads)

    def colour_diagonal(self) -> Floats:
        return self._frame.colour_diagonal(self.canvas.threads)

    def decoded_error(self, target: Samples) -> float:
        return self._frame.decoded_error(target, self.canvas.threads)

    def cell_errors(self, target: Samples) -> Floats:
        return self._frame.cell_errors(target, self.canvas.threads)

    def lattice_residual(
        self, target: Samples, size: tuple[int, int], spacing: int, out: Floats | None = None
    ) -> Floats:
        require_nodes(self.canvas.lattice, size, spacing)
        if out is None:
            out = np.empty((3, *lattice_shape(*size, spacing)), np.float32)
        self._frame.lattice_residual(target, *size, spacing, out, self.canvas.threads)
        return out


@dataclass(frozen=True, eq=False)
class CpuCanvas:
    """See ``smartsplat.engines.protocol.Canvas``."""

    view: View
    lattice: Lattice | None
    weights: Floats | None
    threads: int
    _canvas: _native.Canvas = field(repr=False)

    @classmethod
    def of(cls, view: View, lattice: Lattice | None, threads: int, *, ssim: bool, weights: Floats | None) -> CpuCanvas:
        """A canvas for that view."""
        under: dict[str, Any] = {}
        if lattice is not None:
            under = {"picture_width": lattice.width, "picture_height": lattice.height}
            under |= {"spacing": lattice.spacing, "values": lattice.values}
        canvas = _native.Canvas(**asdict(view), ssim=ssim, weights=weights, **under)
        return cls(view, lattice, weights, threads, canvas)

    def place(self, splats: Splats) -> CpuFrame:
        return CpuFrame(self, splats, self._canvas.place(splats.parameters, self.threads))


@dataclass(frozen=True, eq=False)
class CpuViews:
    """See ``smartsplat.engines.protocol.Views``."""

    _renderer: _native.Renderer

    def render(self, view: View, out: NDArray[Any], *, threads: int, work: float = 1.0) -> None:
        self._renderer.render(astuple(view), out, work, threads)


@dataclass(frozen=True)
class CpuEngine:
    """The engine ``cpu``.

    Attributes:
        threads: 0 for one for each processor.
    """

    threads: int = 0
    name: ClassVar[str] = "cpu"

    def canvas(
        self, view: View, lattice: Lattice | None = None, *, ssim: bool = False, weights: Floats | None = None
    ) -> CpuCanvas:
        require_weights(weights, view)
        return CpuCanvas.of(view, lattice, self.threads, ssim=ssim, weights=weights)

    def views(self, width: int, height: int, splats: Splats, lattice: Lattice | None) -> CpuViews:
        spacing, values = (lattice.spacing, lattice.values) if lattice is not None else (0, None)
        return CpuViews(_native.Renderer(width, height, splats.parameters, spacing, values, self.threads))

    def hold(self, array: Any) -> Any:
        return array
