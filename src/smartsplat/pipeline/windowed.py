"""Large pictures: splats are fitted window by window, over one lattice.

All splats start as those of the whole picture do, so that they are where the picture asks for them. They are fitted in
turn, each window with the splats of its neighbours that have had theirs held around it, then moved and rounded in turn
over the lattice that codes what all of them leave. All splats have one base step, and the lattice has one step.

Windows have four colours, none beside one of its own, and those of one colour are done at the same time, or in any
order: they see the others as they were before.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smartsplat.coding.format import CENTRE_UNIT, splat_step
from smartsplat.coding.lattice_section import write_lattice
from smartsplat.coding.splat_codes import dequantise
from smartsplat.coding.splat_section import write_splats
from smartsplat.model.lattice import Lattice
from smartsplat.model.splats import Splats
from smartsplat.model.window import ALIGNMENT, Window, windows_of
from smartsplat.pipeline.compose import Composition, decoded
from smartsplat.pipeline.crew import Here
from smartsplat.pipeline.errands import FIT, ROUND, SETTLE, Errand, Ways, lattice_near, moved
from smartsplat.pipeline.job import Job
from smartsplat.pipeline.pilot import LARGE
from smartsplat.pipeline.plan import Plan
from smartsplat.pipeline.rate import Coded, estimate_step
from smartsplat.pipeline.smooth import LEAST_BYTES, fill_lattice, guess_step_index, lattice_spectrum
from smartsplat.pipeline.stages import NO_SPLATS, pyramid_for, start_splats
from smartsplat.sampling import base_scale

WINDOW_PIXELS = 1 << 21
"""Of a window, at most."""

WINDOW_BYTES = 16000
"""That a window has on average, at least: fewer splats would not know where they are worth most."""

DONE = {FIT: (0.0, 0.6), SETTLE: (0.6, 0.75), ROUND: (0.75, 0.95)}
"""Parts of the time between which windows are worked on so, about; the rest is the lattice's."""

REACH = 2.5
"""Margin of a window, in mean distances of its splats: how far they show."""

COLOURS = ((0, 0), (1, 1), (0, 1), (1, 0))
"""In their order, by whether row and column of a window are odd."""

SURROUNDED = (2, 3)
"""Those whose neighbours on all sides come before them; those of the other two come after them."""


@dataclass(frozen=True, eq=False)
class Part:
    """What a window gets.

    Attributes:
        window: of the picture.
        start: its splats before they are fitted, in the picture's coordinates.
        colour: of COLOURS, its number.
    """

    window: Window
    start: Splats
    colour: int

    @property
    def scale(self) -> float:
        """Of its splats, about, px."""
        return base_scale(self.window.height, self.window.width, max(1, len(self.start)))

    @property
    def margin(self) -> int:
        """How far around it is looked, px: where its splats show; a multiple of ALIGNMENT, as all borders are."""
        distance = math.sqrt(self.window.pixels / max(1, len(self.start)))
        most = min(self.window.width, self.window.height) / 2
        return ALIGNMENT * max(1, math.floor(min(REACH * distance, most) / ALIGNMENT))


def picture_windows(job: Job, budget: int) -> tuple[Window, ...]:
    """The windows of a picture that has so many bytes; a single one if it is not large."""
    if job.pixels <= LARGE:
        return (Window(0, 0, job.width, job.height),)
    return windows_of(job.width, job.height, max(WINDOW_PIXELS, WINDOW_BYTES * job.pixels / budget))


def compose_windows(job: Job, plan: Plan, windows: Sequence[Window]) -> Composition:
    """The sections of a plan with splats and a lattice."""
    assert plan.spacing is not None
    parts = _parts(job, plan.count, windows)
    turns = Turns(job, parts, f"{plan.budget}")
    splats, _ = turns.taken(Scene(FIT, [part.start for part in parts]))
    lattice, step_index = _lattice_under(job, splats, plan)
    splats, _ = turns.taken(Scene(SETTLE, splats, lattice))
    coded = _rounded(turns, splats, lattice, plan.splat_budget)
    del lattice
    left = plan.left_for_lattice(len(coded.section))
    if left < LEAST_BYTES:
        return decoded(job, coded, None)
    spectrum = lattice_spectrum(job, coded.splats, plan.spacing)
    below = fill_lattice(spectrum, left, step_index, full=job.work.full, threads=job.engine.threads)
    return decoded(job, coded, below)


def _parts(job: Job, count: int, windows: Sequence[Window]) -> tuple[Part, ...]:
    """The windows with those of so many splats that start in them."""
    start = start_splats(job, pyramid_for(job, base_scale(job.height, job.width, count)), count)
    last_pixel = np.array([job.width - 1, job.height - 1], np.float32)  # for those on the picture's border
    xy = np.minimum(start.xy, last_pixel)
    colours = _colours(windows)
    return tuple(
        Part(window, Splats(start.parameters[window.holds(xy)]), colour)
        for window, colour in zip(windows, colours, strict=True)
    )


def _colours(windows: Sequence[Window]) -> list[int]:
    """Of windows in rows and columns."""
    lefts, tops = sorted({window.left for window in windows}), sorted({window.top for window in windows})
    return [COLOURS.index((tops.index(w.top) % 2, lefts.index(w.left) % 2)) for w in windows]


def _everything(splats: Sequence[Splats]) -> Splats:
    return Splats(np.concatenate([s.parameters for s in splats]))


@dataclass(frozen=True, eq=False)
class Scene:
    """What all windows see when they are worked on.

    Attributes:
        what: is done: FIT, SETTLE or ROUND.
        splats: of each window; those that FIT starts with are seen by nobody else.
        lattice: under all of them, None for FIT.
        base_step: of ROUND.
    """

    what: str
    splats: Sequence[Splats]
    lattice: Lattice | None = None
    base_step: float = 0.0

    @property
    def nothing(self) -> NDArray[Any]:
        """What comes of a window without splats."""
        return np.zeros((0, 9), np.int32) if self.what == ROUND else NO_SPLATS.parameters

    def splats_of(self, result: NDArray[Any]) -> Splats:
        """Those that a result stands for."""
        return dequantise(result, self.base_step) if self.what == ROUND else Splats(result)


@dataclass(frozen=True, eq=False)
class Turns:
    """All windows of a picture, which are worked on again and again.

    Attributes:
        job: the picture.
        parts: its windows.
        name: that of each result begins with it where results are kept.
    """

    job: Job
    parts: Sequence[Part]
    name: str

    def taken(self, scene: Scene) -> tuple[list[Splats], list[NDArray[Any]]]:
        """The splats of each window after that has been done to them; and what came of it, in the picture."""
        now = [NO_SPLATS] * len(self.parts) if scene.what == FIT else list(scene.splats)
        results: list[NDArray[Any]] = [scene.nothing] * len(self.parts)
        busy = [i for i, own in enumerate(scene.splats) if len(own) > 0]
        done = 0
        for colour in range(len(COLOURS)):
            before = tuple(now)  # the others as they were, whoever is done first
            for number, result in self._done(scene, before, [i for i in busy if self.parts[i].colour == colour]):
                results[number] = self._in_picture(scene, number, result)
                now[number] = scene.splats_of(results[number])
                done += 1
                self._tell(scene.what, done, len(busy))
        return now, results

    def _done(
        self, scene: Scene, before: Sequence[Splats], numbers: Sequence[int]
    ) -> Iterator[tuple[int, NDArray[Any]]]:
        """What comes of windows of one colour: what is kept from another time first."""
        kept, left = self.job.kept, []
        for number in numbers:
            known = kept.get(self._name(scene, number))
            if known is None:
                left.append(number)
            else:
                yield number, known
        crew = self.job.crew or Here(self.job.engine)
        for number, result in crew.run(self._errand(scene, before, number) for number in left):
            kept.keep(self._name(scene, number), result)
            yield number, result

    def _name(self, scene: Scene, number: int) -> str:
        return f"{self.name}/{scene.what}/{number}"

    def _errand(self, scene: Scene, before: Sequence[Splats], number: int) -> Errand:
        part, outer = self.parts[number], self._outer(scene.what, number)
        others = [splats for i, splats in enumerate(before) if i != number and len(splats)]
        near = [splats.parameters[outer.reached_by(splats)] for splats in others]
        around = Splats(np.concatenate([NO_SPLATS.parameters, *near]))
        lattice, ground = None, Window(0, 0, outer.width, outer.height)
        if scene.lattice is not None:
            lattice, ground = lattice_near(scene.lattice, outer)

        def there(splats: Splats) -> Splats:
            return Splats(moved(splats, -outer.left, -outer.top))

        window = part.window
        inner = Window(window.left - outer.left, window.top - outer.top, window.width, window.height)
        return Errand(
            scene.what, number, Ways.of(self.job), outer.cut(self.job.planes), there(scene.splats[number]),
            there(around), part.scale, inner, lattice, ground, scene.base_step,
        )  # fmt: skip

    def _outer(self, what: str, number: int) -> Window:
        """A window with what is seen around it: nothing where its neighbours are still to be fitted."""
        part = self.parts[number]
        if what == FIT and part.colour not in SURROUNDED:
            return part.window
        return part.window.grown(part.margin, self.job.width, self.job.height)

    def _in_picture(self, scene: Scene, number: int, result: NDArray[Any]) -> NDArray[Any]:
        outer = self._outer(scene.what, number)
        if scene.what != ROUND:
            return moved(Splats(result), outer.left, outer.top)
        codes = result.copy()
        codes[:, :2] += np.array([outer.left, outer.top], np.int32) * CENTRE_UNIT
        return codes

    def _tell(self, what: str, done: int, busy: int) -> None:
        """A piece is a window and what is done to it."""
        first, last = DONE[what]
        self.job.progress(first + (last - first) * done / busy)
        self.job.log.piece(what, list(DONE).index(what) * busy + done, len(DONE) * busy)


def _lattice_under(job: Job, splats: Sequence[Splats], plan: Plan) -> tuple[Lattice, int]:
    """The lattice about as it will be, and the index of its step."""
    assert plan.spacing is not None
    spectrum = lattice_spectrum(job, _everything(splats), plan.spacing)
    step_index = guess_step_index(spectrum, plan.lattice_budget)
    coded = write_lattice(spectrum, step_index, threads=job.engine.threads)
    del spectrum
    return job.decoded(coded), step_index


def _rounded(turns: Turns, splats: Sequence[Splats], lattice: Lattice, budget: int) -> Coded:
    """The section of all splats, of about that many bytes: the lattice makes up for a little more or less."""
    job = turns.job
    step_index = estimate_step(_everything(splats), (job.width, job.height), budget)
    _, codes = turns.taken(Scene(ROUND, splats, lattice, splat_step(step_index)))
    section, written = write_splats(np.concatenate(codes), step_index, job.width, job.height)
    return Coded(section, written, step_index, np.inf)
