"""Draws docs/images/crops: parts of pictures at high ratios, beside AVIF's in as many bytes.

    python -m benchmarks.crops ../shared/images/dev [NAME ...]

Of each picture a cut is encoded, by SmartSplat as it does by default and by AVIF at its usual speed 6,
which may shrink the cut first. A row for each ratio shows a part of it: the original, SmartSplat's, AVIF's.
Nothing of the rest of a picture is kept. Figures of the whole cut become rows of benchmarks/results/crops.jsonl.
"""

from __future__ import annotations

import argparse
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.results import append, machine
from smartsplat import metrics
from smartsplat.bench.codecs import make_codec
from smartsplat.bench.interface import Pixels
from smartsplat.pictures.reading import load

CRS = (200, 1000, 5000)
CODECS = ("smartsplat", "avif")
FOLDER = Path(__file__).parent.parent / "docs" / "images" / "crops"
MOST_BYTES = 140_000
"""Of a file in docs."""


@dataclass(frozen=True)
class Crop:
    """Where to look.

    Attributes:
        file: of the picture.
        cut: left, top, width and height of what is encoded, px.
        part: the same of what is shown, within the cut.
    """

    file: str
    cut: tuple[int, int, int, int]
    part: tuple[int, int, int, int]


CROPS = {
    "painting": Crop("painting_5640x3172.png", (1800, 1100, 1280, 800), (700, 400, 480, 300)),
    "green_maple": Crop("green_maple_3840x2160.png", (300, 300, 1280, 800), (500, 300, 480, 300)),
    "interior": Crop("interior_4000x3000.png", (1300, 1000, 1280, 800), (200, 150, 480, 300)),
    "flower": Crop("flower_2268x1512.png", (100, 100, 1280, 800), (800, 500, 480, 300)),
}


def cut_out(pixels: NDArray[Any], place: tuple[int, int, int, int]) -> NDArray[Any]:
    """A rectangle of a picture: left, top, width, height."""
    left, top, width, height = place
    return np.ascontiguousarray(pixels[top : top + height, left : left + width])


def shown(name: str, pixels: Pixels, cr: int, codec_name: str) -> Pixels:
    """A cut as a codec shows it; its figures become a row."""
    codec = make_codec(codec_name)
    encoded = codec.encode_to(pixels, pixels.size // cr)
    if encoded is None:
        raise SystemExit(f"{name}: {codec_name} has no file of {pixels.size // cr} bytes")
    decoded = codec.decode(encoded.data, pixels.shape[1], pixels.shape[0])
    row = {
        "name": name, "codec": codec_name, "cr": cr, "bytes": len(encoded.data), "quality": encoded.quality,
        "psnr": round(metrics.psnr(pixels, decoded), 3), "ms_ssim": round(metrics.ms_ssim(pixels, decoded), 4),
    }  # fmt: skip
    append("crops", row | machine())
    print(json.dumps(row), flush=True)
    return decoded


def panel(name: str, crop: Crop, folder: Path) -> Image.Image:
    """The rows of a picture."""
    pixels = cut_out(load(folder / crop.file).pixels, crop.cut)
    rows = [
        np.concatenate([cut_out(p, crop.part) for p in (pixels, *(shown(name, pixels, cr, c) for c in CODECS))], axis=1)
        for cr in CRS
    ]
    return Image.fromarray(np.concatenate(rows))


def small_webp(image: Image.Image) -> bytes:
    """The best WebP of at most MOST_BYTES."""
    for quality in range(90, 10, -5):
        file = io.BytesIO()
        image.save(file, "WEBP", quality=quality, method=6)
        if file.tell() <= MOST_BYTES:
            break
    return file.getvalue()


def main() -> None:
    """Draws all of them, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="of the development pictures")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(CROPS)} (default all)")
    options = parser.parse_args()
    FOLDER.mkdir(exist_ok=True)
    for name in options.names or CROPS:
        (FOLDER / f"{name}.webp").write_bytes(small_webp(panel(name, CROPS[name], options.folder)))


if __name__ == "__main__":
    main()
