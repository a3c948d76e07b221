"""Large pictures: splats are chosen and fitted window by window, over one lattice.

A lattice that alone fills the budget says, by its step, what an error costs in bytes everywhere. By that price a piece
of each window is tried, and so each has its own share and number of splats. They are fitted in turn, each window with
the splats of those before it held around it, then moved and rounded in turn over the lattice that codes what all of
them leave. All splats have one base step, and the lattice has one step: equal quality for each byte everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from smartsplat.coding.format import CENTRE_UNIT, SPLAT_STEPS, SPLAT_STEPS_PER_OCTAVE, lattice_step, splat_step
from smartsplat.coding.lattice_section import LAMBDA, CodedLattice, write_lattice
from smartsplat.coding.splat_codes import dequantise, visible
from smartsplat.coding.splat_section import write_splats
from smartsplat.engines.window import WindowEngine
from smartsplat.fitting.levels import Planes, Pyramid
from smartsplat.fitting.schedule import EFFORTS
from smartsplat.model.lattice import Lattice
from smartsplat.model.splats import CENTRE, Splats
from smartsplat.model.window import ALIGNMENT, Window, windows_of
from smartsplat.pictures.planes import to_planes
from smartsplat.pipeline.compose import Composition, bare_spectrum, compose, decoded
from smartsplat.pipeline.job import Job
from smartsplat.pipeline.pilot import middle_piece
from smartsplat.pipeline.plan import BYTES_PER_SPLAT, plan_for, spacing_for
from smartsplat.pipeline.rate import PRODUCTS, Coded
from smartsplat.pipeline.rounding import round_in_turns
from smartsplat.pipeline.smooth import LEAST_BYTES, fill_lattice, guess_step_index, lattice_spectrum
from smartsplat.pipeline.stages import NO_SPLATS, Fitted, fit_splats, pyramid_for, settle
from smartsplat.sampling import base_scale

LARGE = 32_000_000
"""Pixels from which a picture is more than one window."""

WINDOW_PIXELS = 1 << 21
"""Of a window, at most."""

WINDOW_BYTES = 16000
"""That a window has on average, at least: fewer splats would not know where they are worth most."""

SHARES = (0.03, 0.3, 0.8)
"""Shares of a window's bytes that its splats may have, as far as its effort's density allows."""

LEAST_DENSITY = 20
"""Splats a megapixel where none would be best: without any, the lattice would have to code the window's border."""

EFFORT_SAVED = 2
"""By how much the trials' effort is lower."""

STEP_RATIO = 1.7
"""Base step of the splats over the step of the lattice with which they are worth their bytes."""

SPLAT_UNIT_STEP = 128
"""Index of the base step 1.0."""

TRIED, FITTED, SETTLED, ROUNDED = 0.2, 0.7, 0.8, 0.95
"""Parts of the time after which these things are done, about; the rest is the lattice's."""

REACH = 2.5
"""Margin of a window, in mean distances of its splats: how far they show."""


@dataclass(frozen=True)
class Part:
    """What a window gets.

    Attributes:
        window: of the picture.
        count: of its splats.
    """

    window: Window
    count: int

    @property
    def distance(self) -> float:
        """Between its splats, mean, px."""
        return math.sqrt(self.window.pixels / self.count)

    @property
    def margin(self) -> int:
        """How far around it is looked, px: where its splats show; a multiple of ALIGNMENT, as all borders are."""
        most = min(self.window.width, self.window.height) / 2
        return ALIGNMENT * max(1, math.floor(min(REACH * self.distance, most) / ALIGNMENT))


def picture_windows(job: Job, budget: int) -> tuple[Window, ...]:
    """The windows of a picture that has so many bytes; a single one if it is not large."""
    if job.pixels <= LARGE:
        return (Window(0, 0, job.width, job.height),)
    return windows_of(job.width, job.height, max(WINDOW_PIXELS, WINDOW_BYTES * job.pixels / budget))


@dataclass(frozen=True)
class Steps:
    """The quantisation steps of a picture.

    Attributes:
        spacing: of the lattice, px.
        lattice: index of its step.
        splats: index of the base step.
    """

    spacing: int
    lattice: int
    splats: int

    @classmethod
    def of(cls, spacing: int, lattice: int) -> Steps:
        """The splats' follows from the lattice's."""
        base_step = STEP_RATIO * lattice_step(lattice)
        splats = SPLAT_UNIT_STEP + round(SPLAT_STEPS_PER_OCTAVE * math.log2(base_step))
        return cls(spacing, lattice, min(max(splats, 0), SPLAT_STEPS - 1))

    @property
    def price(self) -> float:
        """What a byte may cost in the sum of squared errors, 8-bit steps."""
        return 8 * LAMBDA * (255 * lattice_step(self.lattice)) ** 2


def compose_windows(job: Job, budget: int, windows: Sequence[Window]) -> Composition:
    """The sections of a large picture in at most that many bytes."""
    job = replace(job, thrifty=True)
    spacing = spacing_for(job.pixels, budget)
    alone = replace(plan_for(job.pixels, budget, 0.0, grey=job.grey), spacing=spacing)
    bare = bare_spectrum(job, spacing)
    if job.effort == min(EFFORTS):
        return compose(job, alone, bare)
    steps = Steps.of(spacing, guess_step_index(bare, budget))
    del bare
    parts = _parts(job, windows, steps)
    coded = _coded_splats(job, parts, steps)
    left = alone.left_for_lattice(len(coded.section))
    if left < LEAST_BYTES:  # so few bytes that the least of splats take them
        return compose(job, alone)
    spectrum = lattice_spectrum(job, coded.splats, spacing)
    return decoded(job, coded, fill_lattice(spectrum, left, steps.lattice, threads=job.engine.threads))


def _coded_splats(job: Job, parts: Sequence[Part], steps: Steps) -> Coded:
    """The section of all splats, fitted, moved and rounded over a lattice of that step."""
    splats = _fitted(job, parts)
    everything = Splats(np.concatenate([s.parameters for s in splats]))
    lattice = _lattice_under(job, everything, steps).decoded(threads=job.engine.threads)
    return _rounded(job, parts, _settled(job, parts, splats, lattice), lattice, steps.splats)


def _lattice_under(job: Job, splats: Splats, steps: Steps) -> CodedLattice:
    return write_lattice(lattice_spectrum(job, splats, steps.spacing), steps.lattice, threads=job.engine.threads)


def _parts(job: Job, windows: Sequence[Window], steps: Steps) -> tuple[Part, ...]:
    """What each window gets."""
    densities = []
    for i, window in enumerate(windows):
        densities.append(_best_density(job, window, steps))
        job.progress(TRIED * (i + 1) / len(windows))
    return tuple(
        Part(window, max(1, int(density * window.pixels / 1e6)))
        for window, density in zip(windows, densities, strict=True)
    )


def _best_density(job: Job, window: Window, steps: Steps) -> float:
    """Splats for each megapixel that are best for a piece of a window, by what error and bytes cost there."""
    trial = job.of_other(middle_piece(window.cut(job.planes)), max(1, job.effort - EFFORT_SAVED))
    length = len(_lattice_under(trial, NO_SPLATS, steps).section)
    wanted = [share * length / BYTES_PER_SPLAT[job.grey] / trial.pixels * 1e6 for share in SHARES]
    densities = sorted({min(max(density, LEAST_DENSITY), job.work.density) for density in wanted})
    return min(densities, key=lambda density: _cost_at(trial, density, steps))


def _cost_at(job: Job, density: float, steps: Steps) -> float:
    """Error of a picture and the price of its bytes."""
    part = Part(Window(0, 0, job.width, job.height), max(1, int(density * job.pixels / 1e6)))
    coded = _coded_splats(job, (part,), steps)
    composition = decoded(job, coded, _lattice_under(job, coded.splats, steps))
    return composition.error + steps.price * composition.length


class _Around:
    """The splats of all windows as they are now, in the picture's coordinates."""

    def __init__(self, splats: Sequence[Splats]) -> None:
        self.splats = list(splats)

    def engine(self, job: Job, outer: Window, own: int) -> WindowEngine:
        """Of a window that is seen with its margin, and of what the others show there."""
        others = [splats.parameters for i, splats in enumerate(self.splats) if i != own and len(splats)]
        near = [p[outer.reached_by(Splats(p))] for p in others]
        return WindowEngine(job.engine, outer, Splats(np.concatenate([NO_SPLATS.parameters, *near])))


def _moved(splats: Splats, x: float, y: float) -> Splats:
    parameters = splats.parameters.copy()
    parameters[:, CENTRE] += (x, y)
    return Splats(parameters)


def _fitted(job: Job, parts: Sequence[Part]) -> list[Splats]:
    """The splats of each window, in the picture's coordinates, none of which has seen the lattice."""
    around = _Around([NO_SPLATS] * len(parts))
    for i, part in enumerate(parts):
        window = part.window
        left, top = max(0, window.left - part.margin), max(0, window.top - part.margin)
        outer = Window(left, top, window.left + window.width - left, window.top + window.height - top)
        engine = around.engine(job, outer, i)
        inner = Window(window.left - left, window.top - top, window.width, window.height)
        seen = replace(job.of_other(_with_what_is_there(job, engine, inner), job.effort), engine=engine)
        fitted = fit_splats(seen, part.count, lattice_follows=True, inner=inner)
        around.splats[i] = _moved(fitted.splats, left, top)
        job.progress(TRIED + (FITTED - TRIED) * (i + 1) / len(parts))
    return around.splats


def _with_what_is_there(job: Job, engine: WindowEngine, inner: Window) -> Planes:
    """The picture in the window; around it what others show there, so that nothing is asked of its own splats."""
    outer = engine.window
    planes = outer.cut(job.planes)
    if inner.pixels == outer.pixels:
        return planes
    shown = Pyramid((planes,)).canvas(engine, 0).place(NO_SPLATS).render_bytes()
    target = to_planes(shown, threads=job.engine.threads)
    rows, columns = slice(inner.top, inner.top + inner.height), slice(inner.left, inner.left + inner.width)
    target[:, rows, columns] = planes[:, rows, columns]
    return target


def _seen(job: Job, part: Part, around: _Around, own: int) -> tuple[Window, Job, Fitted]:
    """A window with its margin, that as a picture, and the window's splats in it."""
    outer = part.window.grown(part.margin, job.width, job.height)
    seen = replace(job.of_other(outer.cut(job.planes), job.effort), engine=around.engine(job, outer, own))
    pyramid = pyramid_for(seen, base_scale(part.window.height, part.window.width, part.count))
    return outer, seen, Fitted(pyramid, _moved(around.splats[own], -outer.left, -outer.top))


def _settled(job: Job, parts: Sequence[Part], splats: Sequence[Splats], lattice: Lattice) -> list[Splats]:
    """The splats of each window, moved to where they are best over the lattice."""
    around = _Around(splats)
    for i, part in enumerate(parts):
        outer, seen, fitted = _seen(job, part, around, i)
        around.splats[i] = _moved(settle(seen, fitted, lattice).splats, outer.left, outer.top)
        job.progress(FITTED + (SETTLED - FITTED) * (i + 1) / len(parts))
    return around.splats


def _rounded(job: Job, parts: Sequence[Part], splats: Sequence[Splats], lattice: Lattice, step_index: int) -> Coded:
    """The section of all splats with the base step of that index."""
    base_step = splat_step(step_index)
    around, codes = _Around(splats), []
    for i, part in enumerate(parts):
        outer, seen, fitted = _seen(job, part, around, i)
        polish = replace(fitted, lattice=lattice).polish(seen)
        rounded = round_in_turns(seen.canvas(lattice), seen.planes, fitted.splats, base_step, polish, products=PRODUCTS)
        rounded = visible(rounded)
        rounded[:, :2] += np.array([outer.left, outer.top], np.int32) * CENTRE_UNIT
        around.splats[i] = dequantise(rounded, base_step)
        codes.append(rounded)
        job.progress(SETTLED + (ROUNDED - SETTLED) * (i + 1) / len(parts))
    section, written = write_splats(np.concatenate(codes), step_index, job.width, job.height)
    return Coded(section, written, step_index, np.inf)
