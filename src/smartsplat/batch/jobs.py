"""Which pictures become which files."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from smartsplat.errors import OutputError, PictureError, shown

PICTURES = (
    ".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".tif", ".tiff", ".gif", ".bmp", ".avif", ".jp2",
    ".ppm", ".pgm", ".pnm", ".tga",
)  # fmt: skip
"""Extensions of the files that are taken from a folder; a file that is named is taken whatever it is called."""

EXTENSION = ".ssplat"


@dataclass(frozen=True)
class Job:
    """A picture, and the file that it becomes.

    Attributes:
        source: path of the picture.
        output: path of the file.
    """

    source: Path
    output: Path


def find_jobs(inputs: Sequence[str], folder: str) -> list[Job]:
    """The jobs of inputs, each picture once, in the order of the inputs and within a folder by name.

    A picture of a folder that was given keeps its place in it: ``a/b/c.png`` of ``a`` becomes ``FOLDER/b/c.ssplat``.
    Where several would become the same file, each of them keeps its extension: ``c.png.ssplat``.

    Args:
        inputs: picture files, folders (all pictures in them, at any depth), or patterns such as ``*.png`` and
            ``**/*.tif`` where no file has that name.
        folder: for the files.

    Raises:
        PictureError: an input is not there, or has no picture in it.
        OutputError: two pictures would become the same file even so.
    """
    places: dict[Path, Path] = {}  # of a picture in the folder, by its path
    for text in inputs:
        found = list(_pictures(text))
        if not found:
            raise PictureError(f"{shown(text)}: has no pictures in it")
        for source, place in found:
            places.setdefault(source, place)
    shorts = Counter(place.with_suffix(EXTENSION) for place in places.values())
    outputs = {source: _output(place, shorts) for source, place in places.items()}
    if doubles := [output for output, n in Counter(outputs.values()).items() if n > 1]:
        raise OutputError(f"{shown(str(Path(folder, doubles[0])))}: several pictures would become this file")
    return [Job(source, Path(folder, output)) for source, output in outputs.items()]


def _output(place: Path, shorts: Counter[Path]) -> Path:
    short = place.with_suffix(EXTENSION)
    return short if shorts[short] == 1 else place.with_name(place.name + EXTENSION)


def _pictures(text: str) -> Iterator[tuple[Path, Path]]:
    """Paths of the pictures of one input, and their places in the folder of the files."""
    path = Path(text)
    if path.is_dir():
        yield from ((found, found.relative_to(path)) for found in _pictures_below(path))
    elif path.exists() or not glob.has_magic(text):
        if not path.exists():
            raise PictureError(f"{shown(text)}: is not there")
        yield path, Path(path.name)
    else:
        matches = (Path(name) for name in sorted(glob.glob(text, recursive=True)))  # noqa: PTH207 (patterns may be absolute)
        yield from ((found, Path(found.name)) for found in matches if found.is_file())


def _pictures_below(folder: Path) -> Iterable[Path]:
    for parent, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(parent, name) for name in sorted(names) if Path(name).suffix.lower() in PICTURES)
