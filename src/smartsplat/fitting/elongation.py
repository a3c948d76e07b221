"""How long and thin splats may be: as the picture under them is, so that texture does not become streaks.

A few splats that are to stand for a texture fit single ridges of it: needles, which are seen as scratches. An edge, a
stem or a horizon is long itself. What tells the two apart is the structure tensor (J. Bigun and G. Granlund, "Optimal
orientation detection of linear symmetry", 1987): the mean of grad grad^T around a place. Along an edge the picture
changes little and across it much; in a texture there is no such direction over the length of a needle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartsplat.fitting.levels import Planes, Pyramid
from smartsplat.model.splats import ANGLE, CENTRE, SCALE, Floats, Splats
from smartsplat.pictures.planes import eight_bits, luma_of

SLACK, POWER = 4.0, 2.0
"""Aspect that a splat may have where the picture has no direction, and the power of the ratio that it is times else."""

NOISE = 0.1
"""Added to mean squares of derivatives, 8-bit steps squared for each px squared: so flat areas have no direction."""

AROUND = 2.0
"""Scale of the means over the splat's shorter one."""

PLACES = np.linspace(-1.5, 1.5, 7)
"""Where the picture is looked at along the longer axis, in scales."""

WEIGHTS = np.exp(-(PLACES**2) / 2) / np.exp(-(PLACES**2) / 2).sum()
"""What these count."""


@dataclass(frozen=True, eq=False)
class Structure:
    """The structure tensors of a picture's luma.

    Of each level of derivatives there are two maps of their means: as fine as the level, and on the next one. They
    stand one after the other.

    Attributes:
        tensors: float32 [places, 3] (xx, yy, xy), row by row of each map.
        maps: int64 [maps, 3]: the first place of each, its rows and columns.
        zooms: px of the map for each px of the picture [maps].
        zoom: px of the finest level for each px of the picture.
    """

    tensors: Floats
    maps: NDArray[np.int64]
    zooms: NDArray[np.float64]
    zoom: float

    @classmethod
    def of(cls, pyramid: Pyramid) -> Structure:
        """That of a picture, as fine as splats that fit its coarsest level need."""
        finest = max(0, pyramid.coarsest - 1)
        luma, zoom = _luma(pyramid.levels[finest]), pyramid.zoom(finest)
        means: list[Floats] = []
        zooms: list[float] = []
        while min(luma.shape) >= 2:
            zooms += [zoom * 0.5 ** (len(means) // 2), zoom * 0.5 ** (len(means) // 2 + 1)]
            means += _means(_products(luma))
            luma = _halved(luma[None])[0]
        sizes = np.array([each.shape[1:] for each in means], np.int64).reshape(-1, 2)
        first = np.cumsum([0, *sizes.prod(axis=1)])[:-1]
        tensors = np.empty((int(sizes.prod(axis=1).sum()), 3), np.float32)
        for start, each in zip(first, means, strict=True):
            tensors[start : start + each[0].size] = each.reshape(3, -1).T
        return cls(tensors, np.column_stack([first, sizes]), np.array(zooms), zoom)

    def limits(self, splats: Splats) -> Floats:
        """The greatest aspects, float32 [N].

        At each of PLACES, the energy of derivatives across the longer axis and along it gives the coherence (across -
        along) / (across + along), -1 to 1. A splat that lies half on an edge and half on something else, or on
        texture, whose coherences cancel, has a mean near 0, and one along an edge has one near 1.
        """
        parameters = splats.on_host().parameters
        short, long = np.sort(parameters[:, SCALE], axis=1).T
        angle = parameters[:, ANGLE] + np.where(parameters[:, 2] < parameters[:, 3], np.pi / 2, 0)
        axis, double = np.stack([np.cos(angle), np.sin(angle)]), 2 * angle
        mean = np.zeros(len(parameters))
        if len(self.maps):
            at = parameters[:, CENTRE].T[:, None] + axis[:, None] * (PLACES[:, None] * long)
            xx, yy, xy = self._around(at, self._maps_for(short * self.zoom))
            along = (yy - xx) * np.cos(double) - 2 * xy * np.sin(double)
            mean = np.add.reduce(WEIGHTS[:, None] * along / (xx + yy + NOISE), axis=0)
        ratio = (1 + mean) / np.maximum(1 - mean, 1e-3)
        return np.asarray(SLACK * np.maximum(ratio, 1) ** POWER, np.float32)

    def _maps_for(self, scale: Floats) -> NDArray[np.int64]:
        """The maps [N] for derivatives of a scale [px of the finest level], and their means."""
        last = len(self.maps) // 2 - 1
        fine = _octave(scale, last)
        return np.asarray(2 * fine + (_octave(AROUND * scale, last) > fine), np.int64)

    def _around(self, at: Floats, maps: NDArray[np.int64]) -> Floats:
        """Tensors [3, places, N] at places of the picture [2, places, N], by those maps [N]."""
        first, rows, columns = self.maps[maps].T
        x, y = np.nan_to_num(at * self.zooms[maps]).astype(np.int64)
        places = first + y.clip(0, rows - 1) * columns + x.clip(0, columns - 1)
        return np.moveaxis(self.tensors[places], -1, 0)


def rounder(splats: Splats, limits: Floats) -> Splats:
    """The splats, those that are longer than that made so much rounder; their area stays.

    Args:
        splats: N of them.
        limits: greatest aspects [N].
    """
    parameters = splats.parameters.copy()
    first, second = parameters[:, 2], parameters[:, 3]
    ratio = first / second
    factor = np.sqrt(np.maximum(np.maximum(ratio, 1 / ratio) / limits, 1))
    factor = np.where(ratio > 1, factor, 1 / factor)
    parameters[:, 2] = first / factor
    parameters[:, 3] = second * factor
    return Splats(parameters)


def _octave(scale: Floats, last: int) -> np.ndarray:
    exponents = np.frexp(np.maximum(scale, 1))[1]  # exact: of twice as much it is one more, which no logarithm promises
    return (exponents - 1).clip(0, last)


def _luma(planes: Planes) -> Floats:
    return luma_of(eight_bits(planes))


def _products(luma: Floats) -> Floats:
    """Products of the derivatives, [3, rows, columns]."""
    down, across = np.gradient(luma)
    return np.stack([across * across, down * down, across * down])


def _means(products: Floats) -> tuple[Floats, ...]:
    """Means of the products around each place, and at half the size."""
    own = _smoothed(products)
    return (own, _smoothed(_halved(products)))


def _halved(values: Floats) -> Floats:
    """Means over 2 x 2 of [count, rows, columns]; the last row and column once more where their number is odd."""
    values = np.pad(values, ((0, 0), (0, values.shape[1] % 2), (0, values.shape[2] % 2)), mode="edge")
    count, rows, columns = values.shape
    return np.asarray(values.reshape(count, rows // 2, 2, columns // 2, 2).mean(axis=(2, 4), dtype=np.float32))


def _smoothed(values: Floats) -> Floats:
    """Weighted by 1/4, 1/2, 1/4 along both axes."""
    wide = np.pad(values, ((0, 0), (1, 1), (1, 1)), mode="edge")
    rows = (wide[:, :-2] + wide[:, 2:]) / 4 + wide[:, 1:-1] / 2
    return np.asarray((rows[..., :-2] + rows[..., 2:]) / 4 + rows[..., 1:-1] / 2)
