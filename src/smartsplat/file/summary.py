"""What a file says of itself, read without decoding it."""

from __future__ import annotations

from typing import Any, cast

from smartsplat import _native
from smartsplat.file.store import Store


def summarise(data: bytes | Store) -> dict[str, Any]:
    """Size, bytes, ratios and counts of a file.

    ``cr_nominal`` is that of Eq. 5, which counts 7 bytes for each splat of the file; to them come the real bytes of a
    lattice. (How many splats were fitted, which Eq. 5 means, is no more known.)

    Raises:
        FormatError: it is not a valid file.
    """
    store = data if isinstance(data, Store) else None
    file = _native.File.of_front(store.front, store.size) if store else _native.File(cast(bytes, data))
    length = store.size if store else len(cast(bytes, data))
    sections = dict(file.sections)
    pixels = file.width * file.height
    splats = file.splat_count
    lattice = sections.get(_native.LATTICE, 0)
    nominal = 7 * splats + lattice
    return {
        "width": file.width,
        "height": file.height,
        "channels": 1 if file.grey else 3,
        "bytes": length,
        "cr": 3 * pixels / length,
        "cr_nominal": 3 * pixels / nominal if nominal else None,
        "bpp": 8 * length / pixels,
        "splats": splats,
        "bytes_per_splat": sections[_native.SPLATS] / splats if splats else None,
        "lattice_bytes": lattice,
        "lattice_spacing": file.lattice_spacing,
        "icc_bytes": sections.get(_native.ICC, 0),
        "exif_bytes": sections.get(_native.EXIF, 0),
        "overview_bytes": sections.get(_native.OVERVIEW, 0),
    }
