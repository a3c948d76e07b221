"""Runs codecs over pictures and targets, and makes rows of what they did."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from smartsplat import metrics
from smartsplat.bench.environment import commit, processor
from smartsplat.bench.interface import Codec, Encoded, Pixels
from smartsplat.bench.rows import OK, UNREACHABLE, Row, RowFile, row_key
from smartsplat.bench.ssimulacra2 import ssimulacra2
from smartsplat.pictures import picture, reading


@dataclass(frozen=True)
class BenchTarget:
    """What a file may take.

    Attributes:
        kind: ``cr``, for raw bytes (3 for each pixel) over bytes of the file, or ``bpp``, bits for each
            pixel.
        value: of it, above 0.
    """

    kind: str
    value: float

    @property
    def label(self) -> str:
        """For a person."""
        return f"CR {self.value:g}" if self.kind == "cr" else f"{self.value:g} bpp"

    @property
    def cr(self) -> float:
        """As a compression ratio."""
        return self.value if self.kind == "cr" else 24 / self.value

    def allowed(self, pixels: int) -> int:
        """Bytes for a picture of that many pixels."""
        return int(3 * pixels / self.value) if self.kind == "cr" else int(self.value * pixels / 8)


@dataclass(frozen=True)
class Subject:
    """A picture that is encoded.

    Attributes:
        name: of its file, without folder and extension.
        pixels: uint8 [H, W, 3].
        sha256: of the samples, so that pictures are known by what they show.
    """

    name: str
    pixels: Pixels
    sha256: str

    @classmethod
    def load(cls, path: Path, max_pixels: int) -> Subject:
        """Reads the file.

        Raises:
            PictureError: it cannot be read.
        """
        pixels = reading.load(path, max_pixels=max_pixels).opaque_bytes()
        return cls(path.stem, pixels, hashlib.sha256(pixels.tobytes()).hexdigest())


def measure_all(
    paths: Sequence[Path],
    codecs: Sequence[Codec],
    targets: Sequence[BenchTarget],
    rows: RowFile,
    *,
    threads: int = 1,
    max_pixels: int = picture.DEFAULT_MAX_PIXELS,
    report: Callable[[Row], None] = lambda _: None,
    groups: Mapping[Path, str] | None = None,
) -> list[Row]:
    """Measures what `rows` does not have yet, and appends it row by row.

    Args:
        paths: picture files.
        codecs: to compare.
        targets: for each picture and codec.
        rows: grows.
        threads: that the codecs were told to use, for the rows.
        max_pixels: larger pictures are refused.
        report: called with every new row.
        groups: of pictures, for the means; that of others is the name of their folder.

    Returns:
        The rows of these pictures, old and new, of any target: of these codecs those with the settings and
        versions they have now, and those of any other codec.

    Raises:
        PictureError: a picture cannot be read.
    """
    seen: dict[tuple[str, str], str] = {}
    for path in paths:
        subject = Subject.load(path, max_pixels)
        group = (groups or {}).get(path, path.resolve().parent.name)
        seen[subject.name, subject.sha256] = group
        for codec, target, identity in _missing(subject, codecs, targets, rows):
            row = identity | {"group": group} | measure(subject, codec, target) | circumstances(threads)
            rows.append(row)
            report(row)
    return [
        row | {"group": seen[row["picture"], row["sha256"]]}
        for row in rows.rows
        if (row["picture"], row["sha256"]) in seen and _current(row, codecs)
    ]


def _current(row: Row, codecs: Sequence[Codec]) -> bool:
    return all(
        row["settings"] == codec.settings and row["versions"] == codec.versions
        for codec in codecs
        if codec.name == row["codec"]
    )


def _missing(
    subject: Subject, codecs: Sequence[Codec], targets: Sequence[BenchTarget], rows: RowFile
) -> Iterator[tuple[Codec, BenchTarget, Row]]:
    for codec in codecs:
        for target in targets:
            identity = _identity(subject, codec, target)
            if row_key(identity) not in rows:
                yield codec, target, identity


def _identity(subject: Subject, codec: Codec, target: BenchTarget) -> Row:
    height, width = subject.pixels.shape[:2]
    return {
        "picture": subject.name, "width": width, "height": height, "sha256": subject.sha256,
        "codec": codec.name, "settings": dict(codec.settings), "versions": dict(codec.versions),
        "target": target.label, "target_cr": target.cr,
    }  # fmt: skip


_RESULTS = (
    "bytes", "cr", "bpp", "psnr", "ssim", "ms_ssim", "ssimulacra2", "factor", "quality", "encode_seconds",
    "decode_seconds",
)  # fmt: skip


def measure(subject: Subject, codec: Codec, target: BenchTarget) -> Row:
    """Encodes, decodes and compares.

    Returns:
        ``status`` (``ok`` or ``unreachable``); ``bytes`` of the file, the ``cr`` and ``bpp`` they make;
        ``psnr`` [dB, None for an exact picture], ``ssim``, ``ms_ssim`` and ``ssimulacra2`` of the picture decoded from
        them;
        ``factor`` and ``quality`` of `Encoded`; ``encode_seconds``, ``decode_seconds``. All None if
        unreachable.
    """
    height, width = subject.pixels.shape[:2]
    encoded = codec.encode_to(subject.pixels, target.allowed(width * height))
    if encoded is None:
        return dict.fromkeys(_RESULTS) | {"status": UNREACHABLE}
    started = time.perf_counter()
    decoded = codec.decode(encoded.data, width, height)
    seconds = time.perf_counter() - started
    return _figures(subject.pixels, decoded, encoded) | {"decode_seconds": round(seconds, 4), "status": OK}


def _figures(original: Pixels, decoded: Pixels, encoded: Encoded) -> Row:
    size, pixels = len(encoded.data), original.shape[0] * original.shape[1]
    compared = metrics.compare(original, decoded)
    return {
        "bytes": size, "cr": 3 * pixels / size, "bpp": 8 * size / pixels,
        "psnr": _rounded(compared["psnr"]), "ssim": _rounded(compared["ssim"]),
        "ms_ssim": _rounded(compared["ms_ssim"]), "ssimulacra2": _rounded(ssimulacra2(original, decoded)),
        "factor": encoded.factor, "quality": encoded.quality,
        "encode_seconds": round(encoded.seconds, 4),
    }  # fmt: skip


def _rounded(value: float | None) -> float | None:
    """Six decimals; None for what JSON cannot hold."""
    return None if value is None or not math.isfinite(value) else round(value, 6)


def circumstances(threads: int) -> Row:
    """When, with what code and on what machine a row was measured, with so many threads."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": f"{processor()}, {threads} used",
    }
