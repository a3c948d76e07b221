"""The classical formats, each with one knob from the smallest file to the best, tuned for PSNR.

Tuned means: where an option lowers the bytes at equal PSNR on photographs and the library has it, it is set.
The figures below are Bjøntegaard rates over four pictures (flower, people_1927, kodim05, kodim20) without
shrinking.
"""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image, features

from smartsplat.bench.interface import MissingExtraError, Pixels, three_channels


class Format(ABC):
    """A format and how its files are made.

    Attributes:
        versions: library by library.
        settings: what is fixed.
        steps: how many positions the knob has; files grow with the position, nearly always.
        enlarge: how a decoder enlarges a picture that was shrunk first, `lanczos` or `bicubic`: which is
            better on average where shrinking pays, over five pictures and compression ratios from 100 to
            1000.
    """

    versions: Mapping[str, str]
    settings: Mapping[str, Any]
    steps: int
    enlarge = "lanczos"

    @abstractmethod
    def variants(self, *, grey: bool) -> tuple[str, ...]:
        """Ways to encode a picture, of which the best counts; `grey` if its three channels are equal."""

    @abstractmethod
    def label(self, step: int) -> str:
        """The knob's position in the library's own terms."""

    @abstractmethod
    def encode(self, pixels: Pixels, variant: str, step: int) -> bytes:
        """The file."""

    def decode(self, data: bytes) -> Pixels:
        """Its picture as uint8 [H, W, 3]."""
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image.convert("RGB"))


# ITU-T T.81, Annex K, tables K.1 and K.2: what libjpeg scales, in rows.
_LUMA = """16 11 10 16 24 40 51 61 12 12 14 19 26 58 60 55 14 13 16 24 40 57 69 56 14 17 22 29 51 87 80 62
18 22 37 56 68 109 103 77 24 35 55 64 81 104 113 92 49 64 78 87 103 121 120 101 72 92 95 98 112 100 103 99"""
_CHROMA = """17 18 24 47 99 99 99 99 18 21 26 66 99 99 99 99 24 26 56 99 99 99 99 99 47 66 99 99 99 99 99 99
99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99"""


class Jpeg(Format):
    """JPEG by libjpeg-turbo, progressive, with optimal Huffman tables.

    Its quantisation tables are the geometric mean of Annex K's and flat ones: 8 to 14 % fewer bytes at equal
    PSNR than Annex K's, at equal MS-SSIM between 4 % fewer and 4 % more. The knob scales them by 3 % a step.
    Bicubic enlargement is 0.05 dB better, as it blurs the blocks' edges; for the other formats it is 0.1 dB
    worse.
    """

    steps = 200
    enlarge = "bicubic"

    def __init__(self) -> None:
        self.versions = {"pillow": PIL.__version__, "libjpeg-turbo": _version("libjpeg_turbo")}
        self.settings = {
            "progressive": True,
            "optimise": True,
            "tables": "geometric mean of Annex K and flat",
        }

    def variants(self, *, grey: bool) -> tuple[str, ...]:
        """Without chroma, or with it at half and at full resolution."""
        return ("grey",) if grey else ("4:2:0", "4:4:4")

    def label(self, step: int) -> str:
        """The factor on the tables."""
        return f"tables x {self._scale(step):.3f}"

    def encode(self, pixels: Pixels, variant: str, step: int) -> bytes:
        """The file."""
        options: dict[str, Any] = {} if variant == "grey" else {"subsampling": variant}
        tables = [_scaled(table, self._scale(step)) for table in (_LUMA, _CHROMA)]
        return _saved(_channels(pixels, variant), "JPEG", qtables=tables, progressive=True, optimize=True, **options)

    def _scale(self, step: int) -> float:
        return float(16 * 1.03**-step)


def _scaled(table: str, scale: float) -> list[int]:
    values = np.array(table.split(), np.float64)
    scaled: list[int] = np.clip(np.sqrt(values * values[0]) * scale + 0.5, 1, 255).astype(int).tolist()
    return scaled


class WebP(Format):
    """WebP by libwebp.

    The library's spatial noise shaping, for which Pillow has no option, costs 1 to 5 % of the bytes at equal
    PSNR (and saves 5 to 8 % at equal MS-SSIM).

    Args:
        method: 0 (fast) to 6 (thorough).
    """

    steps = 201

    def __init__(self, method: int) -> None:
        self.versions = {"pillow": PIL.__version__, "libwebp": _version("webp")}
        self.settings = {"method": method}
        self._method = method

    def variants(self, *, grey: bool) -> tuple[str, ...]:
        """Only the one that the format has."""
        return ("4:2:0",)

    def label(self, step: int) -> str:
        """The quality."""
        return f"quality {step / 2:g}"

    def encode(self, pixels: Pixels, variant: str, step: int) -> bytes:
        """The file."""
        return _saved(pixels, "WEBP", quality=step / 2, method=self._method)


class JpegXl(Format):
    """JPEG XL by libjxl.

    It has no option for PSNR; efforts 5 to 9 differ by less than 2 %.

    Args:
        effort: 1 (fast) to 9 (thorough).
        threads: to use.
    """

    steps = 143

    def __init__(self, effort: int, threads: int) -> None:
        try:
            import imagecodecs
        except ImportError as error:
            raise MissingExtraError("imagecodecs (JPEG XL)") from error
        self._codecs = imagecodecs
        library = str(imagecodecs.jpegxl_version()).removeprefix("libjxl ")
        self.versions = {"imagecodecs": str(imagecodecs.__version__), "libjxl": library}
        self.settings = {"effort": effort}
        self._effort, self._threads = effort, threads

    def variants(self, *, grey: bool) -> tuple[str, ...]:
        """As many channels as the picture has."""
        return ("grey",) if grey else ("XYB",)

    def label(self, step: int) -> str:
        """The distance: 25, the greatest that libjxl accepts, divided by 1.04 a step."""
        return f"distance {self._distance(step)}"

    def encode(self, pixels: Pixels, variant: str, step: int) -> bytes:
        """The file."""
        data = self._codecs.jpegxl_encode(
            np.ascontiguousarray(_channels(pixels, variant)), distance=self._distance(step), lossless=False,
            effort=self._effort, numthreads=self._threads,
        )  # fmt: skip
        return bytes(data)

    def decode(self, data: bytes) -> Pixels:
        """Its picture."""
        return three_channels(self._codecs.jpegxl_decode(data, numthreads=self._threads))

    def _distance(self, step: int) -> float:
        return round(25 * 1.04**-step, 3)


class Avif(Format):
    """AVIF by libaom.

    ``tune=ssim`` takes 2 to 8 % fewer bytes at equal PSNR than libavif's own choice (``iq``), and no more
    than ``tune=psnr``, than which it is better at equal MS-SSIM by 5 %.

    libaom offers 64 of AV1's quantisers, so that up to 8 % of a budget stays unused; a table of
    quality at a budget shows that, a Bjøntegaard rate does not.

    Args:
        speed: 10 (fast) to 0 (thorough); 4 takes five times as long as 6 to save 5 to 9 % at equal PSNR.
        threads: to use.
    """

    steps = 64

    def __init__(self, speed: int, threads: int) -> None:
        if not features.check("avif"):
            raise MissingExtraError("Pillow 11.3 or later with AVIF")
        self.versions = {"pillow": PIL.__version__, "libavif": _version("avif")}
        self.settings = {"speed": speed, "codec": "aom", "tune": "ssim", "autotiling": False}
        self._speed, self._threads = speed, threads

    def variants(self, *, grey: bool) -> tuple[str, ...]:
        """Without chroma, or with it at half and at full resolution."""
        return ("4:0:0",) if grey else ("4:2:0", "4:4:4")

    def label(self, step: int) -> str:
        """The quality."""
        return f"quality {self._quality(step)}"

    def encode(self, pixels: Pixels, variant: str, step: int) -> bytes:
        """The file."""
        image = _channels(pixels, "grey") if variant == "4:0:0" else pixels
        return _saved(
            image, "AVIF", quality=self._quality(step), subsampling=variant, speed=self._speed, codec="aom",
            max_threads=self._threads, autotiling=False, advanced={"tune": "ssim"},
        )  # fmt: skip

    def _quality(self, step: int) -> int:
        """A quality that libavif, which rounds its 101 qualities to 64 quantisers, tells apart."""
        return round(step * 100 / 63)


def _version(feature: str) -> str:
    return str(features.version(feature))


def _channels(pixels: Pixels, variant: str) -> NDArray[np.uint8]:
    return pixels[:, :, 0] if variant == "grey" else pixels


def _saved(pixels: NDArray[np.uint8], file_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, file_format, **options)
    return buffer.getvalue()
