"""What share of the bytes alpha is worth: the picture over backgrounds, for steps that are so many octaves coarser.

    python -m benchmarks.alpha [--coarser 0,1,2,3] [--ratios 20,50,100] [--effort 2] PICTURE...

Each picture gets five alphas: a disc with a sharp border, a soft one, a fade, letters on a flat ground, and one that
follows its light parts as hair does. Prints a row for each alpha, ratio and step, with the PSNR of the decoded picture
over black, grey and white against the original over the same, and adds it to benchmarks/results/alpha.jsonl.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

import smartsplat
from benchmarks.results import append, machine
from smartsplat.pictures.reading import load
from smartsplat.pictures.samples import Bytes
from smartsplat.pipeline import alpha as rule

BACKGROUNDS = (0.0, 0.5, 1.0)

KINDS = ("sharp", "soft", "fade", "letters", "hair")


def alpha_of(kind: str, pixels: Bytes) -> Bytes:
    """An alpha of that kind for a picture [H, W, 3]."""
    height, width = pixels.shape[:2]
    y, x = np.mgrid[0:height, 0:width]
    distance = 0.4 * min(height, width) - np.hypot(x - width / 2, y - height / 2)
    match kind:
        case "sharp":
            levels = distance * 255
        case "soft":
            levels = distance * 4 + 128
        case "fade":
            levels = x * 255 / width
        case "letters":
            return _letters(width, height)
        case _:
            levels = (pixels.mean(axis=2) - 90) * 4
    return np.clip(levels, 0, 255).astype(np.uint8)


def _letters(width: int, height: int) -> Bytes:
    image = Image.new("L", (width, height))
    font = ImageFont.load_default(size=height / 6)
    for line in range(5):
        ImageDraw.Draw(image).text((width / 20, height * line / 5), "SmartSplat 2D", fill=255, font=font)
    return np.asarray(image)


def over_backgrounds(rgba: Bytes) -> NDArray[np.float64]:
    """The picture over each of them, [3, H, W, 3]."""
    colours, seen = rgba[:, :, :3] / 255, rgba[:, :, 3:] / 255
    return np.stack([colours * seen + background * (1 - seen) for background in BACKGROUNDS])


def row(rgba: Bytes, ratio: float, effort: int) -> dict[str, Any]:
    """Figures of one encoding."""
    file = smartsplat.encode(rgba, cr=ratio, effort=effort)
    error = ((over_backgrounds(rgba) - over_backgrounds(file.render())) ** 2).mean()
    report = file.report
    assert report is not None
    assert report.alpha_bytes is not None
    return {
        "bytes": len(file), "alpha_bytes": report.alpha_bytes, "psnr_over": round(-10 * math.log10(error), 3),
        "psnr": round(report.psnr, 3), "psnr_alpha": report.psnr_alpha and min(99.0, round(report.psnr_alpha, 3)),
    }  # fmt: skip


def main() -> None:
    """Runs it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="+")
    parser.add_argument("--coarser", default="0,1,2,3", help="octaves")
    parser.add_argument("--ratios", default="20,50,100")
    parser.add_argument("--effort", type=int, default=2)
    options = parser.parse_args()
    for path in options.pictures:
        pixels = load(path).opaque_bytes()
        for kind in KINDS:
            colours = np.full_like(pixels, (180, 30, 40)) if kind == "letters" else pixels
            rgba = np.dstack([colours, alpha_of(kind, pixels)])
            for ratio in map(float, options.ratios.split(",")):
                for coarser in map(float, options.coarser.split(",")):
                    rule.COARSER = coarser
                    picture = {"picture": Path(path).stem, "alpha": kind, "cr": ratio, "coarser": coarser}
                    found = picture | {"effort": options.effort} | row(rgba, ratio, options.effort)
                    print(json.dumps(found), flush=True)
                    append("alpha", found | machine())


if __name__ == "__main__":
    main()
