"""What is simpler wins where it is as good: one colour for all, or a lattice alone."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from smartsplat.fitting.levels import Planes
from smartsplat.pictures.samples import greatest
from smartsplat.pipeline.compose import Composition, compose_flat
from smartsplat.pipeline.job import Job

PIECE = 1 << 16
"""Pixels that are looked at together, to bound memory."""


def is_flat(planes: Planes) -> bool:
    """Whether all pixels of a picture [3, H, W] have one colour."""
    corner, rows = planes[:, :1, :1], max(1, PIECE // planes.shape[2])
    return all((planes[:, top : top + rows] == corner).all() for top in range(0, planes.shape[1], rows))


def is_nearly_flat(planes: Planes, error: float) -> bool:
    """Whether squared differences of a picture [3, H, W] from its mean colour, 8-bit steps, have at most that sum."""
    error *= (greatest(planes) / 255) ** 2
    channels = planes.reshape(3, -1)
    mean = channels.mean(axis=1, dtype=np.float64)[:, None]
    for at in range(0, channels.shape[1], PIECE):
        piece = channels[:, at : at + PIECE] - mean
        error -= float(np.square(piece).sum())
        if error < 0:
            return False
    return True


def simplest(job: Job, budget: int, compositions: Iterable[Composition]) -> Composition:
    """The best of these and of one flat colour, if its section fits; of equally good ones that of the fewest bytes."""
    candidates = list(compositions)
    if is_nearly_flat(job.planes, min(c.error for c in candidates)) and (flat := compose_flat(job)).length <= budget:
        candidates.append(flat)
    return min(candidates, key=lambda c: (c.cost, c.length))
