"""What a file says of itself, read without decoding it."""

from __future__ import annotations

from typing import Any

from smartsplat.coding.container import EXIF, ICC, LATTICE, SPLATS, Container, Reader, read_spacing


def summarise(data: bytes) -> dict[str, Any]:
    """Size, bytes, ratios and counts of a file.

    ``cr_nominal`` is that of Eq. 5, which counts 7 bytes a splat; to them come the real bytes of a lattice.

    Raises:
        FormatError: it is not a valid file.
    """
    container = Container.from_bytes(data)
    pixels = container.width * container.height
    splats = Reader(container.sections[SPLATS]).number()
    lattice = container.sections.get(LATTICE, b"")
    nominal = 7 * splats + len(lattice)
    return {
        "width": container.width,
        "height": container.height,
        "channels": 1 if container.grey else 3,
        "bytes": len(data),
        "cr": 3 * pixels / len(data),
        "cr_nominal": 3 * pixels / nominal if nominal else None,
        "bpp": 8 * len(data) / pixels,
        "splats": splats,
        "bytes_per_splat": len(container.sections[SPLATS]) / splats if splats else None,
        "lattice_bytes": len(lattice),
        "lattice_spacing": read_spacing(Reader(lattice)) if lattice else None,
        "icc_bytes": len(container.sections.get(ICC, b"")),
        "exif_bytes": len(container.sections.get(EXIF, b"")),
    }
