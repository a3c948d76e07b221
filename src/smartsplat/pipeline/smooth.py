"""The lattice's part of a file: how fine it is, and the finest step whose section fits."""

from __future__ import annotations

import numpy as np

from smartsplat.coding.lattice_section import (
    LATTICE_STEPS,
    NODES_PER_BYTE,
    UNIT_STEP_INDEX,
    CodedLattice,
    Spectrum,
    lattice_step,
    write_lattice,
)
from smartsplat.engines import Frame
from smartsplat.fitting.lattice import solve_lattice
from smartsplat.fitting.levels import Planes

FULL = 0.99
"""Part of the bytes allowed at which a step is fine enough."""

MOST_TRIALS = 7

LEAST_BYTES = 24
"""Smaller sections are not worth their bytes."""

GREATEST_QUANTISED = 1 << 18
"""Magnitudes of quantised coefficients stay below this, and so within the format."""

BITS_EACH = 4.6
"""What a coefficient that is not zero costs with all that is around it; only the first guess depends on it."""

DEAD_ZONE = 0.65
"""Coefficients below this many steps mostly become zero; likewise."""

STEPS_PER_RATE = 0.8 * 256
"""How many step_indices coarser make a section half as long, about; likewise."""


def spacing_for(pixels: int, allowed: int) -> int:
    """Spacing of the lattice, px, for a picture of so many pixels and so many bytes.

    Finer ones are always better, by less the fewer bytes there are, and take time and memory.
    """
    ratio = 3 * pixels / allowed
    if pixels <= 32e6 and ratio <= (600 if pixels <= 2.5e6 else 120):
        return 1
    spacing = 2 if pixels <= 64e6 or ratio <= 120 else 4
    while pixels > NODES_PER_BYTE / 2 * allowed * spacing**2:
        spacing *= 2
    return spacing


def lattice_spectrum(frame: Frame, target: Planes, spacing: int, *, grey: bool) -> Spectrum:
    """Of the best lattice under the splats that are placed in the frame."""
    return Spectrum.of(solve_lattice(frame, target, spacing), grey=grey)


def finest_step_index(spectrum: Spectrum) -> int:
    """The finest step with which no coefficient is beyond what a stream can say."""
    greatest = float(np.abs(spectrum.coefficients).max(initial=0))
    return int(
        np.clip(
            np.ceil(UNIT_STEP_INDEX + 256 * np.log2(max(greatest / GREATEST_QUANTISED, 1e-9))), 0, LATTICE_STEPS - 1
        )
    )


def guess_step_index(spectrum: Spectrum, allowed: int) -> int:
    """The step_index whose section has about that many bytes."""
    magnitudes = np.abs(spectrum.coefficients).ravel()
    magnitudes = magnitudes[:: max(1, len(magnitudes) >> 22)]
    wanted = 8 * allowed / BITS_EACH * len(magnitudes) / spectrum.coefficients.size
    rank = min(len(magnitudes) - 1, max(0, len(magnitudes) - 1 - int(wanted)))
    step = max(float(np.partition(magnitudes, rank)[rank]) / DEAD_ZONE, lattice_step(0))
    return int(np.clip(round(UNIT_STEP_INDEX + 256 * np.log2(step)), finest_step_index(spectrum), LATTICE_STEPS - 1))


def fill_lattice(spectrum: Spectrum, allowed: int, step_index: int | None = None) -> CodedLattice | None:
    """The section of at most ``allowed`` bytes with the finest step found; None if none fits.

    Args:
        spectrum: of the lattice.
        allowed: bytes.
        step_index: where to begin, if that is known.
    """
    search = _StepSearch(allowed, finest_step_index(spectrum))
    step_index = guess_step_index(spectrum, allowed) if step_index is None else max(step_index, search.finest)
    best: CodedLattice | None = None
    for _ in range(MOST_TRIALS):
        coded = write_lattice(spectrum, step_index)
        if len(coded.section) <= allowed and (best is None or step_index < best.step_index):
            best = coded
        following = search.after(step_index, len(coded.section))
        if following is None:
            break
        step_index = following
    return best


class _StepSearch:
    """Looks for the finest step whose section fits; the log of its length is nearly linear in the index of the step."""

    def __init__(self, allowed: int, finest: int) -> None:
        self.finest = finest
        self._allowed = allowed
        self._too_fine: tuple[int, float] | None = None  # step_index, log2 of the length over what is allowed
        self._fits: tuple[int, float] | None = None

    def after(self, step_index: int, size: int) -> int | None:
        """The next step_index to try after one with that length; None if it is good enough, or none is left."""
        excess = float(np.log2(size / self._allowed))
        if excess > 0:
            self._too_fine = step_index, excess
        else:
            self._fits = step_index, excess
        if np.log2(FULL) <= excess <= 0:
            return None
        low = self._too_fine[0] if self._too_fine else self.finest - 1
        high = self._fits[0] if self._fits else LATTICE_STEPS
        if high - low <= 1:
            return None
        return int(np.clip(round(self._aim(step_index, excess)), low + 1, high - 1))

    def _aim(self, step_index: int, excess: float) -> float:
        goal = float(np.log2((1 + FULL) / 2))
        if self._too_fine and self._fits:
            (x0, y0), (x1, y1) = self._too_fine, self._fits
            return x0 + (x1 - x0) * (y0 - goal) / (y0 - y1)
        return step_index + STEPS_PER_RATE * (excess - goal)
