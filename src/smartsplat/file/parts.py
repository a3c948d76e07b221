"""Views that are decoded by themselves: from the chunks that they need, of as many rows at a time as memory allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from numpy.typing import DTypeLike, NDArray

from smartsplat import _native
from smartsplat.file.renderer import TILE, alpha_in, colours_in, cut, output_for, strips_of
from smartsplat.file.store import Store
from smartsplat.model.view import View

PART_NODES = 6_000_000
"""Of a lattice that are decoded at a time; each takes about 40 bytes."""

USUAL_SPACING = 4
"""px between nodes, for pictures that have none."""

Source = tuple[_native.File, Store | None]
"""A file, and what reads its chunks if it has not all of its bytes."""


def numbers_of(view: View) -> tuple[int, int, float, float, float, float, float]:
    """A view as native code takes it."""
    return view.width, view.height, view.zoom, view.left, view.top, view.blur, view.aspect


class Part:
    """What a view needs, decoded: it serves that view and those within it that are no larger.

    Args:
        sources: the colours' file, then that of the alpha if there is one.
        view: what is wanted.
        work: what decoding and each view may cost; see ``Renderer``.
        threads: 0 for one for each processor.
        draft: whether a view that shows the picture small may be made from less of the lattice.

    Raises:
        FormatError: a chunk is damaged.
        LimitError: it is more work than that.
    """

    def __init__(self, sources: list[Source], view: View, work: float, threads: int, *, draft: bool = False) -> None:
        self._work, self._threads = work, threads
        self._parts = [_decoded(file, store, numbers_of(view), work, threads, draft) for file, store in sources]

    def render(self, view: View, pixels: NDArray[Any]) -> None:
        """Draws a view into pixels of its size, [H, W] or [H, W, C]."""
        outputs = [colours_in(pixels)] if len(self._parts) == 1 else [colours_in(pixels), alpha_in(pixels)]
        for part, output in zip(self._parts, outputs, strict=True):
            part.render(numbers_of(view), output, self._work, self._threads)


def _decoded(
    file: _native.File, store: Store | None, numbers: tuple[Any, ...], work: float, threads: int, draft: bool
) -> _native.Part:
    read = store.fetch(file.ranges(numbers, draft)) if store else None
    return file.part(numbers, work, threads, read, draft)


def slabs_of(view: View, spacing: int | None) -> Iterator[View]:
    """A view in pieces from the top, each of whole rows of tiles and about PART_NODES nodes of that spacing [px]."""
    each = spacing or USUAL_SPACING
    nodes = view.width / view.zoom / each  # in a row
    rows = int(PART_NODES / nodes * each * view.zoom * view.aspect)
    yield from cut(view, max(1, rows // TILE) * TILE)


def part_strips(
    sources: Callable[[], list[Source]], view: View, channels: int, bits: int, dtype: DTypeLike | None, work: float,
    threads: int, draft: bool = False,
) -> Iterator[NDArray[Any]]:  # fmt: skip
    """The strips of a view, as ``Renderer.strips`` yields them.

    Args:
        sources: gives those of ``Part``, which may become others from one strip to the next.
        view: what is wanted.
        channels: of the pixels.
        bits: of a sample of the picture.
        dtype: of the samples; None for what suits the bits.
        work: see ``Part``.
        threads: likewise.
        draft: likewise.
    """
    for slab in slabs_of(view, sources()[0][0].lattice_spacing):
        part = Part(sources(), slab, work, threads, draft=draft)
        for strip in strips_of(slab, channels, dtype, bits):
            pixels = output_for(strip, channels, bits, None, dtype)
            part.render(strip, pixels)
            yield pixels
        del part  # before the next one is made
