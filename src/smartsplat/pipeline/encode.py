"""Encodes a picture: the whole job."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from smartsplat import __version__
from smartsplat.coding.format import EXIF, GREATEST_WHOLE, XMP
from smartsplat.engines import Engine
from smartsplat.errors import PictureError, PictureWarning
from smartsplat.file.splatfile import SplatFile
from smartsplat.fitting.checkpoint import identity
from smartsplat.fitting.fit import Progress
from smartsplat.fitting.schedule import FINE_PIXELS
from smartsplat.fitting.steplog import StepLog, float_error
from smartsplat.metrics.visible import visible_psnr
from smartsplat.model.report import Report, psnr_of
from smartsplat.model.splats import Splats
from smartsplat.pictures.picture import Picture
from smartsplat.pictures.planes import rounded, to_planes
from smartsplat.pipeline.alpha import (
    alpha_options,
    alpha_picture,
    check_can_be_transparent,
    part_of,
    second_options,
    with_alpha,
    with_colours_continued,
)
from smartsplat.pipeline.blocks import with_blocks
from smartsplat.pipeline.budget import Envelope
from smartsplat.pipeline.compose import Composition, compose, compose_flat
from smartsplat.pipeline.crew import Crew, crew_of
from smartsplat.pipeline.job import Job
from smartsplat.pipeline.kept import Kept
from smartsplat.pipeline.options import Options
from smartsplat.pipeline.overview import with_overview
from smartsplat.pipeline.paper import compose_as_the_paper
from smartsplat.pipeline.pilot import (
    LARGE,
    SHARES,
    Choice,
    choose_share,
    choose_spacing,
    has_lattice_alone,
    most_share,
    other_counts,
)
from smartsplat.pipeline.plan import HIGHEST_RATE, Plan, bits_per_pixel, plan_for
from smartsplat.pipeline.quality import with_quality
from smartsplat.pipeline.search import EXACT, EXACT_DEEP, smallest_reaching
from smartsplat.pipeline.simpler import is_flat, simplest
from smartsplat.pipeline.small import is_small, of_small
from smartsplat.pipeline.target import NOMINAL_BYTES, most_bytes
from smartsplat.pipeline.tune import TUNES
from smartsplat.pipeline.windowed import compose_windows, picture_windows
from smartsplat.scratch import MEMORY, Scratch

ALPHA_TIME = 0.25
"""Part of the time that the alpha takes, about."""

NAMES = {EXIF: "EXIF block", XMP: "XMP packet"}


def encode_picture(
    picture: Picture, options: Options, engine: Engine, progress: Progress, log: StepLog | None = None,
    scratch: Scratch = MEMORY,
) -> SplatFile:  # fmt: skip
    """The file of a picture, with its report.

    Args:
        picture: any.
        options: how large or good, and how hard to work.
        engine: computes.
        progress: told how far it is, 0 to 1; a search for a PSNR starts anew with every trial.
        log: told how the fit of splats goes, if there is one; that of each trial likewise.
        scratch: where large arrays lie.

    Raises:
        PictureError: the picture is longer than a file can say.
        TargetError: no file can be as asked.
        CheckpointError: that of the options is of something else.
    """
    if max(picture.width, picture.height) > GREATEST_WHOLE:
        size = f"{picture.width} x {picture.height}"
        raise PictureError(f"the picture has {size} pixels; files end at {GREATEST_WHOLE} on each side")
    if engine.name == "cuda" and picture.bits > 8:
        raise PictureError(f"{picture.name}: has {picture.bits} bits a sample; the engine cuda fits 8 only")
    started = time.perf_counter()
    progress(0.0)
    if picture.alpha is None:
        file = _encoded(picture, options, engine, progress, log, started, scratch)
    else:
        file = _with_alpha(picture, options, engine, progress, log, started, scratch)
    return with_quality(file, picture, engine) if options.measure else file


def _with_alpha(
    picture: Picture, options: Options, engine: Engine, progress: Progress, log: StepLog | None, started: float,
    scratch: Scratch,
) -> SplatFile:  # fmt: skip
    """The file of a picture that is not opaque: the alpha first, then the colours in what it leaves."""
    check_can_be_transparent(picture, options)
    picture = with_colours_continued(picture)
    of_alpha = alpha_options(picture, options, engine)
    first, then = part_of(progress, 0, ALPHA_TIME), part_of(progress, ALPHA_TIME, 1)
    alpha = _encoded(alpha_picture(picture), of_alpha, engine, first, None, started, scratch)
    file = _encoded(picture, options, engine, then, log, started, scratch, alpha)
    again = second_options(picture, options, file)
    if again is None:
        return file
    file = with_alpha(file, _encoded(alpha_picture(picture), again, engine, _unseen, None, started, scratch))
    assert file.report is not None
    file.report = replace(file.report, seconds=time.perf_counter() - started)
    return file


def _encoded(
    picture: Picture, options: Options, engine: Engine, progress: Progress, log: StepLog | None, started: float,
    scratch: Scratch, alpha: SplatFile | None = None,
) -> SplatFile:  # fmt: skip
    """The file of the colours, with that of their alpha if there is one, and its report."""
    planes = to_planes(picture.pixels, threads=engine.threads, scratch=scratch)
    job = Job(
        planes, picture.grey, engine, options.chosen_effort, options.seed, progress, log or StepLog(),
        weights=picture.alpha, tune=TUNES[options.chosen_tune], scratch=scratch,
        fine=picture.width * picture.height <= FINE_PIXELS,
    )  # fmt: skip
    around = with_overview(
        Envelope.of(picture, alpha.to_bytes() if alpha else None), picture, options,
        lambda small, few: encode_picture(small, few, engine, _unseen, scratch=scratch),
    )  # fmt: skip
    with _kept(job, options) as kept, _crew(job, options) as crew:
        envelope, composition = _composed(replace(job, kept=kept, crew=crew), around, options)
    left_out = tuple(NAMES[kind] for kind in around.metadata.keys() - envelope.metadata.keys())
    for name in left_out:
        text = f"{picture.name}: its {name}, more than a tenth of the file, will not be kept"
        warnings.warn(text, PictureWarning, stacklevel=4)
    progress(1.0)
    lattice = composition.lattice.section if composition.lattice else None
    blocks = composition.blocks.section if composition.blocks else None
    data = envelope.container(composition.splats.section, lattice, blocks).to_bytes()
    fitted = composition.fitted
    if fitted is None and options.splats_only:  # one flat colour
        fitted = composition.splats.splats
    report = _report(job, options, composition, fitted, time.perf_counter() - started)
    report = replace(report, left_out=(*picture.metadata.lost, *left_out))
    if alpha is not None:
        assert alpha.report is not None
        report = replace(report, psnr_alpha=alpha.report.psnr, alpha_bytes=len(alpha))
    return SplatFile(data, report, fitted=fitted)


def _kept(job: Job, options: Options) -> Kept:
    """What is kept of a picture's windows, if it has some."""
    if options.checkpoint is None or options.recipe is not None or job.pixels <= LARGE:
        return Kept()
    settings = {
        "version": __version__, "effort": job.effort, "seed": job.seed, "lattice": options.lattice,
        "tune": options.chosen_tune, "engine": job.engine.name,
    }  # fmt: skip
    return Kept(options.checkpoint, identity(job.planes, settings))


@contextmanager
def _crew(job: Job, options: Options) -> Iterator[Crew | None]:
    """Workers that share the windows of a large picture, if that was asked for."""
    if options.dask is None or job.pixels <= LARGE or job.work.large_density == 0 or has_lattice_alone(job):
        yield None
        return
    with crew_of(job.engine, options.dask, options.workers) as crew:
        yield crew


def _unseen(_: float) -> None:
    """The time of an overview is too little to be told."""


def _composed(job: Job, envelope: Envelope, options: Options) -> tuple[Envelope, Composition]:
    """What the file consists of."""
    target = options.target
    shortcut = options.recipe is None and target.splats is None  # else it is the fit that was asked for
    flat = compose_flat(job) if shortcut and is_flat(job.planes) else None
    if target.psnr is not None:
        return envelope, flat or _of_quality(job, envelope, options, target.psnr)
    if target.splats is not None:
        budget = max(NOMINAL_BYTES * target.splats, envelope.least_section)
        return envelope, _of_size(job, budget, options)
    file_budget = target.bytes_for(job.width, job.height, envelope.metadata_bytes, bits=envelope.bits)
    envelope = envelope.trimmed(file_budget)
    if target.is_default:  # its metadata come on top, so those left out must not become the picture's
        file_budget = target.bytes_for(job.width, job.height, envelope.metadata_bytes, bits=envelope.bits)
    budget = envelope.section_budget(file_budget)
    return envelope, flat if flat and flat.length <= budget else _of_size(job, budget, options)


def _of_size(job: Job, budget: int, options: Options) -> Composition:
    """Sections of at most that many bytes."""
    if bits_per_pixel(budget, job.pixels) >= HIGHEST_RATE:  # close to exact, nothing hides
        job = replace(job, tune=None)
    plain = _without_blocks(job, budget, options)
    if options.recipe is not None or options.target.splats is not None or options.lattice != "auto":
        return plain
    return with_blocks(job, budget, plain, lambda other, left: _without_blocks(other, left, options))


def _without_blocks(job: Job, budget: int, options: Options) -> Composition:
    recipe = options.recipe
    if recipe is not None:
        count = options.target.nominal_count(job.width, job.height)
        return compose_as_the_paper(job, recipe, count, options.chosen_steps, budget, options.checkpoint)
    if options.target.splats is not None:
        count = options.target.nominal_count(job.width, job.height)
        return compose(job, Plan(budget, budget, count, None))
    if options.lattice == "auto" and most_share(job, budget) < max(SHARES):
        job = replace(job, thrifty=True)
    if options.lattice == "auto" and job.pixels > LARGE:
        return simplest(job, budget, _of_large(job, budget))
    if options.lattice == "auto" and is_small(job, budget):
        return simplest(job, budget, of_small(replace(job, small=True), budget))
    return simplest(job, budget, _of_usual(job, budget, trials=options.lattice == "auto"))


def _of_usual(job: Job, budget: int, *, trials: bool) -> Iterator[Composition]:
    """Those of a picture that is fitted as a whole: a lattice alone where it may be best, and the share chosen."""
    choice = choose_share(job, budget) if trials else Choice(1.0)
    alone = choice.bare is not None
    if alone:
        yield compose(job, plan_for(job.pixels, budget, 0.0, grey=job.grey), choice.bare)
        choice = replace(choice, bare=None)  # much memory, and no use to splats
    if choice.share > 0 or not alone:
        yield compose(job, plan_for(job.pixels, budget, choice.share, grey=job.grey))
    yield from choice.compositions
    yield from other_counts(job, budget, choice)


def _of_large(job: Job, budget: int) -> Iterator[Composition]:
    """Those of a picture whose splats are fitted window by window, which the two least efforts have no time for.

    A lattice alone is always one of them: with little effort splats may be worse, though they were better in a sample.
    """
    spacing = choose_spacing(job, budget)
    choice = choose_share(job, budget, spacing) if job.work.large_density > 0 else Choice(0.0)
    plan = plan_for(job.pixels, budget, choice.share, grey=job.grey, spacing=spacing)
    windows = picture_windows(job, budget)
    if plan.spacing is None or len(windows) == 1:
        yield compose(job, plan, choice.bare)
        return
    if plan.count > 0:
        yield compose_windows(job, plan, windows)
    yield compose(job, plan_for(job.pixels, budget, 0.0, grey=job.grey, spacing=spacing), choice.bare)


def _of_quality(job: Job, envelope: Envelope, options: Options, wanted: float) -> Composition:
    """Those of the smallest file found whose decoded picture has at least that PSNR, dB."""

    def trial(file_budget: int) -> tuple[float, int, Composition]:
        budget = envelope.section_budget(file_budget)
        composition = _of_size(job, budget, options)
        return quality_of(job, composition), file_budget - budget + composition.length, composition

    most = envelope.metadata_bytes + len(envelope.alpha or b"") + most_bytes(job.planes.size, envelope.bits)
    exact = EXACT if envelope.bits <= 8 else EXACT_DEEP
    return smallest_reaching(wanted, trial, least=envelope.least_bytes, most=most, exact=exact)


def quality_of(job: Job, composition: Composition) -> float:
    """PSNR [dB] of what a composition decodes to: of what is seen of it, where the job has weights."""
    if job.weights is None:
        return psnr_of(composition.error, job.planes.size)
    lattice = composition.lattice
    canvas = job.canvas(job.decoded(lattice) if lattice else None)
    shown = rounded(canvas.place(composition.splats.splats).render(), job.planes)
    return visible_psnr(job.planes.transpose(1, 2, 0), job.weights, shown)


def float_quality(job: Job, splats: Splats) -> float:
    """The same of splats alone, whose sums are not rounded."""
    frame = job.canvas().place(splats)
    if job.weights is None:
        return psnr_of(255**2 * float_error(frame, job.target), job.planes.size)
    return visible_psnr(job.planes.transpose(1, 2, 0), job.weights, np.clip(frame.render(), 0, 1))


def _report(job: Job, options: Options, composition: Composition, fitted: Splats | None, seconds: float) -> Report:
    recipe = options.recipe
    psnr = quality_of(job, composition)
    if fitted is not None:
        psnr_float = float_quality(job, fitted)
    return Report(
        psnr=psnr,
        psnr_float=psnr if fitted is None else psnr_float,
        seconds=seconds,
        splats=len(composition.splats.codes),
        engine=job.engine.name,
        preset=options.preset,
        effort=None if recipe else options.chosen_effort,
        seed=options.seed,
        steps=options.chosen_steps if recipe else None,
        lattice="none" if options.splats_only else "auto",
        constants=recipe.as_dict() if recipe else None,
        tune=None if recipe else options.chosen_tune,
        splats_fitted=None if fitted is None else len(fitted),
    )
