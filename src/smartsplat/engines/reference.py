"""The oracle: the same verbs in NumPy, in double precision, one splat after the other. Slow and obvious."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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
from smartsplat.model.lattice import LATTICE_REACH, LATTICE_SCALE, Lattice, lattice_shape
from smartsplat.model.splats import SUPPORT, Floats, Splats
from smartsplat.model.view import View
from smartsplat.pictures.samples import Samples, greatest

Doubles = NDArray[np.float64]


def ssim_window() -> Doubles:
    """The 11 taps of the Gaussian window of sigma 1.5."""
    taps = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    return np.asarray(taps / taps.sum())


def window_mean(values: Doubles) -> Doubles:
    """Windowed means of [H, W, 3] with zeros beyond the border."""
    taps = ssim_window()
    for axis in (0, 1):
        padded = np.pad(values, [(5, 5) if a == axis else (0, 0) for a in range(3)])
        size = values.shape[axis]
        values = sum(t * padded.take(range(k, k + size), axis) for k, t in enumerate(taps))
    return values


def ssim_and_gradient(x: Doubles, y: Doubles) -> tuple[float, Doubles]:
    """Mean SSIM of two pictures [H, W, 3] in [0, 1], and its gradient by the first."""
    c1, c2 = 0.01**2, 0.03**2
    mx, my = window_mean(x), window_mean(y)
    sxx, syy, sxy = (window_mean(a * b) - m for a, b, m in ((x, x, mx * mx), (y, y, my * my), (x, y, mx * my)))
    a1, a2, b1, b2 = 2 * mx * my + c1, 2 * sxy + c2, mx * mx + my * my + c1, sxx + syy + c2
    ssim = a1 * a2 / (b1 * b2)
    by_sxx, by_sxy = -ssim / b2, 2 * a1 / (b1 * b2)
    by_mx = 2 * my * a2 / (b1 * b2) - 2 * mx * ssim / b1 - 2 * mx * by_sxx - my * by_sxy
    gradient = window_mean(by_mx) + 2 * x * window_mean(by_sxx) + y * window_mean(by_sxy)
    return float(ssim.mean()), gradient / ssim.size


def _axes(p: Doubles, view: View) -> tuple[Doubles, float]:
    """Variances of a splat along its axes in a view, without the blur, and the angle of the first one."""
    own = (view.zoom * p[2:4]) ** 2
    if view.aspect == 1:
        return own, float(p[4])
    c, s = np.cos(p[4]), np.sin(p[4])
    turn, stretch = np.array([[c, -s], [s, c]]), np.diag([1, view.aspect])
    variances, vectors = np.linalg.eigh(stretch @ turn @ np.diag(own) @ turn.T @ stretch)
    return variances, float(np.arctan2(vectors[1, 0], vectors[0, 0]))


class _Placed:
    """One splat in a view: its pixels, its weights there, and the derivatives of the weights."""

    def __init__(self, p: Doubles, view: View) -> None:
        own, angle = _axes(p, view)
        self.variance = own + view.blur
        self.ratio = own / self.variance
        self.amplitude = float(np.sqrt(self.ratio.prod()))
        self.colour = self.amplitude * p[5:8]
        c, s = np.cos(angle), np.sin(angle)
        x, y = (p[0] - view.left) * view.zoom, (p[1] - view.top) * view.zoom * view.aspect
        reach = np.sqrt(SUPPORT * self.variance.max())
        self.rows = slice(max(0, int(y - reach) - 1), max(0, min(view.height, int(y + reach) + 2)))
        self.columns = slice(max(0, int(x - reach) - 1), max(0, min(view.width, int(x + reach) + 2)))
        dx = np.arange(self.columns.start, self.columns.stop) + 0.5 - x
        dy = (np.arange(self.rows.start, self.rows.stop) + 0.5 - y)[:, None]
        # Offsets along the splat's axes, in standard deviations.
        self.u = (c * dx + s * dy) / np.sqrt(self.variance[0])
        self.v = (c * dy - s * dx) / np.sqrt(self.variance[1])
        q = self.u**2 + self.v**2
        self.weight = np.where(q <= SUPPORT, np.exp(-q / 2), 0.0)

    def derivatives(self) -> Doubles:
        """Derivatives [8, h, w, 3] of the splat's values by its parameters in natural units."""
        w, (r0, r1) = self.weight, self.ratio
        turn = self.variance[0] * r0 - self.variance[1] * r1
        shape = np.stack([
            w * self.u * np.sqrt(r0),
            w * self.v * np.sqrt(r1),
            w * (r0 * self.u**2 + 1 - r0),
            w * (r1 * self.v**2 + 1 - r1),
            w * self.u * self.v * turn / np.sqrt(self.variance.prod()),
        ])  # fmt: skip
        colour = self.amplitude * w[..., None] * np.eye(3)[:, None, None, :]
        return np.concatenate([shape[..., None] * self.colour, colour])


def node_weights(nodes: int, spacing: int, pixels: int, zoom: float, origin: float, blur: float) -> Doubles:
    """Weights [nodes, pixels] of a lattice's nodes along one axis of a view."""
    own = LATTICE_SCALE * spacing * zoom
    deviation = np.sqrt(own**2 + blur)
    centre = ((np.arange(nodes) + 0.5) * spacing - origin) * zoom
    d = (np.arange(pixels) + 0.5 - centre[:, None]) / deviation
    return np.where(np.abs(d) <= LATTICE_REACH / LATTICE_SCALE, own / deviation * np.exp(-(d**2) / 2), 0.0)


@dataclass(frozen=True, eq=False)
class ReferenceFrame:
    """See ``smartsplat.engines.protocol.Frame``.

    Attributes:
        parameters: float64 [N, 8], of the splats.
    """

    canvas: ReferenceCanvas
    splats: Splats
    parameters: Doubles

    def _placed(self) -> Iterator[_Placed]:
        for p in self.parameters:
            yield _Placed(p, self.canvas.view)

    def _node_weights(self, size: tuple[int, int], spacing: int) -> tuple[Doubles, Doubles]:
        """Down, [rows, H], and across, [columns, W], of a lattice on a picture of that width and height."""
        v, (rows, columns) = self.canvas.view, lattice_shape(*size, spacing)
        down = node_weights(rows, spacing, v.height, v.zoom * v.aspect, v.top, v.blur)
        return down, node_weights(columns, spacing, v.width, v.zoom, v.left, v.blur)

    def lattice_residual(
        self, target: Samples, size: tuple[int, int], spacing: int, out: Floats | None = None
    ) -> Floats:
        require_nodes(self.canvas.lattice, size, spacing)
        return placed(self._gather_nodes(-self._residual(self.sums(), target), size, spacing), out)

    def lattice_vjp(self, cotangent: NDArray[np.floating], size: tuple[int, int], spacing: int) -> Floats:
        require_cotangent(cotangent, self.canvas.view)
        return self._gather_nodes(cotangent.astype(np.float64), size, spacing)

    def _gather_nodes(self, image: Doubles, size: tuple[int, int], spacing: int) -> Floats:
        """For each node and channel the sum over pixels of its weight times the image [H, W, 3]."""
        down, across = self._node_weights(size, spacing)
        sums = np.einsum("jy,ix,yxc->cji", down, across, image, optimize=True)
        return np.ascontiguousarray(sums, np.float32)

    def sums(self) -> Doubles:
        """The sums in double precision, [H, W, 3]."""
        view, lattice = self.canvas.view, self.canvas.lattice
        out = np.zeros((view.height, view.width, 3))
        if lattice is not None:
            down, across = self._node_weights((lattice.width, lattice.height), lattice.spacing)
            out += np.einsum("jy,ix,cji->yxc", down, across, lattice.values.astype(np.float64), optimize=True)
        for s in self._placed():
            out[s.rows, s.columns] += s.weight[..., None] * s.colour
        return out

    def render(self) -> Floats:
        return self.sums().astype(np.float32)

    def render_bytes(self) -> NDArray[np.uint8]:
        return np.asarray(self._rounded(np.dtype(np.uint8)), np.uint8)

    def _rounded(self, kind: np.dtype[Any]) -> NDArray[Any]:
        """The picture with samples of that type, [H, W, 3]."""
        sums = np.clip(self.sums(), 0, 1)
        return sums if kind.kind == "f" else np.floor(sums * np.iinfo(kind).max + 0.5).astype(kind)

    @staticmethod
    def _residual(sums: Doubles, target: Samples) -> Doubles:
        """Sums minus target, zero where sums beyond a saturated target are right."""
        goal = target.transpose(1, 2, 0)
        most = greatest(target)
        e = sums - goal / most
        e[((goal == most) & (e > 0)) | ((goal == 0) & (e < 0))] = 0
        return e

    def _loss(self, target: Samples, loss: Loss) -> tuple[float, Doubles]:
        """The loss and its gradient by the sums."""
        sums = self.sums()
        e = self._residual(sums, target)
        if loss.kind == "l2":
            weighted = e * self._weights()
            return float((weighted * e).mean()), 2 * weighted / e.size
        if loss.kind == "l1":
            return float(np.abs(e).mean()), np.sign(e) / e.size
        picture, goal, weight = np.clip(sums, 0, 1), target.transpose(1, 2, 0) / 255.0, loss.weight
        ssim, by_ssim = ssim_and_gradient(picture, goal)
        value = weight * float(np.abs(picture - goal).mean()) + (1 - weight) * (1 - ssim)
        gradient = weight * np.sign(picture - goal) / e.size - (1 - weight) * by_ssim
        return value, np.where((sums >= 0) & (sums <= 1), gradient, 0)

    def _weights(self) -> Doubles:
        """What squared errors count at each pixel, [H, W, 1]."""
        view, weights = self.canvas.view, self.canvas.weights
        if weights is None:
            return np.ones((view.height, view.width, 1))
        spread = np.repeat(np.repeat(weights.astype(np.float64), CELL_SIZE, 0), CELL_SIZE, 1)
        return spread[: view.height, : view.width, None]

    def _gather(self, image: Doubles) -> Doubles:
        """J^T image [N, 8]."""
        rows = [np.einsum("phwc,hwc->p", s.derivatives(), image[s.rows, s.columns]) for s in self._placed()]
        return np.reshape(rows, (-1, 8))

    def gradient(self, target: Samples, loss: Loss) -> tuple[float, Floats]:
        value, by_sums = self._loss(target, loss)
        return value, self._gather(by_sums).astype(np.float32)

    def vjp(self, cotangent: NDArray[np.floating]) -> Floats:
        require_cotangent(cotangent, self.canvas.view)
        return self._gather(cotangent.astype(np.float64)).astype(np.float32)

    def normal_product(self, direction: NDArray[np.floating]) -> Floats:
        require_direction(direction, len(self.splats))
        width = direction.shape[1]
        image = np.zeros((self.canvas.view.height, self.canvas.view.width, 3))
        for s, d in zip(self._placed(), direction, strict=True):
            image[s.rows, s.columns] += np.einsum("phwc,p->hwc", s.derivatives()[-width:], d)
        return self._gather(image * self._weights())[:, -width:].astype(np.float32)

    def colour_diagonal(self) -> Floats:
        return np.array([s.amplitude**2 * (s.weight**2).sum() for s in self._placed()], np.float32)

    def decoded_error(self, target: Samples) -> float:
        difference = self._rounded(target.dtype) - target.transpose(1, 2, 0).astype(np.float64)
        return float(((difference * (255 / greatest(target))) ** 2).sum())

    def cell_errors(self, target: Samples) -> Floats:
        squares = ((np.clip(self.sums(), 0, 1) - target.transpose(1, 2, 0) / greatest(target)) ** 2).mean(axis=2)
        height, width = squares.shape
        cells = [
            [squares[y : y + CELL_SIZE, x : x + CELL_SIZE].mean() for x in range(0, width, CELL_SIZE)]
            for y in range(0, height, CELL_SIZE)
        ]
        return np.array(cells, np.float32)


@dataclass(frozen=True, eq=False)
class ReferenceCanvas:
    """See ``smartsplat.engines.protocol.Canvas``."""

    view: View
    lattice: Lattice | None = None
    weights: Floats | None = None

    def place(self, splats: Splats) -> ReferenceFrame:
        return ReferenceFrame(self, splats, splats.parameters.astype(np.float64))


@dataclass(frozen=True, eq=False)
class ReferenceViews:
    """See ``smartsplat.engines.protocol.Views``."""

    splats: Splats
    lattice: Lattice | None

    def render(self, view: View, out: NDArray[Any], *, threads: int, work: float = 1.0) -> None:
        del threads, work
        pixels = ReferenceCanvas(view, self.lattice).place(self.splats)._rounded(out.dtype)
        out[...] = pixels if out.ndim == 3 else pixels[:, :, 0]


@dataclass(frozen=True)
class ReferenceEngine:
    """The engine ``reference``; it runs on one thread whatever is asked for."""

    threads: int = 0
    name: ClassVar[str] = "reference"

    def canvas(
        self, view: View, lattice: Lattice | None = None, *, ssim: bool = False, weights: Floats | None = None
    ) -> ReferenceCanvas:
        del ssim  # every frame can do every loss
        require_weights(weights, view)
        return ReferenceCanvas(view, lattice, weights)

    def views(self, width: int, height: int, splats: Splats, lattice: Lattice | None) -> ReferenceViews:
        del width, height
        return ReferenceViews(splats, lattice)

    def hold(self, array: Any) -> Any:
        return array
