"""SmartSplat itself: the codec as it is, and the three ways to have splats alone."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smartsplat import __version__
from smartsplat.api import encode
from smartsplat.bench.interface import Pixels, is_grey, three_channels
from smartsplat.bench.methods.interface import LogRow, Outcome
from smartsplat.errors import TargetError
from smartsplat.file.renderer import Renderer
from smartsplat.file.splatfile import SplatFile
from smartsplat.file.splatset import SplatSet
from smartsplat.file.summary import summarise
from smartsplat.fitting.schedule import DEFAULT_EFFORT
from smartsplat.libraries import load_scipy
from smartsplat.model.report import Report
from smartsplat.pipeline.target import NOMINAL_BYTES, Target

VERSIONS = {"smartsplat": __version__}

AUTO = "auto"
"""The engine where none is asked for; only others stand in the settings, so that rows from before them still count."""


def _engine_setting(engine: str) -> dict[str, str]:
    return {} if engine == AUTO else {"engine": engine}


class Default:
    """The codec: a file of so many real bytes.

    Args:
        effort: 1 to 9, None for the default.
        seed: of all that is random.
        threads: to use.
        engine: that computes.
    """

    def __init__(self, effort: int | None, seed: int, threads: int, engine: str = AUTO) -> None:
        self._effort = DEFAULT_EFFORT if effort is None else effort
        self._seed, self._threads, self._engine = seed, threads, engine

    @property
    def name(self) -> str:
        """``smartsplat``, with the effort if it is not the default."""
        return "smartsplat" if self._effort == DEFAULT_EFFORT else f"smartsplat:{self._effort}"

    @property
    def versions(self) -> Mapping[str, str]:
        """Ours."""
        return VERSIONS

    @property
    def settings(self) -> Mapping[str, Any]:
        """Effort and seed, and the engine if one was asked for."""
        return {"effort": self._effort, "seed": self._seed} | _engine_setting(self._engine)

    def run(self, pixels: Pixels, cr: float, log: Callable[[LogRow], None] | None, every: int) -> Outcome | None:
        """See ``Method``; the log is of the fit of splats, where there is one."""
        _load_libraries()
        try:
            file = encode(
                _source(pixels), size=int(pixels.size / cr), effort=self._effort, seed=self._seed,
                threads=self._threads, log=log, log_every=every, engine=self._engine,
            )  # fmt: skip
        except TargetError:
            return None
        report, lattice_bytes = _report(file), summarise(file.to_bytes())["lattice_bytes"]
        return Outcome(
            nominal_bytes=NOMINAL_BYTES * report.splats + lattice_bytes, bytes=len(file), total_seconds=report.seconds,
            frame=_frames(file, self._threads, self._engine), decoded=_decoded(file, self._threads),
            splats=report.splats,
        )  # fmt: skip


class SplatsOnly:
    """N splats of Eq. 5 and nothing else, and a file of about 7 bytes for each.

    Args:
        name: of the method.
        options: of ``encode``, JSON values: what makes the difference.
        seed: of all that is random.
        threads: to use.
        engine: that computes.
    """

    def __init__(self, name: str, options: Mapping[str, Any], seed: int, threads: int, engine: str = AUTO) -> None:
        self._name, self._options = name, dict(options)
        self._seed, self._threads, self._engine = seed, threads, engine

    @property
    def name(self) -> str:
        """As it was given."""
        return self._name

    @property
    def versions(self) -> Mapping[str, str]:
        """Ours."""
        return VERSIONS

    @property
    def settings(self) -> Mapping[str, Any]:
        """The options and the seed, and the engine if one was asked for."""
        return self._options | {"seed": self._seed} | _engine_setting(self._engine)

    def run(self, pixels: Pixels, cr: float, log: Callable[[LogRow], None] | None, every: int) -> Outcome:
        """See ``Method``."""
        height, width = pixels.shape[:2]
        count = Target(cr=cr).nominal_count(width, height)
        _load_libraries()
        ends = _Ends(log)
        file = encode(
            _source(pixels), splats=count, seed=self._seed, threads=self._threads, log=ends, log_every=every,
            engine=self._engine, **self._options,
        )  # fmt: skip
        report, fitted = _report(file), file.fitted
        assert fitted is not None
        splats = len(fitted)
        return Outcome(
            nominal_bytes=NOMINAL_BYTES * splats, bytes=len(file), total_seconds=report.seconds,
            frame=_frames(fitted, self._threads, self._engine), picture=_float_picture(fitted, self._threads),
            decoded=_decoded(file, self._threads), splats=splats, steps=report.steps,
            start_seconds=ends.first, seconds=None if ends.first is None else ends.last - ends.first,
        )  # fmt: skip


def _load_libraries() -> None:
    """What a start loads when it first needs it, so that it is there before the clock starts, as for the systems."""
    load_scipy("scipy.spatial")


class _Ends:
    """Passes the rows of a log on, and keeps the seconds of the first and of the last one."""

    def __init__(self, log: Callable[[LogRow], None] | None) -> None:
        self._log = log
        self.first: float | None = None
        self.last = 0.0

    def __call__(self, row: LogRow) -> None:
        self.last = row["seconds"]
        if self.first is None:
            self.first = row["seconds"]
        if self._log is not None:
            self._log(row)


def _source(pixels: Pixels) -> NDArray[np.uint8]:
    return pixels[:, :, 0] if is_grey(pixels) else pixels


def _report(file: SplatFile) -> Report:
    assert file.report is not None
    return file.report


def _decoded(file: SplatFile, threads: int) -> Pixels:
    return three_channels(file.render(threads=threads, max_pixels=file.width * file.height))


def _float_picture(fitted: SplatSet, threads: int) -> NDArray[np.float32]:
    return fitted.render(threads=threads, max_pixels=fitted.width * fitted.height)


def _frames(shown: SplatFile | SplatSet, threads: int, engine: str) -> Callable[[], object]:
    @functools.cache  # the renderer takes memory, and few want frames
    def renderer() -> Renderer:
        return Renderer(shown, engine=engine, threads=threads, max_pixels=shown.width * shown.height)

    return lambda: renderer().render(dtype=np.float32)
