"""What a file says of itself, read without decoding it."""

from __future__ import annotations

from typing import Any

from smartsplat.coding.container import EXIF, ICC, SPLATS, Container, Reader


def summarise(data: bytes) -> dict[str, Any]:
    """Size, bytes, ratios and counts of a file.

    Raises:
        FormatError: it is not a valid file.
    """
    container = Container.from_bytes(data)
    pixels = container.width * container.height
    splats = Reader(container.sections[SPLATS]).number()
    return {
        "width": container.width,
        "height": container.height,
        "channels": 1 if container.grey else 3,
        "bytes": len(data),
        "cr": 3 * pixels / len(data),
        "cr_nominal": 3 * pixels / (7 * splats) if splats else None,
        "bpp": 8 * len(data) / pixels,
        "splats": splats,
        "bytes_per_splat": len(container.sections[SPLATS]) / splats if splats else None,
        "icc_bytes": len(container.sections.get(ICC, b"")),
        "exif_bytes": len(container.sections.get(EXIF, b"")),
    }
