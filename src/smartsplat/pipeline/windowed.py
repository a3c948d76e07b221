"""Large pictures: splats are fitted window by window, over one lattice.

All splats start as those of the whole picture do, so that they are where the picture asks for them. They are fitted in
turn, each window with the splats of those before it held around it, then moved and rounded in turn over the lattice
that codes what all of them leave. All splats have one base step, and the lattice has one step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from smartsplat.coding.format import CENTRE_UNIT, splat_step
from smartsplat.coding.lattice_section import write_lattice
from smartsplat.coding.splat_codes import dequantise, visible
from smartsplat.coding.splat_section import write_splats
from smartsplat.engines.window import WindowEngine
from smartsplat.fitting.levels import Planes, Pyramid
from smartsplat.model.lattice import Lattice
from smartsplat.model.splats import CENTRE, Splats
from smartsplat.model.window import ALIGNMENT, Window, windows_of
from smartsplat.pictures.planes import rounded, to_planes
from smartsplat.pipeline.compose import Composition, decoded
from smartsplat.pipeline.job import Job
from smartsplat.pipeline.pilot import LARGE
from smartsplat.pipeline.plan import Plan
from smartsplat.pipeline.rate import PRODUCTS, Coded, estimate_step
from smartsplat.pipeline.rounding import round_in_turns
from smartsplat.pipeline.smooth import LEAST_BYTES, fill_lattice, guess_step_index, lattice_spectrum
from smartsplat.pipeline.stages import NO_SPLATS, Fitted, fit_from, pyramid_for, settle, start_splats
from smartsplat.sampling import base_scale

WINDOW_PIXELS = 1 << 21
"""Of a window, at most."""

WINDOW_BYTES = 16000
"""That a window has on average, at least: fewer splats would not know where they are worth most."""

FITTED, SETTLED, ROUNDED = 0.6, 0.75, 0.95
"""Parts of the time after which splats are so, about; the rest is the lattice's."""

REACH = 2.5
"""Margin of a window, in mean distances of its splats: how far they show."""


@dataclass(frozen=True, eq=False)
class Part:
    """What a window gets.

    Attributes:
        window: of the picture.
        start: its splats before they are fitted, in the picture's coordinates.
    """

    window: Window
    start: Splats

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
    splats = _fitted(job, parts)
    lattice, step_index = _lattice_under(job, splats, plan)
    splats = _settled(job, parts, splats, lattice)
    coded = _rounded(job, parts, splats, lattice, plan.splat_budget)
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
    return tuple(Part(window, Splats(start.parameters[window.holds(xy)])) for window in windows)


def _everything(splats: Sequence[Splats]) -> Splats:
    return Splats(np.concatenate([s.parameters for s in splats]))


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
        if len(part.start) > 0:
            around.splats[i] = _fitted_in(job, part, around, i)
        job.progress(FITTED * (i + 1) / len(parts))
    return around.splats


def _fitted_in(job: Job, part: Part, around: _Around, own: int) -> Splats:
    """Those of a window, which is seen with a margin towards the windows before it."""
    window = part.window
    left, top = max(0, window.left - part.margin), max(0, window.top - part.margin)
    outer = Window(left, top, window.left + window.width - left, window.top + window.height - top)
    engine = around.engine(job, outer, own)
    inner = Window(window.left - left, window.top - top, window.width, window.height)
    seen = replace(job.of_other(_with_what_is_there(job, engine, inner), job.effort), engine=engine)
    pyramid = pyramid_for(seen, part.scale)
    fitted = fit_from(seen, pyramid, _moved(part.start, -left, -top), lattice_follows=True)
    return _moved(fitted.splats, left, top)


def _with_what_is_there(job: Job, engine: WindowEngine, inner: Window) -> Planes:
    """The picture in the window; around it what others show there, so that nothing is asked of its own splats."""
    outer = engine.window
    planes = outer.cut(job.planes)
    if inner.pixels == outer.pixels:
        return planes
    shown = Pyramid((planes,)).canvas(engine, 0).place(NO_SPLATS).render()
    target = to_planes(rounded(shown, planes), threads=job.engine.threads)
    rows, columns = slice(inner.top, inner.top + inner.height), slice(inner.left, inner.left + inner.width)
    target[:, rows, columns] = planes[:, rows, columns]
    return target


def _lattice_under(job: Job, splats: Sequence[Splats], plan: Plan) -> tuple[Lattice, int]:
    """The lattice about as it will be, and the index of its step."""
    assert plan.spacing is not None
    spectrum = lattice_spectrum(job, _everything(splats), plan.spacing)
    step_index = guess_step_index(spectrum, plan.lattice_budget)
    coded = write_lattice(spectrum, step_index, threads=job.engine.threads)
    del spectrum
    return coded.decoded(threads=job.engine.threads), step_index


def _seen(job: Job, part: Part, around: _Around, own: int) -> tuple[Window, Job, Fitted]:
    """A window with its margin, that as a picture, and the window's splats in it."""
    outer = part.window.grown(part.margin, job.width, job.height)
    seen = replace(job.of_other(outer.cut(job.planes), job.effort), engine=around.engine(job, outer, own))
    pyramid = pyramid_for(seen, part.scale)
    return outer, seen, Fitted(pyramid, _moved(around.splats[own], -outer.left, -outer.top))


def _settled(job: Job, parts: Sequence[Part], splats: Sequence[Splats], lattice: Lattice) -> list[Splats]:
    """The splats of each window, moved to where they are best over the lattice."""
    around = _Around(splats)
    for i, part in enumerate(parts):
        if len(around.splats[i]) == 0:
            continue
        outer, seen, fitted = _seen(job, part, around, i)
        around.splats[i] = _moved(settle(seen, fitted, lattice).splats, outer.left, outer.top)
        job.progress(FITTED + (SETTLED - FITTED) * (i + 1) / len(parts))
    return around.splats


def _rounded(job: Job, parts: Sequence[Part], splats: Sequence[Splats], lattice: Lattice, budget: int) -> Coded:
    """The section of all splats, of about that many bytes: the lattice makes up for a little more or less."""
    step_index = estimate_step(_everything(splats), (job.width, job.height), budget)
    base_step = splat_step(step_index)
    around, codes = _Around(splats), [np.zeros((0, 9), np.int32)]
    for i, part in enumerate(parts):
        if len(around.splats[i]) == 0:
            continue
        outer, seen, fitted = _seen(job, part, around, i)
        polish = replace(fitted, lattice=lattice).polish(seen)
        canvas = seen.canvas(lattice)
        codes_there = round_in_turns(canvas, seen.target, fitted.splats, base_step, polish, products=PRODUCTS)
        codes_there = visible(codes_there)
        codes_there[:, :2] += np.array([outer.left, outer.top], np.int32) * CENTRE_UNIT
        around.splats[i] = dequantise(codes_there, base_step)
        codes.append(codes_there)
        job.progress(SETTLED + (ROUNDED - SETTLED) * (i + 1) / len(parts))
    section, written = write_splats(np.concatenate(codes), step_index, job.width, job.height)
    return Coded(section, written, step_index, np.inf)
