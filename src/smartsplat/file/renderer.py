"""Serves many views of one picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from smartsplat import _native
from smartsplat.engines import load_engine
from smartsplat.errors import PictureError
from smartsplat.file.regions import Region, view_or_sized
from smartsplat.model.lattice import Lattice
from smartsplat.model.numbers import positive_number, thread_count
from smartsplat.model.splats import Splats
from smartsplat.model.view import View
from smartsplat.pictures.limits import pixel_limit

MAX_OUTPUT_PIXELS = 400_000_000
"""Pixels that a picture may have when it is rendered, unless the caller allows more."""


STRIP_BYTES = 1 << 25
"""Of pixels that are rendered at a time where a picture is rendered strip by strip."""

TYPES = (np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32))
"""Of samples that are rendered."""

TILE = 64
"""px: strips have whole rows of the tiles that engines draw."""


class Decodable(Protocol):
    """What a renderer asks of a file; a ``SplatFile`` is one."""

    @property
    def width(self) -> int:
        """Width of the picture, px."""
        ...

    @property
    def height(self) -> int:
        """Height of the picture, px."""
        ...

    @property
    def grey(self) -> bool:
        """Whether it has one channel only."""
        ...

    @property
    def bits(self) -> int:
        """Of a sample of the picture that was encoded, 8 to 16."""
        ...

    @property
    def alpha(self) -> Decodable | None:
        """Its alpha as a grey picture; None if it is opaque."""
        ...

    def check_decodable(self, max_pixels: int) -> None:
        """Refuses a picture that is too large to be decoded."""
        ...

    def decode_splats(self, *, threads: int = 0) -> Splats:
        """The splats."""
        ...

    def decode_lattice(self, *, threads: int = 0, max_work: float = 1.0) -> Lattice | None:
        """The lattice under them, if there is one."""
        ...

    def decode_blocks(self, *, threads: int = 0, max_work: float = 1.0) -> _native.Blocks | None:
        """The blocks over both, if there are some."""
        ...


class Renderer:
    """A decoded file that serves views, for viewers and servers.

    What does not depend on the view is computed once, and a view costs what it shows. Any number of threads may
    render at the same time.

    Args:
        file: the picture, a ``SplatFile``; it is decoded now.
        engine: see ``smartsplat.engines.load_engine``.
        threads: for the decoding, and for views that do not say; 0 for one for each processor.
        max_pixels: what a view, and the lattice's picture, may have.
        max_work: what decoding and rendering may cost, times what a file and a view of such sizes should at most:
            the nodes of the lattice, the splats' pixels, and the tiles that they touch. No file that ``encode`` makes
            needs more than the default, 1; infinity for whatever it takes. The engine ``reference`` does not look.

    Raises:
        FormatError: the file's streams are not valid.
        PictureError: the picture is too large to be decoded.
        LimitError: the file asks for more work than it may.
        ValueError: the limit on pixels is no whole number from 1 on, or the threads none from 0 on, or that on work
            not above 0.
        TypeError: that is no file.
    """

    def __init__(
        self, file: Decodable, *, engine: str = "auto", threads: int = 0, max_pixels: int = MAX_OUTPUT_PIXELS,
        max_work: float = 1.0,
    ) -> None:  # fmt: skip
        # The file itself is not kept: it keeps its renderer, and a circle would hold the memory of both.
        if not callable(getattr(file, "decode_splats", None)):
            raise TypeError(f"a renderer serves a SplatFile, not {type(file).__name__}")
        self._size = file.width, file.height
        self._channels, self._bits = channels_of(file), file.bits
        self._title = repr(file)
        self._threads = thread_count(threads)
        self._max_pixels = pixel_limit(max_pixels)
        self._max_work = positive_number(max_work, "max_work", finite=False)
        file.check_decodable(self._max_pixels)
        lattice = file.decode_lattice(threads=threads, max_work=self._max_work)
        splats = file.decode_splats(threads=threads)
        self._views = load_engine(engine, threads).views(file.width, file.height, splats, lattice)
        self._blocks = file.decode_blocks(threads=threads, max_work=self._max_work)
        self._alpha: Renderer | None = None
        if file.alpha is not None:
            self._alpha = Renderer(
                file.alpha, engine=engine, threads=threads, max_pixels=max_pixels, max_work=max_work
            )  # fmt: skip

    def __repr__(self) -> str:
        return f"<smartsplat.Renderer of {self._title}>"

    @property
    def channels(self) -> int:
        """Of its views, 1 to 4: a grey or a coloured picture, alpha last."""
        return self._channels

    def render(
        self,
        *,
        region: Region | None = None,
        scale: float = 1.0,
        size: tuple[int, int] | None = None,
        out: NDArray[Any] | None = None,
        dtype: DTypeLike | None = None,
        threads: int | None = None,
        max_pixels: int | None = None,
        max_work: float | None = None,
    ) -> NDArray[Any]:
        """Renders a view.

        Args:
            region: the part to render, x, y, width, height in px, within the picture; None for all of it.
            scale: pixels of the result for each px of the picture, above 0.
            size: width and height of the result, px, instead of a scale; they may stretch the picture.
            out: array to render into, uint8, uint16 or float32 of the result's shape; pixels of a row side by side.
            dtype: of the result, where no array is given: uint8, uint16, or float32 for the picture before it is
                rounded, in [0, 1]. The default is uint8, or uint16 for a picture of more than 8 bits a sample.
            threads: for this call, 0 for one for each processor; None for what the renderer was made with.
            max_pixels: what the result may have; None likewise.
            max_work: what it may cost; None likewise.

        Returns:
            [H, W, 3], or [H, W] if the picture is grey; [H, W, 4] or [H, W, 2] if it has alpha, which comes last and
            is not multiplied with the colours. H and W are the region's (or the picture's) sides times the scale,
            rounded, at least 1. It is ``out`` if that was given.

        Raises:
            PictureError: the region is empty or not within the picture, or the result too large.
            LimitError: the view takes more work than it may.
            ValueError: the array has another shape or type, or an option is out of range.
        """
        view = self._view(region, scale, size, max_pixels)
        count, work = self._limits(threads, max_work)
        pixels = output_for(view, self._channels, self._bits, out, dtype)
        self._draw(view, pixels, count, work)
        return pixels

    def _draw(self, view: View, pixels: NDArray[Any], threads: int, work: float) -> None:
        self._draw_colours(view, colours_in(pixels), threads, work)
        if self._alpha is not None:
            self._alpha._draw_colours(view, alpha_in(pixels), threads, work)

    def _draw_colours(self, view: View, pixels: NDArray[Any], threads: int, work: float) -> None:
        self._views.render(view, pixels, threads=threads, work=work)
        if self._blocks is not None:
            self._blocks.draw(astuple(view), pixels, threads)

    def strips(
        self,
        *,
        region: Region | None = None,
        scale: float = 1.0,
        size: tuple[int, int] | None = None,
        dtype: DTypeLike | None = None,
        threads: int | None = None,
        max_pixels: int | None = None,
        max_work: float | None = None,
    ) -> Iterator[NDArray[Any]]:
        """Renders a view strip by strip, from the top: so many rows that each has about STRIP_BYTES.

        Args:
            region: see ``render``, as for the others.
            scale: likewise.
            size: likewise.
            dtype: likewise.
            threads: likewise.
            max_pixels: what all strips together may have.
            max_work: what each of them may cost.

        Yields:
            [rows, W, 3] or as ``render`` has it.

        Raises:
            PictureError: as ``render``, likewise the others.
            LimitError: likewise.
            ValueError: likewise.
        """
        view = self._view(region, scale, size, max_pixels)
        count, work = self._limits(threads, max_work)
        for part in strips_of(view, self._channels, dtype, self._bits):
            pixels = output_for(part, self._channels, self._bits, None, dtype)
            self._draw(part, pixels, count, work)
            yield pixels

    def _view(self, region: Region | None, scale: float, size: tuple[int, int] | None, max_pixels: int | None) -> View:
        view = view_or_sized(*self._size, scale, size, region)
        check_pixels(view, self._max_pixels if max_pixels is None else pixel_limit(max_pixels))
        return view

    def _limits(self, threads: int | None, max_work: float | None) -> tuple[int, float]:
        """Threads and work of a call, where it says otherwise than the renderer."""
        count = self._threads if threads is None else thread_count(threads)
        work = self._max_work if max_work is None else positive_number(max_work, "max_work", finite=False)
        return count, work


def channels_of(file: Decodable) -> int:
    """Of the pixels that are rendered: 1 grey, 3 RGB, one more with alpha."""
    return (1 if file.grey else 3) + (file.alpha is not None)


def shape_of(width: int, height: int, channels: int) -> tuple[int, ...]:
    """Of an array of such pixels: [H, W] or [H, W, channels]."""
    return (height, width) if channels == 1 else (height, width, channels)


def colours_in(pixels: NDArray[Any]) -> NDArray[Any]:
    """The part of pixels [H, W] or [H, W, 2 to 4] that is not alpha: [H, W] or [H, W, 3]."""
    if pixels.ndim == 2 or pixels.shape[2] == 3:
        return pixels
    return pixels[:, :, 0] if pixels.shape[2] == 2 else pixels[:, :, :3]


def alpha_in(pixels: NDArray[Any]) -> NDArray[Any]:
    """The alpha [H, W] of pixels [H, W, 2] or [H, W, 4]."""
    return pixels[:, :, -1]


def dtype_for(bits: int, dtype: DTypeLike | None) -> np.dtype[Any]:
    """The type of rendered samples: what is asked for, or what a picture of so many bits a sample has.

    Raises:
        ValueError: it is none of them.
    """
    try:
        wanted = np.dtype((np.uint8 if bits <= 8 else np.uint16) if dtype is None else dtype)
    except TypeError:
        wanted = np.dtype(object)
    if wanted not in TYPES:
        raise ValueError(f"pictures are rendered as uint8, uint16 or float32, not {dtype}")
    return wanted


def output_for(view: View, channels: int, bits: int, out: NDArray[Any] | None, dtype: DTypeLike | None) -> NDArray[Any]:
    """The array to render a view into: the caller's, or a new one that is not initialised; see ``Renderer.render``.

    Raises:
        TypeError: it is no array.
        ValueError: it has another shape or type, or cannot be written to.
    """
    wanted = dtype_for(bits, dtype)
    if out is None:
        return _native.empty_pixels(view.height, view.width, channels, wanted.itemsize)
    _check_output(out, shape_of(view.width, view.height, channels))
    if dtype is not None and out.dtype != wanted:
        raise ValueError(f"the array is of type {out.dtype}, not {wanted}")
    return out


def strips_of(view: View, channels: int, dtype: DTypeLike | None, bits: int) -> Iterator[View]:
    """The strips of a view from the top, each of about STRIP_BYTES of samples; see ``dtype_for``."""
    row_bytes = view.width * channels * dtype_for(bits, dtype).itemsize
    yield from cut(view, max(1, STRIP_BYTES // row_bytes // TILE) * TILE)


def cut(view: View, rows: int) -> Iterator[View]:
    """A view in pieces of so many rows."""
    for y in range(0, view.height, rows):
        yield replace(view, top=view.top + y / (view.zoom * view.aspect), height=min(rows, view.height - y))


def check_pixels(view: View, most: int) -> None:
    """Refuses a view of more pixels than that.

    Raises:
        PictureError: it has them.
    """
    if view.width * view.height > most:
        raise PictureError(
            f"the result would have {view.width} x {view.height} pixels, more than {most}; allow more with max_pixels"
        )


def _check_output(out: object, shape: tuple[int, ...]) -> None:
    if not isinstance(out, np.ndarray):
        raise TypeError(f"a picture is rendered into an array, not into {type(out).__name__}")
    if out.shape != shape or out.dtype not in TYPES:
        raise ValueError(f"the array must be uint8, uint16 or float32 {list(shape)}, not {out.dtype} {list(out.shape)}")
    if not out.flags.writeable:
        raise ValueError("the array to render into is read-only")
    if shape[1] > 1 and out[0].strides != np.empty(shape[1:], out.dtype).strides:
        raise ValueError("the pixels of a row must lie side by side")
