"""The paper's own way from a picture to splats, and to a file without anything that the paper has not."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import numpy as np

from smartsplat.fitting.checkpoint import Checkpoint, identity
from smartsplat.fitting.levels import Pyramid
from smartsplat.fitting.paper import PaperState, Parameters, fit_paper
from smartsplat.model.recipe import Recipe
from smartsplat.model.splats import SUPPORT, Splats
from smartsplat.pictures.files import PathLike
from smartsplat.pictures.planes import eight_bits
from smartsplat.pipeline.compose import Composition
from smartsplat.pipeline.job import Job
from smartsplat.pipeline.rate import Scene, fill_splats
from smartsplat.sampling import initialise, initialise_as_the_code

VERSION = 1
"""Of what a fit computes, for checkpoints; to be raised with every change to it."""


def compose_as_the_paper(
    job: Job, recipe: Recipe, count: int, steps: int, budget: int, checkpoint: PathLike | None = None
) -> Composition:
    """Splats alone, fitted as the paper does and coded as they are: neither shapes nor colours are fitted again.

    Args:
        job: the picture.
        recipe: the constants.
        count: N of Eq. 5.
        steps: of Adam.
        budget: bytes of the section; splats that find no room are left out, the least important ones first.
        checkpoint: file that keeps the fit while it goes on.
    """
    of_bytes = replace(job, planes=eight_bits(job.planes))  # the method knows no others
    splats = fit_as_the_paper(of_bytes, recipe, count, steps, checkpoint)
    inside = with_centres_inside(splats, job.width, job.height)
    coded = fill_splats(Scene(job.canvas(), job.target, inside, as_fitted=True), budget)
    return Composition(coded, None, coded.error, coded.error, splats)


def with_centres_inside(splats: Splats, width: int, height: int) -> Splats:
    """The splats as a file can have them: those beyond the picture on its border, in the colour they have there."""
    moved = splats.clipped(width, height)
    offset = (moved.xy - splats.xy).astype(np.float64)
    c, s = np.cos(splats.angle), np.sin(splats.angle)
    along = np.stack([c * offset[:, 0] + s * offset[:, 1], c * offset[:, 1] - s * offset[:, 0]], axis=1)
    distance = np.square(along / np.maximum(splats.scale, np.finfo(np.float32).tiny)).sum(axis=1)
    weight = np.where(distance <= SUPPORT, np.exp(-distance / 2), 0)
    colour = moved.colour * weight[:, None]
    return Splats.from_arrays(moved.xy, moved.scale, moved.angle, colour)


def fit_as_the_paper(job: Job, recipe: Recipe, count: int, steps: int, checkpoint: PathLike | None = None) -> Splats:
    """Splats, started and fitted as the paper does; see ``compose_as_the_paper``."""
    parameters = Parameters(recipe, job.width, job.height)
    keeper = None if checkpoint is None else _checkpoint(job, recipe, count, checkpoint)
    state = None if keeper is None else keeper.load(steps)
    if state is None:
        state = PaperState.before(parameters.of(start_as_the_paper(job, recipe, count)))
    state = state.held(job.engine)
    canvas = Pyramid((job.planes,)).canvas(job.engine, 0, ssim=True)
    with keeper or nullcontext():
        state = fit_paper(
            canvas, job.target, parameters, state, steps,
            keep=keeper.keep if keeper else _forget, log=job.log, progress=job.progress,
        )  # fmt: skip
    return parameters.splats(state.parameters).on_host()


def _checkpoint(job: Job, recipe: Recipe, count: int, path: PathLike) -> Checkpoint:
    settings = {"count": count, "seed": job.seed, "engine": job.engine.name, "version": VERSION} | recipe.as_dict()
    return Checkpoint(path, identity(job.planes, settings), job.log)


def _forget(state: PaperState) -> None:
    del state


def start_as_the_paper(job: Job, recipe: Recipe, count: int) -> Splats:
    """So many splats (fewer at times, if they start as in the published code) before the first step."""
    start = initialise if recipe.start == "text" else initialise_as_the_code
    return Splats(
        start(
            eight_bits(job.planes), count, seed=job.seed, lambda_g=recipe.lambda_g, lambda_m=recipe.lambda_m,
            neighbours=recipe.neighbours, counts_itself=recipe.counts_itself, tile=recipe.tile,
            threads=job.engine.threads,
        )
    )  # fmt: skip
