"""What a file says of itself, read without decoding it."""

from __future__ import annotations

from typing import Any

from smartsplat import _native


def summarise(data: bytes) -> dict[str, Any]:
    """Size, bytes, ratios and counts of a file.

    ``cr_nominal`` is that of Eq. 5, which counts 7 bytes for each splat of the file; to them come the real bytes of a
    lattice. (How many splats were fitted, which Eq. 5 means, is no more known.)

    Raises:
        FormatError: it is not a valid file.
    """
    file = _native.File(data)
    sections = dict(file.sections)
    pixels = file.width * file.height
    splats = file.splat_count
    lattice = sections.get(_native.LATTICE, 0)
    nominal = 7 * splats + lattice
    return {
        "width": file.width,
        "height": file.height,
        "channels": 1 if file.grey else 3,
        "bytes": len(data),
        "cr": 3 * pixels / len(data),
        "cr_nominal": 3 * pixels / nominal if nominal else None,
        "bpp": 8 * len(data) / pixels,
        "splats": splats,
        "bytes_per_splat": sections[_native.SPLATS] / splats if splats else None,
        "lattice_bytes": lattice,
        "lattice_spacing": file.lattice_spacing,
        "icc_bytes": sections.get(_native.ICC, 0),
        "exif_bytes": sections.get(_native.EXIF, 0),
    }
