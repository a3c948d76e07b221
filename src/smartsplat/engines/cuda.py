"""The engine on a graphics card, of NVIDIA or AMD: kernels in Triton, see ``smartsplat.gpu``.

Its frames take arrays of NumPy and those that ``hold`` has put on the card; the splats of a frame, gradients and
products are on the card, where a fit so leaves them. Results are the same every time. Needs PyTorch, and is loaded
when it is asked for.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from smartsplat.engines.protocol import (
    CELL_SIZE,
    Loss,
    placed,
    require_cotangent,
    require_direction,
    require_nodes,
    require_weights,
)
from smartsplat.errors import SmartSplatError
from smartsplat.gpu import devices
from smartsplat.gpu.arrays import DeviceArray, on_device
from smartsplat.gpu.frames import BYTES, CLAMPED, SUMS, DeviceFrame, Limits, Under
from smartsplat.gpu.lattice import Grid
from smartsplat.gpu.launch import TILE
from smartsplat.model.lattice import Lattice
from smartsplat.model.splats import Floats, Splats
from smartsplat.model.view import View

assert CELL_SIZE * 2 == TILE  # kernels average over quarters of tiles

PAIRS = 4e6, 4, 8
"""Of a splat and a tile that a view may have for work of 1: in all, for each pixel, and for each splat. A pair is of
256 pixels, and ``cpu`` allows a thousand of each pixel and of each splat."""


@dataclass(frozen=True, eq=False)
class CudaFrame:
    """See ``smartsplat.engines.protocol.Frame``."""

    canvas: CudaCanvas
    splats: Splats
    _frame: DeviceFrame = field(repr=False)

    def render(self) -> Floats:
        return self._whole(SUMS, np.float32)

    def render_bytes(self) -> NDArray[np.uint8]:
        return self._whole(BYTES, np.uint8)

    def gradient(self, target: NDArray[np.uint8], loss: Loss) -> tuple[float, Floats]:
        self._require_aspect()
        if loss.kind == "l1+ssim" and not self.canvas.ssim:
            raise ValueError("the canvas was not made for the loss l1+ssim")
        value, gradient = self._frame.gradient(self._target(target), loss.kind, loss.weight)
        return value, _held(gradient)

    def vjp(self, cotangent: NDArray[np.floating]) -> Floats:
        require_cotangent(cotangent, self.canvas.view)
        held: Floats = _held(self._frame.vjp(self._floats(cotangent)))
        return held

    def lattice_vjp(self, cotangent: NDArray[np.floating], size: tuple[int, int], spacing: int) -> Floats:
        require_cotangent(cotangent, self.canvas.view)
        grid = Grid.of(self.canvas.view, size, spacing, self.canvas.engine.device)
        return _host(self._frame.lattice_vjp(self._floats(cotangent), grid))

    def normal_product(self, direction: NDArray[np.floating]) -> Floats:
        require_direction(direction, len(self.splats))
        self._require_aspect()
        held: Floats = _held(self._frame.normal_product(self._floats(direction)))
        return held

    def colour_diagonal(self) -> Floats:
        held: Floats = _held(self._frame.colour_diagonal())
        return held

    def decoded_error(self, target: NDArray[np.uint8]) -> float:
        return self._frame.decoded_error(self._target(target))

    def cell_errors(self, target: NDArray[np.uint8]) -> Floats:
        return _host(self._frame.cell_errors(self._target(target)))

    def lattice_residual(
        self, target: NDArray[np.uint8], size: tuple[int, int], spacing: int, out: Floats | None = None
    ) -> Floats:
        require_nodes(self.canvas.lattice, size, spacing)
        grid = Grid.of(self.canvas.view, size, spacing, self.canvas.engine.device)
        return placed(_host(self._frame.lattice_residual(self._target(target), grid)), out)

    def _whole(self, what: int, dtype: Any) -> NDArray[Any]:
        out = np.empty((self.canvas.view.height, self.canvas.view.width, 3), dtype)
        _fill(out, self._frame, what)
        return out

    def _require_aspect(self) -> None:
        if self.canvas.view.aspect != 1:
            raise ValueError("gradients need an aspect of 1")

    def _target(self, target: NDArray[np.uint8]) -> Any:
        """A target on the card."""
        view = self.canvas.view
        if target.shape != (3, view.height, view.width) or target.dtype != np.uint8:
            expected = f"uint8 [3, {view.height}, {view.width}]"
            raise ValueError(f"a target must be {expected}, not {target.dtype} {list(target.shape)}")
        return self.canvas.engine.hold(target).tensor

    def _floats(self, array: NDArray[np.floating]) -> Any:
        """Numbers of single precision on the card."""
        held = self.canvas.engine.hold(array if isinstance(array, DeviceArray) else np.asarray(array, np.float32))
        return held.tensor.float().contiguous()


def _held(tensor: Any) -> Any:
    return DeviceArray(tensor)


def _host(tensor: Any) -> NDArray[Any]:
    return np.array(DeviceArray(tensor))


def _fill(out: NDArray[Any], frame: DeviceFrame, what: int) -> None:
    """Copies a picture to the host, band by band; only the first channel where ``out`` is [H, W]."""
    kind = devices.KINDS[out.dtype.name]
    for line, picture in frame.picture(what, kind):
        shown = picture if out.ndim == 3 else picture[:, :, 0]
        out[line : line + len(picture)] = shown.cpu().numpy()


@dataclass(frozen=True, eq=False)
class CudaCanvas:
    """See ``smartsplat.engines.protocol.Canvas``."""

    view: View
    lattice: Lattice | None
    weights: Floats | None
    ssim: bool
    engine: CudaEngine
    _under: Under | None = field(repr=False)

    def place(self, splats: Splats) -> CudaFrame:
        held = self.engine.hold(splats.parameters)
        weights = None if self.weights is None else self.engine.hold(self.weights).tensor
        frame = DeviceFrame.of(self.view, held.tensor, self._under, self.engine.limits, weights=weights)
        return CudaFrame(self, Splats(held), frame)


@dataclass(frozen=True, eq=False)
class CudaViews:
    """See ``smartsplat.engines.protocol.Views``; splats and lattice stay on the card."""

    engine: CudaEngine
    splats: DeviceArray
    lattice: Lattice | None
    values: DeviceArray | None

    def render(self, view: View, out: NDArray[Any], *, threads: int, work: float = 1.0) -> None:
        del threads
        under = self.engine.under(view, self.lattice, self.values)
        base, for_pixel, for_splat = PAIRS
        most = work * (base + for_pixel * view.width * view.height + for_splat * len(self.splats))
        frame = DeviceFrame.of(view, self.splats.tensor, under, self.engine.limits, most)
        _fill(out, frame, BYTES if out.dtype == np.uint8 else CLAMPED)


@dataclass(frozen=True)
class CudaEngine:
    """The engine ``cuda``.

    Attributes:
        threads: of the host, for what is left to it: 0 for one for each processor.
        device: where it computes; ``cpu`` only under Triton's interpreter, for tests.
        limits: what it holds at a time.
    """

    threads: int = 0
    device: Any = field(default_factory=devices.card)
    limits: Limits = field(default_factory=Limits)
    name: ClassVar[str] = "cuda"

    def canvas(
        self, view: View, lattice: Lattice | None = None, *, ssim: bool = False, weights: Floats | None = None
    ) -> CudaCanvas:
        require_weights(weights, view)
        return CudaCanvas(view, lattice, weights, ssim, self, self.under(view, lattice))

    def views(self, width: int, height: int, splats: Splats, lattice: Lattice | None) -> CudaViews:
        del width, height
        values = None if lattice is None else self.hold(lattice.values)
        return CudaViews(self, self.hold(splats.parameters), lattice, values)

    def hold(self, array: Any) -> Any:
        """See ``smartsplat.engines.protocol.Engine``."""
        return array if isinstance(array, DeviceArray) else on_device(array, self.device)

    def under(self, view: View, lattice: Lattice | None, values: DeviceArray | None = None) -> Under | None:
        """A lattice in a view; its values, where they are not on the card yet, only of the rows that show there."""
        if lattice is None:
            return None
        grid = Grid.of(view, (lattice.width, lattice.height), lattice.spacing, self.device)
        if values is not None:
            return Under(grid, values.tensor)
        first, past = grid.down.nodes(0, view.height, grid.rows)
        return Under(grid, self.hold(lattice.values[:, first:past]).tensor, first)


def card_name() -> str:
    """Of the card that is used.

    Raises:
        SmartSplatError: there is none.
    """
    return devices.name_of(devices.card())


@functools.cache
def checked(device: Any) -> None:
    """Draws a splat that is known on that device, once.

    Raises:
        SmartSplatError: it looks otherwise, or cannot be drawn.
    """
    splat = Splats.from_arrays([[20.5, 9.5]], [[3.0, 1.5]], [0.0], [[1.0, 0.5, 0.25]])
    try:
        drawn = CudaEngine(device=device).canvas(View(40, 20)).place(splat).render()
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise SmartSplatError(f"engine cuda: this card cannot draw ({type(error).__name__}: {reason})") from error
    x, y = np.meshgrid(np.arange(40) - 20.0, np.arange(20) - 9.0)
    q = (x / 3) ** 2 + (y / 1.5) ** 2
    expected = np.where(q <= 2 * np.log(255), np.exp(-q / 2), 0)[:, :, None] * np.array([1.0, 0.5, 0.25])
    if not np.abs(drawn - expected).max() < 1e-4:
        raise SmartSplatError("engine cuda: this card draws a splat wrongly; use the engine cpu, and tell us")
