"""Tables in Markdown from rows."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from smartsplat.bench.curves import METRICS, Curves
from smartsplat.bench.rows import Row

REFERENCE = "jpeg"
"""Codec that rates are compared with."""

TITLES = {"psnr": "PSNR [dB]", "ms_ssim": "MS-SSIM"}
_FORMATS = {"psnr": "{:.2f}", "ms_ssim": "{:.4f}"}
_NONE = "–"

_NOTE = (
    "Every figure is of the picture decoded from a file that is at most as large as its column allows "
    "(CR: 3 bytes for each pixel over the bytes of the file). Classical codecs may shrink the picture "
    f"first, and the best PSNR counts. {_NONE}: no file can be so small, or not measured; a mean is over all "
    "pictures or not given."
)
_BD_NOTE = (
    f"Mean difference of the bytes at equal quality against {REFERENCE}, over the range of quality that both "
    "reach; MS-SSIM in dB, -10 log10(1 - MS-SSIM). Negative is better. The mean is over the pictures that "
    "have it; their number stands behind it if some do not."
)


def markdown(rows: Sequence[Row]) -> str:
    """All tables of the rows, with headings: quality at each target; rates, if the reference was measured."""
    curves = Curves(rows)
    parts = ["# Rate and distortion", _NOTE]
    for metric in METRICS:
        parts += [f"## {TITLES[metric]}", quality_table(curves, metric)]
    if REFERENCE in curves.codecs and len(curves.codecs) > 1:
        parts += [f"## Bjøntegaard rate against {REFERENCE}", _BD_NOTE, rate_table(curves)]
    return "\n\n".join(parts) + "\n"


def quality_table(curves: Curves, metric: str) -> str:
    """A line for each picture and codec, then the means; a column for each target, its best figure bold."""
    head = ["picture", "codec", *map(curves.label, curves.targets)]
    lines: list[list[str]] = []
    for picture in curves.pictures:
        value = functools.partial(curves.value, picture, field=metric)
        lines += _block(curves, metric, picture, value)
    if len(curves.pictures) > 1:
        lines += _block(curves, metric, "**mean**", functools.partial(curves.mean, field=metric))
    return table(head, lines)


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
    return f"**{form.format(value)}**" if value == best else form.format(value)


def rate_table(curves: Curves) -> str:
    """A line for each picture and the mean; for each codec but the reference a column for each metric."""
    columns = [(codec, metric) for codec in curves.codecs if codec != REFERENCE for metric in METRICS]
    head = ["picture", *(f"{codec}, {TITLES[metric].split()[0]}" for codec, metric in columns)]
    rates = [[curves.bd_rate(p, c, m, REFERENCE) for c, m in columns] for p in curves.pictures]
    lines = [[p, *map(_percent, values)] for p, values in zip(curves.pictures, rates, strict=True)]
    if len(rates) > 1:
        lines.append(["**mean**", *(_mean(list(column)) for column in zip(*rates, strict=True))])
    return table(head, lines)


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
