"""The whole job on a picture that comes with the package: files, decoded pictures, a contact sheet and a table."""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from smartsplat import metrics
from smartsplat.api import encode
from smartsplat.file.splatfile import SplatFile
from smartsplat.pictures import reading, writing
from smartsplat.pictures.differences import ERROR_GAIN, error_picture
from smartsplat.pictures.files import atomic_write, make_folder
from smartsplat.progress import bar

RATIOS = (50, 200, 1000)
PANEL_WIDTH = 700  # px of the contact sheet

Pixels = NDArray[np.uint8]


class Beside(NamedTuple):
    """The best JPEG in the bytes of a result: its bytes, PSNR [dB], MS-SSIM, and by what it was shrunk first.

    Attributes:
        pixels: decoded from it, uint8 [H, W, 3].
    """

    pixels: Pixels
    size: int
    psnr: float
    ms_ssim: float
    factor: int


@dataclass(frozen=True)
class Result:
    """One compression ratio of the demonstration.

    Attributes:
        ratio: asked for.
        file: encoded.
        pixels: decoded from it, uint8 [H, W, 3].
        psnr: of them, dB.
        ms_ssim: likewise.
        jpeg: beside it; None if no JPEG is so small.
    """

    ratio: int
    file: SplatFile
    pixels: Pixels
    psnr: float
    ms_ssim: float
    jpeg: Beside | None

    def row(self) -> str:
        """A row of the table."""
        report = self.file.report
        assert report is not None
        raw = 3 * self.file.width * self.file.height
        left = (
            f"{self.ratio:>6} {len(self.file):>9} {raw / len(self.file):>8.1f} {report.splats:>8} "
            f"{self.psnr:>8.2f} {self.ms_ssim:>9.4f} {report.seconds:>8.1f}"
        )
        if self.jpeg is None:
            return f"{left}   {'no JPEG is so small':>34}"
        beside = self.jpeg
        return f"{left}   {beside.size:>9} {beside.psnr:>8.2f} {beside.ms_ssim:>9.4f} {f'1/{beside.factor}':>6}"


HEADER = (
    f"{'asked':>6} {'bytes':>9} {'CR':>8} {'splats':>8} {'PSNR':>8} {'MS-SSIM':>9} {'seconds':>8}   "
    f"{'JPEG':>9} {'PSNR':>8} {'MS-SSIM':>9} {'size':>6}"
)


def picture_bytes() -> bytes:
    """The packaged picture, a WebP file."""
    return (importlib.resources.files("smartsplat") / "data" / "flower.webp").read_bytes()


def run_demo(folder: Path, *, engine: str = "auto", threads: int = 0) -> None:
    """Encodes the packaged picture at three ratios, writes everything to a folder and prints a table.

    Args:
        folder: is made if it is not there; what the demonstration wrote before is replaced.
        engine: see ``smartsplat.engines.load_engine``.
        threads: likewise.

    Raises:
        OutputError: the folder cannot be made or written.
    """
    make_folder(folder)
    original_path = folder / "flower.webp"
    with atomic_write(original_path, overwrite=True) as file:
        file.write(picture_bytes())
    original = reading.load(original_path).opaque_bytes()
    best_jpeg = _jpegs_of(original)
    print(f"{original_path}: {original.shape[1]} x {original.shape[0]} px, {original.size} bytes raw")
    print(HEADER)
    results = []
    for ratio in RATIOS:
        result = _encode(original, ratio, best_jpeg, engine, threads)
        result.file.save(folder / f"flower-cr{ratio}.ssplat", overwrite=True)
        writing.save(folder / f"flower-cr{ratio}.png", result.pixels, overwrite=True)
        print(result.row(), flush=True)
        results.append(result)
    sheet = folder / "contact-sheet.png"
    writing.save(sheet, contact_sheet(original, results), overwrite=True)
    print("JPEG: the best PSNR in the same bytes when the picture may be shrunk first, to the size given.")
    print(f"{sheet}: original, decoded, error times {ERROR_GAIN}, outlines of the splats (or, without any, the JPEG)")


def _jpegs_of(original: Pixels) -> Callable[[int], Beside | None]:
    """Gives a function from bytes to the best JPEG of the picture in them; its calls share their search."""
    from smartsplat.bench.formats import Jpeg  # not before it is asked for: the bench is a leaf
    from smartsplat.bench.search import Shrinking

    jpeg = Shrinking("jpeg", Jpeg(), (1, 2, 4, 8))
    height, width = original.shape[:2]

    def best(allowed: int) -> Beside | None:
        encoded = jpeg.encode_to(original, allowed)
        if encoded is None:
            return None
        decoded = jpeg.decode(encoded.data, width, height)
        psnr, ms_ssim = metrics.psnr(original, decoded), metrics.ms_ssim(original, decoded)
        return Beside(decoded, len(encoded.data), psnr, ms_ssim, encoded.factor)

    return best


def _encode(
    original: Pixels, ratio: int, best_jpeg: Callable[[int], Beside | None], engine: str, threads: int
) -> Result:
    with bar(f"CR {ratio}", quiet=False) as progress:
        file = encode(original, cr=ratio, engine=engine, threads=threads, progress=progress)
    pixels = file.render(engine=engine, threads=threads)
    psnr, ms_ssim = metrics.psnr(original, pixels), metrics.ms_ssim(original, pixels)
    return Result(ratio, file, pixels, psnr, ms_ssim, best_jpeg(len(file)))


def contact_sheet(original: Pixels, results: list[Result]) -> Pixels:
    """A row for each result: original, decoded, error, and outlines of the splats or a JPEG, side by side."""
    height, width = original.shape[:2]
    panel = (PANEL_WIDTH, round(height * PANEL_WIDTH / width))
    caption = 28
    sheet = Image.new("RGB", (4 * PANEL_WIDTH, len(results) * (panel[1] + caption)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(18)
    for row, result in enumerate(results):
        top = row * (panel[1] + caption)
        images = [
            ("original", Image.fromarray(original).resize(panel)),
            (f"CR {result.ratio}, {len(result.file)} bytes, {result.psnr:.2f} dB",
             Image.fromarray(result.pixels).resize(panel)),
            (f"error x {ERROR_GAIN}", Image.fromarray(error_picture(original, result.pixels)).resize(panel)),
            _last_panel(result, panel),
        ]  # fmt: skip
        for column, (text, image) in enumerate(images):
            sheet.paste(image, (column * PANEL_WIDTH, top + caption))
            draw.text((column * PANEL_WIDTH + 6, top + 4), text, fill="black", font=font)
    return np.asarray(sheet)


def _last_panel(result: Result, size: tuple[int, int]) -> tuple[str, Image.Image]:
    """The outlines of the splats and what lies under them; where a lattice stands alone, the best JPEG."""
    from smartsplat.reporting.splats import outlines  # likewise

    file, jpeg = result.file, result.jpeg
    if len(file.splats) > 0:
        under = f", over a lattice of {file.lattice.spacing} px" if file.lattice else ""
        text = f"{len(file.splats)} splats at one standard deviation{under}"
        return text, outlines(file.splats, size, size[0] / file.width)
    if jpeg is not None:
        return f"JPEG, {jpeg.size} bytes, {jpeg.psnr:.2f} dB", Image.fromarray(jpeg.pixels).resize(size)
    return "no JPEG is so small", Image.new("RGB", size, "white")
