"""What a file says of itself, read without decoding it."""

from __future__ import annotations

from typing import Any

from smartsplat import _native
from smartsplat.file.store import Store, section_of


def summarise(data: bytes | Store) -> dict[str, Any]:
    """Size, bytes, ratios and counts of a file.

    Splats and lattice are those of the colours; an alpha picture has its own. ``resolution`` is in px per inch.
    ``cr_nominal`` is that of Eq. 5, which counts 7 bytes for each splat of the file; to them come the real bytes of a
    lattice, of blocks and of the alpha. (How many splats were fitted, which Eq. 5 means, is no more known.)

    Raises:
        FormatError: it is not a valid file.
    """
    store = data if isinstance(data, Store) else None
    file = data.file if isinstance(data, Store) else _native.File(data)
    length = len(data)
    sections = dict(file.sections)
    pixels = file.width * file.height
    splats = file.splat_count
    lattice = sections.get(_native.LATTICE, 0)
    alpha = sections.get(_native.ALPHA)
    blocks = sections.get(_native.BLOCKS, 0)
    nominal = 7 * splats + lattice + blocks + (alpha or 0)
    return {
        "width": file.width,
        "height": file.height,
        "channels": (1 if file.grey else 3) + (alpha is not None),
        "bits": file.bits,
        "bytes": length,
        "cr": 3 * pixels / length,
        "cr_nominal": 3 * pixels / nominal if nominal else None,
        "bpp": 8 * length / pixels,
        "splats": splats,
        "bytes_per_splat": sections[_native.SPLATS] / splats if splats else None,
        "lattice_bytes": lattice,
        "lattice_spacing": file.lattice_spacing,
        "block_bytes": blocks,
        "alpha_bytes": alpha or 0,
        "icc_bytes": sections.get(_native.ICC, 0),
        "exif_bytes": sections.get(_native.EXIF, 0),
        "xmp_bytes": sections.get(_native.XMP, 0),
        "overview_bytes": sections.get(_native.OVERVIEW, 0),
        "resolution": _resolution(section_of(file, _native.RESOLUTION, store)),
        "colour_code": _code(section_of(file, _native.COLOUR_CODE, store)),
    }


def _resolution(section: bytes | None) -> list[float] | None:
    if section is None:
        return None
    from smartsplat.pictures.metadata import unpack_resolution  # loads Pillow

    found = unpack_resolution(section)
    return None if found is None else [round(value, 3) for value in found]


def _code(section: bytes | None) -> list[int] | None:
    return list(section) if section else None
