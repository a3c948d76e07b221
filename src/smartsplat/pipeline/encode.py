"""Encodes a picture."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from smartsplat import _native
from smartsplat.coding.container import EXIF, GREATEST_SIDE, SPLATS, Container
from smartsplat.coding.quantise import COLOURS, KNOBS
from smartsplat.coding.section import write_splats
from smartsplat.engines import Engine
from smartsplat.errors import PictureError, TargetError
from smartsplat.fitting.fit import Progress, fit
from smartsplat.fitting.levels import Pyramid, coarsest_level
from smartsplat.fitting.paper import STEPS, fit_paper
from smartsplat.fitting.schedule import DEFAULT_EFFORT, EFFORTS
from smartsplat.pictures import Picture
from smartsplat.pipeline.rate import Coded, RateControl
from smartsplat.pipeline.search import LEAST_BYTES, PsnrSearch
from smartsplat.pipeline.target import Target, nominal_count
from smartsplat.report import Report, psnr_of
from smartsplat.sampling import base_scale, initialise, initialise_adaptive
from smartsplat.splatfile import SplatFile, metadata_sections
from smartsplat.splats import Splats

PRESETS = ("default", "paper")

GREATEST_EXIF_SHARE = 0.1
"""Part of the bytes asked for above which an EXIF block is left out; cameras write tens of kilobytes."""

GREATEST_SEED = 1 << 63
"""Seeds end below this: numbers of steps are added to them, and the sum must fit 64 bits."""

BYTES_PER_SPLAT = {False: 4.6, True: 4.0}
"""What a splat will cost, by whether the picture is grey: it settles how many are fitted.

Fewer, finer coded ones and more, coarser coded ones were both worse; see docs/decisions.md.
"""


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

    def run(self) -> SplatFile:
        """The file, with its report.

        Raises:
            TargetError: no file can be as asked.
        """
        started = time.perf_counter()
        target = self._options.target
        if target.psnr is not None:
            coded, float_error = self._search(target.psnr)
        else:
            allowed = target.bytes_for(self._width, self._height, self._metadata_bytes)
            self._trim_metadata(allowed)
            coded, float_error = self._to_bytes(allowed)
        data = self._file(coded.section)
        return SplatFile(self._container, data, self._report(coded, float_error, time.perf_counter() - started))

    def _report(self, coded: Coded, float_error: float, seconds: float) -> Report:
        samples, o = self._planes.size, self._options
        return Report(
            psnr=psnr_of(coded.error, samples),
            psnr_float=psnr_of(float_error, samples),
            seconds=seconds,
            splats=len(coded.codes),
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
        return sum(len(data) for kind, data in self._container.sections.items() if kind != SPLATS)

    def _trim_metadata(self, allowed: int) -> None:
        """Leaves out an EXIF block that would take much of the picture's bytes; the ICC profile always stays."""
        if len(self._container.sections.get(EXIF, b"")) > GREATEST_EXIF_SHARE * allowed:
            del self._container.sections[EXIF]

    def _file(self, section: bytes) -> bytes:
        self._container.sections[SPLATS] = section
        return self._container.to_bytes()

    def _to_bytes(self, allowed: int) -> tuple[Coded, float]:
        """The section that makes a file of at most that many bytes, and the error before quantisation."""
        least = len(self._file(self._least_section()))
        if allowed < least:
            text = f"{allowed} bytes are too few: the least possible size is {least} bytes"
            metadata = self._metadata_bytes
            raise TargetError(f"{text}, {metadata} of them metadata" if metadata else text)
        room = self._room(allowed)
        splats = self._fitted(room)
        frame = Pyramid((self._planes,)).frame(self._engine, 0)
        frame.place(splats)
        float_error = frame.decoded_error(self._planes)
        return self._coded(RateControl(frame, self._planes, splats), room), float_error

    def _coded(self, control: RateControl, room: int) -> Coded:
        """The fitted splats in that many bytes, or one flat colour where they are no better.

        They are not on pictures that are flat, or have no structure that the bytes could hold.
        """
        coded = control.fill(room)
        if self._options.preset == "paper":  # to the letter
            return coded
        flat = control.flat()
        return flat if len(flat.section) <= room and flat.error <= coded.error else coded

    def _room(self, allowed: int) -> int:
        """Bytes of the section in a file of that many; its length stands in the file too, in one byte or more."""
        longest = allowed - len(self._file(b""))
        return longest - (len(self._file(bytes(longest))) - allowed)

    def _least_section(self) -> bytes:
        """A section of one splat at the coarsest quantum."""
        code = np.zeros((1, 9), np.int32)
        code[0, COLOURS] = 1
        return write_splats(code, KNOBS - 1, self._width, self._height)[0]

    def _search(self, wanted: float) -> tuple[Coded, float]:
        """The smallest file found whose decoded picture has at least that PSNR.

        PSNR is close to linear in the logarithm of the bytes, so a secant finds the place in a few encodings.
        """
        least = LEAST_BYTES + self._metadata_bytes
        search: PsnrSearch[tuple[Coded, float]] = PsnrSearch(wanted, max(3 * self._width * self._height, least), least)
        while (allowed := search.next()) is not None:
            coded, float_error = self._to_bytes(allowed)
            search.tell(allowed, psnr_of(coded.error, self._planes.size), (coded, float_error))
        return search.result()

    def _fitted(self, allowed: int) -> Splats:
        """Splats for a section of about that many bytes."""
        o, pixels = self._options, self._width * self._height
        if o.preset == "paper":
            count = nominal_count(self._width, self._height, 3 * pixels / allowed)
            start = Splats(initialise(self._planes, count, seed=o.seed))
            return fit_paper(self._engine, self._planes, start, o.steps or STEPS, self._progress)
        count = max(1, min(pixels, int(allowed / BYTES_PER_SPLAT[self._container.grey])))
        pyramid = Pyramid.of(self._planes, coarsest_level(base_scale(self._height, self._width, count)))
        level = max(0, pyramid.coarsest - 1)  # fine enough to tell where the splats should be
        start = Splats(initialise_adaptive(pyramid.levels[level], 2.0**level, count, seed=o.seed))
        start = start.clipped(self._width, self._height)
        return fit(self._engine, pyramid, start, EFFORTS[o.effort], seed=o.seed, progress=self._progress)
