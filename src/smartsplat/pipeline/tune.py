"""What an encoding is tuned for: where squared errors count less, and where more.

Structural similarity divides errors by the variance around them: texture hides them. So a sum of squared errors in
which each counts by that variance to a negative power stands between PSNR and MS-SSIM. The weights change only what
the encoder chooses, a coefficient or a smaller one; files are read as ever.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartsplat.coding.lattice_section import EQUAL_WEIGHT, WEIGHTS_PER_OCTAVE
from smartsplat.engines.protocol import CELL_SIZE, cells_of
from smartsplat.model.splats import Floats
from smartsplat.model.view import View
from smartsplat.pictures.planes import eight_bits, luma_of
from smartsplat.pictures.samples import Samples
from smartsplat.scratch import MEMORY, Scratch

CELL_LOG = 2
CELL = 1 << CELL_LOG
"""px of a side of the squares for which variance is known."""

STRIP_CELLS = 1 << 18
"""Squares that are looked at at once, about, to save memory."""

NOISE = 30.0
"""Added to variances, 8-bit steps squared; the definition of SSIM adds 58 to the sum of two."""


@dataclass(frozen=True)
class Tune:
    """How errors are weighed, by the size of what is coded: of 2 px, 4 px, and so on; the last holds for all above.

    Attributes:
        powers: of the variance that weights are divided by.
        extra: log2 of further weights.
        splats: the power for errors of splats, whatever their size.
    """

    powers: tuple[float, ...]
    extra: tuple[float, ...]
    splats: float = 0.0

    def at(self, octave: int) -> tuple[float, float]:
        """Power and extra weight of coefficients of 2^(octave + 1) px."""
        return self.powers[min(octave, len(self.powers) - 1)], self.extra[min(octave, len(self.extra) - 1)]


TUNES: dict[str, Tune | None] = {
    "psnr": None,
    "balanced": Tune((0.08, 0.2, 0.32), (0, 0.25, 0.5), 0.3),
    "ssim": Tune((0.5, 0.6, 0.5), (-0.4, 0, 0.4, 0.6), 0.3),
}
"""By name; see docs/decisions.md for what each gives and takes."""


def log_variances(planes: Samples, scratch: Scratch = MEMORY) -> Floats:
    """log2 of the luma's variance in and around squares of CELL px, and NOISE; less its mean over the picture.

    Args:
        planes: [3, H, W].
        scratch: where the result lies, and what it is made of.

    Returns:
        float32 [ceil(H / CELL), ceil(W / CELL)].
    """
    rows, columns = (-(-side // CELL) for side in planes.shape[1:])
    moments, variances, logs = (scratch.empty((count, rows, columns), np.float32) for count in (2, 1, 1))
    strips = [slice(top, min(top + _strip(columns), rows)) for top in range(0, rows, _strip(columns))]
    for strip in strips:
        moments[:, strip] = _moments(planes[:, CELL * strip.start : CELL * strip.stop])
    for strip in strips:
        mean, square = _around(moments, strip)
        variances[0, strip] = np.maximum(square - mean * mean, 0)
    for strip in strips:
        logs[:, strip] = np.log2(_around(variances, strip) + np.float32(NOISE))
    logs -= np.float32(logs.mean(dtype=np.float64))
    return np.asarray(logs[0], np.float32)


def _strip(columns: int) -> int:
    return max(1, STRIP_CELLS // columns)


def _moments(planes: Samples) -> Floats:
    """Means of the luma (less 128) and of its square in squares, [2, rows, columns]."""
    luma = luma_of(eight_bits(planes)) - np.float32(128)
    height, width = luma.shape
    luma = np.pad(luma, ((0, -height % CELL), (0, -width % CELL)), mode="edge")
    cells = luma.reshape(-(-height // CELL), CELL, -(-width // CELL), CELL)
    return np.stack([cells.mean(axis=(1, 3)), np.square(cells).mean(axis=(1, 3))])


def _around(values: Floats, strip: slice) -> Floats:
    """Means over 3 x 3 in those rows of [count, rows, columns]."""
    above, below = max(strip.start - 1, 0), min(strip.stop + 1, values.shape[1])
    missing = above - (strip.start - 1), strip.stop + 1 - below  # beyond the borders
    wide = np.pad(values[:, above:below], ((0, 0), missing, (1, 1)), mode="edge")
    rows = wide[:, :-2] + wide[:, 1:-1] + wide[:, 2:]
    return np.asarray((rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]) / 9, np.float32)


def place_weights(tune: Tune, logs: Floats, shape: tuple[int, int], spacing: int) -> NDArray[np.uint8]:
    """Weights of the places of a plane of wavelet coefficients, as ``write_lattice`` takes them.

    Args:
        tune: what for.
        logs: of ``log_variances``.
        shape: rows and columns of the coefficients.
        spacing: of the lattice, px; a power of 2.

    Returns:
        uint8 of that shape: EQUAL_WEIGHT for a weight of 1, WEIGHTS_PER_OCTAVE more for twice as much.
    """
    weights = np.full(shape, EQUAL_WEIGHT, np.uint8)
    (rows, columns), octave, cell_log = shape, spacing.bit_length() - 1, CELL_LOG
    while max(rows, columns) > 1:
        side_log, down, across = octave + 1, (rows + 1) // 2, (columns + 1) // 2
        while side_log > cell_log and logs.size > 1:
            logs, cell_log = _halved(logs), cell_log + 1
        power, extra = tune.at(octave)
        steps = np.rint(EQUAL_WEIGHT + WEIGHTS_PER_OCTAVE * (extra - power * logs)).clip(0, 255).astype(np.uint8)
        band = _spread(steps, side_log - cell_log, down, across)
        weights[:down, across:columns] = band[:, : columns - across]
        weights[down:rows, :across] = band[: rows - down]
        weights[down:rows, across:columns] = band[: rows - down, : columns - across]
        rows, columns, octave = down, across, octave + 1
    return weights


def cell_weights(tune: Tune, logs: Floats, view: View) -> Floats:
    """What squared errors of splats count in the squares of a view of a picture; see ``Engine.canvas``.

    Args:
        tune: what for.
        logs: of ``log_variances``.
        view: of the whole picture at any zoom up to 1.

    Returns:
        float32 [rows, columns] of ``cells_of``.
    """
    side = CELL_SIZE / view.zoom / CELL  # of a square of the view, in those of the logs
    while side >= 2 and logs.size > 1:
        logs, side = _halved(logs), side / 2
    down, across = (
        np.minimum(((np.arange(count) + 0.5) * side).astype(np.int64), limit - 1)
        for count, limit in zip(cells_of(view), logs.shape, strict=True)
    )
    return np.asarray(np.exp2(-tune.splats * logs[down[:, None], across]), np.float32)


def _halved(logs: Floats) -> Floats:
    """Means over 2 x 2; the last row and column once more where their number is odd."""
    logs = np.pad(logs, ((0, logs.shape[0] % 2), (0, logs.shape[1] % 2)), mode="edge")
    return np.asarray(logs.reshape(logs.shape[0] // 2, 2, -1, 2).mean(axis=(1, 3)), np.float32)


def _spread(values: NDArray[np.uint8], side_log: int, rows: int, columns: int) -> NDArray[np.uint8]:
    """The value of the square that each place lies in, whose side is 2^side_log (at most 1) of the square's."""
    down, across = (
        np.minimum(np.arange(count) >> max(0, -side_log), limit - 1)
        for count, limit in zip((rows, columns), values.shape, strict=True)
    )
    return np.asarray(values[down[:, None], across], np.uint8)
