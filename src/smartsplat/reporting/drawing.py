"""A sheet as one picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from smartsplat.reporting.charts import paint
from smartsplat.reporting.reducing import Pixels
from smartsplat.reporting.sheet import SIDE, Panel, Sheet
from smartsplat.reporting.tables import COLUMNS, codec_rows

_MARGIN, _COLUMNS, _LINE = 24, 3, 22
_FONT = 15
WIDTH = _COLUMNS * (SIDE + _MARGIN) + _MARGIN
"""px, of all sheets."""


def draw_sheet(sheet: Sheet) -> Pixels:
    """The sheet, uint8 [H, WIDTH, 3]."""
    blocks = [
        _text([sheet.title], 22),
        *_rows([_panel(panel) for panel in sheet.panels]),
        *_rows([_panel(panel) for panel in sheet.details]),
        *_rows([_captioned("numbers", _table(sheet.rows)), *(_captioned(c.title, paint(c)) for c in sheet.charts)]),
    ]
    if sheet.curves:
        blocks.append(_captioned("classical codecs in as many bytes", _table([COLUMNS, *codec_rows(sheet.curves)])))
    if sheet.remarks:
        blocks.append(_text(sheet.remarks, _FONT))
    return np.asarray(_below(blocks))


def _rows(cells: Sequence[Image.Image]) -> Iterator[Image.Image]:
    """Pictures side by side, so many in a row."""
    for first in range(0, len(cells), _COLUMNS):
        row = cells[first : first + _COLUMNS]
        image = Image.new("RGB", (WIDTH - 2 * _MARGIN, max(cell.height for cell in row)), "white")
        for column, cell in enumerate(row):
            image.paste(cell, (column * (SIDE + _MARGIN), 0))
        yield image


def _panel(panel: Panel) -> Image.Image:
    return _captioned(panel.caption, Image.fromarray(panel.pixels))


def _captioned(caption: str, image: Image.Image) -> Image.Image:
    head = _text([caption], _FONT)
    whole = Image.new("RGB", (max(image.width, head.width), head.height + image.height), "white")
    whole.paste(head, (0, 0))
    whole.paste(image, (0, head.height))
    return whole


def _text(lines: Sequence[str], size: int) -> Image.Image:
    """Lines that are cut off where the sheet ends."""
    font = ImageFont.load_default(size)
    width = min(WIDTH - 2 * _MARGIN, round(max(font.getlength(line) for line in lines)) + 2)
    step = round(1.5 * size)
    image = Image.new("RGB", (max(1, width), step * len(lines)), "white")
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        draw.text((0, step * number + size), line, fill="black", font=font, anchor="ls")
    return image


def _table(rows: Sequence[Sequence[str]]) -> Image.Image:
    """Columns as wide as what stands in them."""
    font = ImageFont.load_default(_FONT)
    widths = [round(max(font.getlength(row[k]) for row in rows)) + 20 for k in range(len(rows[0]))]
    image = Image.new("RGB", (sum(widths), _LINE * len(rows)), "white")
    draw = ImageDraw.Draw(image)
    for number, row in enumerate(rows):
        for k, text in enumerate(row):
            draw.text((sum(widths[:k]), _LINE * number + 16), text, fill="black", font=font, anchor="ls")
    return image


def _below(blocks: Sequence[Image.Image]) -> Image.Image:
    height = sum(block.height + _MARGIN for block in blocks) + _MARGIN
    sheet = Image.new("RGB", (WIDTH, height), "white")
    top = _MARGIN
    for block in blocks:
        sheet.paste(block, (_MARGIN, top))
        top += block.height + _MARGIN
    return sheet
