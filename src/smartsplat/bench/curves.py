"""Rows arranged as curves: what tables and plots are made from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from smartsplat.bench.bd import Point, bd_rate, ms_ssim_db
from smartsplat.bench.rows import Row, latest

METRICS = ("psnr", "ms_ssim", "ssimulacra2")

SECONDS = ("encode_seconds", "decode_seconds")


class Curves:
    """Rows by picture, codec and target; of several measurements of the same the last.

    Args:
        rows: in the order in which they were measured.

    Attributes:
        pictures: names, in order of appearance; with a part of the hash if two share a name.
        codecs: names, in order of appearance.
        targets: compression ratios asked for, rising.
        groups: of the pictures, in order of appearance: their names by the group's.
        metrics: that the rows have, of METRICS.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        kept = latest(list(rows))
        names = _names(kept)
        self._rows = {(names[r["picture"], r["sha256"]], r["codec"], r["target_cr"]): r for r in kept}
        self.pictures = _unique(key[0] for key in self._rows)
        self.codecs = _unique(key[1] for key in self._rows)
        self.targets: list[float] = sorted({key[2] for key in self._rows})
        self.groups: dict[str, list[str]] = {}
        for (name, _, _), row in self._rows.items():
            members = self.groups.setdefault(row.get("group", ""), [])
            if name not in members:
                members.append(name)
        self.metrics = [m for m in METRICS if any(r.get(m) is not None for r in kept)]
        self._labels = {r["target_cr"]: r.get("target", f"CR {r['target_cr']:g}") for r in kept}

    def label(self, target: float) -> str:
        """The target as it was asked for."""
        return str(self._labels[target])

    def row(self, picture: str, codec: str, target: float) -> Row | None:
        """The row, if there is one."""
        return self._rows.get((picture, codec, target))

    def value(self, picture: str, codec: str, target: float, field: str) -> float | None:
        """A figure, None where it was not measured or not reached."""
        row = self.row(picture, codec, target)
        return None if row is None or row.get(field) is None else float(row[field])

    def shown(self, picture: str, codec: str, target: float, field: str) -> float | None:
        """The same, but the PSNR of an exact picture is infinite."""
        row = self.row(picture, codec, target)
        if field == "psnr" and row is not None and row["psnr"] is None and row.get("ssim") == 1:
            return math.inf
        return self.value(picture, codec, target, field)

    def pace(self, picture: str, codec: str, target: float, field: str) -> float | None:
        """One of SECONDS for each megapixel."""
        row = self.row(picture, codec, target)
        return None if row is None or row[field] is None else float(row[field]) / (row["width"] * row["height"] / 1e6)

    def mean(self, codec: str, target: float, field: str, pictures: Sequence[str] | None = None) -> float | None:
        """Mean of a figure over pictures (all), None if one of them lacks it; of seconds, those for each megapixel."""
        read = self.pace if field in SECONDS else self.value
        return _mean(read(picture, codec, target, field) for picture in self._those(pictures))

    def curve(self, picture: str, codec: str, metric: str) -> list[Point]:
        """Bits for each pixel and quality, by rising rate: of MS-SSIM in dB, of others as it is."""
        points = ((self.value(picture, codec, t, "bpp"), self._db(picture, codec, t, metric)) for t in self.targets)
        return sorted((bpp, db) for bpp, db in points if bpp is not None and db is not None)

    def time_point(self, codec: str, target: float, metric: str, pictures: Sequence[str]) -> Point | None:
        """Mean seconds of encoding for each megapixel and mean quality; None if a picture lacks them."""
        seconds = self.mean(codec, target, "encode_seconds", pictures)
        quality = _mean(self._db(p, codec, target, metric) for p in pictures)
        return None if seconds is None or quality is None else (seconds, quality)

    def mean_curve(self, codec: str, metric: str, pictures: Sequence[str] | None = None) -> list[Point]:
        """Geometric mean of the bits for each pixel and mean quality, where none of the pictures (all) lacks them."""
        points = []
        for target in self.targets:
            rate = _mean(_log(self.value(p, codec, target, "bpp")) for p in self._those(pictures))
            quality = _mean(self._db(p, codec, target, metric) for p in self._those(pictures))
            if rate is not None and quality is not None:
                points.append((math.exp(rate), quality))
        return sorted(points)

    def bd_rate(self, picture: str, codec: str, metric: str, reference: str) -> float | None:
        """Bjøntegaard delta rate against the reference codec, percent."""
        return bd_rate(self.curve(picture, reference, metric), self.curve(picture, codec, metric))

    def _those(self, pictures: Sequence[str] | None) -> Sequence[str]:
        return self.pictures if pictures is None else pictures

    def _db(self, picture: str, codec: str, target: float, metric: str) -> float | None:
        value = self.value(picture, codec, target, metric)
        return ms_ssim_db(value) if value is not None and metric == "ms_ssim" else value


def _mean(values: Iterable[float | None]) -> float | None:
    """None if one of them is, or there are none."""
    total, count = 0.0, 0
    for value in values:
        if value is None:
            return None
        total, count = total + value, count + 1
    return total / count if count else None


def _log(value: float | None) -> float | None:
    return None if value is None else math.log(value)


def _names(rows: Sequence[Row]) -> dict[tuple[str, str], str]:
    pairs = _unique((row["picture"], row["sha256"]) for row in rows)
    shared = {name for name, sha in pairs if any(n == name and s != sha for n, s in pairs)}
    return {(name, sha): f"{name} ({sha[:6]})" if name in shared else name for name, sha in pairs}


def _unique(items: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(items))
