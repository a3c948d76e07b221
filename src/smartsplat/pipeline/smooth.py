"""The lattice's part of a file: the finest quantisation step whose section fits."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from smartsplat.coding.format import LATTICE_STEPS, LATTICE_STEPS_PER_OCTAVE, LATTICE_UNIT_STEP, lattice_step
from smartsplat.coding.lattice_section import (
    LAMBDA,
    CodedLattice,
    Spectrum,
    write_lattice,
    write_lattices,
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
"""Coefficients of a spectrum whose prices are compared at most, and of which several sections are made at once."""

QUICK = 1 << 17
"""Coefficients up to which the search goes on with all prices."""

ERRORS_PER_RATE = 1.0
"""Power of the bytes that errors fall by, about: 3 dB for twice as many."""

FULL_OF_PAIRS = 0.995
"""Goals as narrow as this take several trials: so two are made at once, which takes hardly longer where there are two
threads, and nothing else in a lattice of few chunks is shared out."""

FIRST_APART = 12
"""By how much the first two are to either side of the guess: it is within that in most pictures."""

UNSURE = 0.1
"""Part of the way from the last trial, by which the next two are to either side of the aim."""

LEAST_BYTES = 24
"""Smaller sections are not worth their bytes."""

GREATEST_QUANTISED = 1 << 19
"""Magnitudes of quantised coefficients stay below this, and so within the format."""

GUESSED_LOG = 19
"""log2 of how many coefficients the first guess looks at, about."""

BITS_EACH = 4.6
"""What a coefficient that is not zero costs with all that is around it; only the first guess depends on it."""

DEAD_ZONE = 1.06
"""Coefficients below this many steps mostly become zero; likewise."""

STEPS_PER_RATE = 0.9 * LATTICE_STEPS_PER_OCTAVE
"""How many step_indices coarser make a section half as long, about; likewise."""

OTHER_RATES = 0.5, 2.0
"""Between which parts of that it may be found to be, from two trials."""

LEAST_APART = 5
"""Trials nearer to each other say nothing of that: lengths do not fall evenly."""

STEPS_PER_PRICE = 85
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
    stride = spectrum.coefficients.size >> GUESSED_LOG | 1  # an odd one meets all columns
    magnitudes = np.abs(spectrum.coefficients.reshape(-1)[::stride])
    wanted = 8 * budget / BITS_EACH * len(magnitudes) / spectrum.coefficients.size
    rank = min(len(magnitudes) - 1, max(0, len(magnitudes) - 1 - int(wanted)))
    step = max(float(np.partition(magnitudes, rank)[rank]) / DEAD_ZONE, lattice_step(0))
    return int(np.clip(round(index_of_step(step)), finest_step_index(spectrum), LATTICE_STEPS - 1))


def best_lattice(job: Job, spectrum: Spectrum, budget: int) -> CodedLattice | None:
    """The section of at most ``budget`` bytes with about the least weighted error that the effort has time to look for.

    The prices of a bit are compared by one trial each, as if it had taken just the bytes; only with the best one goes
    the search on, but in tiny pictures, where lengths jump and all of them take no time. See ``fill_lattice``.
    """
    full, threads = job.work.full, job.engine.threads
    dear = spectrum.coefficients.size > MOST_COMPARED or bits_per_pixel(budget, job.pixels) >= HIGHEST_RATE
    prices = () if dear else PRICES[: job.work.prices]
    if not prices:
        return fill_lattice(spectrum, budget, full=full, threads=threads)
    best = Search.beginning(spectrum, budget, guess_step_index(spectrum, budget), full)
    if spectrum.coefficients.size <= QUICK:
        searches = [best, *map(best.at_price, prices)]
        while any(search.aims for search in searches):
            searches = _advanced(searches, spectrum, threads)
        return _ended(min(searches, key=lambda search: search.error), spectrum, threads)
    searches = [best, best.at_price(prices[0])]
    for price in (*prices[1:], None):
        best = min(_advanced(searches, spectrum, threads), key=lambda search: search.cost)
        searches = [best] if price is None else [best, best.at_price(price)]
    return _ended(best, spectrum, threads)


def fill_lattice(
    spectrum: Spectrum, budget: int, step_index: int | None = None, *, full: float = FULL, threads: int = 0
) -> CodedLattice | None:
    """The section of at most ``budget`` bytes with the finest step found; None if none fits, or is worth it.

    Args:
        spectrum: of the lattice.
        budget: bytes.
        step_index: where to begin, if that is known.
        full: part of the budget at which a step is fine enough.
        threads: 0 for one for each processor.
    """
    start = guess_step_index(spectrum, budget) if step_index is None else step_index
    search = Search.beginning(spectrum, budget, start, full)
    return _ended(replace(search, aims=search.around(search.aims[0])), spectrum, threads)


def _ended(search: Search, spectrum: Spectrum, threads: int) -> CodedLattice | None:
    """What a search that goes on to its end has found."""
    while search.aims:
        search = _advanced([search], spectrum, threads)[0]
    best = search.best
    if best is not None and len(best.section) < LEAST_FULL * search.budget:
        return _fuller(spectrum, best, search.budget, threads)
    return best


def _advanced(searches: Sequence[Search], spectrum: Spectrum, threads: int) -> list[Search]:
    """The searches after their next trials, all of which are made at the same time; of several searches one each."""
    alone = len(searches) == 1
    trials = [(aim, s.lambda_) for s in searches for aim in (s.aims if alone else s.aims and (s.aim,))]
    square_log = searches[0].square_log
    together = len(trials) if spectrum.coefficients.size <= MOST_COMPARED else 1  # each takes memory
    tried = [
        written
        for first in range(0, len(trials), together)
        for written in write_lattices(
            spectrum, trials[first : first + together], threads=threads, square_log=square_log
        )
    ]  # fmt: skip
    if alone:
        return [searches[0].after(tried)]
    busy = iter(tried)
    return [search.after([next(busy)]) if search.aims else search for search in searches]


@dataclass(frozen=True, eq=False)
class Search:
    """For the finest step whose section fits, at one price of a bit.

    Attributes:
        budget: bytes.
        square_log: of the sections.
        lambda_: price of a bit; see ``write_lattice``.
        bracket: what is known.
        aims: indices of the steps to try next; none at the end.
        count: of trials so far.
        best: the section with the finest step that fits.
        error: its weighted error.
        nearest: of all trials, by how much the one nearest to the budget missed it, as a ratio of bytes of 1 or more.
        cost: its weighted error, about as it would be in just the budget.
    """

    budget: int
    square_log: int
    lambda_: float
    bracket: Bracket
    aims: tuple[int, ...]
    count: int = 0
    best: CodedLattice | None = None
    error: float = math.inf
    nearest: float = math.inf
    cost: float = math.inf

    @classmethod
    def beginning(cls, spectrum: Spectrum, budget: int, step_index: int, full: float) -> Search:
        """At the usual price, about that step_index."""
        rate = bits_per_pixel(budget, spectrum.width * spectrum.height)
        bracket = Bracket(finest_step_index(spectrum), FULL_AT_HIGH_RATES if rate >= HIGHEST_RATE else full)
        return cls(budget, spectrum.square_log(budget), LAMBDA, bracket, (max(step_index, bracket.finest),))

    def at_price(self, price: float) -> Search:
        """A search at that price, over LAMBDA, about where this one is now."""
        known, lambda_ = self.bracket, price * LAMBDA
        bracket = Bracket(known.finest, known.full, steps_per_rate=known.steps_per_rate)
        start = round(self.aim - STEPS_PER_PRICE * math.log2(lambda_ / self.lambda_))
        start = min(max(start, bracket.finest), LATTICE_STEPS - 1)
        return Search(self.budget, self.square_log, lambda_, bracket, (start,))

    @property
    def aim(self) -> int:
        """Where the step is expected, or was found."""
        if not self.aims and self.best is not None:
            return self.best.step_index
        return round(sum(self.aims) / max(1, len(self.aims)))

    def around(self, step_index: int) -> tuple[int, ...]:
        """Where to begin about a step_index: on both sides of it, if what is looked for takes several trials anyway."""
        if self.bracket.full < FULL_OF_PAIRS:
            return (step_index,)
        sides = step_index - FIRST_APART, step_index + FIRST_APART
        return tuple(sorted({min(max(side, self.bracket.finest), LATTICE_STEPS - 1) for side in sides}))

    def after(self, tried: Iterable[tuple[CodedLattice, float]]) -> Search:
        """The same after trials and their errors."""
        search = self
        nearest_last = sorted(tried, key=lambda trial: -abs(math.log2(len(trial[0].section) / self.budget)))
        for coded, error in nearest_last:
            search = search._told(coded, error)
        late = search.count >= MOST_TRIALS
        if search.count >= MOST_TRIALS + LATTICE_STEPS.bit_length() or (late and search._is_content()):
            return replace(search, aims=())
        return replace(search, aims=search.bracket.following(halving=late))

    def _told(self, coded: CodedLattice, error: float) -> Search:
        ratio = len(coded.section) / self.budget
        bracket = self.bracket.narrowed(coded.step_index, math.log2(ratio))
        search = replace(self, bracket=bracket, count=self.count + 1)
        if max(ratio, 1 / ratio) < self.nearest:
            search = replace(search, nearest=max(ratio, 1 / ratio), cost=error * ratio**ERRORS_PER_RATE)
        if ratio <= 1 and (self.best is None or coded.step_index < self.best.step_index):
            return replace(search, best=coded, error=error)
        return search

    def _is_content(self) -> bool:
        return self.best is not None and len(self.best.section) >= LEAST_FULL * self.budget


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

    def following(self, *, halving: bool = False) -> tuple[int, ...]:
        """The step_indices to try next; none if one is good enough, or none is left that is likely to fit.

        Two where the goal is narrow: most likely it is between them.
        """
        if self.last is None or (self.fits and self._is_enough(self.fits[1])):
            return ()
        low = self.too_fine[0] if self.too_fine else self.finest - 1
        high = self.fits[0] if self.fits else LATTICE_STEPS
        if high - low <= 1:
            return ()
        aim = (low + high) / 2 if halving else self._aim(*self.last)
        if self.full < FULL_OF_PAIRS or halving:
            return (min(max(round(aim), low + 1), high - 1),)
        apart = 0.0 if self.too_fine and self.fits else UNSURE * abs(aim - self.last[0])
        first = max(min(math.floor(aim - apart), high - 2), low + 1)
        second = min(max(round(aim + apart), first + 1), high - 1)
        return (first, second) if first < second else (first,)

    def _is_enough(self, excess: float) -> bool:
        """Of a section that fits."""
        return excess >= math.log2(self.full) or (self.too_fine is not None and excess > -1 / self.steps_per_rate)

    def _aim(self, step_index: int, excess: float) -> float:
        goal = math.log2((1 + self.full) / 2)
        if self.too_fine and self.fits:
            (x0, y0), (x1, y1) = self.too_fine, self.fits
            return x0 + (x1 - x0) * (y0 - goal) / (y0 - y1)
        return step_index + self.steps_per_rate * (excess - goal)
