"""Chooses what share of the bytes splats get, by trials on a part of the picture.

Splats are best at smooth shades and curved edges, a lattice at texture; which of them a picture has more of is
hard to foresee and quick to try.
"""

from __future__ import annotations

import math

import numpy as np

from smartsplat.coding.coefficients import Spectrum, write_lattice
from smartsplat.fitting.levels import Planes, Pyramid
from smartsplat.pipeline.composition import NO_SPLATS, Composer, Composition
from smartsplat.pipeline.smooth import guess_knob, lattice_spectrum, spacing_for

SHARES = (0.0, 0.75)
"""Shares of the bytes that are tried."""

PART = 0.1
"""Part of the picture that the trials see."""

EFFORT_SAVED = 2
"""The trials' effort is lower by this; the choice is the same."""

LEAST_PIXELS = 1 << 16
"""Pixels that they see at least."""

LEAST_ROOM = 200
"""Bytes below which splats get all of them without a trial."""

ALIGNMENT = 8
"""The pieces' sides are a multiple of this, px."""


def mosaic(planes: Planes, pixels: float) -> Planes:
    """Evenly spread square pieces of a picture, side by side, with about that many pixels together.

    Args:
        planes: uint8 [3, H, W].
        pixels: fewer than the picture has.
    """
    _, height, width = planes.shape
    per_side = 2 if pixels < 1 << 19 else 3
    side = max(ALIGNMENT, int(math.sqrt(pixels) / per_side) // ALIGNMENT * ALIGNMENT)
    rows, columns = max(1, min(per_side, height // side)), max(1, min(per_side, width // side))
    tops = [(height - side) * (2 * i + 1) // (2 * rows) for i in range(rows)]
    lefts = [(width - side) * (2 * i + 1) // (2 * columns) for i in range(columns)]
    pieces = [[planes[:, max(y, 0) : y + side, max(x, 0) : x + side] for x in lefts] for y in tops]
    return np.concatenate([np.concatenate(row, axis=2) for row in pieces], axis=1)


def choose_share(composer: Composer, room: int) -> tuple[float, Composition | None]:
    """The share that gives the least error, and the composition if the trials saw the whole picture."""
    if room < LEAST_ROOM:
        return 1.0, None
    pixels = composer.planes[0].size
    if pixels <= 2 * LEAST_PIXELS:
        results = {share: composer.compose(room, share) for share in SHARES}
        best = min(results, key=lambda share: results[share].error)
        return best, results[best]
    part = mosaic(composer.planes, max(PART * pixels, LEAST_PIXELS))
    trial = Composer(
        part, composer.engine, grey=composer.grey, effort=max(1, composer.effort - EFFORT_SAVED), seed=composer.seed, progress=lambda _: None
    )
    allowed = _allowance(composer, trial, room)
    if allowed < LEAST_ROOM:
        return 1.0, None
    errors = {share: trial.compose(allowed, share).error for share in SHARES}
    return min(errors, key=lambda share: errors[share]), None


def _allowance(composer: Composer, trial: Composer, room: int) -> int:
    """Bytes for the part that are to its content what the room is to that of the whole picture.

    They are what a lattice takes there, with the step that makes a lattice of the whole fit the room.
    """
    spacing = spacing_for(composer.planes[0].size, room)
    whole, part = (_spectrum(c, spacing) for c in (composer, trial))
    return len(write_lattice(part, guess_knob(whole, room)).section)


def _spectrum(composer: Composer, spacing: int) -> Spectrum:
    frame = Pyramid((composer.planes,)).frame(composer.engine, 0)
    frame.place(NO_SPLATS)
    return lattice_spectrum(frame, composer.planes, spacing, grey=composer.grey)
