"""Quality over bytes of small pictures of grain: never worse with more bytes, and all of them used.

    python -m benchmarks.rates [--sides 64,128] [--sigmas 4,10] [--effort 5]

Cuts of the packaged photo with noise of a standard deviation in 8-bit steps, coded in sizes a fifth apart up to the
raw one. Prints a row for each, with the PSNR of the decoded file, and adds it to benchmarks/results/rates.jsonl.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

import smartsplat
from benchmarks.results import append, machine
from smartsplat.metrics import psnr
from smartsplat.pictures.samples import Bytes
from tests.photos import photo

FIRST, RATIO = 250, 1.2


def grain(side: int, sigma: float) -> Bytes:
    """Such a picture, uint8 [side, side, 3]."""
    noise = np.random.default_rng(side).normal(0, sigma, (side, side, 3))
    return (photo(side, side) + noise).clip(0, 255).round().astype(np.uint8)


def rows(pixels: Bytes, effort: int) -> Iterator[dict[str, Any]]:
    """One for each size; the PSNR of an exact picture is null."""
    for k in range(int(math.log(pixels.size / FIRST, RATIO)) + 1):
        size = round(FIRST * RATIO**k)
        file = smartsplat.encode(pixels, size=size, effort=effort)
        found = psnr(smartsplat.decode(file.to_bytes()), pixels)
        assert file.report is not None
        yield {
            "asked": size, "bytes": len(file), "psnr": round(found, 3) if math.isfinite(found) else None,
            "splats": file.report.splats, "seconds": round(file.report.seconds, 3),
        }  # fmt: skip


def main() -> None:
    """Runs it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sides", default="64,128", help="px")
    parser.add_argument("--sigmas", default="4,10")
    parser.add_argument("--effort", type=int, default=5)
    options = parser.parse_args()
    for side in map(int, options.sides.split(",")):
        for sigma in map(float, options.sigmas.split(",")):
            picture = {"side": side, "sigma": sigma, "effort": options.effort} | machine()
            for row in rows(grain(side, sigma), options.effort):
                print(json.dumps(picture | row), flush=True)
                append("rates", picture | row)


if __name__ == "__main__":
    main()
