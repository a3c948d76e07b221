"""Encoding of large pictures: quality, seconds and memory of one effort at one compression ratio.

    python -m benchmarks.large PICTURES [--columns 8] [--rows 8] [--cr 200] [--effort 5] [--seed 7]
    python -m benchmarks.large PICTURE --cr 50
    python -m benchmarks.large PICTURES --columns 16 --rows 28 --crop 30000x30000 --cr 500 --effort 1 --memory 1G

PICTURES is a folder, of whose pictures of at least 1920 x 1080 px a mosaic of cuts of that size is made, 8 x 8 of them
by default: 15360 x 8640. The seed decides which and where, and which are mirrored. Of a single picture nothing is cut.
One encoding a run, so that its peak memory is its own (with the picture as an array, 3 bytes a pixel). Prints a row
and adds it to benchmarks/results/large.jsonl. Wall clock and processor time: the latter tells what other work on the
machine costs. Where windows are, their borders' error is told over that of what lies near: squared errors within 8 px
of a border over those within 96 px. With --memory the picture is written to a TIFF file (in TMPDIR), which the command
line then encodes: what it says of time and memory is the row, and the error at borders is not measured.
"""

from __future__ import annotations

import argparse
import itertools
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import smartsplat
from benchmarks.results import append, machine
from smartsplat.engines import load_engine
from smartsplat.file.summary import summarise
from smartsplat.memory import peak_rss
from smartsplat.metrics import psnr
from smartsplat.pictures.reading import load
from smartsplat.pictures.samples import Bytes
from smartsplat.pictures.tiff_writer import TiffWriter
from smartsplat.pipeline.job import Job
from smartsplat.pipeline.windowed import picture_windows

CUT = 1920, 1080
NEAR, AROUND = 8, 96


def cuts_of(folder: Path, count: int, seed: int) -> Iterator[Bytes]:
    """So many cuts of a folder's pictures."""
    width, height = CUT
    pictures = [load(path, max_pixels=1 << 28).pixels for path in sorted(folder.glob("*.png"))]
    pictures = [p for p in pictures if p.shape[1] >= width and p.shape[0] >= height]
    rng = np.random.default_rng(seed)
    for which in rng.integers(len(pictures), size=count):
        source = pictures[which]
        top, left = rng.integers(source.shape[0] - height + 1), rng.integers(source.shape[1] - width + 1)
        cut = source[top : top + height, left : left + width]
        yield cut[:, ::-1] if rng.random() < 0.5 else cut


def mosaic(folder: Path, columns: int, rows: int, seed: int) -> Iterator[Bytes]:
    """Cuts side by side, row by row of them: uint8 [1080, columns 1920, 3]."""
    cuts = cuts_of(folder, columns * rows, seed)
    for _ in range(rows):
        yield np.concatenate(list(itertools.islice(cuts, columns)), axis=1)


def border_ratio(error: Any, lefts: set[int], tops: set[int]) -> float | None:
    """Mean squared error at borders of windows over that around them; None without borders."""
    near = np.zeros(error.shape, bool)
    around = np.zeros(error.shape, bool)
    for mask, reach in ((near, NEAR), (around, AROUND)):
        for left in lefts - {0}:
            mask[:, left - reach : left + reach] = True
        for top in tops - {0}:
            mask[top - reach : top + reach] = True
    around &= ~near
    return float(error[near].mean(dtype=np.float64) / error[around].mean(dtype=np.float64)) if near.any() else None


def measured(pixels: Bytes, cr: float, effort: int) -> dict[str, Any]:
    """One encoding."""
    started = time.process_time()
    file = smartsplat.encode(pixels, cr=cr, effort=effort)
    processor, memory = time.process_time() - started, peak_rss()
    decoded = smartsplat.decode(file.to_bytes(), max_pixels=pixels.size, max_work=1e6)
    error = np.square(decoded.astype(np.int16) - pixels, dtype=np.int32).sum(axis=2, dtype=np.int32)
    windows = picture_windows(Job(np.empty((3, *pixels.shape[:2]), np.uint8), False, load_engine(), effort), len(file))
    ratio = border_ratio(error, {window.left for window in windows}, {window.top for window in windows})
    assert file.report is not None
    megapixels = pixels.size / 3e6
    return {
        "width": pixels.shape[1], "height": pixels.shape[0], "cr": cr, "effort": effort, "bytes": len(file),
        "psnr": round(psnr(decoded, pixels), 3), "splats": file.report.splats,
        "spacing": file.lattice.spacing if file.lattice else None,
        "seconds": round(file.report.seconds, 1), "processor_seconds": round(processor, 1),
        "processor_seconds_per_mp": round(processor / megapixels, 2), "peak_rss_mb": (memory or 0) >> 20,
        "border_error_ratio": ratio and round(ratio, 3),
    }  # fmt: skip


def written(path: Path, bands: Iterable[Bytes], width: int, height: int) -> None:
    """A TIFF file of what the bands show of so many pixels."""
    with path.open("wb") as file:
        writer = TiffWriter(file, width, height, channels=3)
        left = height
        for band in bands:
            writer.write(np.ascontiguousarray(band[:left, :width]))
            left -= len(band[:left])
        writer.close()


def measured_in(picture: Path, o: argparse.Namespace) -> dict[str, Any]:
    """One encoding by the command line, within that memory."""
    out = picture.with_suffix(".ssplat")
    command = [sys.executable, "-m", "smartsplat", "encode", picture, out, "--json", "--quiet", "--force",
               "--cr", str(o.cr), "--effort", str(o.effort), "--memory", o.memory,
               "--max-pixels", str(10**10)]  # fmt: skip
    said = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor, pixels = used.ru_utime + used.ru_stime, said["width"] * said["height"]
    spacing = summarise(out.read_bytes())["lattice_spacing"]
    return {
        "width": said["width"], "height": said["height"], "cr": o.cr, "effort": o.effort, "memory": o.memory,
        "bytes": said["bytes"], "psnr": round(said["psnr"], 3), "splats": said["splats"], "spacing": spacing,
        "seconds": round(said["encode_seconds"], 1), "processor_seconds": round(processor, 1),
        "processor_seconds_per_mp": round(processor / pixels * 1e6, 2), "peak_rss_mb": said["peak_rss_bytes"] >> 20,
    }  # fmt: skip


def in_a_file(o: argparse.Namespace) -> dict[str, Any]:
    """The row of a mosaic that lies in a file."""
    width, height = o.crop or (o.columns * CUT[0], o.rows * CUT[1])
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "mosaic.tif"
        written(picture, mosaic(o.pictures, o.columns, o.rows, o.seed), width, height)
        return measured_in(picture, o)


def main() -> None:
    """Runs it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--columns", type=int, default=8)
    parser.add_argument("--rows", type=int, default=8)
    parser.add_argument("--cr", type=float, default=200)
    parser.add_argument("--effort", type=int, default=5)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--memory", help="what the command line is told to take, such as 1G")
    parser.add_argument("--crop", type=lambda text: tuple(map(int, text.split("x"))), help="of a mosaic in a file, WxH")
    o = parser.parse_args()
    name = f"mosaic {o.columns}x{o.rows}, seed {o.seed}" if o.pictures.is_dir() else o.pictures.stem
    if o.memory is not None:
        figures = in_a_file(o) if o.pictures.is_dir() else measured_in(o.pictures, o)
    elif o.pictures.is_dir():
        figures = measured(np.concatenate(list(mosaic(o.pictures, o.columns, o.rows, o.seed))), o.cr, o.effort)
    else:
        figures = measured(load(o.pictures, max_pixels=1 << 28).pixels, o.cr, o.effort)
    row = {"picture": name} | figures | machine()
    print(json.dumps(row))
    append("large", row)


if __name__ == "__main__":
    main()
