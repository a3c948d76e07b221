"""What an engine must be able to do: about ten verbs, on values that never change.

    engine.canvas(view, lattice).place(splats).gradient(target, loss)

A canvas is a view with the lattice that lies under whatever is placed there; a frame is a canvas with splats
projected into it. Neither remembers what it was asked: frames of one canvas do not know of each other, and a frame
gives the same answers at any time. Placing costs a projection of all splats, so callers keep the frame while its
splats stay.

Pixels of a target and of what is rendered are those of the view. A target is uint8 or uint16 [3, H, W], and any other
shape is a ValueError; 65535 is to uint16 what 255 is to uint8. Gradients and directions are float32 [N, 8] in natural
units: the centre along the splat's own axes in units of its own scales, the two log scales, the angle [radians], and
the colour. Gradients and products are by the splats alone; sums, losses and errors are those of splats and lattice
together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from smartsplat import _native
from smartsplat.model.lattice import Lattice
from smartsplat.model.splats import PARAMETERS, Floats, Splats
from smartsplat.model.view import View

if TYPE_CHECKING:
    from smartsplat.pictures.samples import Samples

CELL_SIZE: int = _native.CELL_SIZE
"""Side, in px of the view, of the squares that ``Frame.cell_errors`` averages over."""


@dataclass(frozen=True)
class Loss:
    """A loss between the sum of the splats and a target, a mean over pixels and channels.

    Attributes:
        kind: ``l2`` (squared) or ``l1`` (absolute) of the sums, where a sum beyond 1 whose target is full, or below 0
            whose target is 0, decodes to the target and counts as right. Or ``l1+ssim``, the paper's Eq. 22 of the
            sums clamped to [0, 1], whose gradient is zero where they are beyond: weight * L1 + (1 - weight) *
            (1 - SSIM), SSIM with an 11-tap Gaussian window of sigma 1.5 and zeros beyond the picture.
        weight: lambda_l of Eq. 22.
    """

    kind: Literal["l2", "l1", "l1+ssim"] = "l2"
    weight: float = 1.0


def cells_of(view: View) -> tuple[int, int]:
    """Rows and columns of the squares of CELL_SIZE px that a view has."""
    return -(-view.height // CELL_SIZE), -(-view.width // CELL_SIZE)


def require_weights(weights: Floats | None, view: View) -> None:
    """Raises ValueError if weights are not one for each square of the view."""
    if weights is not None and weights.shape != cells_of(view):
        raise ValueError(f"weights must be {list(cells_of(view))}, not {list(weights.shape)}")


def require_nodes(lattice: Lattice | None, size: tuple[int, int], spacing: int) -> None:
    """Raises ValueError if a lattice lies there whose nodes are not those of that size and spacing."""
    if lattice is not None and ((lattice.width, lattice.height), lattice.spacing) != (size, spacing):
        raise ValueError(f"the lattice in the canvas has not the nodes of {size} px at a spacing of {spacing} px")


def placed(result: Floats, out: Floats | None) -> Floats:
    """A result, in that array if there is one."""
    if out is None:
        return result
    out[...] = result
    return out


def require_direction(direction: NDArray[np.floating], count: int) -> None:
    """Raises ValueError if a direction has not the shape [count, 8] or [count, 3]."""
    if direction.shape not in ((count, PARAMETERS), (count, 3)):
        raise ValueError(f"a direction of {count} splats must be [N, {PARAMETERS}] or [N, 3], not {direction.shape}")


def require_cotangent(cotangent: NDArray[np.floating], view: View) -> None:
    """Raises ValueError if a cotangent is no picture [H, W, 3] of that view, or the view's aspect is not 1."""
    if cotangent.shape != (view.height, view.width, 3):
        raise ValueError(f"a cotangent must be [{view.height}, {view.width}, 3], not {cotangent.shape}")
    if view.aspect != 1:
        raise ValueError("gradients need an aspect of 1")


class Frame(Protocol):
    """Splats placed on a canvas; immutable.

    Attributes:
        canvas: where they are.
        splats: the N splats, held as ``Engine.hold`` does. Neither their parameters nor the lattice's values may be
        changed afterwards.
    """

    @property
    def canvas(self) -> Canvas: ...

    @property
    def splats(self) -> Splats: ...

    def render(self) -> Floats:
        """The sums, float32 [H, W, 3], where 1.0 is 8-bit 255; not clamped."""
        ...

    def render_bytes(self) -> NDArray[np.uint8]:
        """The picture, uint8 [H, W, 3]: the sums clamped to [0, 1] and rounded."""
        ...

    def gradient(self, target: Samples, loss: Loss) -> tuple[float, Floats]:
        """The loss and its gradient, float32 [N, 8].

        Raises:
            ValueError: the view's aspect is not 1, or the loss is ``l1+ssim`` and the canvas not made for it or the
                target not of 8 bits.
        """
        ...

    def vjp(self, cotangent: NDArray[np.floating]) -> Floats:
        """J^T cotangent, where J is the derivative of the sums by the splats' parameters: a vector-Jacobian product.

        With a loss's gradient by the sums as cotangent it is the loss's gradient by the splats.

        Args:
            cotangent: [H, W, 3] of the view; any float type and memory layout.

        Returns:
            float32 [N, 8].

        Raises:
            ValueError: the cotangent has another shape, or the view's aspect is not 1.
        """
        ...

    def lattice_vjp(self, cotangent: NDArray[np.floating], size: tuple[int, int], spacing: int) -> Floats:
        """The same for the nodes' colours of a lattice, which need not lie in the canvas: J are its weights.

        Args:
            cotangent: as in ``vjp``.
            size: width and height, px, of the picture that the lattice covers (the view may show a part of it).
            spacing: of its nodes, px of the picture.

        Returns:
            float32 [3, rows, columns], of ``lattice_shape``.

        Raises:
            ValueError: as in ``vjp``.
        """
        ...

    def normal_product(self, direction: NDArray[np.floating]) -> Floats:
        """J^T W J direction, where J is the derivative of the sums (not of their mean), W the canvas's weights.

        Args:
            direction: [N, 8], or [N, 3] for the colours alone (J is the matrix of the weights then); any float
                type and memory layout.

        Returns:
            float32 of the direction's shape.

        Raises:
            ValueError: the direction has another shape.
        """
        ...

    def colour_diagonal(self) -> Floats:
        """Diagonal of J^T J for the colours: sums of squared weights, float32 [N]."""
        ...

    def decoded_error(self, target: Samples) -> float:
        """Sum of squared differences, in 8-bit steps, between the target and the picture, rounded to as many bits."""
        ...

    def cell_errors(self, target: Samples) -> Floats:
        """Mean squared error [ceil(H / 8), ceil(W / 8)] of the clamped sums, in squares of CELL_SIZE px."""
        ...

    def lattice_residual(
        self, target: Samples, size: tuple[int, int], spacing: int, out: Floats | None = None
    ) -> Floats:
        """For each node and channel of a lattice the sum over pixels of its weight times (target - sums).

        Where the sums go beyond a saturated target there is no difference, as in ``Loss``.

        Args:
            target: of the view's size.
            size: width and height, px, of the picture that the lattice covers (the view may show a part of it).
            spacing: of its nodes, px of the picture.
            out: filled, if it is given: of the result's shape and type.

        Returns:
            float32 [3, rows, columns], of ``lattice_shape``; ``out`` if it is given.

        Raises:
            ValueError: another lattice than one of that size and spacing lies in the canvas.
        """
        ...


class Canvas(Protocol):
    """A view, and the lattice under whatever is placed there; immutable.

    Attributes:
        view: the pixels.
        lattice: None if there is none.
        weights: what squared errors count, as for ``Engine.canvas``; None: the same everywhere.
    """

    @property
    def view(self) -> View: ...

    @property
    def lattice(self) -> Lattice | None: ...

    @property
    def weights(self) -> Floats | None: ...

    def place(self, splats: Splats) -> Frame:
        """The splats, projected into the view.

        Those that cannot be drawn (a parameter that is not finite, a scale that is not positive) show nothing.
        """
        ...


class Views(Protocol):
    """A picture that is ready to be seen in many views; immutable."""

    def render(self, view: View, out: NDArray[Any], *, threads: int, work: float = 1.0) -> None:
        """Renders the picture: the sums clamped to [0, 1].

        Args:
            view: any of the picture.
            out: filled: uint8 or uint16 (rounded) or float32, [H, W, 3], or [H, W] for the first channel alone;
                samples of a pixel lie side by side, pixels of a row at most four samples apart.
            threads: for this call, 0 for one for each processor.
            work: what it may cost, times what a view of its size should at most.

        Raises:
            LimitError: it costs more. (``reference`` does not look.)
        """
        ...


class Engine(Protocol):
    """Makes canvases; immutable.

    Attributes:
        name: as in ``smartsplat.engines.ENGINES``.
        threads: that it may use, 0 to MOST_THREADS, 0 for one for each processor; results do not depend on it.
    """

    @property
    def name(self) -> str: ...

    @property
    def threads(self) -> int: ...

    def canvas(
        self, view: View, lattice: Lattice | None = None, *, ssim: bool = False, weights: Floats | None = None
    ) -> Canvas:
        """A canvas for that view.

        Args:
            view: any.
            lattice: lies under the splats that will be placed.
            ssim: frames will be asked for the loss ``l1+ssim``.
            weights: W, what squared errors count in squares of CELL_SIZE px of the view, float32
                [ceil(H / 8), ceil(W / 8)]; in the loss ``l2`` and in ``Frame.normal_product``, nowhere else.

        Raises:
            ValueError: the weights have another shape.
        """
        ...

    def views(self, width: int, height: int, splats: Splats, lattice: Lattice | None) -> Views:
        """Views of a picture of that width and height, px."""
        ...

    def hold(self, array: Any) -> Any:
        """The array where the engine computes, which may be a device of its own; of an engine of the host, itself.

        It is one of NumPy's or answers NumPy's functions and operators as one does, and frames take either. Gradients,
        products and diagonals of a frame, and the parameters of its splats, are held; other results, and what is
        named for the host, are NumPy's own. ``numpy.asarray`` brings an array to the host.
        """
        ...
