"""Tables in Markdown from rows."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence

from smartsplat.bench.curves import SECONDS, Curves
from smartsplat.bench.rows import Row

REFERENCE = "jpeg"
"""Codec that rates are compared with."""

TITLES = {"psnr": "PSNR [dB]", "ms_ssim": "MS-SSIM", "ssimulacra2": "SSIMULACRA 2"}
_FORMATS = {"psnr": "{:.2f}", "ms_ssim": "{:.4f}", "ssimulacra2": "{:.1f}"}
_PACES = {"encode_seconds": "encoding [s/MP]", "decode_seconds": "decoding [s/MP]"}
_NONE = "–"
_EXACT = "exact"

_NOTE = (
    "Every figure is of the picture decoded from a file that is at most as large as its column allows "
    "(CR: 3 bytes for each pixel over the bytes of the file). Classical codecs may shrink the picture "
    f"first, and the best PSNR counts. {_NONE}: no file can be so small, or not measured; a mean is over all "
    "pictures of its group or not given."
)
_SECONDS_NOTE = (
    "Means over the pictures. Seconds are for each megapixel, of one encoding at the settings that were found and of "
    "decoding that file; the search for settings, which codecs without a target size of their own need, is not counted."
)
_BD_NOTE = (
    f"Mean difference of the bytes at equal quality against {REFERENCE}, over the range of quality that both "
    "reach; MS-SSIM in dB, -10 log10(1 - MS-SSIM). Negative is better. The mean is over the pictures that "
    "have it; their number stands behind it if some do not."
)


def markdown(rows: Sequence[Row]) -> str:
    """All tables of the rows, with headings.

    First the means with the seconds, then quality at each target picture by picture; rates, if the reference was
    measured.
    """
    curves = Curves(rows)
    parts = ["# Rate and distortion", _NOTE, "## Quality and seconds", _SECONDS_NOTE]
    for group, pictures in curves.groups.items():
        parts += [f"### {group or 'pictures'} ({len(pictures)})", seconds_table(curves, pictures)]
    for metric in curves.metrics:
        parts += [f"## {TITLES[metric]}", quality_table(curves, metric)]
    if REFERENCE in curves.codecs and len(curves.codecs) > 1:
        parts += [f"## Bjøntegaard rate against {REFERENCE}", _BD_NOTE]
        for metric in curves.metrics:
            parts += [f"### By {TITLES[metric].partition(' [')[0]}", rate_table(curves, metric)]
    return "\n\n".join(parts) + "\n"


def seconds_table(curves: Curves, pictures: Sequence[str]) -> str:
    """A line for each target and codec: mean quality over the pictures, and seconds for each megapixel."""
    head = ["target", "codec", *(TITLES[metric] for metric in curves.metrics), *_PACES.values()]
    lines = []
    for target in curves.targets:
        for number, codec in enumerate(curves.codecs):
            mean = functools.partial(curves.mean, codec, target, pictures=pictures)
            cells = [_cell(mean(metric), None, _FORMATS[metric]) for metric in curves.metrics]
            cells += [_cell(mean(field), None, "{:.3g}") for field in SECONDS]
            lines.append([curves.label(target) if number == 0 else "", codec, *cells])
    return table(head, lines)


def quality_table(curves: Curves, metric: str) -> str:
    """A line for each picture and codec, then the means; a column for each target, its best figure bold."""
    head = ["picture", "codec", *map(curves.label, curves.targets)]
    lines: list[list[str]] = []
    for picture in curves.pictures:
        value = functools.partial(curves.shown, picture, field=metric)
        lines += _block(curves, metric, picture, value)
    for title, pictures in _means(curves):
        lines += _block(curves, metric, title, functools.partial(curves.mean, field=metric, pictures=pictures))
    return table(head, lines)


def _means(curves: Curves) -> list[tuple[str, list[str]]]:
    """Titles of the means, and the pictures of each: of every group that has several."""
    several = [(group, pictures) for group, pictures in curves.groups.items() if len(pictures) > 1]
    return [("**mean**" if len(curves.groups) == 1 else f"**mean, {g or 'others'}**", p) for g, p in several]


def _block(curves: Curves, metric: str, title: str, value: Callable[[str, float], float | None]) -> list[list[str]]:
    best = [max((v for c in curves.codecs if (v := value(c, t)) is not None), default=None) for t in curves.targets]
    lines = []
    for number, codec in enumerate(curves.codecs):
        values = [value(codec, target) for target in curves.targets]
        cells = [_cell(v, top, _FORMATS[metric]) for v, top in zip(values, best, strict=True)]
        lines.append([title if number == 0 else "", codec, *cells])
    return lines


def _cell(value: float | None, best: float | None, form: str) -> str:
    if value is None:
        return _NONE
    text = _EXACT if value == math.inf else form.format(value)
    return f"**{text}**" if value == best else text


def rate_table(curves: Curves, metric: str) -> str:
    """A line for each picture and the means; a column for each codec but the reference."""
    codecs = [codec for codec in curves.codecs if codec != REFERENCE]
    rates = {p: [curves.bd_rate(p, codec, metric, REFERENCE) for codec in codecs] for p in curves.pictures}
    lines = [[picture, *map(_percent, values)] for picture, values in rates.items()]
    for title, pictures in _means(curves):
        lines.append([title, *(_mean(list(column)) for column in zip(*(rates[p] for p in pictures), strict=True))])
    return table(["picture", *codecs], lines)


def _percent(rate: float | None) -> str:
    return _NONE if rate is None else f"{rate:+.1f} %"


def _mean(rates: list[float | None]) -> str:
    known = [rate for rate in rates if rate is not None]
    if not known:
        return _NONE
    count = f" ({len(known)})" if len(known) < len(rates) else ""
    return _percent(sum(known) / len(known)) + count


def table(head: list[str], lines: list[list[str]]) -> str:
    """A table of those columns; the first one, and that of the names of codecs or methods, hold words."""
    rule = ["---" if i == 0 or cell in ("codec", "method") else "---:" for i, cell in enumerate(head)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, rule, *lines])
