"""Classical codecs at the bytes of a file, and at half and twice as many."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from smartsplat import metrics
from smartsplat.errors import SmartSplatError
from smartsplat.reporting.reducing import Pixels

CODECS = ("jpeg", "webp:4", "jxl:5", "avif:8")
"""What a file is compared with unless the caller says otherwise; the fast efforts of the slow ones."""

MOST_PIXELS = 4_000_000
"""Of a picture whose sheet has them by itself: they take seconds a megapixel."""

_SHARES = (0.5, 1.0, 2.0)


@dataclass(frozen=True)
class Point:
    """A picture in some bytes.

    Attributes:
        bytes: of the file.
        psnr: dB, infinite for the same picture.
        ms_ssim: None where the picture is too small for it.
        settings: of the codec.
    """

    bytes: int
    psnr: float
    ms_ssim: float | None
    settings: str


@dataclass(frozen=True)
class Curve:
    """A codec's points.

    Attributes:
        name: of the codec.
        beside: its best file that is no larger than ours; None if there is none so small.
        points: that one, and those of half and twice the bytes, by bytes.
    """

    name: str
    beside: Point | None
    points: tuple[Point, ...]


def measure(
    pixels: Pixels, size: int, names: Sequence[str], progress: Callable[[float], None]
) -> tuple[list[Curve], list[str]]:
    """Encodes a picture by each codec that is there.

    Args:
        pixels: uint8 [H, W, 3].
        size: bytes of the file that they stand beside.
        names: see ``smartsplat.bench.codecs.make_codec``; not our own.
        progress: gets the part that is done.

    Returns:
        Curves, and a line for each codec whose library is not installed.
    """
    curves, missing = [], []
    for number, name in enumerate(names):
        try:
            curves.append(_curve(pixels, size, name, lambda part, n=number: progress((n + part) / len(names))))  # type: ignore[misc]
        except SmartSplatError as error:
            missing.append(f"{name}: {error}")
        progress((number + 1) / len(names))
    return curves, missing


def _curve(pixels: Pixels, size: int, name: str, progress: Callable[[float], None]) -> Curve:
    from smartsplat.bench.codecs import make_codec

    codec = make_codec(name, threads=os.cpu_count() or 1)
    height, width = pixels.shape[:2]
    found: dict[float, Point] = {}
    for number, share in enumerate(_SHARES):
        encoded = codec.encode_to(pixels, round(share * size))
        if encoded is not None:
            values = metrics.compare(pixels, codec.decode(encoded.data, width, height))
            shrunk = f", shrunk to 1/{encoded.factor}" if encoded.factor > 1 else ""
            found[share] = Point(len(encoded.data), values["psnr"], values["ms_ssim"], encoded.quality + shrunk)
        progress((number + 1) / len(_SHARES))
    return Curve(name, found.get(1.0), tuple(sorted(set(found.values()), key=lambda point: point.bytes)))
