"""What blocks of pixels are worth: pictures with and without them, beside AVIF, as rows.

    python -m benchmarks.blocks PICTURES... [--cr 50,100,200,500] [--effort 2] [--out FILE]

AVIF is libaom's at speed 6 and 3, 4:4:4, of the picture itself or of its half, whichever is better at speed 6; at speed
3 the quality begins at that of speed 6 and goes up or down by 2, 5 and 10 as far as the bytes allow.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import time
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from PIL import Image

import smartsplat
from smartsplat.coding.format import BLOCKS
from smartsplat.metrics import psnr

STEPS = (2, 5, 10)


def row_of(image: Image.Image, decoded: np.ndarray) -> dict[str, Any]:
    """What is said of quality."""
    quality = psnr(np.asarray(image), decoded)
    return {"psnr": None if math.isinf(quality) else round(quality, 2), "exact": math.isinf(quality)}


def own(image: Image.Image, ratio: float, effort: int, *, blocks: bool) -> dict[str, Any]:
    """This codec's row."""
    started = time.process_time()
    if blocks:
        file = smartsplat.encode(np.asarray(image), cr=ratio, effort=effort, threads=1)
    else:
        with mock.patch("smartsplat.pipeline.encode.with_blocks", lambda job, budget, plain, compose: plain):
            file = smartsplat.encode(np.asarray(image), cr=ratio, effort=effort, threads=1)
    seconds = time.process_time() - started
    codec = f"smartsplat:{effort}" + ("" if blocks else " without blocks")
    sizes = {"bytes": len(file), "block_bytes": file.section_bytes.get(BLOCKS, 0)}
    return {"codec": codec, **sizes, **row_of(image, file.render()), "encode_cpu_seconds": round(seconds, 1)}


class Avif:
    """Files of a picture, each made once."""

    def __init__(self, image: Image.Image) -> None:
        self._image = image
        self._made: dict[tuple[int, int, int], dict[str, Any]] = {}

    def row(self, quality: int, speed: int, factor: int) -> dict[str, Any]:
        """One file's."""
        key = quality, speed, factor
        if key not in self._made:
            self._made[key] = self._encode(*key)
        return self._made[key]

    def _encode(self, quality: int, speed: int, factor: int) -> dict[str, Any]:
        size = self._image.width // factor, self._image.height // factor
        small = self._image if factor == 1 else self._image.resize(size, Image.Resampling.LANCZOS)
        buffer, started = io.BytesIO(), time.process_time()
        small.save(buffer, "AVIF", quality=quality, speed=speed, subsampling="4:4:4", max_threads=1, codec="aom",
                   autotiling=False, advanced={"tune": "ssim"})  # fmt: skip
        seconds = time.process_time() - started
        decoded = Image.open(buffer).convert("RGB")
        if factor > 1:
            decoded = decoded.resize(self._image.size, Image.Resampling.LANCZOS)
        row = {"codec": "avif" if speed == 6 else f"avif:{speed}", "bytes": buffer.getbuffer().nbytes}
        more = {"quality": quality, "factor": factor, "encode_cpu_seconds": round(seconds, 1)}
        return row | row_of(self._image, np.asarray(decoded)) | more

    def rows(self, budget: float) -> list[dict[str, Any]]:
        """At speed 6 and 3 in so many bytes; none where there is no such file."""
        usual = [row for factor in (1, 2) if (row := self._largest(budget, factor))]
        if not usual:
            return []
        best = max(usual, key=lambda row: math.inf if row["exact"] else row["psnr"])
        slow = self._near(best["quality"], best["factor"], budget)
        return [best] if slow is None else [best, slow]

    def _largest(self, budget: float, factor: int) -> dict[str, Any] | None:
        low, high, found = 0, 100, None
        while low <= high:
            middle = (low + high) // 2
            row = self.row(middle, 6, factor)
            found, low, high = (row, middle + 1, high) if row["bytes"] <= budget else (found, low, middle - 1)
        return found

    def _near(self, quality: int, factor: int, budget: float) -> dict[str, Any] | None:
        found = row if (row := self.row(quality, 3, factor))["bytes"] <= budget else None
        for step in STEPS:
            other = quality + step if found else quality - step
            if not 0 <= other <= 100:
                break
            row = self.row(other, 3, factor)
            if row["bytes"] > budget and found:
                break
            if row["bytes"] <= budget:
                if found is None:
                    return row
                found = row
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("--cr", default="50,100,200,500")
    parser.add_argument("--effort", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/graphics_blocks.jsonl"))
    arguments = parser.parse_args()
    with arguments.out.open("a", encoding="utf-8") as out:
        for path in arguments.pictures:
            image = Image.open(path).convert("RGB")
            avif = Avif(image)
            for ratio in map(float, arguments.cr.split(",")):
                rows = [own(image, ratio, arguments.effort, blocks=blocks) for blocks in (False, True)]
                for row in rows + avif.rows(3 * image.width * image.height / ratio):
                    out.write(json.dumps({"picture": path.stem, "target_cr": ratio} | row) + "\n")
                    out.flush()


if __name__ == "__main__":
    main()
