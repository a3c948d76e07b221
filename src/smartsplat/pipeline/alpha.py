"""Pictures with alpha: what of the bytes the alpha gets, and what its file is."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from smartsplat.coding.container import Container
from smartsplat.coding.format import ALPHA, LATTICE_STEPS, LATTICE_STEPS_PER_OCTAVE
from smartsplat.coding.lattice_section import Spectrum, write_lattice
from smartsplat.engines import Engine
from smartsplat.errors import PictureError
from smartsplat.file.splatfile import SplatFile
from smartsplat.fitting.fit import Progress
from smartsplat.pictures.continuation import continued
from smartsplat.pictures.metadata import Metadata
from smartsplat.pictures.picture import Picture
from smartsplat.pictures.planes import to_planes
from smartsplat.pictures.samples import Samples
from smartsplat.pipeline.budget import Envelope
from smartsplat.pipeline.compose import bare_spectrum
from smartsplat.pipeline.job import Job
from smartsplat.pipeline.options import Options
from smartsplat.pipeline.pilot import sample
from smartsplat.pipeline.plan import spacing_for
from smartsplat.pipeline.target import Target

COARSER = 1.0
"""How many octaves coarser the alpha's step is than that of the colours, at the same slope; see docs/decisions.md."""

SPARE = 0.03
"""Part of the bytes that the colours may leave before the alpha is encoded again in them."""

NEAR = 16
"""Indices of steps within which the one that takes the budget is found: a sixteenth of an octave."""

LENGTH_BYTES = 6
"""At most, by which the alpha's length makes a header longer."""


def alpha_picture(picture: Picture) -> Picture:
    """The alpha of a picture that is not opaque as a grey one."""
    assert picture.alpha is not None
    pixels = np.repeat(picture.alpha[:, :, None], 3, axis=2)
    return Picture(pixels, True, Metadata(), picture.name, bits=picture.bits)


def with_colours_continued(picture: Picture) -> Picture:
    """The picture with colours that cost little where none are seen."""
    assert picture.alpha is not None
    return replace(picture, pixels=continued(picture.pixels, picture.alpha))


def check_can_be_transparent(picture: Picture, options: Options) -> None:
    """Refuses, by a PictureError, a picture with alpha where splats alone are counted."""
    if options.recipe is not None or options.target.splats is not None:
        what = f"the preset {options.preset}" if options.recipe else "a number of splats"
        raise PictureError(f"{picture.name}: has transparent pixels, which {what} has no share for; flatten it")


def alpha_options(picture: Picture, options: Options, engine: Engine) -> Options:
    """How the alpha of a picture is encoded: in its share of the bytes, or with the quality that is asked for."""
    if options.target.psnr is not None:
        return _of_alpha(options, options.target)
    envelope = Envelope.of(picture)
    budget = file_budget(picture, options)
    around = envelope.trimmed(budget)
    bare = max(1, budget - around.metadata_bytes)
    size = min(int(alpha_share(picture, options, engine, bare) * bare), budget - around.least_bytes - LENGTH_BYTES)
    least = Envelope.of(alpha_picture(picture)).least_bytes
    return _of_alpha(options, Target(size=max(least, size)))


def file_budget(picture: Picture, options: Options) -> int:
    """Bytes that the whole file may have, where they are what is asked for."""
    metadata = Envelope.of(picture).metadata_bytes
    return options.target.bytes_for(picture.width, picture.height, metadata, bits=picture.bits)


def second_options(picture: Picture, options: Options, file: SplatFile) -> Options | None:
    """How the alpha of a file is encoded once more, in what the colours have left; None if that is not worth it."""
    report = file.report
    assert report is not None
    assert report.psnr_alpha is not None
    if options.target.psnr is not None or math.isinf(report.psnr_alpha):
        return None
    budget = file_budget(picture, options)
    spare = budget - len(file)
    if spare <= SPARE * budget:
        return None
    return _of_alpha(options, Target(size=(report.alpha_bytes or 0) + spare - LENGTH_BYTES))


def _of_alpha(options: Options, target: Target) -> Options:
    """The same for an alpha picture, which has no overview, no checkpoint and no texture that hides errors."""
    return replace(options, target=target, measure=False, overview=False, checkpoint=None, tune="psnr")


def with_alpha(file: SplatFile, alpha: SplatFile) -> SplatFile:
    """The file with that alpha in place of its own; its report follows."""
    assert file.report is not None
    assert alpha.report is not None
    container = Container.from_bytes(file.to_bytes())
    data = replace(container, sections={**container.sections, ALPHA: alpha.to_bytes()}).to_bytes()
    report = replace(file.report, psnr_alpha=alpha.report.psnr, alpha_bytes=len(alpha))
    return SplatFile(data, report, fitted=file.fitted.splats if file.fitted else None)


def alpha_share(picture: Picture, options: Options, engine: Engine, budget: int) -> float:
    """Of the alpha in so many bytes: where one more byte gains as much in it as in the colours.

    Lattices of both are coded without splats, for pieces of the picture, with steps that belong together: equal steps
    have equal slopes, squared error over bits.
    """
    colours, alpha = _spectra(picture, options, engine, budget)
    seen = colours.width * colours.height / (picture.width * picture.height)

    def lengths(step_index: int) -> tuple[int, int]:
        coarser = min(LATTICE_STEPS - 1, step_index + round(COARSER * LATTICE_STEPS_PER_OCTAVE))
        return _length(colours, step_index, engine), _length(alpha, coarser, engine)

    of_colours, of_alpha = lengths(_finest_within(lambda index: sum(lengths(index)), int(seen * budget)))
    return of_alpha / (of_colours + of_alpha)


def _length(spectrum: Spectrum, step_index: int, engine: Engine) -> int:
    return len(write_lattice(spectrum, step_index, threads=engine.threads).section)


def _spectra(picture: Picture, options: Options, engine: Engine, budget: int) -> tuple[Spectrum, Spectrum]:
    """Of lattices of the same pieces of the colours and of the alpha."""
    spacing = spacing_for(picture.width * picture.height, budget)

    def spectrum(of: Samples, grey: bool) -> Spectrum:
        planes = np.ascontiguousarray(sample(to_planes(of, threads=engine.threads)))
        return bare_spectrum(Job(planes, grey, engine, options.chosen_effort, options.seed), spacing)

    return spectrum(picture.pixels, picture.grey), spectrum(alpha_picture(picture).pixels, True)


def _finest_within(length: Callable[[int], int], budget: int) -> int:
    """About the least index whose length is within the budget."""
    fine, coarse = 0, LATTICE_STEPS - 1
    while coarse - fine > NEAR:
        middle = (fine + coarse) // 2
        fine, coarse = (fine, middle) if length(middle) <= budget else (middle, coarse)
    return coarse


def part_of(progress: Progress, first: float, last: float) -> Progress:
    """Told of a part of the work, tells how far all of it is."""
    return lambda done: progress(first + (last - first) * done)
