"""Which blocks of a picture are coded by their pixels: those of few colours for which the lattice would pay more.

Text, lines and flat areas cost a lattice many bytes, and show ripples; see docs/decisions.md. What is chosen is filled
smoothly before anything else is fitted, so that neither lattice nor splats spend bytes there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from smartsplat.coding.block_section import CodedBlocks, Flags, blocks_shape, write_blocks
from smartsplat.coding.format import PIXEL_BLOCK, lattice_step
from smartsplat.coding.lattice_section import LAMBDA, CodedLattice, Spectrum, write_lattice
from smartsplat.errors import LimitError
from smartsplat.fitting.levels import Planes
from smartsplat.pictures.continuation import continued
from smartsplat.pictures.planes import rounded, to_planes
from smartsplat.pipeline.compose import Composition, bare_spectrum
from smartsplat.pipeline.job import Job
from smartsplat.pipeline.plan import spacing_for
from smartsplat.pipeline.slopes import Slopes
from smartsplat.pipeline.smooth import fill_lattice, finest_step_index
from smartsplat.pipeline.stages import NO_SPLATS
from smartsplat.scratch import MEMORY

Floats = NDArray[np.float64]

MOST_COLOURS = 32
"""Of a block that may be coded by its pixels, in the mean of the nine around it."""

SHARP_RANGE, SHARP_COLOURS = 48, 24
"""Least range [8-bit steps] and most colours of a block as text and lines have them, and photographs have not."""

LEAST_SHARP, LEAST_BLOCKS = 0.02, 3
"""Share of such blocks, and how many blocks a side must have, for which a choice is made at all."""

SAMPLED = 4
"""Every how many rows of blocks are looked at for that."""

COLOUR_BITS, PIXEL_BITS = 24.0, 0.6
"""What a colour more costs, and each of its pixels: prices of the choice of colours; see docs/decisions.md."""

EASE_BITS = 8.0
"""By how much a block in the midst of others may be dearer than the lattice, which will not be there any more."""

ROUNDS, SETTLED = 3, 0.995
"""How often what does not pay is left out at most, and the part of blocks that is as good as all of them."""

TRIALS, LEAST_TRIALS = 8, 4
"""How many slopes are tried at most, and how many less the effort."""

NEARLY_ALL, LIKELY = 0.95, 1.25
"""Share of blocks that may be coded, and part of the budget that they take without a loss, for which that is tried."""

SLACK = 8
"""Bytes by which what blocks leave is asked to stay below its budget: it may be one longer, and all would be lost."""

LEAST_REST = 48
"""Bytes that a picture takes beside blocks that cover it all."""

SAMPLE_TILE, SAMPLE_ROWS = 256, 4
"""Of a larger picture so many rows of as many tiles of that side, px, are looked at for a slope first."""

SHIFTS = 0.7548776662466927, 0.5698402909980532
"""Their multiples are spread evenly in a unit square: M. Roberts, The unreasonable effectiveness of quasirandom
sequences."""

MOST_PIXELS, BYTES_PER_PIXEL = 1 << 25, 64
"""Of a picture for which the choice is made, and of the memory that it takes: where that is not given there is none."""


def with_blocks(job: Job, budget: int, plain: Composition, compose: Callable[[Job, int], Composition]) -> Composition:
    """The better of a composition and of one with blocks in at most as many bytes.

    Args:
        job: the picture.
        budget: bytes of all sections.
        plain: the composition without blocks.
        compose: makes one for other planes and another budget.
    """
    too_large = job.pixels > MOST_PIXELS or job.scratch.is_short_of(BYTES_PER_PIXEL * job.pixels)
    if too_large or job.weights is not None or not has_sharp_blocks(job.planes):
        return plain
    try:
        coded = _chosen(job, budget, plain)
    except LimitError:  # some pattern that is foreseen too well: readers would refuse it
        return plain
    if coded is None or len(coded.section) + SLACK >= budget:
        return plain
    rest = compose(_filled(job, coded.flags), budget - len(coded.section) - SLACK)
    found = _joined(job, rest, coded)
    return found if found.length <= budget and _rank(found) < _rank(plain) else plain


def _rank(composition: Composition) -> tuple[float, int]:
    """What is better is less: of exact ones the shorter."""
    return composition.error, composition.length


def has_sharp_blocks(planes: Planes) -> bool:
    """Whether enough of a picture [3, H, W] looks like text or lines; its border, which may be a frame, is left out."""
    rows = planes.shape[1] // PIXEL_BLOCK
    if min(rows, planes.shape[2] // PIXEL_BLOCK) < LEAST_BLOCKS:
        return False
    sampled = range(1, rows - 1, SAMPLED)
    return sum(_sharp(planes, row) for row in sampled) / len(sampled) >= LEAST_SHARP


def _sharp(planes: Planes, row: int) -> float:
    """The share of such blocks in a row of them."""
    blocks = _cut(planes[:, row * PIXEL_BLOCK : (row + 1) * PIXEL_BLOCK])[:, :, 1:-1]
    ranges = (blocks.max(axis=-1).astype(np.int64) - blocks.min(axis=-1)).max(axis=0)
    least = SHARP_RANGE * (257 if planes.dtype != np.uint8 else 1)
    return float(((ranges >= least) & (_colours(blocks) <= SHARP_COLOURS)).mean())


def _cut(planes: Planes) -> Planes:
    """The whole blocks of a picture: [3, rows, columns, pixels]."""
    side = PIXEL_BLOCK
    rows, columns = planes.shape[1] // side, planes.shape[2] // side
    whole = planes[:, : rows * side, : columns * side].reshape(3, rows, side, columns, side)
    return whole.transpose(0, 1, 3, 2, 4).reshape(3, rows, columns, side * side)


def _colours(blocks: Planes) -> NDArray[np.int64]:
    """How many different colours each block has."""
    wide = blocks.astype(np.uint64)
    sorted_ = np.sort(wide[0] << 32 | wide[1] << 16 | wide[2], axis=-1)
    return np.asarray(1 + (sorted_[..., 1:] != sorted_[..., :-1]).sum(axis=-1))


def _around(values: NDArray[np.generic]) -> Floats:
    """The mean of each [rows, columns] and the eight around it; beyond the border its own are taken again."""
    padded = np.pad(values, 1, mode="edge").astype(np.float64)
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    return np.asarray(rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / 9


@dataclass(frozen=True, eq=False)
class _Rival:
    """What a lattice of the whole picture pays and loses in each block.

    Attributes:
        bits: [rows, columns] of blocks.
        errors: squared 8-bit steps.
    """

    bits: Floats
    errors: Floats

    @classmethod
    def of(cls, job: Job, lattice: CodedLattice) -> _Rival:
        shown = rounded(job.canvas(job.decoded(lattice)).place(NO_SPLATS).render(), job.planes)
        bits = block_bits(lattice.quantised(threads=job.engine.threads), lattice.spacing, job.width, job.height)
        return cls(bits * (8 * len(lattice.section) / max(bits.sum(), 1e-9)), _errors(job, shown))


def _errors(job: Job, shown: NDArray[np.generic]) -> Floats:
    """Of each block of pixels [H, W, 3] or [H, W], squared 8-bit steps."""
    if shown.ndim == 2:
        shown = np.broadcast_to(shown[:, :, None], (*shown.shape, 3))
    rows, columns = blocks_shape(job.width, job.height)
    squares = np.zeros((rows * PIXEL_BLOCK, columns * PIXEL_BLOCK), np.float32)
    for plane, channel in zip(job.planes, np.moveaxis(shown, 2, 0), strict=True):
        squares[: job.height, : job.width] += (plane.astype(np.float32) - channel.astype(np.float32)) ** 2
    sums = squares.reshape(rows, PIXEL_BLOCK, columns, PIXEL_BLOCK).sum(axis=(1, 3), dtype=np.float64)
    return np.asarray(sums if job.planes.dtype == np.uint8 else sums / 257**2)


def block_bits(quantised: NDArray[np.int32], spacing: int, width: int, height: int) -> Floats:
    """About what a lattice's quantised coefficients [planes, rows, columns] take in each block, by their magnitudes."""
    magnitudes = np.abs(quantised).astype(np.float32)
    costs = np.where(magnitudes > 0, 1.5 + 2 * np.log2(1 + magnitudes), 0).sum(axis=0, dtype=np.float64)
    total = np.zeros(blocks_shape(width, height))
    while max(costs.shape) > PIXEL_BLOCK:
        low, spacing = (-(-costs.shape[0] // 2), -(-costs.shape[1] // 2)), 2 * spacing
        for band in (costs[: low[0], low[1] :], costs[low[0] :, : low[1]], costs[low[0] :, low[1] :]):
            total += _spread(band, spacing, total.shape)
        costs = costs[: low[0], : low[1]]
    return total + _spread(costs, spacing, total.shape)


def _spread(band: Floats, size: int, shape: tuple[int, ...]) -> Floats:
    """Values that each stand for so many px on a side, summed up in each block or shared between blocks."""
    if size > PIXEL_BLOCK:
        times = size // PIXEL_BLOCK
        band, size = np.kron(band, np.full((times, times), 1 / times**2)), PIXEL_BLOCK
    each = PIXEL_BLOCK // size
    padded = np.zeros((max(shape[0] * each, band.shape[0]), max(shape[1] * each, band.shape[1])))
    padded[: band.shape[0], : band.shape[1]] = band
    padded = padded[: shape[0] * each, : shape[1] * each]
    return np.asarray(padded.reshape(shape[0], each, shape[1], each).sum(axis=(1, 3)))


def _chosen(job: Job, budget: int, plain: Composition) -> CodedBlocks | None:
    """Those of the finest slope at which they and a lattice under the rest fit the budget, as far as is looked.

    All that may be blocks are, or those of them that pay: where lines and flat areas meet, a few blocks that a lattice
    would show for less make it dear around them.

    Args:
        job: the picture.
        budget: bytes.
        plain: what there is without blocks. All that may be blocks must promise to be better.
    """
    spacing, sample = spacing_for(job.pixels, budget), _sample(job)
    trials = _Trials.of(job, budget, spacing)
    if not trials.candidates.any():
        return None
    filling = plain.lattice or fill_lattice(trials.spectrum, budget, threads=job.engine.threads)
    slopes = Slopes.around(trials.spectrum, filling)
    tried = None if sample is job else _Trials.of(sample, round(budget * sample.pixels / job.pixels), spacing)
    best = _best(trials, tried, slopes)
    if best is None or best.coded.flags.sum() < SETTLED * trials.candidates.sum():
        every = _best(replace(trials, rounds=1), tried and replace(tried, rounds=1), slopes)
        if every is not None and trials.error(every) < (plain.error if best is None else trials.error(best)):
            best = every
    return None if best is None else best.coded


def _best(trials: _Trials, sample: _Trials | None, slopes: Slopes) -> _Found | None:
    """What a search finds that begins with these slopes, or where one on a sample ended."""
    own = replace(slopes)
    if sample is not None:
        _searched(sample, own)
        own = own.narrowed(slopes)
    return _searched(trials, own)


def _sample(job: Job) -> Job:
    """The same for as many tiles of a large picture as are looked at for a slope."""
    side = SAMPLE_TILE
    columns, rows = job.width // side, job.height // side
    if min(columns, rows) < SAMPLE_ROWS or columns * rows < 2 * SAMPLE_ROWS**2:
        return job
    tiles = [
        job.planes[:, y * side : (y + 1) * side, x * side : (x + 1) * side] for y, x in spread_places(columns, rows)
    ]
    bands = [np.concatenate(tiles[i : i + SAMPLE_ROWS], axis=2) for i in range(0, len(tiles), SAMPLE_ROWS)]
    return replace(job, planes=np.ascontiguousarray(np.concatenate(bands, axis=1)), scratch=MEMORY)


def spread_places(columns: int, rows: int) -> list[tuple[int, int]]:
    """Row and column of a tile in each cell of a grid of SAMPLE_ROWS by SAMPLE_ROWS, somewhere else in each."""
    cells = [divmod(k, SAMPLE_ROWS) for k in range(SAMPLE_ROWS**2)]
    shifts = [((k * SHIFTS[0]) % 1, (k * SHIFTS[1]) % 1) for k in range(SAMPLE_ROWS**2)]
    return [
        (int((row + down) * rows / SAMPLE_ROWS), int((column + across) * columns / SAMPLE_ROWS))
        for (row, column), (down, across) in zip(cells, shifts, strict=True)
    ]


@dataclass(frozen=True, eq=False)
class _Found:
    """Blocks, and the step of the lattice at whose slope they are."""

    coded: CodedBlocks
    step_index: int


def _searched(trials: _Trials, slopes: Slopes) -> _Found | None:
    """What `_chosen` says, of some slopes, which then know what was found."""
    best: _Found | None = None
    step: int | None = slopes.first
    for trial in range(min(TRIALS, LEAST_TRIALS + trials.job.effort)):
        if step is None or (coded := trials.at_slope(step)) is None:
            break
        filled = trials.filled(coded, step)
        if filled <= 1:
            best = _Found(coded, step)
        following = slopes.after(step, filled)
        step = slopes.fine if trial == 0 and filled > 1 and trials.have_room_for_all() else following
    return best


def _candidates(planes: Planes) -> Flags:
    """Blocks of few colours, in the mean of each and the eight around it; all where these are nearly all."""
    height, width = planes.shape[1:]
    padded = np.pad(planes, ((0, 0), (0, -height % PIXEL_BLOCK), (0, -width % PIXEL_BLOCK)), mode="edge")
    few = _around(_colours(_cut(padded))) <= MOST_COLOURS
    return np.ones_like(few) if few.mean() >= SETTLED else few


@dataclass(frozen=True, eq=False)
class _Trials:
    """What trials of slopes are made on.

    Attributes:
        job: the picture.
        budget: bytes.
        spectrum: of its lattice, without blocks.
        candidates: which blocks may be coded.
        rounds: how often what does not pay is left out at most, and one more.
    """

    job: Job
    budget: int
    spectrum: Spectrum
    candidates: Flags
    rounds: int = ROUNDS

    @classmethod
    def of(cls, job: Job, budget: int, spacing: int) -> _Trials:
        """Of a picture that has so many bytes, and that spacing of its lattice, px."""
        return cls(job, budget, bare_spectrum(job, spacing), _candidates(job.planes))

    def at_slope(self, step_index: int) -> CodedBlocks | None:
        """The blocks that are worth their bits beside a lattice with that step; None if none are."""
        price = LAMBDA * float(255 * lattice_step(step_index)) ** 2
        coded = self._coded(self.candidates, price)
        rival = self._rival(step_index) if self.rounds > 1 else None
        for _ in range(self.rounds - 1):
            assert rival is not None
            ease = EASE_BITS * _around(coded.flags)
            own = _lost(self.job, coded) + price * (coded.bits - ease)
            paying = coded.flags & (own <= rival.errors + price * rival.bits)
            if not paying.any():
                return None
            if paying.sum() >= SETTLED * coded.flags.sum():
                break
            coded = self._coded(paying, price)
        return coded

    def _coded(self, flags: Flags, price: float) -> CodedBlocks:
        """Blocks at that price of a bit, squared 8-bit steps."""
        return write_blocks(
            self.job.planes, flags, grey=self.job.grey, of_colour=COLOUR_BITS * price, of_pixel=PIXEL_BITS * price,
            threads=self.job.engine.threads,
        )  # fmt: skip

    def _rival(self, step_index: int) -> _Rival:
        return _Rival.of(self.job, write_lattice(self.spectrum, step_index, threads=self.job.engine.threads))

    def error(self, found: _Found) -> float:
        """About what a picture with these blocks loses, squared 8-bit steps."""
        flags = found.coded.flags
        own = float(_lost(self.job, found.coded)[flags].sum())
        return own if flags.all() else own + float(self._rival(found.step_index).errors[~flags].sum())

    def have_room_for_all(self) -> bool:
        """Whether nearly all of the picture may be coded by its pixels, in not much more than the budget."""
        if self.candidates.mean() < NEARLY_ALL:
            return False
        coded = self._coded(self.candidates, 0.0)
        return len(coded.section) <= LIKELY * self.budget

    def filled(self, coded: CodedBlocks, step_index: int) -> float:
        """How much of the budget blocks take, with a lattice of that step where there are none."""
        return (len(coded.section) + self._length_of_rest(coded, step_index)) / self.budget

    def _length_of_rest(self, coded: CodedBlocks, step_index: int) -> float:
        """Bytes of that lattice; under the blocks it may be as it will."""
        job, threads = self.job, self.job.engine.threads
        if coded.flags.all():
            return LEAST_REST
        spectrum = bare_spectrum(_filled(job, coded.flags), self.spectrum.spacing)
        lattice = write_lattice(spectrum, max(step_index, finest_step_index(spectrum)), threads=threads)
        bits = block_bits(lattice.quantised(threads=threads), lattice.spacing, job.width, job.height)
        seen = bits[_around(~coded.flags) > 0].sum()
        return max(LEAST_REST, float(len(lattice.section) * seen / max(bits.sum(), 1e-9)))


def _lost(job: Job, coded: CodedBlocks) -> Floats:
    """Squared errors of what is coded, in each block."""
    shown = np.ascontiguousarray(job.planes.transpose(1, 2, 0))
    coded.draw(shown, threads=job.engine.threads)
    return _errors(job, shown)


def _filled(job: Job, flags: Flags) -> Job:
    """The job for a picture that is smooth where there are blocks."""
    hidden = np.kron(flags, np.ones((PIXEL_BLOCK, PIXEL_BLOCK), np.bool_))[: job.height, : job.width]
    pixels = np.ascontiguousarray(job.planes.transpose(1, 2, 0))
    return replace(job, planes=to_planes(continued(pixels, (~hidden).astype(np.uint8)), threads=job.engine.threads))


def _joined(job: Job, rest: Composition, coded: CodedBlocks) -> Composition:
    """The composition with these blocks over it."""
    canvas = job.canvas(job.decoded(rest.lattice) if rest.lattice else None)
    shown = rounded(canvas.place(rest.splats.splats).render(), job.planes)
    if shown.ndim == 2:
        shown = np.repeat(shown[:, :, None], 3, axis=2)
    coded.draw(shown, threads=job.engine.threads)
    error = float(_errors(job, shown).sum())
    return replace(rest, blocks=coded, error=error, cost=error, fitted=None)
