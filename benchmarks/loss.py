"""Milliseconds for each step of a fit, loss and gradient: the paper's loss (L1 and SSIM) beside squared errors.

    python -m benchmarks.loss [--sizes 512x512,5184x3456] [--cr 20,200] [--threads 1,2] [--seconds 10] [--record]

Splats of random places, shapes and colours, as many as Eq. 5 asks for, over random pixels. Both losses take turns, so
that whatever else the machine does meets both; the medians are printed. The splats are placed once: what is timed is
what the two losses do with them. With --record, rows are added to benchmarks/results/loss.jsonl.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import numpy as np

from benchmarks.results import append, machine
from smartsplat.engines import Loss, load_engine
from smartsplat.model.splats import Splats
from smartsplat.model.view import View

LOSSES = {"l2": Loss("l2"), "l1+ssim": Loss("l1+ssim", 0.9)}


def scene(width: int, height: int, count: int) -> Splats:
    """Splats that cover the picture as fitted ones do: each about as large as its share of it."""
    rng = np.random.default_rng(0)
    scale = np.exp(rng.normal(0, 0.6, (count, 1)) + rng.normal(0, 0.5, (count, 2)))
    return Splats.from_arrays(
        rng.uniform(0, (width, height), (count, 2)),
        scale * (0.8 * np.sqrt(width * height / (np.pi * count)) / scale.mean()),
        rng.uniform(0, np.pi, count),
        rng.normal(0.3, 0.3, (count, 3)),
    )


def step_times(width: int, height: int, count: int, threads: int, seconds: float) -> dict[str, list[float]]:
    """Milliseconds of the steps with each loss, in turns for so many seconds (but 5 times at least)."""
    frame = load_engine("cpu", threads).canvas(View(width, height)).place(scene(width, height, count))
    target = np.random.default_rng(1).integers(0, 256, (3, height, width), dtype=np.uint8)
    times: dict[str, list[float]] = {name: [] for name in LOSSES}
    end = time.perf_counter() + seconds
    while len(times["l2"]) < 6 or time.perf_counter() < end:
        for name, loss in LOSSES.items():
            started = time.perf_counter()
            frame.gradient(target, loss)
            times[name].append(1e3 * (time.perf_counter() - started))
    return {name: found[1:] for name, found in times.items()}  # the first step finds its memory


def measure(width: int, height: int, cr: float, threads: int, seconds: float) -> dict[str, Any]:
    """One row."""
    count = round(3 * width * height / (7 * cr))
    times = step_times(width, height, count, threads, seconds)
    medians = {name: statistics.median(found) for name, found in times.items()}
    return {
        "size": f"{width}x{height}", "cr": cr, "splats": count, "threads": threads, "steps": len(times["l2"]),
        "l2_ms": round(medians["l2"], 3), "l1_ssim_ms": round(medians["l1+ssim"], 3),
        "ratio": round(medians["l1+ssim"] / medians["l2"], 3),
    }  # fmt: skip


def main() -> None:
    """Runs it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="512x512,5184x3456", help="width x height, px")
    parser.add_argument("--cr", default="20,200", help="nominal, for the number of splats")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--seconds", type=float, default=10, help="for each row, at least")
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    for size in options.sizes.split(","):
        width, height = map(int, size.split("x"))
        for cr in map(float, options.cr.split(",")):
            for threads in map(int, options.threads.split(",")):
                row = measure(width, height, cr, threads, options.seconds)
                print(f"{size}, {row['splats']} splats, {threads} threads: L2 {row['l2_ms']:.2f} ms, "
                      f"L1+SSIM {row['l1_ssim_ms']:.2f} ms, {row['ratio']:.2f} times", flush=True)  # fmt: skip
                if options.record:
                    append("loss", row | machine())


if __name__ == "__main__":
    main()
