"""What stands in this folder, and whether a decoder does as it should."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
INDEX = FOLDER / "golden.json"

GREATEST_DIFFERENCE = 1
"""Steps of 8 bits by which a conforming decoder's sample may differ from the exact one (SPEC.md, section 10)."""

DIFFERENT_SAMPLES = 1e-3
"""How many of the samples may differ at all, likewise."""


@dataclass(frozen=True)
class Golden:
    """A file, and what it holds.

    Attributes:
        name: of the file, NAME.ssplat, and of the pixels expected, NAME.raw.
        width: of the picture, px.
        height: likewise.
        channels: 1 to 4.
        integers: how many the streams decode to.
        hash: of them, FNV-1a over 32-bit words.
        sha256: of the file.
        region: x, y, width and height of the part that NAME.raw shows.
        bits: of a sample of the picture; NAME.words has the pixels in 16 bits if there are more than 8.
        alpha_integers: as ``integers``, of the alpha picture.
        alpha_hash: likewise.
    """

    name: str
    width: int
    height: int
    channels: int
    integers: int
    hash: str
    sha256: str
    region: tuple[int, int, int, int]
    bits: int = 8
    alpha_integers: int = 0
    alpha_hash: str = ""

    @property
    def data(self) -> bytes:
        """The file."""
        return (FOLDER / f"{self.name}.ssplat").read_bytes()

    @property
    def pixels(self) -> bytes:
        """The samples expected, 8 bits each, in rows."""
        return (FOLDER / f"{self.name}.raw").read_bytes()

    @property
    def words(self) -> bytes:
        """The same in 16 bits each, little-endian."""
        return (FOLDER / f"{self.name}.words").read_bytes()

    @property
    def argument(self) -> str:
        """Of the program decode_golden."""
        return f"{self.name}:{','.join(map(str, self.region))}"


def golden_files() -> list[Golden]:
    """All of them."""
    index = json.loads(INDEX.read_text())
    return [Golden(name, **entry | {"region": tuple(entry["region"])}) for name, entry in index.items()]


GREATEST_DEEP, DIFFERENT_DEEP = 2, 0.1
"""The same in 16 bits."""


def check(lines: str, files: list[Golden]) -> str:
    """Judges what decode_golden wrote about these files.

    Returns:
        The worst differences, in words.

    Raises:
        ValueError: something is not as it should be.
    """
    rows = [line.split() for line in lines.splitlines()]
    if [row[0] for row in rows] != [file.name for file in files]:
        raise ValueError(f"lines about other files than {len(files)} golden ones:\n{lines}")
    samples = different = greatest = 0
    for (_, count, digest, unequal, most), file in zip(rows, files, strict=True):
        if (int(count), digest) != (file.integers, file.hash):
            raise ValueError(f"{file.name}: {count} integers of hash {digest}, not {file.integers} of {file.hash}")
        samples += len(file.pixels)
        different += int(unequal)
        greatest = max(greatest, int(most))
    return judged(different, samples, greatest)


def judged(different: int, samples: int, greatest: int) -> str:
    """Says how far samples are from those expected; raises ValueError if that is too far."""
    text = f"{different} of {samples} samples differ, by at most {greatest}"
    if greatest > GREATEST_DIFFERENCE or different > DIFFERENT_SAMPLES * samples:
        raise ValueError(text)
    return text
