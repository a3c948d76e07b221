"""Moves splats that do little to where the error is large."""

from __future__ import annotations

import numpy as np

from smartsplat.engines import Frame
from smartsplat.engines.protocol import CELL_SIZE
from smartsplat.fitting.adam import Adam
from smartsplat.fitting.colours import solve_colours
from smartsplat.fitting.levels import Planes
from smartsplat.model.splats import Floats, Splats
from smartsplat.sampling import sample_density

SHARE = 0.04
"""Part of the splats that move each time."""

PERIOD = 50
"""Adam steps from one time to the next, at least."""

TIMES = 10
"""How often splats are relocated in a long fit: more would not let them settle where little is to be gained."""

UNTIL = 0.6
"""Part of the fit in which splats are relocated; later ones would not settle."""

BLUR = np.exp(-(np.arange(4) ** 2) / (2 * 0.7**2))
BLUR /= BLUR[0] + 2 * BLUR[1:].sum()
"""What errors count for the draw, by how many cells away they are along an axis."""

START_SCALE = 0.7
"""Scale of a relocated splat, relative to the median."""


def period(steps: int) -> int:
    """Adam steps from one relocation to the next, in a fit of so many."""
    return max(PERIOD, round(UNTIL * steps / TIMES))


def importance(splats: Splats) -> np.ndarray:
    """What each splat adds to the picture's energy, |colour|^2 times the area [N], up to a factor."""
    energy: np.ndarray = (splats.colour.astype(np.float64) ** 2).sum(axis=1) * splats.scale.prod(axis=1)
    return energy


def _blurred(values: Floats) -> Floats:
    """Along the first axis; SciPy has that too, but takes as long to load as a small picture's fit."""
    reach = len(BLUR) - 1
    wide = np.pad(values.astype(np.float64), ((reach, reach), (0, 0)), mode="symmetric")
    blurred = BLUR[0] * wide[reach : reach + len(values)]
    for distance in range(reach, 0, -1):
        before, after = (wide[reach + step : reach + step + len(values)] for step in (-distance, distance))
        blurred += BLUR[distance] * (before + after)
    return np.asarray(blurred, np.float32)


def relocate(frame: Frame, target: Planes, adam: Adam, seed: int) -> Splats:
    """Moves the SHARE of least importance to places drawn by the square of the local squared error.

    They arrive round, of the typical scale and without colour; the colours of all are then solved for.

    Args:
        frame: of the level that is being fitted, with N splats.
        target: planes of that level.
        adam: forgets what it knew of those that move.
        seed: of the draw.

    Returns:
        As many splats.
    """
    splats = frame.splats
    count = int(len(splats) * SHARE)
    if count == 0:
        return splats
    errors = frame.cell_errors(target)
    if frame.canvas.weights is not None:
        errors = errors * frame.canvas.weights
    error = _blurred(_blurred(errors).T).T ** 2
    if not error.sum() > 0:
        return splats
    cells = sample_density(np.ascontiguousarray(error, np.float32), count, seed, threads=adam.threads)
    least = np.argpartition(importance(splats), count)[:count]
    parameters = splats.parameters.copy()
    parameters[least, :2] = cells * (CELL_SIZE / frame.canvas.view.zoom)
    parameters[least, 2:4] = START_SCALE * np.median(splats.scale)
    parameters[least, 4:] = 0
    adam.forget(least)
    moved = Splats(parameters).clipped(int(adam.bounds.width), int(adam.bounds.height))
    return solve_colours(frame.canvas.place(moved), target, products=4, damping=1e-2).splats
