"""The lattice's part of a file: the finest quantisation step whose section fits."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from smartsplat.coding.format import LATTICE_STEPS, LATTICE_STEPS_PER_OCTAVE, LATTICE_UNIT_STEP, lattice_step
from smartsplat.coding.lattice_section import (
    EQUAL_WEIGHT,
    LAMBDA,
    WEIGHTS_PER_OCTAVE,
    CodedLattice,
    Spectrum,
    write_lattice,
)
from smartsplat.fitting.lattice import solve_lattice
from smartsplat.model.splats import Splats
from smartsplat.pipeline.job import Job
from smartsplat.pipeline.plan import HIGHEST_RATE, bits_per_pixel

FULL = 0.99
"""Part of the budget at which a quantisation step is fine enough, where nothing else is said."""

FULL_AT_HIGH_RATES = 0.999
"""The same from HIGHEST_RATE on, where a hundredth of the bytes is worth up to 1 dB."""

LEAST_FULL = 0.97
"""Part of the budget with which a search that is slow to end is content."""

MOST_TRIALS = 7
"""After which it is halving what is left that goes on, and only until LEAST_FULL of the budget are used."""

FINER = 8, 16, 32, 64, 128
"""How many steps finer a section is made where LEAST_FULL is not reached with the usual lambda."""

MOST_LAMBDA, LAMBDA_TRIALS = 0.8, 8
"""The greatest lambda that is tried there, and how many for each step."""

PRICES = (0.8, 1.25, 0.9, 1.12, 0.72, 1.4)
"""Of a bit over LAMBDA, which are tried as far as the effort goes: which is best depends on the picture."""

MOST_COMPARED = 1 << 26
"""Coefficients of a spectrum whose sections are compared at most: that takes a decoding of each."""

ROWS = 256
"""Rows of coefficients that are looked at together, to save memory."""

LEAST_BYTES = 24
"""Smaller sections are not worth their bytes."""

GREATEST_QUANTISED = 1 << 19
"""Magnitudes of quantised coefficients stay below this, and so within the format."""

BITS_EACH = 4.6
"""What a coefficient that is not zero costs with all that is around it; only the first guess depends on it."""

DEAD_ZONE = 1.06
"""Coefficients below this many steps mostly become zero; likewise."""

STEPS_PER_RATE = 0.8 * LATTICE_STEPS_PER_OCTAVE
"""How many step_indices coarser make a section half as long, about; likewise."""

OTHER_RATES = 0.5, 2.0
"""Between which parts of that it may be found to be, from two trials."""

LEAST_APART = 5
"""Trials nearer to each other say nothing of that: lengths do not fall evenly."""

STEPS_PER_PRICE = 95
"""How many step_indices finer a section of equal bytes is with twice the price of a bit; likewise."""


def lattice_spectrum(job: Job, splats: Splats, spacing: int) -> Spectrum:
    """Of the best lattice, of that spacing [px], under the splats."""
    frame = job.canvas().place(splats)
    lattice = solve_lattice(frame, job.target, spacing, threads=job.engine.threads, scratch=job.scratch)
    spectrum = Spectrum.taking(lattice, grey=job.grey, threads=job.engine.threads)
    return replace(spectrum, weights=job.place_weights(spectrum.coefficients.shape[1:], spacing))


def index_of_step(step: float) -> float:
    """Index of a quantisation step, not rounded: the inverse of ``lattice_step``."""
    return float(LATTICE_UNIT_STEP + LATTICE_STEPS_PER_OCTAVE * np.log2(step))


def finest_step_index(spectrum: Spectrum) -> int:
    """Of the finest step with which no coefficient is beyond what a stream can say."""
    coefficients = spectrum.coefficients  # of both signs, and no copy of so many
    greatest = max(float(coefficients.max(initial=0)), -float(coefficients.min(initial=0)))
    finest = np.ceil(index_of_step(max(greatest / GREATEST_QUANTISED, 1e-9)))
    return int(np.clip(finest, 0, LATTICE_STEPS - 1))


def guess_step_index(spectrum: Spectrum, budget: int) -> int:
    """Of the step whose section has about that many bytes."""
    magnitudes = np.abs(spectrum.coefficients.reshape(-1)[:: max(1, spectrum.coefficients.size >> 22)])
    wanted = 8 * budget / BITS_EACH * len(magnitudes) / spectrum.coefficients.size
    rank = min(len(magnitudes) - 1, max(0, len(magnitudes) - 1 - int(wanted)))
    step = max(float(np.partition(magnitudes, rank)[rank]) / DEAD_ZONE, lattice_step(0))
    return int(np.clip(round(index_of_step(step)), finest_step_index(spectrum), LATTICE_STEPS - 1))


def best_lattice(job: Job, spectrum: Spectrum, budget: int) -> CodedLattice | None:
    """The section of at most ``budget`` bytes with the least weighted error of those that the effort has time for.

    See ``fill_lattice``.
    """
    full, threads = job.work.full, job.engine.threads
    best = fill_lattice(spectrum, budget, full=full, threads=threads)
    if best is None or job.work.prices == 0 or bits_per_pixel(budget, job.pixels) >= HIGHEST_RATE:
        return best
    if spectrum.coefficients.size > MOST_COMPARED:
        return best
    first = best.step_index

    def of_price(price: float) -> CodedLattice | None:
        start = round(first - STEPS_PER_PRICE * math.log2(price))
        return fill_lattice(spectrum, budget, start, full=full, lambda_=price * LAMBDA, threads=threads)

    def error_of(coded: CodedLattice) -> float:
        return coefficient_error(spectrum, coded.quantised(threads=threads, scratch=job.scratch), coded.step_index)

    others = [coded for price in PRICES[: job.work.prices] if (coded := of_price(price)) is not None]
    return min([best, *others], key=error_of)


def coefficient_error(spectrum: Spectrum, quantised: NDArray[np.int32], step_index: int) -> float:
    """Sum of squared errors of coefficients in steps, each times its weight, in units of the coefficients."""
    step, factors = np.float32(lattice_step(step_index)), None
    if spectrum.weights is not None:
        powers = (np.arange(256) - EQUAL_WEIGHT) / (2 * WEIGHTS_PER_OCTAVE)  # of the errors before they are squared
        factors = np.exp2(powers).astype(np.float32)
    error = 0.0
    for plane, integers in zip(spectrum.coefficients, quantised, strict=True):
        for top in range(0, len(plane), ROWS):
            rows = slice(top, top + ROWS)
            difference = plane[rows] - step * integers[rows].astype(np.float32)
            if factors is not None and spectrum.weights is not None:
                difference *= factors[spectrum.weights[rows]]
            error += float(np.vdot(difference, difference))
    return error


def fill_lattice(
    spectrum: Spectrum, budget: int, step_index: int | None = None, *, full: float = FULL, lambda_: float = LAMBDA,
    threads: int = 0,
) -> CodedLattice | None:  # fmt: skip
    """The section of at most ``budget`` bytes with the finest step found; None if none fits, or is worth it.

    Args:
        spectrum: of the lattice.
        budget: bytes.
        step_index: where to begin, if that is known.
        full: part of the budget at which a step is fine enough.
        lambda_: price of a bit; see ``write_lattice``.
        threads: 0 for one for each processor.
    """
    rate = bits_per_pixel(budget, spectrum.width * spectrum.height)
    bracket = Bracket(finest_step_index(spectrum), FULL_AT_HIGH_RATES if rate >= HIGHEST_RATE else full)
    step_index = guess_step_index(spectrum, budget) if step_index is None else max(step_index, bracket.finest)
    square_log = spectrum.square_log(budget)
    best: CodedLattice | None = None
    for trial in range(MOST_TRIALS + LATTICE_STEPS.bit_length()):
        late = trial >= MOST_TRIALS
        if late and best is not None and len(best.section) >= LEAST_FULL * budget:
            break
        coded = write_lattice(spectrum, step_index, lambda_, threads=threads, square_log=square_log)
        if len(coded.section) <= budget and (best is None or step_index < best.step_index):
            best = coded
        excess = float(np.log2(len(coded.section) / budget))
        bracket = bracket.narrowed(step_index, excess)
        following = bracket.after(step_index, excess, halving=late)
        if following is None:
            break
        step_index = following
    if best is not None and len(best.section) < LEAST_FULL * budget:
        return _fuller(spectrum, best, budget, threads)
    return best


def _fuller(spectrum: Spectrum, coded: CodedLattice, budget: int, threads: int) -> CodedLattice:
    """A section with a finer step, of which a greater lambda takes what is too much.

    Where many coefficients are alike, the length jumps from one step to the next.
    """
    best, finest = coded, finest_step_index(spectrum)
    for finer in FINER:
        low, high = LAMBDA, MOST_LAMBDA
        for _ in range(LAMBDA_TRIALS):
            if len(best.section) >= LEAST_FULL * budget:
                return best
            middle = (low + high) / 2
            trial = write_lattice(
                spectrum, max(finest, coded.step_index - finer), middle, threads=threads,
                square_log=spectrum.square_log(budget),
            )  # fmt: skip
            low, high = (middle, high) if len(trial.section) > budget else (low, middle)
            if len(best.section) < len(trial.section) <= budget:
                best = trial
    return best


@dataclass(frozen=True)
class Bracket:
    """What is known of the finest step_index whose section fits; lengths are nearly exponential in the step_index.

    Attributes:
        finest: step_index that may be tried.
        full: part of the budget at which a step is fine enough.
        too_fine: the last step_index whose section was too long, and the log2 of its length over the budget.
        fits: the last one whose section was not, likewise.
        last: the last one.
        steps_per_rate: how many step_indices coarser make a section half as long.
    """

    finest: int
    full: float = FULL
    too_fine: tuple[int, float] | None = None
    fits: tuple[int, float] | None = None
    last: tuple[int, float] | None = None
    steps_per_rate: float = STEPS_PER_RATE

    def narrowed(self, step_index: int, excess: float) -> Bracket:
        """After a trial with that step_index and log2 of the length over the budget."""
        trial = step_index, excess
        known = replace(self, last=trial, steps_per_rate=self._steps_per_rate(trial))
        return replace(known, too_fine=trial) if excess > 0 else replace(known, fits=trial)

    def _steps_per_rate(self, trial: tuple[int, float]) -> float:
        if self.last is None or abs(trial[0] - self.last[0]) < LEAST_APART:
            return self.steps_per_rate
        falling = (self.last[1] - trial[1]) / (trial[0] - self.last[0])
        least, most = (part * STEPS_PER_RATE for part in OTHER_RATES)
        return min(max(1 / falling, least), most) if falling > 0 else self.steps_per_rate

    def after(self, step_index: int, excess: float, *, halving: bool = False) -> int | None:
        """The step_index to try after that trial; None if it is good enough, or none is left that is likely to fit."""
        if np.log2(self.full) <= excess <= 0 or (self.too_fine and -1 / self.steps_per_rate < excess <= 0):
            return None
        low = self.too_fine[0] if self.too_fine else self.finest - 1
        high = self.fits[0] if self.fits else LATTICE_STEPS
        if high - low <= 1:
            return None
        aim = (low + high) / 2 if halving else self._aim(step_index, excess)
        return int(np.clip(round(aim), low + 1, high - 1))

    def _aim(self, step_index: int, excess: float) -> float:
        goal = float(np.log2((1 + self.full) / 2))
        if self.too_fine and self.fits:
            (x0, y0), (x1, y1) = self.too_fine, self.fits
            return x0 + (x1 - x0) * (y0 - goal) / (y0 - y1)
        return step_index + self.steps_per_rate * (excess - goal)
