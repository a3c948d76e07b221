"""What an engine must be able to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from smartsplat.model.lattice import Lattice
from smartsplat.model.splats import Floats, Splats
from smartsplat.model.view import View

CELL_SIZE = 8
"""Side, in px of the view, of the squares that ``Frame.cell_errors`` averages over."""


@dataclass(frozen=True)
class Loss:
    """A loss between the sum of the splats and a target, a mean over pixels and channels.

    A sum beyond 1 where the target is 255, or below 0 where it is 0, decodes to the target and counts as right.

    Attributes:
        kind: ``l2`` (squared), ``l1`` (absolute) or ``l1+ssim``, the paper's Eq. 22: weight * L1 + (1 - weight) *
            (1 - SSIM), SSIM with an 11-tap Gaussian window of sigma 1.5 and zeros beyond the picture, of the
            picture clamped to [0, 1].
        weight: lambda_l of Eq. 22.
    """

    kind: Literal["l2", "l1", "l1+ssim"] = "l2"
    weight: float = 1.0


class Frame(Protocol):
    """A view with splats placed in it.

    Gradients and directions are [N, 8] in natural units: the centre along the splat's own axes in units of its
    own scales, the two log scales, the angle, and the colour. Targets are uint8 [3, H, W] of the view's size.
    """

    view: View

    def place(self, splats: Splats) -> None:
        """Places the splats that all that follows is about, in the place of those before."""
        ...

    def lay(self, lattice: Lattice | None) -> None:
        """Lays a lattice under the splats, in the place of the one before; None takes it away.

        It belongs to the sums that losses, errors and pictures are made of; gradients and products are by the
        splats alone. The lattice's values must not be changed while it lies there.
        """
        ...

    def lattice_residual(self, target: NDArray[np.uint8]) -> Floats:
        """For each node and channel the sum over pixels of its weight times (target - sums) [3, rows, columns].

        Where the sums go beyond a saturated target there is no difference, as in ``Loss``.
        """
        ...

    def render(self) -> Floats:
        """The sums, float32 [H, W, 3], not clamped."""
        ...

    def render_bytes(self) -> NDArray[np.uint8]:
        """The picture, uint8 [H, W, 3]: the sums clamped to [0, 1] and rounded."""
        ...

    def gradient(self, target: NDArray[np.uint8], loss: Loss) -> tuple[float, Floats]:
        """The loss and its gradient [N, 8]."""
        ...

    def normal_product(self, direction: Floats) -> Floats:
        """J^T J direction, where J is the derivative of the sums (not their mean).

        The direction is [N, 8], or [N, 3] for the colours alone (then the product is [N, 3], and J is the
        matrix of the weights).
        """
        ...

    def colour_diagonal(self) -> Floats:
        """Diagonal of J^T J for the colours: sums of squared weights [N]."""
        ...

    def decoded_error(self, target: NDArray[np.uint8]) -> float:
        """Sum of squared differences, in 8-bit steps, between the picture and the target."""
        ...

    def cell_errors(self, target: NDArray[np.uint8]) -> Floats:
        """Mean squared error [ceil(H / 8), ceil(W / 8)] of the clamped sums, in squares of CELL_SIZE px."""
        ...


class Engine(Protocol):
    """Makes frames."""

    name: str

    def frame(self, view: View, *, ssim: bool = False) -> Frame:
        """A frame for that view; one that will be asked for the loss ``l1+ssim`` must say so."""
        ...
