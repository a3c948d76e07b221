"""The default fit: coarse to fine with Adam, then Gauss-Newton steps near full size."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from smartsplat.engines import Engine, Loss
from smartsplat.fitting import relocation
from smartsplat.fitting.adam import ALONE, UNDER_LATTICE, Adam
from smartsplat.fitting.bounds import Bounds
from smartsplat.fitting.colours import solve_colours
from smartsplat.fitting.elongation import Structure, rounder
from smartsplat.fitting.gauss_newton import newton_step, start_newton
from smartsplat.fitting.levels import Pyramid, margin_at
from smartsplat.fitting.schedule import PRODUCTS, Effort, Stage, stages
from smartsplat.fitting.steplog import StepLog
from smartsplat.model.splats import Splats
from smartsplat.sampling import base_scale

Progress = Callable[[float], None]
"""Is told the part of the work that is done, 0 to 1."""


@dataclass
class _Work:
    """Counts work in steps over the picture's pixels, and reports it."""

    total: float
    report: Progress
    done: float = 0.0

    def add(self, pixels: float) -> None:
        self.done += pixels
        self.report(min(1.0, self.done / self.total))


LOOKING = 20
"""Steps of Adam from one time that is looked at what lies under the splats to the next."""


def step_cost(pyramid: Pyramid, level: int, splats: int) -> float:
    """Cost of a step, in pixels of level 0: by pixels, and by splats where these are few pixels each."""
    return pyramid.pixels(level) + 30 * splats


def fit(
    engine: Engine,
    pyramid: Pyramid,
    splats: Splats,
    effort: Effort,
    *,
    seed: int,
    progress: Progress,
    log: StepLog | None = None,
    careful: bool = False,
    fine: bool = False,
    alone: bool = False,
    structure: Structure | None = None,
) -> Splats:
    """Fits splats to a picture by the squared error.

    Args:
        engine: computes losses and gradients.
        pyramid: the picture; the fit starts at its coarsest level.
        splats: the initialisation; colours do not matter.
        effort: how many steps.
        seed: of the relocations.
        progress: told how far the fit is.
        log: told how it goes: the steps of Adam and then those of Gauss-Newton, with the mean squared error as loss.
        careful: few splats take the largest shapes and leave the rest to a lattice: Adam has steps on one level more,
            and absolute errors for its loss, which a lattice's bits are nearer to than to squared ones, and which
            count the same everywhere.
        fine: there is time for a level finer than the splats need; see ``stages``.
        alone: no lattice will make up for what the splats leave, and there is time for longer steps, more of them fine.
        structure: of the picture, if it is known already.

    Returns:
        As many splats, within the picture.
    """
    scale = base_scale(pyramid.height, pyramid.width, len(splats))
    plan = stages(
        effort, pyramid.coarsest, margin_at(-math.log2(pyramid.zoom(pyramid.coarsest)), scale), careful=careful,
        fine=fine, alone=alone,
    )  # fmt: skip
    cost = sum(s.steps * step_cost(pyramid, s.level, len(splats)) for s in plan)
    newton_cost = (PRODUCTS + 1) * step_cost(pyramid, pyramid.finishing, len(splats))
    cost += effort.newton * newton_cost
    work = _Work(cost, progress)
    note = functools.partial(_note, engine, pyramid, log or StepLog())
    bounds = Bounds.of(pyramid.width, pyramid.height)
    rates = (ALONE if alone else UNDER_LATTICE).in_steps(sum(s.steps for s in plan))
    adam = Adam(len(splats), rates, bounds, threads=engine.threads)
    structure, loss = structure or Structure.of(pyramid), Loss("l1" if careful else "l2")
    splats = _descend(engine, pyramid, splats, plan, loss, adam, seed, work, note, structure)
    limits = structure.limits(splats)
    target = engine.hold(pyramid.levels[pyramid.finishing])
    newton = start_newton(pyramid.canvas(engine, pyramid.finishing).place(splats), target)
    for _ in range(effort.newton):
        newton = newton_step(newton, target, bounds, PRODUCTS, limits=limits, threads=engine.threads)
        work.add(newton_cost)
    note(adam.steps + effort.newton, newton.frame.splats, last=True)
    return newton.frame.splats.on_host()


class _Note(Protocol):
    def __call__(self, step: int, splats: Splats, *, last: bool = False) -> None: ...


def _note(engine: Engine, pyramid: Pyramid, log: StepLog, step: int, splats: Splats, *, last: bool = False) -> None:
    """Tells the log of a step, on whatever level it was, as the picture is at its own size."""
    log.at(step, lambda: engine.canvas(pyramid.view(0)).place(splats), pyramid.levels[0], Loss("l2"), last=last)


def _descend(
    engine: Engine,
    pyramid: Pyramid,
    splats: Splats,
    plan: tuple[Stage, ...],
    loss: Loss,
    adam: Adam,
    seed: int,
    work: _Work,
    note: _Note,
    structure: Structure,
) -> Splats:
    """The Adam steps of all stages, with one cosine decay over them all."""
    total = sum(stage.steps for stage in plan)
    first = plan[0].level
    start = pyramid.canvas(engine, first).place(splats)
    splats = solve_colours(start, engine.hold(pyramid.levels[first]), products=15, damping=1e-2).splats
    for stage in plan:
        canvas, target = pyramid.canvas(engine, stage.level), engine.hold(pyramid.levels[stage.level])
        for _ in range(stage.steps):
            note(adam.steps, splats)
            gradient = canvas.place(splats).gradient(target, loss)[1]
            done = adam.steps / total
            if adam.steps % LOOKING == 0:
                limits = structure.limits(splats)
            splats = adam.step(splats, gradient, adam.rates.cooled(done))
            splats = rounder(splats, limits)
            if adam.steps % relocation.period(total) == 0 and done < relocation.UNTIL:
                splats = relocation.relocate(canvas.place(splats), target, adam, seed + adam.steps)
            work.add(step_cost(pyramid, stage.level, len(splats)))
    return splats
