"""Encodes a picture."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from smartsplat import _native
from smartsplat.coding.container import EXIF, GREATEST_SIDE, LATTICE, SPLATS, Container
from smartsplat.coding.splat_codes import COLOURS, SPLAT_STEPS
from smartsplat.coding.splat_section import write_splats
from smartsplat.engines import Engine
from smartsplat.errors import PictureError, TargetError
from smartsplat.file.splatfile import SplatFile, metadata_sections
from smartsplat.fitting.fit import Progress
from smartsplat.fitting.paper import STEPS
from smartsplat.fitting.schedule import DEFAULT_EFFORT, EFFORTS
from smartsplat.model.report import Report, psnr_of
from smartsplat.pictures.picture import Picture
from smartsplat.pipeline.composition import Composer, Composition
from smartsplat.pipeline.pilot import choose_share
from smartsplat.pipeline.search import LEAST_BYTES, PsnrSearch
from smartsplat.pipeline.target import Target

PRESETS = ("default", "paper")

GREATEST_EXIF_SHARE = 0.1
"""Part of the bytes asked for above which an EXIF block is left out; cameras write tens of kilobytes."""

PICTURE = (SPLATS, LATTICE)
"""Sections that are not metadata."""

GREATEST_SEED = 1 << 63
"""Seeds end below this: numbers of steps are added to them, and the sum must fit 64 bits."""


@dataclass(frozen=True)
class Options:
    """How to encode; see ``smartsplat.encode``."""

    target: Target = field(default_factory=Target)
    effort: int = DEFAULT_EFFORT
    preset: str = "default"
    seed: int = 0
    steps: int | None = None

    def __post_init__(self) -> None:
        if self.effort not in EFFORTS:
            raise ValueError(f"effort must be {min(EFFORTS)} to {max(EFFORTS)}, not {self.effort}")
        if self.preset not in PRESETS:
            raise ValueError(f"preset must be one of {', '.join(PRESETS)}, not {self.preset}")
        if not 0 <= self.seed < GREATEST_SEED:
            raise ValueError(f"the seed must be 0 to 2^63 - 1, not {self.seed}")
        if self.steps is not None and (self.preset != "paper" or self.steps < 1):
            raise ValueError("steps are for the preset paper, and at least 1")


class EncodeJob:
    """One picture on its way to a file.

    Raises:
        PictureError: the picture is longer than a file can say.
    """

    def __init__(self, picture: Picture, options: Options, engine: Engine, progress: Progress) -> None:
        if max(picture.width, picture.height) > GREATEST_SIDE:
            size = f"{picture.width} x {picture.height}"
            raise PictureError(f"the picture has {size} pixels; files end at {GREATEST_SIDE} on each side")
        self._options = options
        self._engine = engine
        self._progress = progress
        self._planes = _native.to_planes(picture.pixels)
        self._container = Container(picture.width, picture.height, picture.grey, metadata_sections(picture.metadata))
        self._composer = Composer(
            self._planes, engine, grey=picture.grey, effort=options.effort, seed=options.seed, progress=progress
        )

    def run(self) -> SplatFile:
        """The file, with its report.

        Raises:
            TargetError: no file can be as asked.
        """
        started = time.perf_counter()
        self._progress(0.0)
        target = self._options.target
        if target.psnr is not None:
            composition = self._search(target.psnr)
        else:
            allowed = target.bytes_for(self._width, self._height, self._metadata_bytes)
            self._trim_metadata(allowed)
            composition = self._to_bytes(allowed)
        self._progress(1.0)
        data = self._file(composition.splats.section, composition.lattice.section if composition.lattice else None)
        return SplatFile(self._container, data, self._report(composition, time.perf_counter() - started))

    def _report(self, composition: Composition, seconds: float) -> Report:
        samples, o = self._planes.size, self._options
        return Report(
            psnr=psnr_of(composition.error, samples),
            psnr_float=psnr_of(composition.float_error, samples),
            seconds=seconds,
            splats=len(composition.splats.codes),
            engine=self._engine.name,
            preset=o.preset,
            effort=o.effort,
            seed=o.seed,
            steps=(o.steps or STEPS) if o.preset == "paper" else None,
        )

    @property
    def _width(self) -> int:
        return self._container.width

    @property
    def _height(self) -> int:
        return self._container.height

    @property
    def _metadata_bytes(self) -> int:
        return sum(len(data) for kind, data in self._container.sections.items() if kind not in PICTURE)

    def _trim_metadata(self, allowed: int) -> None:
        """Leaves out an EXIF block that would take much of the picture's bytes; the ICC profile always stays."""
        if len(self._container.sections.get(EXIF, b"")) > GREATEST_EXIF_SHARE * allowed:
            del self._container.sections[EXIF]

    def _file(self, splats: bytes, lattice: bytes | None = None) -> bytes:
        sections = self._container.sections
        sections[SPLATS] = splats
        sections.pop(LATTICE, None)
        if lattice is not None:
            sections[LATTICE] = lattice
        return self._container.to_bytes()

    def _to_bytes(self, allowed: int) -> Composition:
        """Sections that make a file of at most that many bytes."""
        least = len(self._file(self._least_section()))
        if allowed < least:
            text = f"{allowed} bytes are too few: the least possible size is {least} bytes"
            metadata = self._metadata_bytes
            raise TargetError(f"{text}, {metadata} of them metadata" if metadata else text)
        room, o = self._room(allowed), self._options
        if o.preset == "paper":
            return self._composer.compose_paper(room, o.steps or STEPS)
        return self._composer.compose(room, choose_share(self._composer, room))

    def _room(self, allowed: int) -> int:
        """Bytes of the section in a file of that many; its length stands in the file too, in one byte or more."""
        longest = allowed - len(self._file(b""))
        return longest - (len(self._file(bytes(longest))) - allowed)

    def _least_section(self) -> bytes:
        """A section of one splat at the coarsest base_step."""
        code = np.zeros((1, 9), np.int32)
        code[0, COLOURS] = 1
        return write_splats(code, SPLAT_STEPS - 1, self._width, self._height)[0]

    def _search(self, wanted: float) -> Composition:
        """The smallest file found whose decoded picture has at least that PSNR.

        PSNR is close to linear in the logarithm of the bytes, so a secant finds the place in a few encodings.
        """
        least = LEAST_BYTES + self._metadata_bytes
        search: PsnrSearch[Composition] = PsnrSearch(wanted, max(3 * self._width * self._height, least), least)
        while (allowed := search.next()) is not None:
            composition = self._to_bytes(allowed)
            search.tell(allowed, psnr_of(composition.error, self._planes.size), composition)
        return search.result()
