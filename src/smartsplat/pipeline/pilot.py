"""Chooses what share of the bytes splats get, by trials on parts of the picture.

Splats are best at smooth shades and curved edges, a lattice at texture; which of them a picture has more of is
hard to foresee and quick to try.
"""

from __future__ import annotations

import math

import numpy as np

from smartsplat.coding.lattice_section import write_lattice
from smartsplat.fitting.levels import Planes
from smartsplat.pipeline.composition import Composer
from smartsplat.pipeline.smooth import guess_step_index, spacing_for

SHARES = (0.0, 0.8, 0.35)
"""Shares of the bytes that are tried. All of them was never better by more than 0.2 dB; see docs/decisions.md."""

SMALL = 1e6
"""Pixels up to which only the first two are tried, to save time."""

PART = 0.08
"""Part of the picture that the trials see."""

LEAST_PIXELS, MOST_PIXELS = 1 << 18, 1 << 21
"""Pixels that they see, at least (or all) and at most."""

PIECE_PIXELS = 1 << 18
"""Pixels of a piece, about: the seams between smaller ones would be unfair to splats."""

EFFORT_SAVED = 2
"""By how much the trials' effort is lower."""

LEAST_ROOM = 1000
"""Bytes below which splats get all of them without a trial."""

SPLATS_GAIN = 0.06
"""Part of the error that the effort saved would take from splats with all the bytes; a lattice gains nothing by it."""

CLEAR = 1.1
"""Nor is the third where one of the first two has this many times the error of the other."""

GOLDEN = (math.sqrt(5) - 1) / 2


def choose_share(composer: Composer, room: int) -> float:
    """The share of the splats that gives the least error in that many bytes."""
    if room < LEAST_ROOM:
        return 1.0
    spacing = spacing_for(composer.planes[0].size, room)
    step_index = guess_step_index(composer.bare_spectrum(spacing), room)  # of a lattice that alone would take the room
    trial = composer.of_other(sample(composer.planes), max(1, composer.effort - EFFORT_SAVED))
    # What is to the sample's content what the room is to that of the whole picture.
    allowed = len(write_lattice(trial.bare_spectrum(spacing), step_index).section)
    errors: dict[float, float] = {}
    for share in SHARES:
        if len(errors) == 2 and (
            composer.planes[0].size <= SMALL or max(errors.values()) > CLEAR * min(errors.values())
        ):
            break
        errors[share] = trial.compose(allowed, share).error * (1 - SPLATS_GAIN * share)
    return min(errors, key=lambda share: errors[share])


def sample(planes: Planes) -> Planes:
    """Well spread pieces of a picture [3, H, W] side by side, or all of it if it is small."""
    _, height, width = planes.shape
    pixels = min(max(PART * height * width, LEAST_PIXELS), MOST_PIXELS)
    if pixels > 0.7 * height * width:
        return planes
    count = max(1, round(pixels / PIECE_PIXELS))
    tall = min(height, max(1, round(math.sqrt(pixels / count))))
    wide = min(width, max(1, round(pixels / count / tall)))
    places = [((i + 0.5) / count, (0.5 + i * GOLDEN) % 1) for i in range(count)]
    corners = [(int(y * (height - tall)), int(x * (width - wide))) for x, y in places]
    return np.concatenate([planes[:, top : top + tall, left : left + wide] for top, left in corners], axis=2)
