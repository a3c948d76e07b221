"""The compared systems as methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from smartsplat import __version__
from smartsplat.bench.interface import MissingExtraError, Pixels
from smartsplat.bench.methods.interface import FLOAT_BYTES, LogRow, Outcome
from smartsplat.pipeline.target import NOMINAL_BYTES, Target


class SystemMethod:
    """A system at N splats of Eq. 5, without any quantisation, as the paper's tables have it.

    Args:
        name: of ``names.SYSTEMS``.
        steps: of its optimiser, at least 1.
        seed: of all that is random.
        threads: of PyTorch.

    Raises:
        MissingExtraError: PyTorch is not installed.
    """

    def __init__(self, name: str, steps: int, seed: int, threads: int) -> None:
        try:
            import torch
        except ImportError as error:
            raise MissingExtraError("PyTorch", "torch") from error
        self._name, self._steps, self._seed, self._threads = name, steps, seed, threads
        self._torch_version = str(torch.__version__)

    @property
    def name(self) -> str:
        """As on the command line."""
        return self._name

    @property
    def versions(self) -> Mapping[str, str]:
        """Ours, which draws, and PyTorch's."""
        return {"smartsplat": __version__, "torch": self._torch_version}

    @property
    def settings(self) -> Mapping[str, Any]:
        """Steps and seed; the rest is the recipe."""
        return {"steps": self._steps, "seed": self._seed}

    def run(self, pixels: Pixels, cr: float, log: Callable[[LogRow], None] | None, every: int) -> Outcome:
        """See ``Method``."""
        import torch

        from smartsplat.bench.systems.fit import fit
        from smartsplat.bench.systems.registry import SYSTEMS

        torch.set_num_threads(self._threads)
        height, width = pixels.shape[:2]
        count = Target(cr=cr).nominal_count(width, height)
        fitted = fit(SYSTEMS[self._name], pixels, count, self._steps, seed=self._seed, log=log, every=every)
        splats = fitted.system.count
        return Outcome(
            nominal_bytes=NOMINAL_BYTES * splats, bytes=FLOAT_BYTES * fitted.system.numbers * splats,
            total_seconds=fitted.start_seconds + fitted.seconds, frame=fitted.system.picture,
            picture=fitted.picture(), splats=splats, steps=fitted.steps, start_seconds=fitted.start_seconds,
            seconds=fitted.seconds,
        )  # fmt: skip
