"""Writes the fuzz targets' seeds, made of the golden files: ``python native/fuzz/make_corpus.py FOLDER``.

Each is a file with requests for two views behind it, as input.h reads them.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

GOLDEN = Path(__file__).parent.parent.parent / "tests" / "golden"
REQUEST = struct.Struct("<4d d 5d 2i I 4B")
"""Region, scale, a view of one's own (zoom, left, top, blur, aspect; sides), flags, format, threads, gap, nothing."""
WHOLE, OWN_VIEW, INTERRUPT, LARGE = 1, 2, 4, 8
GREY8, RGB8, RGBA8, GREY_F32, RGB_F32 = range(5)


def request(
    region: tuple[float, float, float, float] = (0, 0, 1, 1),
    scale: float = 1,
    view: tuple[float, ...] = (1, 0, 0, 0, 1),
    sides: tuple[int, int] = (1, 1),
    flags: int = 0,
    form: int = RGB8,
    threads: int = 1,
) -> bytes:
    """One request, as it stands behind a file."""
    return REQUEST.pack(*region, scale, *view, *sides, flags, form, threads, 0, 0)


VIEWS = (
    request(flags=WHOLE) + request((0, 0, 8, 8), 0.5, form=GREY8, threads=2),
    request((0, 0, 1, 1), 16, form=RGBA8) + request(scale=0.01, flags=WHOLE, form=GREY_F32),
    request(view=(2, -3, 5, 0, 1), sides=(64, 48), flags=OWN_VIEW, threads=2)
    + request(flags=WHOLE | INTERRUPT | LARGE, form=RGB_F32),
)


def main() -> None:
    """Writes them."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(GOLDEN.glob("*.ssplat")):
        data = path.read_bytes()
        for i, views in enumerate(VIEWS):
            (folder / f"{path.stem}-{i}").write_bytes(data + views)


if __name__ == "__main__":
    main()
