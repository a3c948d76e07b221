"""How fast PNG files are written, in MB of pixels for each second of the processor, and their size.

    python -m benchmarks.png FILE.ssplat

Our writer with zlib and, where the extra `large` is installed, with isal, beside Pillow at two levels; on one thread,
in turns. With --record, rows are added to benchmarks/results/png.jsonl.
"""

from __future__ import annotations

import argparse
import io
import statistics
import time
import zlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import smartsplat
from benchmarks.results import append, machine
from smartsplat.pictures import png_writer

ROUNDS = 5
Pixels = NDArray[np.uint8]
Write = Callable[[io.BytesIO, Pixels], None]


def ours(deflate: object) -> Write:
    def write(stream: io.BytesIO, pixels: Pixels) -> None:
        png_writer.deflate = deflate
        height, width = pixels.shape[:2]
        with png_writer.PngWriter(stream, width, height, channels=1 if pixels.ndim == 2 else 3, threads=1) as png:
            png.write(pixels)

    return write


def pillow(level: int) -> Write:
    return lambda stream, pixels: Image.fromarray(pixels).save(stream, "PNG", compress_level=level)


def main() -> None:
    """Runs it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    pixels = smartsplat.open(options.file).render()
    writers = {"zlib": ours(zlib), "pillow 1": pillow(1), "pillow 3": pillow(3)}
    if png_writer.deflate is not zlib:
        writers["isal"] = ours(png_writer.deflate)
    seconds: dict[str, list[float]] = {name: [] for name in writers}
    sizes = {}
    for _ in range(ROUNDS):
        for name, write in writers.items():
            stream, began = io.BytesIO(), time.process_time()
            write(stream, pixels)
            seconds[name].append(time.process_time() - began)
            sizes[name] = len(stream.getvalue())
    for name, found in seconds.items():
        row = {
            "writer": name,
            "mb_per_second": round(pixels.nbytes / 1e6 / statistics.median(found)),
            "bytes": sizes[name],
        }
        print(row)
        if options.record:
            append("png", {"file": options.file.rsplit("/", 1)[-1]} | row | machine())


if __name__ == "__main__":
    main()
