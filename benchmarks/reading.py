"""What reading costs: any part of a large file, cold, and whole pictures beside other codecs' files of as many bytes.

    python -m benchmarks.reading FILE [--views 12] [--record]
    python -m benchmarks.reading PICTURE [--cr 200] [--rounds 7] [--record]

Of a .ssplat FILE: regions of 2048 x 2048 px anywhere, the whole at an eighth of its size, exactly and as a draft, and
all of it, each from a file that was opened anew. Seconds are medians, of the clock and of the processor, and bytes are
those read beyond header and index, of all. Of a PICTURE: seconds of decoding to an array beside those of JPEG, AVIF and
JPEG XL at full size in at most as many bytes, one after another in rounds; the median of the ratios.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import smartsplat
from benchmarks.results import append, machine
from smartsplat.bench.formats import Avif, Jpeg, JpegXl
from smartsplat.bench.search import Shrinking
from smartsplat.pictures.reading import load

SIDE = 2048


def clocked(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of the clock and of the processor."""
    started, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - started, time.process_time() - processor


def cold(path: Path, **view: Any) -> dict[str, float]:
    """One view of a file that nobody has read from."""
    file = smartsplat.open(path)
    index = file.bytes_read
    seconds, processor = clocked(lambda: file.render(max_work=1e6, **view))
    return {"seconds": seconds, "processor_seconds": processor, "share": (file.bytes_read - index) / len(file)}


def regions(width: int, height: int) -> Iterator[tuple[int, int, int, int]]:
    """Squares anywhere, without end."""
    rng = np.random.default_rng(5)
    while True:
        yield int(rng.integers(max(1, width - SIDE))), int(rng.integers(max(1, height - SIDE))), SIDE, SIDE


def of_parts(path: Path, number: int) -> Iterator[dict[str, Any]]:
    """A row for each kind of view."""
    file = smartsplat.open(path)
    about = {"file": path.name, "width": file.width, "height": file.height, "bytes": len(file)}
    somewhere = regions(file.width, file.height)
    kinds: dict[str, Callable[[], dict[str, Any]]] = {
        "region 2048": lambda: {"region": next(somewhere)},
        "an eighth": lambda: {"scale": 1 / 8},
        "an eighth, draft": lambda: {"scale": 1 / 8, "draft": True},
        "whole": lambda: {"max_pixels": 1 << 31},
    }
    for kind, view in kinds.items():
        runs = [cold(path, **view()) for _ in range(number if "region" in kind else max(3, number // 4))]
        yield about | {"view": kind} | {k: round(statistics.median(r[k] for r in runs), 4) for k in runs[0]}


def beside_others(path: Path, cr: float, rounds: int) -> Iterator[dict[str, Any]]:
    """A row for each other codec that has a file as small at full size."""
    pixels = load(path, max_pixels=1 << 28).pixels
    data = smartsplat.encode(pixels, cr=cr).to_bytes()
    for other in (Jpeg(), Avif(6, 2), JpegXl(7, 2)):
        codec = Shrinking(type(other).__name__.lower(), other, (1,))
        found = codec.encode_to(pixels, len(data))
        if found is None:
            print(f"{codec.name}: no file of {len(data)} bytes at full size")
            continue
        times = [_in_turn(data, codec, found.data, pixels.shape[1], pixels.shape[0]) for _ in range(rounds)]
        ours, others = zip(*times, strict=True)
        yield {
            "picture": path.stem, "cr": cr, "codec": codec.name, "bytes": len(data), "other_bytes": len(found.data),
            "seconds": round(statistics.median(ours), 4), "other_seconds": round(statistics.median(others), 4),
            "ratio": round(statistics.median(a / b for a, b in times), 3),
        }  # fmt: skip


def _in_turn(data: bytes, codec: Shrinking, other: bytes, width: int, height: int) -> tuple[float, float]:
    """Seconds of decoding one file, then the other."""
    return clocked(lambda: smartsplat.decode(data))[0], clocked(lambda: codec.decode(other, width, height))[0]


def main() -> None:
    """Runs it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("--views", type=int, default=12)
    parser.add_argument("--cr", type=float, default=200)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--record", action="store_true", help="add the rows to benchmarks/results/reading.jsonl")
    o = parser.parse_args()
    is_file = o.source.suffix == ".ssplat"
    for row in of_parts(o.source, o.views) if is_file else beside_others(o.source, o.cr, o.rounds):
        print(json.dumps(row), flush=True)
        if o.record:
            append("reading", row | machine())


if __name__ == "__main__":
    main()
