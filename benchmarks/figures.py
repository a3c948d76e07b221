"""Figures of docs/figures.md: quality beside JPEG, times as ratios, memory.

    python -m benchmarks.figures ../shared/images/dev

Every figure is one row in benchmarks/results/figures.jsonl. Times are medians, compared within this run.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import smartsplat
from benchmarks.results import append, machine
from smartsplat import metrics
from smartsplat.bench.formats import Jpeg
from smartsplat.bench.search import Shrinking
from smartsplat.engines import Loss, load_engine
from smartsplat.model.view import View
from smartsplat.pictures.planes import to_planes
from smartsplat.pictures.reading import load

FLOWER, PAINTING = "flower_2268x1512.png", "painting_5640x3172.png"


def report(row: dict[str, Any]) -> None:
    append("figures", row | machine())
    print(json.dumps(row), flush=True)


def median_seconds(work, repeats: int) -> float:
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def command(*arguments: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-m", "smartsplat", *arguments], capture_output=True, text=True, check=True)
    return json.loads(done.stdout) if done.stdout.startswith("{") else {}


def quality(path: Path, cr: int) -> None:
    """Decoded PSNR and MS-SSIM beside the best JPEG of as many bytes."""
    pixels = load(path).pixels
    file = smartsplat.encode(pixels, cr=cr)
    jpeg = Shrinking("jpeg", Jpeg(), (1, 2, 4, 8))
    encoded = jpeg.encode_to(pixels, len(file))
    beside = jpeg.decode(encoded.data, file.width, file.height)
    ours = file.render()
    report({
        "figure": "quality", "picture": path.stem, "target_cr": cr, "bytes": len(file),
        "cr": pixels.size / len(file), "psnr": metrics.psnr(pixels, ours), "ms_ssim": metrics.ms_ssim(pixels, ours),
        "jpeg_bytes": len(encoded.data), "jpeg_factor": encoded.factor,
        "jpeg_psnr": metrics.psnr(pixels, beside), "jpeg_ms_ssim": metrics.ms_ssim(pixels, beside),
    })  # fmt: skip


def encode_time(path: Path, cr: int) -> None:
    """Encoding at the default effort, in full-size fused steps of the same engine on the file's splats."""
    pixels = load(path).pixels
    files = []
    seconds = median_seconds(lambda: files.append(smartsplat.encode(pixels, cr=cr)), 3)
    splats, target = files[-1].splats, to_planes(pixels)
    view = View(pixels.shape[1], pixels.shape[0])
    alone, over = load_engine().canvas(view), load_engine().canvas(view, files[-1].lattice)
    one = median_seconds(lambda: alone.place(splats).gradient(target, Loss()), 21)
    whole = median_seconds(lambda: over.place(splats).gradient(target, Loss()), 21)
    report({
        "figure": "encode_time", "picture": path.stem, "target_cr": cr, "seconds": seconds,
        "step_seconds": one, "steps": seconds / one,
        "step_seconds_with_lattice": whole, "steps_with_lattice": seconds / whole,
    })  # fmt: skip


def memory_and_decoding(path: Path, cr: int) -> None:
    """Peak memory of the encoder's process, and decoding beside Pillow's of a JPEG of as many bytes."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "out.ssplat"
        row = command("encode", str(path), str(file), "--cr", str(cr), "--json", "-q")
        data = file.read_bytes()
    pixels = load(path).pixels
    jpeg = jpeg_of_size(pixels, len(data))
    ratios, ours, theirs, loads = [], [], [], []
    for _ in range(9):
        ours.append(median_seconds(lambda: smartsplat.decode(data), 1))
        theirs.append(median_seconds(lambda: np.asarray(Image.open(io.BytesIO(jpeg))), 1))
        loads.append(median_seconds(lambda: Image.open(io.BytesIO(jpeg)).load(), 1))
        ratios.append(ours[-1] / theirs[-1])
    report({
        "figure": "memory_and_decoding", "picture": path.stem, "target_cr": cr, "psnr": row["psnr"],
        "peak_rss_bytes": row["peak_rss_bytes"], "encode_seconds": row["encode_seconds"],
        "decode_seconds": statistics.median(ours), "jpeg_bytes": len(jpeg),
        "jpeg_decode_seconds": statistics.median(theirs), "jpeg_load_seconds": statistics.median(loads),
        "decode_ratio": statistics.median(ratios),
    })  # fmt: skip


def jpeg_of_size(pixels: np.ndarray, allowed: int) -> bytes:
    """A JPEG of the picture itself of about that many bytes, as Pillow writes it."""
    best = b""
    for quality in range(1, 60):
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "JPEG", quality=quality)
        if best and out.tell() > allowed:
            break
        best = out.getvalue()
    return best


def start_up(path: Path) -> None:
    """`info` and `--help`, whole processes."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "out.ssplat"
        smartsplat.encode(load(path).pixels[:128, :128], cr=50, effort=1).save(file)
        info = median_seconds(lambda: command("info", str(file)), 9)
    report(
        {
            "figure": "start_up",
            "info_seconds": info,
            "help_seconds": median_seconds(lambda: command("--help"), 9),
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help=f"with {FLOWER} and {PAINTING}")
    folder = parser.parse_args().folder
    for cr in (200, 500):
        quality(folder / FLOWER, cr)
    encode_time(folder / FLOWER, 200)
    memory_and_decoding(folder / PAINTING, 200)
    start_up(folder / FLOWER)


if __name__ == "__main__":
    main()
