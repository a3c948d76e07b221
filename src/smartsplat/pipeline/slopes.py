"""The search for the slope at which blocks, and a lattice under the rest, fill a budget."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from smartsplat.coding.format import LATTICE_STEPS, LATTICE_STEPS_PER_OCTAVE
from smartsplat.coding.lattice_section import CodedLattice, Spectrum
from smartsplat.pipeline.smooth import finest_step_index, index_of_step

FINEST_STEP = 0.3 / 255
"""Step of a lattice beyond whose slope nothing is lost in blocks anyway."""

COARSER, FINER, EXCESS = 3, 2.5, 1.25
"""Octaves by which the step of that slope may be coarser than that of a lattice alone, by which it is finer at first,
since blocks take fewer bytes for the same, and by which the second is coarser for each octave of bytes too many."""

BEYOND, FURTHEST = 1.15, 1.5
"""How much further the next one goes than two before it say, and octaves that are the most."""

FULL, AIM = 0.97, 0.985
"""Part of the budget with which the search for a slope is content, and that at which it aims."""

NEARLY_FULL = 0.7
"""That with which a search is content that begins where another on a sample ended: trials of large pictures are dear,
and what blocks leave makes the lattice better. A mosaic of 4 MP at CR 200 lost nothing at 0.84."""

NEAR = 40
"""How near [indices of steps] the last one is."""


@dataclass
class Slopes:
    """Which slopes are tried, as indices of steps: coarser ones until one fits, then between that and one before it.

    Lengths do not only fall from finer to coarser: where few blocks are left, the lattice is dear, and where all is in
    blocks there is none.

    Attributes:
        fine: the finest that is worth it.
        coarse: the coarsest.
        first: where to begin.
        full: part of the budget that is enough.
        fits: the finest that is known to fit, and log2 of the part of the budget that it fills.
        over: likewise the coarsest that is known not to.
        likely: one that is likely not to fit.
    """

    fine: int
    coarse: int
    first: int
    full: float = FULL
    fits: tuple[int, float] | None = None
    over: tuple[int, float] | None = None
    likely: int | None = None
    _fitted: bool | None = None
    _again: bool = False

    @classmethod
    def around(cls, spectrum: Spectrum, lattice: CodedLattice | None) -> Slopes:
        """Those for a picture of which that lattice alone fills the budget."""
        alone = lattice.step_index if lattice else LATTICE_STEPS - 1
        fine = max(finest_step_index(spectrum), int(index_of_step(FINEST_STEP)))
        coarse = min(LATTICE_STEPS - 1, alone + COARSER * LATTICE_STEPS_PER_OCTAVE)
        return cls(fine, coarse, max(fine, alone - round(FINER * LATTICE_STEPS_PER_OCTAVE)))

    def narrowed(self, all_: Slopes) -> Slopes:
        """Those for all of a picture, after these have been tried on a sample, which may be dearer."""
        if self.fits is None:
            return all_
        return replace(all_, first=self.fits[0], likely=self.over[0] if self.over else None, full=NEARLY_FULL)

    def after(self, step: int, filled: float) -> int | None:
        """The next one, after one that fills so much of the budget; None if it is enough."""
        excess, before, fitted = float(np.log2(filled)), self.over, filled <= 1
        self._again, self._fitted = fitted == self._fitted, fitted
        if fitted:
            self.fits = step, excess
        elif before is None or step > before[0]:
            self.over = step, excess
        if self.fits is None:
            return self._beyond(before)
        if self.over is None:  # often there is room for all without a loss
            finer = self.likely if self.likely is not None and self.likely < step else self.fine
            return finer if finer < step and filled < self.full else None
        if self.fits[0] - self.over[0] <= NEAR or self.full <= filled <= 1:
            return None
        return self._between(self.over, self.fits)

    def _beyond(self, before: tuple[int, float] | None) -> int | None:
        """A coarser one than any that was tried, by what the last two say, if they do; None if there is none."""
        assert self.over is not None
        step, excess = self.over
        octaves = EXCESS * excess
        if before is not None and before[0] < step:
            falling = max(before[1] - excess, 1e-9) * LATTICE_STEPS_PER_OCTAVE / (step - before[0])
            octaves = min(BEYOND * excess / falling, FURTHEST)
        following = min(self.coarse, step + max(NEAR, round(LATTICE_STEPS_PER_OCTAVE * octaves)))
        return following if following > step else None

    def _between(self, over: tuple[int, float], fits: tuple[int, float]) -> int:
        """Where the budget is about full, if lengths fall evenly; half-way after two ends on the same side."""
        part = (2 ** over[1] - AIM) / max(2 ** over[1] - 2 ** fits[1], 1e-9)
        part = 0.5 if self._again else min(max(part, 0.15), 0.85)
        return round(over[0] + (fits[0] - over[0]) * part)
