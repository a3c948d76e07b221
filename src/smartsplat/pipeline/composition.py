"""What a file's bytes are spent on: splats, a lattice under them, or both."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from smartsplat.coding.lattice_section import CodedLattice, Spectrum, write_lattice
from smartsplat.coding.splat_section import write_splats
from smartsplat.engines import Engine, Frame
from smartsplat.fitting.bounds import Bounds
from smartsplat.fitting.fit import Progress, fit
from smartsplat.fitting.gauss_newton import GaussNewton
from smartsplat.fitting.levels import Planes, Pyramid, coarsest_level
from smartsplat.fitting.paper import fit_paper
from smartsplat.fitting.schedule import EFFORTS, PRODUCTS
from smartsplat.model.lattice import Lattice
from smartsplat.model.splats import PARAMETERS, Splats
from smartsplat.pipeline.rate import Coded, RateControl
from smartsplat.pipeline.rounding import Polish
from smartsplat.pipeline.smooth import LEAST_BYTES, fill_lattice, guess_step_index, lattice_spectrum, spacing_for
from smartsplat.pipeline.target import nominal_count
from smartsplat.sampling import base_scale, initialise, initialise_adaptive

BYTES_PER_SPLAT = {False: 4.6, True: 4.0}
"""What a splat will cost, by whether the picture is grey: it settles how many are fitted.

Fewer, finer coded ones and more, coarser coded ones were both worse; see docs/decisions.md.
"""

ENTRY_BYTES = 9
"""What a second section takes in the table of contents, at most."""

NO_SPLATS = Splats(np.zeros((0, PARAMETERS), np.float32))


@dataclass(frozen=True, eq=False)
class Composition:
    """Sections and what they decode to.

    Attributes:
        splats: the section of splats; there may be none in it.
        lattice: that of the lattice, if there is one.
        error: sum of squared differences of the decoded picture, 8-bit steps.
        float_error: the same before quantisation; where there is a lattice it is the same as ``error``.
    """

    splats: Coded
    lattice: CodedLattice | None
    error: float
    float_error: float


class Composer:
    """Fits and codes one picture.

    Args:
        planes: uint8 [3, H, W].
        grey: whether its channels are equal.
        engine: computes.
        effort: 1 to 9.
        seed: of all that is random.
        progress: told how far a fit of splats is.
    """

    def __init__(
        self, planes: Planes, engine: Engine, *, grey: bool, effort: int, seed: int, progress: Progress
    ) -> None:
        self.planes = planes
        self.grey = grey
        self.engine = engine
        self.effort = effort
        self.seed = seed
        self.progress = progress
        _, self.height, self.width = planes.shape

    def of_other(self, planes: Planes, effort: int) -> Composer:
        """The same for other planes, at another effort, without reports of its progress."""
        return Composer(planes, self.engine, grey=self.grey, effort=effort, seed=self.seed, progress=lambda _: None)

    def compose(self, room: int, share: float) -> Composition:
        """Sections for that many bytes, of which the splats get a share, 0 to 1."""
        if share >= 1:
            return self._of_splats(room)
        if share <= 0:
            return self._of_lattice(room)
        return self._mixed(room, share)

    def compose_paper(self, room: int, steps: int) -> Composition:
        """Splats alone, fitted as the paper does, N by Eq. 5."""
        count = nominal_count(self.width, self.height, 3 * self._pixels / room)
        start = Splats(initialise(self.planes, count, seed=self.seed))
        splats = fit_paper(self.engine, self.planes, start, steps, self.progress)
        frame = self._placed(splats)
        float_error = frame.decoded_error(self.planes)
        coded = RateControl(frame, self.planes, splats).fill(room)
        return Composition(coded, None, coded.error, float_error)

    def bare_spectrum(self, spacing: int) -> Spectrum:
        """That of a lattice without splats."""
        return lattice_spectrum(self._placed(NO_SPLATS), self.planes, spacing, grey=self.grey)

    @property
    def _pixels(self) -> int:
        return int(self.width * self.height)

    def _placed(self, splats: Splats) -> Frame:
        frame = Pyramid((self.planes,)).frame(self.engine, 0)
        frame.place(splats)
        return frame

    def _of_splats(self, room: int) -> Composition:
        """One flat colour instead where splats are no better: on flat pictures, or with very few bytes."""
        pyramid, splats = self._fitted(room)
        frame = self._placed(splats)
        float_error = frame.decoded_error(self.planes)
        control = RateControl(frame, self.planes, splats, self._polish(pyramid, None))
        coded, flat = control.fill(room), control.flat()
        if len(flat.section) <= room and flat.error <= coded.error:
            coded = flat
        return Composition(coded, None, coded.error, float_error)

    def _of_lattice(self, room: int) -> Composition:
        frame = self._placed(NO_SPLATS)
        codes = np.zeros((0, 9), np.int32)
        none = Coded(write_splats(codes, 0, self.width, self.height)[0], codes, 0, np.inf)
        composition = self._with_lattice(frame, none, room, None)
        return composition if composition.lattice else self._of_splats(room)

    def _mixed(self, room: int, share: float) -> Composition:
        """Splats first, for they take what a lattice is worst at; it then codes what they leave."""
        part = int(share * room)
        pyramid, splats = self._fitted(part, newton=1)
        frame = self._placed(splats)
        spectrum = lattice_spectrum(frame, self.planes, self._spacing(room), grey=self.grey)
        step_index = guess_step_index(spectrum, room - part)
        lattice = write_lattice(spectrum, step_index).decoded()
        polish = self._polish(pyramid, lattice)
        newton = GaussNewton(Bounds.of(self.width, self.height))
        splats = newton.run(polish.frame, polish.target, splats, EFFORTS[self.effort].newton, PRODUCTS)
        frame.lay(lattice)
        coded = RateControl(frame, self.planes, splats, polish).fill(part)
        frame.place(coded.splats)
        return self._with_lattice(frame, coded, room, step_index)

    def _polish(self, pyramid: Pyramid, lattice: Lattice | None) -> Polish:
        frame = pyramid.frame(self.engine, pyramid.finishing)
        frame.lay(lattice)
        return Polish(frame, pyramid.levels[pyramid.finishing], EFFORTS[self.effort].rounds)

    def _with_lattice(self, frame: Frame, coded: Coded, room: int, step_index: int | None) -> Composition:
        """The splats that are placed in the frame and a lattice in the rest of the bytes."""
        left = room - len(coded.section) - ENTRY_BYTES
        lattice = None
        if left >= LEAST_BYTES:
            spectrum = lattice_spectrum(frame, self.planes, self._spacing(room), grey=self.grey)
            lattice = fill_lattice(spectrum, left, step_index)
        frame.lay(lattice.decoded() if lattice else None)
        error = frame.decoded_error(self.planes)
        return Composition(coded, lattice, error, error)

    def _spacing(self, room: int) -> int:
        return spacing_for(self._pixels, room)

    def _fitted(self, room: int, newton: int | None = None) -> tuple[Pyramid, Splats]:
        """The pyramid, and splats for a section of about that many bytes; with fewer Gauss-Newton steps, if said."""
        effort = EFFORTS[self.effort]
        effort = effort if newton is None else replace(effort, newton=min(newton, effort.newton))
        count = max(1, min(self._pixels, int(room / BYTES_PER_SPLAT[self.grey])))
        pyramid = Pyramid.of(self.planes, coarsest_level(base_scale(self.height, self.width, count)))
        level = max(0, pyramid.coarsest - 1)  # fine enough to tell where the splats should be
        start = Splats(initialise_adaptive(pyramid.levels[level], 2.0**level, count, seed=self.seed))
        start = start.clipped(self.width, self.height)
        return pyramid, fit(self.engine, pyramid, start, effort, seed=self.seed, progress=self.progress)
