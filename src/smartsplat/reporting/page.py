"""A sheet as one page that needs nothing else."""

from __future__ import annotations

import html
from base64 import b64encode
from collections.abc import Sequence

from smartsplat.pictures.writing import Described, strips_as_bytes
from smartsplat.reporting.charts import svg
from smartsplat.reporting.sheet import SIDE, Panel, Sheet
from smartsplat.reporting.tables import COLUMNS, codec_rows

_STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { max-width: 1560px; margin: 0 auto; padding: 1rem }
h1 { font-size: 1.4rem; overflow-wrap: anywhere }
.row { display: flex; flex-wrap: wrap; gap: 1.5rem; margin-bottom: 1.5rem }
figure, section { margin: 0; max-width: 100% }
img, svg { max-width: 100%; height: auto; display: block }
h2, figcaption { font-size: 1rem; font-weight: 600; margin: 0 0 .3rem }
table { border-collapse: collapse; display: block; overflow-x: auto }
td, th { text-align: left; padding: .1rem 1.2rem .1rem 0; white-space: nowrap }
""".replace("\n", "")


def sheet_page(sheet: Sheet) -> str:
    """The page."""
    charts = "".join(_section(chart.title, svg(chart)) for chart in sheet.charts)
    parts = [
        f"<h1>{html.escape(sheet.title)}</h1>",
        _figures(sheet.panels),
        _figures(sheet.details),
        f'<div class="row">{_section("numbers", _table(sheet.rows))}{charts}</div>',
    ]
    if sheet.curves:
        parts.append(_section("classical codecs in as many bytes", _table(codec_rows(sheet.curves), COLUMNS)))
    parts += [f"<p>{html.escape(remark)}</p>" for remark in sheet.remarks]
    head = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{html.escape(sheet.title)}</title><style>{_STYLE}</style></head>'
    )
    return f"{head}\n<body>{''.join(parts)}</body></html>\n"


def _figures(panels: Sequence[Panel]) -> str:
    return f'<div class="row">{"".join(_figure(panel) for panel in panels)}</div>' if panels else ""


def _figure(panel: Panel) -> str:
    height, width = panel.pixels.shape[:2]
    data = b64encode(strips_as_bytes("panel.png", [panel.pixels], Described(width, height, 3))).decode()
    text = html.escape(panel.caption)
    image = f'<img src="data:image/png;base64,{data}" alt="{text}" width="{width}" height="{height}">'
    return f'<figure style="width:{SIDE}px"><figcaption>{text}</figcaption>{image}</figure>'


def _section(title: str, content: str) -> str:
    return f"<section><h2>{html.escape(title)}</h2>{content}</section>"


def _table(rows: Sequence[Sequence[str]], head: Sequence[str] = ()) -> str:
    parts = [_row(head, "th")] if head else []
    return f"<table>{''.join(parts + [_row(row, 'td') for row in rows])}</table>"


def _row(cells: Sequence[str], kind: str) -> str:
    return f"<tr>{''.join(f'<{kind}>{html.escape(cell)}</{kind}>' for cell in cells)}</tr>"
