"""A set of splats without a code: as it was fitted, saved and loaded with all its digits."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import DTypeLike, NDArray

from smartsplat.errors import FormatError, OutputError, shown
from smartsplat.file import arrays, ply
from smartsplat.file.regions import Region
from smartsplat.file.renderer import MAX_OUTPUT_PIXELS, Renderer
from smartsplat.model.splats import Splats
from smartsplat.pictures.files import PathLike, atomic_write, check_output, open_input

WRITERS = {".npz": arrays.write, ".ply": ply.write}
"""What a set can be saved as, by the name's extension."""

READERS = {arrays.START: arrays.read, ply.START: ply.read}
"""What can be loaded, by what the file begins with."""


@dataclass(frozen=True, eq=False, repr=False)
class SplatSet:
    """Splats and the size of the picture that they make: the clamped sum of them all, nothing else.

    Attributes:
        splats: N of them, as they are.
        width: of the picture, px.
        height: likewise.
    """

    splats: Splats
    width: int
    height: int
    grey = False
    bits = 8
    alpha = None

    def __repr__(self) -> str:
        return f"<smartsplat.SplatSet: {len(self)} splats, {self.width} x {self.height}>"

    def __len__(self) -> int:
        """How many splats there are."""
        return len(self.splats)

    def render(
        self,
        *,
        scale: float = 1.0,
        region: Region | None = None,
        dtype: DTypeLike = np.float32,
        engine: str = "auto",
        threads: int = 0,
        max_pixels: int = MAX_OUTPUT_PIXELS,
        max_work: float = 1.0,
    ) -> NDArray[Any]:
        """The picture, [H, W, 3]: float32 in [0, 1], not rounded, or uint8; see ``SplatFile.render``."""
        renderer = Renderer(self, engine=engine, threads=threads, max_pixels=max_pixels, max_work=max_work)
        return renderer.render(scale=scale, region=region, dtype=dtype)

    def save(self, path: PathLike, *, overwrite: bool = False) -> None:
        """Writes the set; the file appears whole or not at all.

        Args:
            path: ``.npz``: arrays named ``xy`` [N, 2], ``scale`` [N, 2], ``angle`` [N] and ``colour`` [N, 3], float32
                and exact, with ``width``, ``height`` and ``units``, which says what they are in.
                ``.ply``: the columns of 3D Gaussian splatting, see ``smartsplat.file.ply``.
            overwrite: whether an existing file may be replaced.

        Raises:
            OutputError: it cannot be written, stands there already, or has another extension.
        """
        write = WRITERS[check_set_output(path, overwrite=overwrite)]
        with atomic_write(path, overwrite=overwrite) as file:
            write(file, self.splats, self.width, self.height)

    @classmethod
    def open(cls, source: PathLike | BinaryIO) -> SplatSet:
        """Loads a set: a path, or a file open in binary mode, which is read to its end.

        Raises:
            OSError: the file cannot be opened.
            FormatError: it is no set, or damaged; the message names it.
        """
        if isinstance(source, (str, os.PathLike)):
            with open_input(source) as file:
                return cls._of(file, shown(os.fsdecode(source)) + ": ")
        name = getattr(source, "name", None)
        return cls._of(source, f"{shown(name)}: " if isinstance(name, str) else "")

    @classmethod
    def _of(cls, file: BinaryIO, name: str) -> SplatSet:
        head = file.read(max(map(len, READERS)))
        read = next((read for start, read in READERS.items() if head.startswith(start)), None)
        if read is None:
            raise FormatError(f"{name}is no set of splats (.npz or .ply)")
        try:
            splats, width, height = read(head + file.read())
        except FormatError as error:
            raise FormatError(f"{name}{error}") from error
        return cls(splats, width, height)

    # As a renderer asks

    def check_decodable(self, max_pixels: int) -> None:
        """Nothing is decoded."""

    def decode_splats(self, *, threads: int = 0) -> Splats:
        """The splats."""
        del threads
        return self.splats

    def decode_blocks(self, *, threads: int = 0, max_work: float = 1.0) -> None:
        """There are none."""

    def decode_lattice(self, *, threads: int = 0, max_work: float = 1.0) -> None:
        """There is none."""


def check_set_output(path: PathLike, *, overwrite: bool) -> str:
    """The extension of a path that a set can be saved to; for the rest see ``check_output``.

    Raises:
        OutputError: it cannot.
    """
    extension = PurePath(os.fsdecode(path)).suffix.lower()
    if extension not in WRITERS:
        raise OutputError(f"{shown(os.fsdecode(path))}: a set of splats is saved as .npz or .ply")
    check_output(path, overwrite=overwrite)
    return extension
