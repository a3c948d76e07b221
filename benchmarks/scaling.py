"""How seconds and memory of encoding and decoding grow with the picture, from 0.4 to 900 megapixels.

    python -m benchmarks.scaling PICTURES [--cr 200] [--effort 1] [--sides 768x512,30000x30000] [--table]

PICTURES is a folder, of whose pictures of at least 1920 x 1080 px mosaics of cuts of that size are made, as
``benchmarks.large`` does, and cropped to each size. Each is a TIFF file (in TMPDIR), which the command line encodes and
then decodes to another one, in processes of their own and with no option about memory: what those processes took in
all is the row, with the libraries' start and with reading and writing. Rows go to benchmarks/results/scaling.jsonl,
a size measured again replaces nothing. --table measures nothing: it draws the newest row of each size and effort.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.large import CUT, mosaic, written
from benchmarks.results import FOLDER, append, machine

SIDES = "768x512,1280x800,2560x1600,5640x3200,7680x4320,10240x7040,15360x8640,20000x20000,30000x30000"
SEED = 7
RUN = """
import atexit, json, time
from smartsplat.cli import main
from smartsplat.memory import peak_rss
said = lambda: {"processor_seconds": round(time.process_time(), 2), "peak_bytes": peak_rss()}
atexit.register(lambda: print(json.dumps(said())))
main()
"""
"""The command line, which then says what it took: the kernel's own figure has the parent's memory in it."""

Sides = tuple[int, int]


def figures_of(command: Sequence[str | Path]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Runs the command line: what it says as JSON; wall-clock and processor seconds, and its peak memory in bytes."""
    started = time.perf_counter()
    run = [sys.executable, "-c", RUN, *map(str, command)]
    said = subprocess.run(run, stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()
    seconds = round(time.perf_counter() - started, 2)
    return json.loads("".join(said[:-1])), {"seconds": seconds} | json.loads(said[-1])


def measured(pictures: Path, sides: Sides, cr: float, effort: int) -> dict[str, Any]:
    """The row of one size."""
    width, height = sides
    columns, rows = -(-width // CUT[0]), -(-height // CUT[1])
    common = ["--json", "--max-pixels", str(10**10)]
    with tempfile.TemporaryDirectory() as folder:
        picture, file = Path(folder) / "mosaic.tif", Path(folder) / "mosaic.ssplat"
        written(picture, mosaic(pictures, columns, rows, SEED), width, height)
        asked = ["--cr", str(cr), "--effort", str(effort), "--quiet"]
        said, encoding = figures_of(["encode", picture, file, *asked, *common])
        _, decoding = figures_of(["decode", file, picture, "--force", *common])
    row = {"width": width, "height": height, "cr": cr, "effort": effort}
    row |= {"bytes": said["bytes"], "psnr": round(said["psnr"], 3), "splats": said["splats"]}
    return row | {"encode": encoding, "decode": decoding} | machine()


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The newest row of each size and effort, in Markdown."""
    newest = {(row["effort"], row["width"] * row["height"]): row for row in rows}
    lines = [
        "| MP | effort | dB | encode: s | processor s/MP | MB | B/px | decode: s | processor s/MP | MB | B/px |",
        "|" + "---|" * 11,
    ]
    for (effort, pixels), row in sorted(newest.items()):
        cells = [f"{pixels / 1e6:.1f}", str(effort), f"{row['psnr']:.2f}"]
        for part in (row["encode"], row["decode"]):
            cells += [f"{part['seconds']:.1f}", f"{part['processor_seconds'] / pixels * 1e6:.3f}"]
            cells += [f"{part['peak_bytes'] / 1e6:.0f}", f"{part['peak_bytes'] / pixels:.1f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Runs it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path, nargs="?")
    parser.add_argument("--cr", type=float, default=200)
    parser.add_argument("--effort", type=int, default=1)
    parser.add_argument("--sides", default=SIDES, help="WxH, with commas between")
    parser.add_argument("--table", action="store_true")
    o = parser.parse_args()
    if o.table:
        print(table([json.loads(line) for line in (FOLDER / "scaling.jsonl").read_text().splitlines()]))
        return
    if o.pictures is None:
        parser.error("of which pictures?")
    for sides in o.sides.split(","):
        width, height = map(int, sides.split("x"))
        row = measured(o.pictures, (width, height), o.cr, o.effort)
        append("scaling", row)
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
