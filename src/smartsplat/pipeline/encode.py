"""Encodes a picture: the whole job."""

from __future__ import annotations

import time

from smartsplat.coding.format import GREATEST_SIDE
from smartsplat.engines import Engine
from smartsplat.errors import PictureError
from smartsplat.file.splatfile import SplatFile
from smartsplat.fitting.fit import Progress
from smartsplat.fitting.paper import STEPS
from smartsplat.model.report import Report, psnr_of
from smartsplat.pictures.picture import Picture
from smartsplat.pictures.planes import to_planes
from smartsplat.pipeline.budget import Envelope
from smartsplat.pipeline.compose import Composition, compose, compose_as_the_paper, compose_flat
from smartsplat.pipeline.job import Job
from smartsplat.pipeline.options import Options
from smartsplat.pipeline.pilot import choose_share, other_counts
from smartsplat.pipeline.plan import plan_for
from smartsplat.pipeline.search import smallest_reaching
from smartsplat.pipeline.simpler import is_flat, simplest
from smartsplat.pipeline.target import most_bytes


def encode_picture(picture: Picture, options: Options, engine: Engine, progress: Progress) -> SplatFile:
    """The file of a picture, with its report.

    Args:
        picture: any.
        options: how large or good, and how hard to work.
        engine: computes.
        progress: told how far it is, 0 to 1; a search for a PSNR starts anew with every trial.

    Raises:
        PictureError: the picture is longer than a file can say.
        TargetError: no file can be as asked.
    """
    if max(picture.width, picture.height) > GREATEST_SIDE:
        size = f"{picture.width} x {picture.height}"
        raise PictureError(f"the picture has {size} pixels; files end at {GREATEST_SIDE} on each side")
    started = time.perf_counter()
    progress(0.0)
    job = Job(
        to_planes(picture.pixels, threads=engine.threads), picture.grey, engine, options.effort, options.seed, progress
    )
    envelope, composition = _composed(job, Envelope.of(picture), options)
    progress(1.0)
    lattice = composition.lattice.section if composition.lattice else None
    data = envelope.container(composition.splats.section, lattice).to_bytes()
    return SplatFile(data, _report(job, options, composition, time.perf_counter() - started))


def _composed(job: Job, envelope: Envelope, options: Options) -> tuple[Envelope, Composition]:
    """What the file consists of."""
    target = options.target
    flat = compose_flat(job) if options.preset != "paper" and is_flat(job.planes) else None
    if target.psnr is not None:
        return envelope, flat or _of_quality(job, envelope, options, target.psnr)
    file_budget = target.bytes_for(job.width, job.height, envelope.metadata_bytes)
    envelope = envelope.trimmed(file_budget)
    if target.is_default:  # its metadata come on top, so those left out must not become the picture's
        file_budget = target.bytes_for(job.width, job.height, envelope.metadata_bytes)
    budget = envelope.section_budget(file_budget)
    return envelope, flat if flat and flat.length <= budget else _of_size(job, budget, options)


def _of_size(job: Job, budget: int, options: Options) -> Composition:
    """Sections of at most that many bytes."""
    if options.preset == "paper":
        return compose_as_the_paper(job, budget, options.steps or STEPS)
    choice = choose_share(job, budget)
    composition = compose(job, plan_for(job.pixels, budget, choice.share, grey=job.grey), choice.bare)
    return simplest(job, budget, [composition, *choice.compositions, *other_counts(job, budget, choice)])


def _of_quality(job: Job, envelope: Envelope, options: Options, wanted: float) -> Composition:
    """Those of the smallest file found whose decoded picture has at least that PSNR, dB."""

    def trial(file_budget: int) -> tuple[float, int, Composition]:
        budget = envelope.section_budget(file_budget)
        composition = _of_size(job, budget, options)
        return psnr_of(composition.error, job.planes.size), file_budget - budget + composition.length, composition

    least = envelope.least_bytes
    return smallest_reaching(wanted, trial, least=least, most=envelope.metadata_bytes + most_bytes(job.planes.size))


def _report(job: Job, options: Options, composition: Composition, seconds: float) -> Report:
    samples = job.planes.size
    return Report(
        psnr=psnr_of(composition.error, samples),
        psnr_float=psnr_of(composition.float_error, samples),
        seconds=seconds,
        splats=len(composition.splats.codes),
        engine=job.engine.name,
        preset=options.preset,
        effort=options.effort,
        seed=options.seed,
        steps=(options.steps or STEPS) if options.preset == "paper" else None,
    )
