"""An engine for which a window is the picture, with the splats of its surroundings held as they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from smartsplat.engines.protocol import Canvas, Engine, Frame, Loss, Views
from smartsplat.model.lattice import Lattice
from smartsplat.model.splats import CENTRE, Floats, Splats
from smartsplat.model.view import View
from smartsplat.model.window import Window

if TYPE_CHECKING:
    from smartsplat.pictures.samples import Samples


@dataclass(frozen=True, eq=False)
class WindowFrame:
    """See ``smartsplat.engines.Frame``; gradients and products are by the window's own splats alone."""

    canvas: WindowCanvas
    splats: Splats
    _frame: Frame = field(repr=False)

    def render(self) -> Floats:
        return self._frame.render()

    def render_bytes(self) -> NDArray[np.uint8]:
        return self._frame.render_bytes()

    def gradient(self, target: Samples, loss: Loss) -> tuple[float, Floats]:
        value, gradient = self._frame.gradient(target, loss)
        return value, gradient[: len(self.splats)]

    def vjp(self, cotangent: NDArray[np.floating]) -> Floats:
        return self._frame.vjp(cotangent)[: len(self.splats)]

    def lattice_vjp(self, cotangent: NDArray[np.floating], size: tuple[int, int], spacing: int) -> Floats:
        return self._frame.lattice_vjp(cotangent, size, spacing)

    def normal_product(self, direction: NDArray[np.floating]) -> Floats:
        still = np.zeros((len(self._frame.splats) - len(direction), direction.shape[1]), np.float32)
        return self._frame.normal_product(np.concatenate([direction, still]))[: len(self.splats)]

    def colour_diagonal(self) -> Floats:
        return self._frame.colour_diagonal()[: len(self.splats)]

    def decoded_error(self, target: Samples) -> float:
        return self._frame.decoded_error(target)

    def cell_errors(self, target: Samples) -> Floats:
        return self._frame.cell_errors(target)

    def lattice_residual(
        self, target: Samples, size: tuple[int, int], spacing: int, out: Floats | None = None
    ) -> Floats:
        return self._frame.lattice_residual(target, size, spacing, out)


@dataclass(frozen=True, eq=False)
class WindowCanvas:
    """See ``smartsplat.engines.Canvas``; its view is of the window, its lattice that of the whole picture."""

    view: View
    window: Window
    around: Splats
    hold: Callable[[Any], Any]
    _canvas: Canvas = field(repr=False)

    @property
    def lattice(self) -> Lattice | None:
        return self._canvas.lattice

    @property
    def weights(self) -> Floats | None:
        return self._canvas.weights

    def place(self, splats: Splats) -> WindowFrame:
        parameters = self.hold(splats.parameters)
        held = splats if parameters is splats.parameters else Splats(parameters)
        everything = np.concatenate([parameters, self.around.parameters])
        everything[: len(splats), CENTRE] += np.array([self.window.left, self.window.top], np.float64)
        return WindowFrame(self, held, self._canvas.place(Splats(everything)))


@dataclass(frozen=True, eq=False)
class WindowEngine:
    """An engine for which a window is the picture: see ``smartsplat.engines.Engine``.

    Views, and the splats that are placed in them, have the window's coordinates, whose origin is its corner. Everything
    that fits splats can so fit those of a window.

    Attributes:
        engine: computes.
        window: of a picture.
        around: splats that lie in every canvas and are held there, in the coordinates of the picture.
    """

    engine: Engine
    window: Window
    around: Splats

    @property
    def name(self) -> str:
        return self.engine.name

    @property
    def threads(self) -> int:
        return self.engine.threads

    def canvas(
        self, view: View, lattice: Lattice | None = None, *, ssim: bool = False, weights: Floats | None = None
    ) -> WindowCanvas:
        left, top = view.left + self.window.left, view.top + self.window.top
        canvas = self.engine.canvas(replace(view, left=left, top=top), lattice, ssim=ssim, weights=weights)
        around = Splats(self.hold(self.around.parameters))
        return WindowCanvas(view, self.window, around, self.hold, canvas)

    def views(self, width: int, height: int, splats: Splats, lattice: Lattice | None) -> Views:
        return self.engine.views(width, height, splats, lattice)

    def hold(self, array: Any) -> Any:
        return self.engine.hold(array)
