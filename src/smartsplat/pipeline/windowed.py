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

from smartsplat.coding.format import CENTRE_UNIT, lattice_step, splat_step
from smartsplat.coding.lattice_section import write_lattice
from smartsplat.coding.splat_codes import dequantise, visible
from smartsplat.coding.splat_section import write_splats
from smartsplat.engines.window import WindowEngine
from smartsplat.fitting.levels import Planes, Pyramid
from smartsplat.model.lattice import Lattice
from smartsplat.model.splats import CENTRE, Splats
from smartsplat.model.window import Window, windows_of
from smartsplat.pictures.planes import to_planes
from smartsplat.pipeline.compose import Composition, bare_spectrum, compose, decoded
from smartsplat.pipeline.job import Job
from smartsplat.pipeline.pilot import middle_piece
from smartsplat.pipeline.plan import BYTES_PER_SPLAT, plan_for, spacing_for
from smartsplat.pipeline.rate import PRODUCTS, Coded, estimate_step
from smartsplat.pipeline.rounding import round_in_turns
from smartsplat.pipeline.smooth import fill_lattice, guess_step_index, lattice_spectrum
from smartsplat.pipeline.stages import NO_SPLATS, Fitted, fit_splats, pyramid_for, settle
from smartsplat.sampling import base_scale

LARGE = 1 << 22
"""Pixels from which a picture is more than one window."""

WINDOW_PIXELS = 1 << 21
"""Of a window, at most."""

WINDOW_BYTES = 4000
"""That a window has on average, at least: fewer splats would not know where they are worth most."""

TRIAL_SHARE = 0.2
"""Share of the bytes that a piece's splats have in its trial."""

TRIAL_EFFORT = 1
"""Effort of the trials, which only tell how strong splats are."""

STEP_RATIO = 3.0
"""Base step of the splats over the step of the lattice, at least, with which splats of usual length are worth it."""

MOST_SHARE, LEAST_SHARE = 0.8, 0.02
"""Shares of a window's bytes that its splats have, at most and at least. Without any, the lattice would have to code
the window's border."""

REACH = 3
"""Margin of a window, in mean distances of its splats: how far they show."""


@dataclass(frozen=True)
class Part:
    """What a window gets.

    Attributes:
        window: of the picture.
        splat_budget: bytes of its splats.
        count: of its splats.
    """

    window: Window
    splat_budget: int
    count: int

    @property
    def distance(self) -> float:
        """Between its splats, mean, px."""
        return math.sqrt(self.window.pixels / self.count)

    @property
    def margin(self) -> int:
        """How far around it is looked, px: where its splats show."""
        most = min(self.window.width, self.window.height) // 2
        return min(math.ceil(REACH * self.distance), most)


def picture_windows(job: Job, budget: int) -> tuple[Window, ...]:
    """The windows of a picture that has so many bytes; a single one if it is not large."""
    if job.pixels <= LARGE:
        return (Window(0, 0, job.width, job.height),)
    return windows_of(job.width, job.height, max(WINDOW_PIXELS, WINDOW_BYTES * job.pixels / budget))


def compose_windows(job: Job, budget: int, windows: Sequence[Window]) -> Composition:
    """The sections of a large picture in at most that many bytes."""
    job = replace(job, thrifty=True)
    spacing = spacing_for(job.pixels, budget)
    parts = _parts(job, budget, windows, spacing) if job.work.density > 0 else ()
    if not parts:
        return compose(job, replace(plan_for(job.pixels, budget, 0.0, grey=job.grey), spacing=spacing))
    splat_budget = sum(part.splat_budget for part in parts)
    splats = _fitted(job, parts)
    lattice, step_index = _lattice_under(job, splats, spacing, budget - splat_budget)
    splats = _settled(job, parts, splats, lattice)
    coded = _rounded(job, parts, splats, lattice, splat_budget)
    del lattice
    left = plan_for(job.pixels, budget, 0.5, grey=job.grey).left_for_lattice(len(coded.section))
    spectrum = lattice_spectrum(job, coded.splats, spacing)
    return decoded(job, coded, fill_lattice(spectrum, left, step_index, threads=job.engine.threads))


def _parts(job: Job, budget: int, windows: Sequence[Window], spacing: int) -> tuple[Part, ...]:
    """What each window gets of the budget; none if a lattice alone is best everywhere."""
    bare = bare_spectrum(job, spacing)
    step_index = guess_step_index(bare, budget)
    del bare
    lengths = [_lattice_bytes(job.of_other(w.cut(job.planes), job.effort), spacing, step_index) for w in windows]
    part = budget / sum(lengths)  # the step was a guess, and windows by themselves cost a little more
    wanted = np.array([_splats_at_lattice_step(job, window, spacing, step_index) for window in windows])
    counts = wanted / max(STEP_RATIO, wanted.sum() / (job.work.density * job.pixels / 1e6))
    most = np.array(lengths) * (part / BYTES_PER_SPLAT[job.grey])
    counts = counts.clip(LEAST_SHARE * most, MOST_SHARE * most)
    return tuple(
        Part(window, int(BYTES_PER_SPLAT[job.grey] * count), max(1, int(count)))
        for window, count in zip(windows, counts, strict=True)
    )


def _lattice_bytes(job: Job, spacing: int, step_index: int) -> int:
    return len(write_lattice(bare_spectrum(job, spacing), step_index, threads=job.engine.threads).section)


def _splats_at_lattice_step(job: Job, window: Window, spacing: int, step_index: int) -> float:
    """How many splats of the usual length a window would have if their base step were that of the lattice.

    Their number is in inverse proportion to their base step, which a few in a piece of the window tell.
    """
    piece = middle_piece(window.cut(job.planes))
    trial = job.of_other(piece, TRIAL_EFFORT)
    length = _lattice_bytes(trial, spacing, step_index)
    densest = job.work.density * trial.pixels / 1e6
    count = max(1, int(min(TRIAL_SHARE * length / BYTES_PER_SPLAT[job.grey], densest)))
    splats = fit_splats(trial, count, lattice_follows=True).splats
    found = estimate_step(splats, (trial.width, trial.height), int(BYTES_PER_SPLAT[job.grey] * count))
    ratio = splat_step(found) / lattice_step(step_index)
    return count * ratio * window.pixels / trial.pixels


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
        seen = replace(job, planes=_with_what_is_there(job, engine, inner), engine=engine)
        fitted = fit_splats(seen, part.count, lattice_follows=True, inner=inner)
        around.splats[i] = _moved(fitted.splats, left, top)
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


def _lattice_under(job: Job, splats: Sequence[Splats], spacing: int, budget: int) -> tuple[Lattice, int]:
    """The lattice about as it will be, and the index of its step."""
    everything = Splats(np.concatenate([s.parameters for s in splats]))
    spectrum = lattice_spectrum(job, everything, spacing)
    coded = write_lattice(spectrum, guess_step_index(spectrum, budget), threads=job.engine.threads)
    del spectrum
    return coded.decoded(threads=job.engine.threads), coded.step_index


def _seen(job: Job, part: Part, around: _Around, own: int) -> tuple[Window, Job, Fitted]:
    """A window with its margin, that as a picture, and the window's splats in it."""
    outer = part.window.grown(part.margin, job.width, job.height)
    seen = replace(job, planes=outer.cut(job.planes), engine=around.engine(job, outer, own))
    pyramid = pyramid_for(seen, base_scale(part.window.height, part.window.width, part.count))
    return outer, seen, Fitted(pyramid, _moved(around.splats[own], -outer.left, -outer.top))


def _settled(job: Job, parts: Sequence[Part], splats: Sequence[Splats], lattice: Lattice) -> list[Splats]:
    """The splats of each window, moved to where they are best over the lattice."""
    around = _Around(splats)
    for i, part in enumerate(parts):
        outer, seen, fitted = _seen(job, part, around, i)
        around.splats[i] = _moved(settle(seen, fitted, lattice).splats, outer.left, outer.top)
    return around.splats


def _rounded(job: Job, parts: Sequence[Part], splats: Sequence[Splats], lattice: Lattice, splat_budget: int) -> Coded:
    """The section of all splats, of about that many bytes."""
    everything = Splats(np.concatenate([s.parameters for s in splats]))
    step_index = estimate_step(everything, (job.width, job.height), splat_budget)
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
    section, written = write_splats(np.concatenate(codes), step_index, job.width, job.height)
    return Coded(section, written, step_index, np.inf)
