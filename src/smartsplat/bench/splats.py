"""SmartSplat itself as a codec of the comparison."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from smartsplat import __version__
from smartsplat.api import decode, encode
from smartsplat.bench.environment import commit
from smartsplat.bench.interface import Encoded, Pixels, is_grey, three_channels
from smartsplat.errors import TargetError
from smartsplat.fitting.schedule import DEFAULT_EFFORT
from smartsplat.pipeline.options import DEFAULT_TUNE

SPLATS = "splats"
"""In the place of a tune: splats alone."""


class SmartSplat:
    """``smartsplat.encode`` with a size.

    Args:
        effort: 1 to 9, None for the default.
        threads: to use.
        tune: as ``smartsplat.encode`` has it, None for the default; or SPLATS for no lattice.
    """

    def __init__(self, effort: int | None, threads: int, tune: str | None = None) -> None:
        self._effort = DEFAULT_EFFORT if effort is None else effort
        self._threads = threads
        kind = "smartsplat" if tune in (None, DEFAULT_TUNE) else f"smartsplat {tune}"
        self._name = kind if self._effort == DEFAULT_EFFORT else f"{kind}:{self._effort}"
        self._how: dict[str, Any] = {"lattice": "none"} if tune == SPLATS else {"tune": tune or DEFAULT_TUNE}

    @property
    def name(self) -> str:
        """``smartsplat``, with the tune and the effort where they are not the default."""
        return self._name

    @property
    def versions(self) -> Mapping[str, str]:
        """The commit as well, where there is one: between releases it decides the bytes."""
        found = commit()
        return {"smartsplat": __version__ if found == __version__ else f"{__version__}+{found}"}

    @property
    def settings(self) -> Mapping[str, Any]:
        """The effort, and the tune or that there is no lattice."""
        return {"effort": self._effort, **self._how}

    def encode_to(self, pixels: Pixels, allowed: int) -> Encoded | None:
        """The file of at most that size, or None if none can be so small."""
        source = pixels[:, :, 0] if is_grey(pixels) else pixels
        started = time.perf_counter()
        try:
            file = encode(source, size=allowed, effort=self._effort, threads=self._threads, **self._how)
        except TargetError:
            return None
        seconds = time.perf_counter() - started
        assert file.report is not None
        return Encoded(file.to_bytes(), f"{file.report.splats} splats", 1, seconds)

    def decode(self, data: bytes, width: int, height: int) -> Pixels:
        """The picture, rendered at its own size."""
        return three_channels(decode(data, threads=self._threads))
