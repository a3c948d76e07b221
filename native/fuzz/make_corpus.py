"""Writes the fuzz targets' seeds, made of the golden files: ``python native/fuzz/make_corpus.py FOLDER``.

FOLDER/decode gets files followed by 33 bytes that choose views. FOLDER/sections gets what sections.cpp reads, from the
end: flags (1: grey, 2: a lattice), width - 1 and height - 1 and the length of the splats' section with two bytes each,
26 bytes that choose views, and before them the sections of the splats and of the lattice.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SPLATS, LATTICE = 0x81, 0x82
VIEWS = (
    bytes(33),  # grey, tiny
    bytes([128, 0, 255, 255, 255, 255, 0, 0, 0, 0, 0x83] * 3),  # RGB, all of it, 1 to 1
    bytes([96, 0, 127, 255, 127, 255, 64, 0, 64, 0, 0x1C] * 3),  # floats of a part, two threads, with an interrupt
)


def number(data: bytes, at: int) -> tuple[int, int]:
    """A number of the format, and where it ends."""
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 0x80:
            return value, at


def sections_of(data: bytes) -> tuple[int, int, int, dict[int, bytes]]:
    """Width, height, flags and sections of a file."""
    header, at = [], 8
    for _ in range(4):
        value, at = number(data, at)
        header.append(value)
    lengths = {}
    for _ in range(header[3]):
        lengths[data[at]], end = number(data, at + 1)
        at = end + 4
    at += 4
    sections = {}
    for kind, length in lengths.items():
        sections[kind] = data[at : at + length]
        at += length
    return header[0], header[1], header[2], sections


def main() -> None:
    """Writes them."""
    decode, parts = (Path(sys.argv[1]) / name for name in ("decode", "sections"))
    decode.mkdir(parents=True, exist_ok=True)
    parts.mkdir(exist_ok=True)
    for path in sorted((ROOT / "tests" / "golden").glob("*.ssplat")):
        data = path.read_bytes()
        width, height, flags, sections = sections_of(data)
        splats, lattice = sections[SPLATS], sections.get(LATTICE)
        head = bytes([flags | (0 if lattice is None else 2)])
        head += b"".join(n.to_bytes(2, "little") for n in (width - 1, height - 1, len(splats)))
        for i, views in enumerate(VIEWS):
            (decode / f"{path.stem}-{i}").write_bytes(data + views)
            (parts / f"{path.stem}-{i}").write_bytes(splats + (lattice or b"") + views[-26:] + head[::-1])


if __name__ == "__main__":
    main()
