"""The lattice's part of a file: how fine it is, and the finest step whose section fits."""

from __future__ import annotations

import numpy as np

from smartsplat.coding.coefficients import STEPS, CodedLattice, Spectrum, step_length, write_lattice
from smartsplat.engines import Frame
from smartsplat.fitting.lattice import solve_lattice
from smartsplat.fitting.levels import Planes

FULL = 0.99
"""Part of the bytes allowed at which a step is fine enough."""

MOST_TRIALS = 7

LEAST_BYTES = 24
"""Smaller sections are not worth their bytes."""

BITS_EACH = 4.6
"""What a coefficient that is not zero costs with all that is around it; only the first guess depends on it."""

DEAD_ZONE = 0.65
"""Coefficients below this many steps mostly become zero; likewise."""

KNOBS_PER_RATE = 1.4 * 256
"""How many knobs coarser make a section half as long, about; likewise."""


def spacing_for(pixels: int, allowed: int) -> int:
    """Spacing of the lattice, px, for a picture of so many pixels and so many bytes.

    Finer ones are always better, by less the fewer bytes there are, and take time and memory.
    """
    ratio = 3 * pixels / allowed
    if pixels <= 10e6 and ratio <= 600 or pixels <= 32e6 and ratio <= 120:
        return 1
    return 2 if pixels <= 64e6 or ratio <= 120 else 4


def lattice_spectrum(frame: Frame, target: Planes, spacing: int, *, grey: bool) -> Spectrum:
    """Of the best lattice under the splats that are placed in the frame."""
    return Spectrum.of(solve_lattice(frame, target, spacing), grey=grey)


def guess_knob(spectrum: Spectrum, allowed: int) -> int:
    """The knob whose section has about that many bytes."""
    magnitudes = np.abs(spectrum.coefficients).ravel()
    magnitudes = magnitudes[:: max(1, len(magnitudes) >> 22)]
    wanted = 8 * allowed / BITS_EACH * len(magnitudes) / spectrum.coefficients.size
    rank = min(len(magnitudes) - 1, max(0, len(magnitudes) - 1 - int(wanted)))
    step = max(float(np.partition(magnitudes, rank)[rank]) / DEAD_ZONE, step_length(0))
    return int(np.clip(round(STEPS // 2 + 256 * np.log2(step)), 0, STEPS - 1))


def fill_lattice(spectrum: Spectrum, allowed: int, knob: int | None = None) -> tuple[CodedLattice, int] | None:
    """The section of at most ``allowed`` bytes with the finest step found, and its knob; None if none fits.

    Args:
        spectrum: of the lattice.
        allowed: bytes.
        knob: where to begin, if that is known.
    """
    knob = guess_knob(spectrum, allowed) if knob is None else knob
    too_fine, fits, best = -1, STEPS, None
    for _ in range(MOST_TRIALS):
        coded = write_lattice(spectrum, knob)
        size = len(coded.section)
        if size <= allowed:
            fits, best = knob, (coded, knob)
        else:
            too_fine = knob
        if fits - too_fine <= 1 or FULL * allowed <= size <= allowed:
            break
        aim = knob + round(KNOBS_PER_RATE * np.log2(size / ((1 + FULL) / 2 * allowed)))
        if not too_fine < aim < fits:
            aim = (too_fine + fits) // 2
        knob = int(aim)
    if best is None:
        best = _coarser(spectrum, allowed, knob)
    return best


def _coarser(spectrum: Spectrum, allowed: int, knob: int) -> tuple[CodedLattice, int] | None:
    while knob < STEPS - 1:
        knob = min(knob + 128, STEPS - 1)
        coded = write_lattice(spectrum, knob)
        if len(coded.section) <= allowed:
            return coded, knob
    return None
