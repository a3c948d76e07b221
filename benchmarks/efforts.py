"""Quality over time: what each effort gives and takes, picture by picture.

    python -m benchmarks.efforts PICTURE... [--cr 80,200] [--efforts 1,2,3] [--plot FILE.svg]

A row for each in benchmarks/results/efforts.jsonl; what is there for this commit is not measured again. Seconds are of
the processor, on one thread, and so hold on a busy machine. The plot is of the newest row for each picture and effort.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import smartsplat
from benchmarks.results import FOLDER, append, machine
from smartsplat import metrics
from smartsplat.bench.interface import three_channels
from smartsplat.fitting.schedule import EFFORTS
from smartsplat.pictures.reading import load
from smartsplat.pipeline.options import DEFAULT_TUNE

NAME = "efforts"


def measure(path: Path, cr: float, effort: int, tune: str | None) -> dict:
    pixels = load(path).opaque_bytes()
    started = time.process_time()
    file = smartsplat.encode(path, cr=cr, effort=effort, tune=tune, threads=1)
    seconds = time.process_time() - started
    compared = metrics.compare(pixels, three_channels(smartsplat.decode(file.to_bytes(), threads=1)))
    return {
        "picture": path.stem, "cr": cr, "effort": effort, "tune": file.report.tune, "psnr": round(compared["psnr"], 3),
        "ms_ssim": round(compared["ms_ssim"], 5), "bytes": len(file), "splats": file.report.splats,
        "cpu_seconds_per_megapixel": round(seconds * 1e6 / (pixels.shape[0] * pixels.shape[1]), 3), **machine(),
    }  # fmt: skip


def rows() -> list[dict]:
    path = FOLDER / f"{NAME}.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def known(path: Path, cr: float, effort: int, tune: str | None) -> bool:
    wanted = {"picture": path.stem, "cr": cr, "effort": effort, "tune": tune or DEFAULT_TUNE}
    wanted |= {"commit": machine()["commit"]}
    return any(wanted.items() <= row.items() for row in rows())


def plot(target: Path) -> None:
    """A panel for each picture and CR: PSNR, and MS-SSIM in dB, over seconds a megapixel."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    newest = {(r["picture"], r["cr"], r["effort"]): r for r in rows() if r["tune"] == DEFAULT_TUNE}
    panels = sorted({key[:2] for key in newest})
    figure = Figure(figsize=(3.2 * len(panels), 5), layout="constrained")
    for column, (picture, cr) in zip(figure.subplots(2, len(panels), squeeze=False).T, panels, strict=True):
        line = [newest[key] for key in sorted(newest) if key[:2] == (picture, cr)]
        seconds = [row["cpu_seconds_per_megapixel"] for row in line]
        values = {"PSNR [dB]": [r["psnr"] for r in line], "MS-SSIM [dB]": [ms_ssim_db(r["ms_ssim"]) for r in line]}
        for axes, (title, quality) in zip(column, values.items(), strict=True):
            axes.plot(seconds, quality, "o-", markersize=4)
            for row, x, y in zip(line, seconds, quality, strict=True):
                axes.annotate(str(row["effort"]), (x, y), textcoords="offset points", xytext=(3, -9), fontsize=7)
            axes.set(xscale="log", ylabel=title, title=f"{picture}, CR {cr:g}")
            axes.title.set_size(8)
            axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
            axes.xaxis.set_minor_formatter(NullFormatter())
    figure.supxlabel("processor seconds for each megapixel", fontsize=9)
    figure.savefig(target, metadata={"Date": None} if target.suffix == ".svg" else None)


def ms_ssim_db(value: float) -> float:
    return -10 * math.log10(1 - value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path, nargs="*")
    parser.add_argument("--cr", type=lambda text: [float(part) for part in text.split(",")], default=[80.0, 200.0])
    parser.add_argument("--efforts", type=lambda text: [int(part) for part in text.split(",")], default=list(EFFORTS))
    parser.add_argument("--tune")
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    if options.pictures:
        smartsplat.encode(options.pictures[0], size=1000, effort=1, threads=1)  # so that libraries are loaded
    for path in options.pictures:
        for cr in options.cr:
            for effort in options.efforts:
                if not known(path, cr, effort, options.tune):
                    append(NAME, row := measure(path, cr, effort, options.tune))
                    print(json.dumps(row), flush=True)
    if options.plot:
        plot(options.plot)


if __name__ == "__main__":
    main()
