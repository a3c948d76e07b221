"""What ``smartsplat.torch.rasterize`` takes beside the engine's own step, forward and backward.

    python -m benchmarks.operator [--width 1632] [--height 1224] [--splats 40000] [--scale 4] [--rounds 9] [--threads 0]

The engine's fused step places splats, adds them up, compares with a target and gathers the gradient tile by tile; what
its loss takes (the step of no splats) is subtracted. The operator does the same in two passes with a picture and a
cotangent in memory between them. Each round times all of them once, one after the other, and the figure is the median
of the rounds' ratios: of seconds, and of processor seconds of all threads, which a busy machine disturbs less. One row
is appended to benchmarks/results/operator.jsonl.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from benchmarks.forward import MEAN_SCALE, scene
from benchmarks.results import append, machine
from smartsplat.engines import Loss, load_engine
from smartsplat.model.splats import Splats
from smartsplat.model.view import View
from smartsplat.torch import BLENDS, rasterize

Work = Callable[[], Any]


def rescaled(splats: Splats, size: int, width: int, height: int, scale: float) -> Splats:
    """The scene of benchmarks.forward on another picture and with another mean scale, px."""
    factor = scale / MEAN_SCALE
    return Splats.from_arrays(
        splats.xy * (np.array([width, height]) / size), splats.scale * factor, splats.angle, splats.colour
    )


def engine_steps(splats: Splats, width: int, height: int, threads: int) -> dict[str, Work]:
    canvas = load_engine("cpu", threads).canvas(View(width, height))
    target = np.zeros((3, height, width), np.uint8)
    none = Splats(np.zeros((0, 8), np.float32))
    return {
        "step": lambda: canvas.place(splats).gradient(target, Loss("l2")),
        "loss": lambda: canvas.place(none).gradient(target, Loss("l2")),
    }


def operator_passes(splats: Splats, width: int, height: int) -> dict[str, Work]:
    columns = (splats.xy, splats.scale, splats.angle, splats.colour)
    tensors = [torch.from_numpy(np.ascontiguousarray(column)).requires_grad_() for column in columns]
    cotangent = torch.randn(height, width, 3)

    def both(blend: str) -> Work:
        return lambda: torch.autograd.grad(rasterize(*tensors, height, width, blend=blend), tensors, cotangent)

    return {blend: both(blend) for blend in BLENDS}


def timed(work: Work) -> tuple[float, float]:
    """Seconds and processor seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, default=1632)
    parser.add_argument("--height", type=int, default=1224)
    parser.add_argument("--splats", type=int, default=40_000)
    parser.add_argument("--scale", type=float, default=4.0, help="mean scale, px")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=0, help="0: one for each processor")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    size = max(options.width, options.height)
    splats = rescaled(scene(size, options.splats), size, options.width, options.height, options.scale)
    works = engine_steps(splats, options.width, options.height, options.threads)
    works |= operator_passes(splats, options.width, options.height)
    for work in works.values():
        work()
    rounds = [{name: timed(work) for name, work in works.items()} for _ in range(options.rounds)]
    row: dict[str, Any] = {"benchmark": "operator", "torch": torch.__version__, **vars(options)}
    for number, unit in enumerate(("seconds", "processor_seconds")):
        fused = [r["step"][number] - r["loss"][number] for r in rounds]
        row[f"fused_{unit}"] = statistics.median(fused)
        for blend in BLENDS:
            row[f"{blend}_{unit}"] = statistics.median(r[blend][number] for r in rounds)
            row[f"{blend}_ratio_{unit}"] = statistics.median(
                r[blend][number] / f for r, f in zip(rounds, fused, strict=True)
            )
    append("operator", row | machine())
    for blend in BLENDS:
        print(f"{blend}: {row[f'{blend}_ratio_seconds']:.2f} times the engine's step in seconds, "
              f"{row[f'{blend}_ratio_processor_seconds']:.2f} in processor seconds")  # fmt: skip


if __name__ == "__main__":
    main()
