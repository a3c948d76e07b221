"""A ``.ssplat`` file."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial as partially
from typing import TYPE_CHECKING, Any

from numpy.typing import DTypeLike, NDArray

from smartsplat import _native
from smartsplat.coding.format import ALPHA, LATTICE, OVERVIEW
from smartsplat.errors import FormatError, LimitError, PictureError
from smartsplat.file.damage import Damage, salvaged
from smartsplat.file.metadata import metadata_of
from smartsplat.file.overview import check_overview, split_overview
from smartsplat.file.parts import Part, numbers_of, part_strips
from smartsplat.file.parts import Source as PartSource
from smartsplat.file.regions import Region, view_of, view_or_sized
from smartsplat.file.renderer import (
    MAX_OUTPUT_PIXELS,
    Renderer,
    channels_of,
    check_pixels,
    dtype_for,
    output_for,
    shape_of,
)
from smartsplat.file.source import Source, everything, opened
from smartsplat.file.splatset import SplatSet
from smartsplat.file.store import Store, section_of
from smartsplat.file.sweep import Sweep, is_whole
from smartsplat.model.lattice import Lattice
from smartsplat.model.numbers import positive_number, thread_count, two_sides
from smartsplat.model.report import Report
from smartsplat.model.splats import Splats
from smartsplat.model.view import View
from smartsplat.pictures.files import PathLike, atomic_write
from smartsplat.pictures.limits import pixel_limit

if TYPE_CHECKING:
    from types import TracebackType

    from PIL import Image

    from smartsplat.pictures.metadata import Metadata

LEAST_PARTED, MOST_SEEN = 4_000_000, 0.5
"""Pixels of a picture of which small parts are decoded by themselves, and the share of them up to which that pays."""

MOST_WHOLE = 36_000_000
"""Nodes of a lattice up to which strips of a part of a picture are drawn from all of it; each takes 12 bytes."""

MOST_SPLATS = 500_000
"""Of a picture with more nodes than that, splats up to which it is swept; each takes about 200 bytes."""

MOST_FETCHED = 1 << 28
"""Bytes of a file that is read by ranges up to which all of it is, for a picture that is drawn from top to bottom."""

DRAFT_SLACK = 0.05
"""By how much a draft may have more pixels than the overview along a side: sides are rounded."""

PREVIEW_SIDE = 512
"""Longest side, px, of what a notebook shows of a file."""


@contextmanager
def _naming(name: str | None) -> Iterator[None]:
    """Puts a file's name before what is wrong with it."""
    try:
        yield
    except (FormatError, LimitError) as error:
        if name is None:
            raise
        raise type(error)(f"{name}: {error}") from error


class SplatFile:
    """A picture as splats, with what a file keeps beside them.

    Made by ``smartsplat.encode`` and ``smartsplat.open``. It is immutable, so threads can share it; it pickles as
    its bytes. Of a large or far file parts are read when they are needed; as a context manager it closes that.

    Args:
        data: the bytes of a file, or what reads them.
        report: how the encoding went, if this file has just been encoded.
        name: for messages.
        fitted: the splats before they were quantised, likewise, if it has no lattice. They do not pickle.
        partial: whether the bytes may be damaged, or end early, behind header and index.

    Raises:
        FormatError: they are not a valid file. (The streams are read when they are first asked for.)
    """

    def __init__(
        self, data: bytes | Store, report: Report | None = None, name: str | None = None, *,
        fitted: Splats | None = None, partial: bool = False,
    ) -> None:  # fmt: skip
        if not isinstance(data, bytes) and (partial or not isinstance(data, Store)):  # `from_bytes` takes more
            raise TypeError(f"a .ssplat file is made of bytes, not {type(data).__name__}")
        self._store = data if isinstance(data, Store) else None
        self._data = data if isinstance(data, bytes) else None
        self._damage: tuple[Damage, ...] = ()
        self._partial = partial
        with _naming(name):
            alpha: bytes | Store | None
            if isinstance(data, Store):
                self._file, alpha = data.file, data.alpha
            elif partial:
                self._file, alpha, self._damage = salvaged(data)
            else:
                self._file = _native.File(data)
                alpha = self._file.section(ALPHA)
        self._alpha = None if alpha is None else SplatFile(alpha, name=f"{name or 'picture'}: alpha", partial=partial)
        self._name = name
        self._reading = threading.Lock()
        self._splats: Splats | None = None
        self._lattice: Lattice | None = None
        self._renderer: Renderer | None = None
        self._overview: tuple[int, SplatFile] | None = None
        self._seen = 0.0  # px of the picture, by views that were decoded by themselves
        self._swept = False
        self._fitted = fitted
        self.report = report

    @classmethod
    def from_bytes(cls, data: bytes | bytearray | memoryview) -> SplatFile:
        """Reads the bytes of a file; what can change is copied.

        Raises:
            FormatError: they are not a valid one.
        """
        if not isinstance(data, (bytes, bytearray, memoryview)):  # `bytes` would make some of a number, too
            raise TypeError(f"a .ssplat file is made of bytes, not {type(data).__name__}")
        return cls(bytes(data))

    @classmethod
    def open(cls, source: Source, *, partial: bool = False) -> SplatFile:
        """Reads a file: a path, an address that fsspec knows, bytes, or a file open in binary mode.

        The last is read to its end and stays open. Of a large or far file only header and index are read now; it stays
        open as well. With ``partial`` it may be damaged, or end early, behind these: it is read as a whole, what is
        left is decoded, and ``damage`` says what is not.

        Raises:
            OSError: the file cannot be opened or read: FileNotFoundError, IsADirectoryError, ...
            FormatError: it is not a valid one; the message names it.
            TypeError: the source is none of these.
        """
        if partial:
            data, name = everything(source)
            return cls(data, name=name, partial=True)
        found, name = opened(source)
        return cls(found, name=name)

    # What the header says

    @property
    def width(self) -> int:
        """Width of the picture, px."""
        return self._file.width

    @property
    def height(self) -> int:
        """Height of the picture, px."""
        return self._file.height

    @property
    def grey(self) -> bool:
        """Whether the picture has one channel only."""
        return self._file.grey

    @property
    def bits(self) -> int:
        """Of a sample of the picture that was encoded, 8 to 16."""
        return self._file.bits

    @property
    def alpha(self) -> SplatFile | None:
        """The picture's alpha, a grey picture of the same size in a file of its own; None if it is opaque."""
        return self._alpha

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the picture as an array: (H, W, 3), or (H, W) if it is grey; (H, W, 4) or (H, W, 2) with alpha."""
        return shape_of(self.width, self.height, channels_of(self))

    @property
    def section_bytes(self) -> dict[int, int]:
        """Length of each section by its type, in bytes."""
        return dict(self._file.sections)

    def __len__(self) -> int:
        """Bytes of the file."""
        return self._store.size if self._data is None and self._store else len(self._all())

    @property
    def bytes_read(self) -> int:
        """Bytes of the file that have been read so far; bytes that were read twice count twice."""
        stores = [file._store for file in (self, self._alpha) if file and file._store]
        return sum(store.bytes_read for store in stores) if stores else len(self)

    def _all(self) -> bytes:
        """All bytes, from now on here."""
        if self._data is None:
            assert self._store is not None
            with self._reading:
                if self._data is None:
                    with _naming(self._name):
                        data = self._store.all()
                        self._file = _native.File(data)
                        if alpha := self._file.section(ALPHA):
                            self._alpha = SplatFile(alpha, name=self._alpha._name if self._alpha else None)
                    self._data = data
        return self._data

    def _whole(self) -> _native.File:
        """The file with all its bytes."""
        self._all()
        return self._file

    @property
    def damage(self) -> tuple[Damage, ...]:
        """What is not decoded of a file that was opened with ``partial``, alpha's last.

        Where chunks of the lattice are lost the coarser ones alone show the picture, or nothing (black) where there are
        none; lost splats are left out.
        """
        of_alpha = () if self._alpha is None else self._alpha.damage
        return self._damage + tuple(replace(each, of_alpha=True) for each in of_alpha)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        name = f" {self._name}" if self._name else ""
        kind = ("grey" if self.grey else "RGB") + (" and alpha" if self.alpha else "")
        kind += f" of {self.bits} bits" if self.bits > 8 else ""
        ratio = 3 * self.width * self.height / len(self)
        return f"<smartsplat.SplatFile{name}: {self.width} x {self.height} {kind}, {len(self)} bytes, CR {ratio:.1f}>"

    # Decoded parts

    @property
    def splats(self) -> Splats:
        """The splats; their attributes are read-only arrays.

        Raises:
            FormatError: the stream is not valid.
        """
        return self.decode_splats()

    @property
    def lattice(self) -> Lattice | None:
        """The smooth layer under the splats, if the file has one; its values are read-only.

        Raises:
            FormatError: its streams are not valid.
        """
        return self.decode_lattice()

    def decode_splats(self, *, threads: int = 0) -> Splats:
        """``splats``, with so many threads the first time, 0 for one for each processor."""
        if self._splats is None:
            with _naming(self._name):
                self._splats = Splats(self._whole().splats(thread_count(threads)))
        return self._splats

    def decode_lattice(self, *, threads: int = 0, max_work: float = 1.0) -> Lattice | None:
        """``lattice``, with so many threads the first time, 0 for one for each processor; see ``Renderer``.

        Raises:
            LimitError: it is more work than that.
            FormatError: its streams are not valid.
        """
        if self._lattice is None:
            work = positive_number(max_work, "max_work", finite=False)
            with _naming(self._name):
                file = self._whole()
                spacing, values = file.lattice_spacing, file.lattice(work, thread_count(threads))
            if spacing is None or values is None:
                return None
            self._lattice = Lattice(self.width, self.height, spacing, values)
        return self._lattice

    def decode_blocks(self, *, threads: int = 0, max_work: float = 1.0) -> _native.Blocks | None:
        """The pixels that stand over splats and lattice, if the file has some; see ``decode_lattice``.

        Raises:
            LimitError: they are more work than that.
            FormatError: their streams are not valid.
        """
        work = positive_number(max_work, "max_work", finite=False)
        with _naming(self._name):
            return self._whole().blocks(work, thread_count(threads))

    @property
    def fitted(self) -> SplatSet | None:
        """The splats before they were quantised, if this file has just been encoded here and has no lattice."""
        return None if self._fitted is None else SplatSet(self._fitted, self.width, self.height)

    @property
    def metadata(self) -> Metadata:
        """ICC profile, EXIF block and the like, unpacked.

        Raises:
            FormatError: they are damaged or too large.
        """
        with _naming(self._name):
            return metadata_of(self._section)

    def _section(self, kind: int) -> bytes | None:
        return section_of(self._file, kind, self._store if self._data is None else None)

    # Pictures

    def check_decodable(self, max_pixels: int) -> None:
        """Refuses a picture whose lattice is larger than the limit allows, for it is decoded as a whole.

        Raises:
            PictureError: it is.
        """
        if self.width * self.height > max(max_pixels, MAX_OUTPUT_PIXELS) and LATTICE in self.section_bytes:
            raise PictureError(
                f"the picture has {self.width} x {self.height} pixels, and its lattice is read as a whole; "
                "allow more with max_pixels"
            )

    def view(self, scale: float, region: Region | None) -> View:
        """The view that ``render`` computes; see ``smartsplat.file.regions.view_of``."""
        return view_of(self.width, self.height, scale, region)

    def render(
        self,
        *,
        scale: float = 1.0,
        region: Region | None = None,
        size: tuple[int, int] | None = None,
        out: NDArray[Any] | None = None,
        dtype: DTypeLike | None = None,
        draft: bool = False,
        engine: str = "auto",
        threads: int = 0,
        max_pixels: int = MAX_OUTPUT_PIXELS,
        max_work: float = 1.0,
    ) -> NDArray[Any]:
        """Decodes the picture, or a part of it; what is decoded is kept for the next call.

        Of a large picture (4 MP) a small part is decoded by itself, from the chunks that it needs, of which those that
        were used last are kept (64 MB), until the parts together are half of the picture; and nothing is kept of the
        first time that all of it is wanted at full size, when a damaged chunk may be met after much is drawn.

        Args:
            scale: pixels of the result for each px of the picture, above 0.
            region: the part to render, x, y, width, height in px, within the picture.
            size: width and height of the result, px, instead of a scale; they may stretch the picture.
            out: array to render into.
            dtype: uint8, uint16, or float32 for values in [0, 1] that are not rounded; the default is what the picture
                has.
            draft: be content with the overview that large files have, where it has as many pixels as the result; a
                small view that is decoded by itself leaves out waves shorter than half a pixel of it.
            engine: see ``smartsplat.engines.load_engine``.
            threads: for this call, 0 for one for each processor.
            max_pixels: what the result may have.
            max_work: what it may cost; see ``Renderer``.

        Returns:
            [H, W, 3], or [H, W] if the picture is grey; [H, W, 4] or [H, W, 2] with alpha; see ``Renderer.render``.

        Raises:
            PictureError: the region is empty or not within the picture, or the result too large.
            LimitError: the file asks for more work than it may.
            FormatError: the streams are not valid.
            ValueError: the array has another shape or type, or an option is out of range.
        """
        view = view_or_sized(self.width, self.height, scale, size, region)
        check_pixels(view, pixel_limit(max_pixels))  # before anything is decoded
        if draft and (reduced := self._reduced(view, region)):
            small, place = reduced
            return small.render(
                region=place, size=(view.width, view.height), out=out, dtype=self._dtype(out, dtype), engine=engine,
                threads=threads, max_pixels=max_pixels, max_work=max_work,
            )  # fmt: skip
        if engine == "auto" and not self._swept and self._is_swept(view, max_work):
            pixels = output_for(view, channels_of(self), self.bits, out, dtype)
            with _naming(self._name):
                self._sweep(max_work, threads).draw(pixels)
            self._swept = True
            return pixels
        if engine == "auto" and self._is_part(view, draft):
            pixels = output_for(view, channels_of(self), self.bits, out, dtype)
            work = positive_number(max_work, "max_work", finite=False)
            with _naming(self._name):
                Part(self._sources(), view, work, thread_count(threads), draft=draft).render(view, pixels)
            return pixels
        self.check_decodable(max_pixels)
        renderer = self._renderer_of(engine, threads, max_pixels, max_work)
        return renderer.render(
            region=region, scale=scale, size=size, out=out, dtype=dtype, threads=threads, max_pixels=max_pixels,
            max_work=max_work,
        )  # fmt: skip

    def strips(
        self,
        *,
        scale: float = 1.0,
        region: Region | None = None,
        size: tuple[int, int] | None = None,
        dtype: DTypeLike | None = None,
        draft: bool = False,
        engine: str = "auto",
        threads: int = 0,
        max_pixels: int = MAX_OUTPUT_PIXELS,
        max_work: float = 1.0,
    ) -> Iterator[NDArray[Any]]:
        """The same, strip by strip; see ``render`` and ``Renderer.strips``.

        Of a huge picture no more is decoded at a time than some strips need; a damaged chunk may be met after some.
        """
        view = view_or_sized(self.width, self.height, scale, size, region)
        check_pixels(view, pixel_limit(max_pixels))
        if draft and (reduced := self._reduced(view, region)):
            small, place = reduced
            yield from small.strips(
                region=place, size=(view.width, view.height), dtype=self._dtype(None, dtype), engine=engine,
                threads=threads, max_pixels=max_pixels, max_work=max_work,
            )  # fmt: skip
            return
        if engine == "auto" and (self._is_huge() or not self._swept) and self._is_swept(view, max_work):
            with _naming(self._name):
                yield from self._sweep(max_work, threads).strips(view, channels_of(self), self.bits, dtype)
            self._swept = True
            return
        if engine == "auto" and (self._is_huge() or self._is_part(view, draft)):
            work, count = positive_number(max_work, "max_work", finite=False), thread_count(threads)
            with _naming(self._name):
                yield from part_strips(self._sources, view, channels_of(self), self.bits, dtype, work, count, draft)
            return
        self.check_decodable(max_pixels)
        renderer = self._renderer_of(engine, threads, max_pixels, max_work)
        yield from renderer.strips(
            region=region, scale=scale, size=size, dtype=dtype, threads=threads, max_pixels=max_pixels,
            max_work=max_work,
        )  # fmt: skip

    @property
    def overview(self) -> SplatFile | None:
        """The picture reduced, if the file keeps that; large ones do.

        Raises:
            FormatError: it is not valid.
        """
        found = self._overview_of()
        return None if found is None else found[1]

    def _overview_of(self) -> tuple[int, SplatFile] | None:
        """How many px are one of its own, and the overview."""
        if self._overview is None and self._file.metadata_range(OVERVIEW):
            with _naming(self._name):
                factor, data = split_overview(self._section(OVERVIEW) or b"")
                file = SplatFile(data)
                check_overview(self.width, self.height, factor, (file.width, file.height))
            self._overview = factor, file
        return self._overview

    def _dtype(self, out: NDArray[Any] | None, dtype: DTypeLike | None) -> DTypeLike | None:
        """What a draft's samples are: those of an overview have fewer bits than the picture's may have."""
        return dtype if out is not None else dtype_for(self.bits, dtype)

    def _reduced(self, view: View, region: Region | None) -> tuple[SplatFile, Region] | None:
        """The overview, and where in it a view is, if it is as fine as that."""
        found = self._overview_of()
        if found is None or max(view.zoom, view.zoom * view.aspect) * found[0] > 1 + DRAFT_SLACK:
            return None
        factor, file = found
        x, y, width, height = region or (0, 0, self.width, self.height)
        return file, (x / factor, y / factor, width / factor, height / factor)

    def _is_part(self, view: View, draft: bool) -> bool:
        """Whether a view is decoded by itself; those that are add up, as much as each needs of the lattice."""
        pixels = self.width * self.height
        if self._renderer is not None or pixels < LEAST_PARTED:
            return False
        needed = 4.0 ** -self._file.low_level(numbers_of(view), draft)
        self._seen += needed * view.width * view.height / (view.zoom**2 * view.aspect)
        return self._seen <= MOST_SEEN * pixels

    def _is_swept(self, view: View, max_work: float) -> bool:
        """Whether a view is drawn from top to bottom: all of a large picture, of which nothing is decoded yet."""
        if self._renderer is not None or self._lattice is not None or not is_whole(view, self.width, self.height):
            return False
        if self._store is not None and self._data is None and self._store.size > MOST_FETCHED:
            return False
        work, huge = positive_number(max_work, "max_work", finite=False), self._is_huge()
        return self.width * self.height >= LEAST_PARTED and all(
            file.sweeps(work) and not (huge and file.splat_count > MOST_SPLATS) for file, _ in self._sources()
        )

    def _sweep(self, max_work: float, threads: int) -> Sweep:
        files = [self._whole()] + ([] if self._alpha is None else [self._alpha._whole()])
        return Sweep(files, positive_number(max_work, "max_work", finite=False), thread_count(threads))

    def _sources(self) -> list[PartSource]:
        """What parts are decoded from: the colours, and the alpha if there is one."""
        own = self._file, None if self._data else self._store
        return [own] if self._alpha is None else [own, *self._alpha._sources()]

    def _is_huge(self) -> bool:
        """Whether the whole lattice takes more memory than is needed for strips of it."""
        spacing = self._file.lattice_spacing
        return self._renderer is None and spacing is not None and self.width * self.height > MOST_WHOLE * spacing**2

    def _renderer_of(self, engine: str, threads: int, max_pixels: int, max_work: float) -> Renderer:
        """The renderer of the usual engine is kept; two threads that make it at once make two, and one stays."""
        if engine != "auto":
            return Renderer(self, engine=engine, threads=threads, max_pixels=max_pixels, max_work=max_work)
        if self._renderer is None:
            self._renderer = Renderer(self, threads=threads, max_pixels=max_pixels, max_work=max_work)
        return self._renderer

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """The whole picture, uint8 or uint16, of the ``shape``."""
        if copy is False:
            raise ValueError("a picture is decoded anew, which makes a copy")
        pixels = self.render()
        return pixels if dtype is None else pixels.astype(dtype, copy=False)

    def to_pil(
        self, *, scale: float = 1.0, region: Region | None = None, draft: bool = False, threads: int = 0,
        max_pixels: int = MAX_OUTPUT_PIXELS, max_work: float = 1.0,
    ) -> Image.Image:  # fmt: skip
        """The picture, or a part of it, as one of Pillow, with its colour profile and EXIF; see ``render``."""
        from smartsplat.pictures.picture import to_pil

        pixels = self.render(
            scale=scale, region=region, draft=draft, threads=threads, max_pixels=max_pixels, max_work=max_work
        )
        return to_pil(pixels, self.metadata)

    def thumbnail(
        self, size: int | tuple[int, int], *, draft: bool = False, threads: int = 0, max_work: float = 1.0
    ) -> Image.Image:
        """The whole picture as large as fits into a size, px: width and height, or both; never enlarged.

        With ``draft`` it may come from the file's overview; see ``render``.

        Raises:
            PictureError: a side is less than 1.
            TypeError: the size is neither a whole number nor two of them.
        """
        width, height = two_sides(size)
        if min(width, height) < 1:
            raise PictureError(f"a thumbnail of {width} x {height} px has no pixels")
        scale = min(min(width, self.width) / self.width, min(height, self.height) / self.height)
        return self.to_pil(scale=scale, draft=draft, threads=threads, max_work=max_work)

    def _repr_png_(self) -> bytes:
        """What notebooks show."""
        stream = io.BytesIO()
        self.thumbnail(PREVIEW_SIDE, draft=True).save(stream, format="PNG")
        return stream.getvalue()

    # As bytes

    def to_bytes(self) -> bytes:
        """The bytes of the file."""
        return self._all()

    def __bytes__(self) -> bytes:
        return self._all()

    def save(self, path: PathLike, *, overwrite: bool = False) -> None:
        """Writes the file; it appears whole or not at all.

        Raises:
            OutputError: it cannot be written, or stands there already and ``overwrite`` is not set.
        """
        with atomic_write(path, overwrite=overwrite) as out:
            out.write(self._all())

    def __reduce__(self) -> tuple[Any, ...]:
        return partially(SplatFile, partial=self._partial), (self._all(), self.report, self._name)

    def __enter__(self) -> SplatFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes a file of which parts are read; what has not been read is not there any more."""
        if self._store:
            self._store.close()


__all__ = ["MAX_OUTPUT_PIXELS", "Region", "Renderer", "Source", "SplatFile"]
