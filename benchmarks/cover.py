"""The picture at the top of the README: the packaged photograph, a part of it beside JPEG, and its Gaussians.

    python -m benchmarks.cover [--cr 200] [--out docs/images/cover.webp]

All that it says in figures is measured in the same run.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import smartsplat
from smartsplat.bench.formats import Jpeg
from smartsplat.bench.search import Shrinking
from smartsplat.demo import picture_bytes
from smartsplat.metrics import psnr
from smartsplat.reporting.splats import inside, outlines

SIDE, GAP, CAPTION = 392, 12, 26
"""px: of a panel, between two, and of the line below one."""
PART, DETAIL = 392, 98
"""px of the picture that the panels of a part show."""
PLACE = 0.42, 0.3
"""Where the part lies: its top left corner in parts of the width and height that are left."""

Panel = tuple[Image.Image, str]


class Region(NamedTuple):
    """A square of the picture, px."""

    left: int
    top: int
    side: int

    def of(self, pixels: np.ndarray) -> Image.Image:
        """What a picture shows there, as large as a panel."""
        cut = pixels[self.top : self.top + self.side, self.left : self.left + self.side]
        return Image.fromarray(cut).resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def panels(pixels: np.ndarray, cr: float) -> list[Panel]:
    """The picture, a part of it twice, and a part of that."""
    file = smartsplat.encode(pixels, cr=cr)
    decoded, (height, width) = file.render(), pixels.shape[:2]
    jpeg = Shrinking("jpeg", Jpeg(), (1, 2, 4, 8))
    found = jpeg.encode_to(pixels, len(file))
    assert found is not None
    beside = jpeg.decode(found.data, width, height)
    part = Region(int(PLACE[0] * (width - PART)), int(PLACE[1] * (height - PART)), PART)
    return [
        (overview(decoded, part), f"{width} x {height} px, 1/{pixels.size / len(file):.0f} of the raw bytes"),
        (part.of(beside), f"JPEG, {len(found.data):,} bytes: {psnr(pixels, beside):.1f} dB"),
        (part.of(decoded), f"SmartSplat, {len(file):,} bytes: {psnr(pixels, decoded):.1f} dB"),
        (gaussians(file, part), f"{SIDE // DETAIL} times as large: its Gaussians"),
    ]


def overview(decoded: np.ndarray, part: Region) -> Image.Image:
    """The middle of the whole picture, with the part in a frame."""
    height, width = decoded.shape[:2]
    left, scale = (width - height) // 2, SIDE / height
    image = Region(left, 0, height).of(decoded)
    corner = ((part.left - left) * scale, part.top * scale)
    frame = [*corner, corner[0] + part.side * scale, corner[1] + part.side * scale]
    ImageDraw.Draw(image).rectangle(frame, outline="white", width=2)
    return image


def gaussians(file: smartsplat.SplatFile, part: Region) -> Image.Image:
    """Where most splats are in the part: rendered from them, and their outlines over it."""
    corners = [(part.left + x, part.top + y) for y in range(0, PART, DETAIL) for x in range(0, PART, DETAIL)]
    left, top = max(corners, key=lambda corner: len(inside(file.splats, *corner, DETAIL)))
    near = inside(file.splats, left, top, DETAIL)
    image = file.render(region=(left, top, DETAIL, DETAIL), scale=SIDE / DETAIL)
    drawn = np.asarray(outlines(near, (SIDE, SIDE), SIDE / DETAIL, (left, top)))
    return Image.fromarray(np.maximum(image, drawn))


def sheet(shown: list[Panel]) -> Image.Image:
    """Panels side by side, a line below each."""
    image = Image.new("RGB", (len(shown) * (SIDE + GAP) - GAP, SIDE + CAPTION), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(17)
    for column, (panel, text) in enumerate(shown):
        image.paste(panel, (column * (SIDE + GAP), 0))
        draw.text((column * (SIDE + GAP), SIDE + 4), text, fill="black", font=font)
    return image


def main() -> None:
    """Draws it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cr", type=float, default=200)
    parser.add_argument("--out", type=Path, default=Path("docs/images/cover.webp"))
    o = parser.parse_args()
    pixels = np.asarray(Image.open(io.BytesIO(picture_bytes())).convert("RGB"))
    sheet(panels(pixels, o.cr)).save(o.out, quality=88, method=6)


if __name__ == "__main__":
    main()
