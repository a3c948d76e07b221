"""A ``.ssplat`` file in memory."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from smartsplat.coding.container import EXIF, ICC, LATTICE, MAGIC, SPLATS, Container
from smartsplat.coding.lattice_section import read_lattice
from smartsplat.coding.splat_section import read_splats
from smartsplat.engines import load_engine
from smartsplat.errors import FormatError, PictureError
from smartsplat.model.lattice import Lattice
from smartsplat.model.report import Report
from smartsplat.model.splats import Splats
from smartsplat.model.view import View
from smartsplat.pictures.files import atomic_write, read_file

if TYPE_CHECKING:
    from smartsplat.pictures.metadata import Metadata

GREATEST_SIDE = 1 << 30
"""Longest side of what is rendered, px."""

GREATEST_METADATA = 1 << 24
"""Bytes of one kind of metadata, unpacked, from which a file is refused."""

MAX_OUTPUT_PIXELS = 400_000_000
"""Pixels that a picture may have when it is rendered, unless the caller allows more."""

Region = tuple[float, float, float, float]
"""x, y, width, height in px of the picture."""


def metadata_sections(metadata: Metadata) -> dict[int, bytes]:
    """The sections that keep a picture's metadata; what is too large for a file is left out."""
    kinds = {ICC: metadata.icc, EXIF: metadata.exif}
    return {k: zlib.compress(data, 9) for k, data in kinds.items() if data and len(data) < GREATEST_METADATA}


def _unpack(data: bytes | None) -> bytes | None:
    if data is None:
        return None
    unpacker = zlib.decompressobj()
    try:
        unpacked = unpacker.decompress(data, GREATEST_METADATA)
    except zlib.error as error:
        raise FormatError(f"the metadata is damaged: {error}") from error
    if len(unpacked) == GREATEST_METADATA or not unpacker.eof:
        raise FormatError("the metadata is damaged or too large")
    return unpacked


@contextmanager
def _naming(name: str | None) -> Iterator[None]:
    """Puts a file's name before what is wrong with it."""
    try:
        yield
    except FormatError as error:
        if name is None:
            raise
        raise FormatError(f"{name}: {error}") from error


class SplatFile:
    """A picture as splats, with what a file keeps beside them.

    Made by ``smartsplat.encode`` and ``smartsplat.open``.

    Attributes:
        report: how the encoding went, if this file has just been encoded.
    """

    def __init__(
        self, container: Container, data: bytes, report: Report | None = None, name: str | None = None
    ) -> None:
        self._container = container
        self._data = data
        self._name = name
        self.report = report

    @classmethod
    def from_bytes(cls, data: bytes) -> SplatFile:
        """Reads the bytes of a file.

        Raises:
            FormatError: they are not a valid one. (The splats themselves are read when first asked for.)
        """
        return cls(Container.from_bytes(data), data)

    @classmethod
    def open(cls, path: str | Path) -> SplatFile:
        """Reads a file.

        Raises:
            FormatError: the file cannot be read, or is not a valid one; the message names it.
        """
        try:
            data = read_file(path, start=MAGIC)
        except OSError as error:
            raise FormatError(f"{path}: {error.strerror or error}") from error
        with _naming(str(path)):
            return cls(Container.from_bytes(data), data, name=str(path))

    @property
    def width(self) -> int:
        """Width of the picture, px."""
        return self._container.width

    @property
    def height(self) -> int:
        """Height of the picture, px."""
        return self._container.height

    @property
    def grey(self) -> bool:
        """Whether the picture has one channel only."""
        return self._container.grey

    @functools.cached_property
    def splats(self) -> Splats:
        """The splats; their attributes are arrays.

        Raises:
            FormatError: the stream is not valid.
        """
        with _naming(self._name):
            return read_splats(self._container.sections[SPLATS], self.width, self.height)

    @functools.cached_property
    def lattice(self) -> Lattice | None:
        """The smooth layer under the splats, if the file has one.

        Raises:
            FormatError: its streams are not valid.
        """
        section = self._container.sections.get(LATTICE)
        if section is None:
            return None
        with _naming(self._name):
            return read_lattice(section, self.width, self.height, grey=self.grey)

    @functools.cached_property
    def metadata(self) -> Metadata:
        """ICC profile and EXIF block, unpacked.

        Raises:
            FormatError: they are damaged or too large.
        """
        from smartsplat.pictures.metadata import Metadata

        sections = self._container.sections
        with _naming(self._name):
            return Metadata(icc=_unpack(sections.get(ICC)), exif=_unpack(sections.get(EXIF)))

    @property
    def section_bytes(self) -> dict[int, int]:
        """Length of each section by its type, in bytes."""
        return {kind: len(data) for kind, data in self._container.sections.items()}

    def to_bytes(self) -> bytes:
        """The bytes of the file."""
        return self._data

    def __len__(self) -> int:
        """Bytes of the file."""
        return len(self._data)

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Writes the file; it appears whole or not at all.

        Raises:
            OutputError: it cannot be written, or stands there already and ``overwrite`` is not set.
        """
        with atomic_write(path, overwrite=overwrite) as out:
            out.write(self._data)

    def render(
        self,
        *,
        scale: float = 1.0,
        region: Region | None = None,
        engine: str = "auto",
        threads: int = 0,
        max_pixels: int = MAX_OUTPUT_PIXELS,
    ) -> NDArray[np.uint8]:
        """Decodes the picture, or a part of it.

        Args:
            scale: pixels of the result for each px of the picture, above 0.
            region: the part to render, within the picture.
            engine: see ``smartsplat.engines.load_engine``.
            threads: likewise.
            max_pixels: what the result may have.

        Returns:
            uint8 [H, W, 3], or [H, W] if the picture is grey; H and W are the region's (or the picture's) sides
            times the scale, rounded, at least 1.

        Raises:
            PictureError: the region is empty or not within the picture, or the result too large.
            FormatError: the stream of splats is not valid.
        """
        view = self.view(scale, region)
        if view.width * view.height > max_pixels:
            raise PictureError(
                f"the result would have {view.width} x {view.height} pixels, more than {max_pixels}; "
                "allow more with max_pixels"
            )
        if self.width * self.height > max(max_pixels, MAX_OUTPUT_PIXELS) and LATTICE in self._container.sections:
            raise PictureError(
                f"the picture has {self.width} x {self.height} pixels, and its lattice is read as a whole; "
                "allow more with max_pixels"
            )
        pixels = load_engine(engine, threads).canvas(view, self.lattice).place(self.splats).render_bytes()
        return np.ascontiguousarray(pixels[:, :, 0]) if self.grey else pixels

    def view(self, scale: float, region: Region | None) -> View:
        """The view that ``render`` computes.

        Seen smaller, a pixel stands for the mean of 1 / scale^2 pixels; as far as the second moment goes, that is
        a blur of (1 - scale^2) / 12 px^2.
        """
        left, top, width, height = region or (0.0, 0.0, float(self.width), float(self.height))
        if not (np.isfinite([scale, left, top, width, height]).all() and min(scale, width, height) > 0):
            raise PictureError(f"nothing to render: scale {scale}, region {left},{top},{width},{height}")
        if min(left, top) < 0 or left + width > self.width or top + height > self.height:
            raise PictureError(
                f"region {left:g},{top:g},{width:g},{height:g} is not within the picture, "
                f"which is {self.width} x {self.height}"
            )
        if not max(width, height) * scale < GREATEST_SIDE:
            raise PictureError(f"scale {scale:g} makes sides of more than {GREATEST_SIDE} pixels")
        columns, rows = (max(1, int(side * scale + 0.5)) for side in (width, height))
        zoom = columns / width  # the scale, but for the rounding of the sides
        return View(columns, rows, zoom, left, top, max(0.0, (1 - zoom**2) / 12), rows / height / zoom)
