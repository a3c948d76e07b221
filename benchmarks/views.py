"""What a viewer waits for: views of 256 x 256 pixels, anywhere and at any level, from a warm Renderer.

    python -m benchmarks.views FILE [--views 400] [--seconds 4]

Levels are drawn evenly from those where the whole picture has at least 256 pixels along its longer side: the scale is
1, 1/2, 1/4 and so on. Prints one JSON line for each number of threads that one caller uses, and one for each number
of callers, which use one thread each.
"""

from __future__ import annotations

import argparse
import json
import math
import threading
import time
from collections.abc import Iterator
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import numpy as np

import smartsplat
from benchmarks.results import machine

SIDE = 256
CALLERS = (1, 2, 8)


def views(file: smartsplat.SplatFile, seed: int) -> Iterator[dict[str, Any]]:
    """Regions and scales without end."""
    rng = np.random.default_rng(seed)
    longest = max(file.width, file.height)
    levels = max(0, int(math.log2(longest / SIDE)))
    while True:
        scale = 0.5 ** int(rng.integers(levels + 1))
        width, height = (min(SIDE / scale, side) for side in (file.width, file.height))
        left, top = rng.uniform(0, (file.width - width, file.height - height))
        yield {"region": (left, top, width, height), "scale": scale}


def latency(renderer: smartsplat.Renderer, file: smartsplat.SplatFile, threads: int, number: int) -> dict[str, Any]:
    """Milliseconds that one caller waits."""
    times = []
    for view, _ in zip(views(file, 1), range(number), strict=False):
        started = time.perf_counter()
        renderer.render(**view, threads=threads)
        times.append(1000 * (time.perf_counter() - started))
    median, ninth = np.quantile(times, [0.5, 0.9])
    return {"threads": threads, "median_ms": round(median, 3), "p90_ms": round(ninth, 3)}


def throughput(
    renderer: smartsplat.Renderer, file: smartsplat.SplatFile, callers: int, seconds: float
) -> dict[str, Any]:
    """Views a second of so many Python threads."""
    done, barrier = [0] * callers, threading.Barrier(callers + 1)

    def serve(caller: int) -> None:
        mine = views(file, 100)  # all do the same work
        barrier.wait()
        until = time.perf_counter() + seconds
        done[caller] = sum(1 for _ in takewhile(lambda _: _served(renderer, next(mine), until), count()))

    threads = [threading.Thread(target=serve, args=(caller,)) for caller in range(callers)]
    for thread in threads:
        thread.start()
    barrier.wait()
    started = time.perf_counter()
    for thread in threads:
        thread.join()
    return {"callers": callers, "views_per_second": round(sum(done) / (time.perf_counter() - started), 1)}


def _served(renderer: smartsplat.Renderer, view: dict[str, Any], until: float) -> bool:
    renderer.render(**view, threads=1)
    return time.perf_counter() < until


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--views", type=int, default=400)
    parser.add_argument("--seconds", type=float, default=4.0)
    options = parser.parse_args()
    file = smartsplat.open(options.file)
    started = time.perf_counter()
    renderer = smartsplat.Renderer(file)
    decoding = time.perf_counter() - started
    renderer.render(**next(views(file, 0)))  # makes the index of splats
    first = time.perf_counter() - started
    about = {"file": options.file.name, "width": file.width, "height": file.height, "splats": len(file.splats)}
    about |= {"spacing": file.lattice.spacing if file.lattice else None, "decoding_s": round(decoding, 3)}
    print(json.dumps(about | {"first_view_s": round(first, 3)} | machine()), flush=True)
    for threads in (0, 1):
        print(json.dumps(latency(renderer, file, threads, options.views)), flush=True)
    for callers in CALLERS:
        print(json.dumps(throughput(renderer, file, callers, options.seconds)), flush=True)


if __name__ == "__main__":
    main()
