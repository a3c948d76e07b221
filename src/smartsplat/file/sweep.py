"""Whole pictures that are drawn once from top to bottom, without all of their lattice in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from numpy.typing import DTypeLike, NDArray

from smartsplat import _native
from smartsplat.file.renderer import alpha_in, colours_in, output_for, strips_of
from smartsplat.model.view import View


def is_whole(view: View, width: int, height: int) -> bool:
    """Whether a view is all of a picture at its full size."""
    return view == View(width, height, 1.0, 0.0, 0.0, 0.0, 1.0)


class Sweep:
    """The rows of a picture from the top.

    Args:
        files: the colours' file, then that of the alpha if there is one, with all their bytes.
        work: what decoding may cost; see ``Renderer``.
        threads: 0 for one for each processor.

    Raises:
        FormatError: a chunk is damaged; also of ``draw``.
        LimitError: it is more work than that.
    """

    def __init__(self, files: list[_native.File], work: float, threads: int) -> None:
        self._threads = threads
        self._sweeps = [file.sweep(work, threads) for file in files]

    def draw(self, pixels: NDArray[Any]) -> None:
        """The next rows, as many as the pixels [H, W] or [H, W, C] have."""
        outputs = [colours_in(pixels)] if len(self._sweeps) == 1 else [colours_in(pixels), alpha_in(pixels)]
        for sweep, output in zip(self._sweeps, outputs, strict=True):
            sweep.draw(output, self._threads)

    def strips(self, view: View, channels: int, bits: int, dtype: DTypeLike | None) -> Iterator[NDArray[Any]]:
        """The strips of the whole picture, as ``Renderer.strips`` yields them."""
        for strip in strips_of(view, channels, dtype, bits):
            pixels = output_for(strip, channels, bits, None, dtype)
            self.draw(pixels)
            yield pixels
