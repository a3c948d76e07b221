"""Nanoseconds for each pixel inside a splat's support, forward pass and fitting step.

    python -m benchmarks.forward [--size 6016] [--splats 77554] [--isa avx512]

The scene: centres anywhere, scales log-normal about a mean of 6 px with the spread of a fitted picture (log
standard deviation 0.6 between splats, 0.5 between the axes of one), any angle. The support is where the weight is
1/255 or more. One row of the results is appended to benchmarks/results/forward.jsonl.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np

from benchmarks.results import append, machine
from smartsplat import _native
from smartsplat.engines import Loss, load_engine
from smartsplat.model.splats import SUPPORT, Splats
from smartsplat.model.view import View

MEAN_SCALE = 6.0


def scene(size: int, count: int) -> Splats:
    rng = np.random.default_rng(0)
    scale = np.exp(rng.normal(0, 0.6, (count, 1)) + rng.normal(0, 0.5, (count, 2)))
    return Splats.from_arrays(
        rng.uniform(0, size, (count, 2)),
        scale * (MEAN_SCALE / scale.mean()),
        rng.uniform(0, np.pi, count),
        rng.normal(0, 0.3, (count, 3)),
    )


def median_seconds(work, repeats: int = 9) -> float:
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=6016)
    parser.add_argument("--splats", type=int, default=77554)
    parser.add_argument("--isa", default="", help="baseline, avx2 or avx512 (default: the widest)")
    options = parser.parse_args()
    if not _native.use_instruction_set(options.isa):
        raise SystemExit(f"this machine does not run {options.isa}")
    splats = scene(options.size, options.splats)
    frame = load_engine("cpu").canvas(View(options.size, options.size)).place(splats)
    support = float(np.pi * SUPPORT * splats.scale.prod(axis=1, dtype=np.float64).sum())
    target = np.zeros((3, options.size, options.size), np.uint8)
    render, step = median_seconds(frame.render_bytes), median_seconds(lambda: frame.gradient(target, Loss()))
    row = {
        "benchmark": "forward",
        "size": options.size,
        "splats": options.splats,
        "mean_scale": MEAN_SCALE,
        "support_pixels": support,
        "instruction_set": _native.instruction_set(),
        "render_seconds": render,
        "render_ns_per_splat_pixel": render / support * 1e9,
        "step_seconds": step,
        "step_ns_per_splat_pixel": step / support * 1e9,
    }
    append("forward", row | machine())
    print(f"{row['instruction_set']}: render {row['render_ns_per_splat_pixel']:.3f} ns, "
          f"fitting step {row['step_ns_per_splat_pixel']:.3f} ns per splat-pixel")  # fmt: skip


if __name__ == "__main__":
    main()
