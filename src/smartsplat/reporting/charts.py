"""Small charts as lists of marks, drawn as SVG or by Pillow."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

INK = "ink"
"""The colour of text and axes: what the page has, black on paper."""

Place = tuple[float, float]

Font = ImageFont.ImageFont | ImageFont.FreeTypeFont
"""Of Pillow."""


@dataclass(frozen=True)
class Line:
    """A line through places."""

    places: tuple[Place, ...]
    colour: str = INK
    width: float = 1.0


@dataclass(frozen=True)
class Box:
    """A filled rectangle."""

    left: float
    top: float
    width: float
    height: float
    colour: str


@dataclass(frozen=True)
class Dot:
    """A filled circle."""

    centre: Place
    radius: float
    colour: str


@dataclass(frozen=True)
class Text:
    """A line of text; ``anchor`` is where its place is: start, middle or end of its baseline."""

    place: Place
    text: str
    anchor: str = "start"


Mark = Line | Box | Dot | Text


@dataclass(frozen=True)
class Chart:
    """Marks on a rectangle.

    Attributes:
        title: what it shows.
        width: px.
        height: likewise.
        marks: in the order in which they are drawn.
    """

    title: str
    width: int
    height: int
    marks: tuple[Mark, ...]


FONT = 13
"""px, of all texts of charts."""

COLOURS = ("#D55E00", "#767676", "#56B4E9", "#009E73", "#0072B2", "#CC79A7", "#E69F00")
"""Okabe and Ito's, told apart with any kind of colour vision."""


def bars(title: str, values: Sequence[tuple[str, int]], unit: str, *, width: int = 480) -> Chart:
    """A bar for each number, which stands beside it."""
    total, greatest = max(1, sum(v for _, v in values)), max(1, *(v for _, v in values))
    marks: list[Mark] = []
    for row, (name, value) in enumerate(values):
        y = 24 * row + 6
        length = value / greatest * (width - 280)
        marks.append(Text((0, y + 13), name))
        marks.append(Box(90, y, max(1.0, length), 16, COLOURS[row % len(COLOURS)]))
        marks.append(Text((98 + length, y + 13), f"{value:,} {unit}, {100 * value / total:.1f} %"))
    return Chart(title, width, 24 * len(values) + 10, tuple(marks))


def curves(
    title: str, lines: Sequence[tuple[str, Sequence[Place]]], x_name: str, y_name: str, *, width: int = 480
) -> Chart:
    """Lines through places with a dot on each; x is logarithmic. The first line is drawn strongest.

    Args:
        title: of the chart.
        lines: names and places; x above 0, all finite, at least one place.
        x_name: of the axis.
        y_name: likewise.
        width: px.
    """
    height, left, right, top, bottom = 310, 44, 110, 30, 40
    places = [place for _, line in lines for place in line]
    xs, ys = _span([math.log(x) for x, _ in places]), _span([y for _, y in places])

    def at(place: Place) -> Place:
        across, up = (math.log(place[0]) - xs[0]) / (xs[1] - xs[0]), (place[1] - ys[0]) / (ys[1] - ys[0])
        return left + across * (width - left - right), height - bottom - up * (height - top - bottom)

    marks: list[Mark] = [Line(((left, top), (left, height - bottom), (width - right, height - bottom)))]
    marks += [Text((at((x, ys[0]))[0], height - bottom + 16), f"{x:.3g}", "middle") for x in _apart(places)]
    for y in _ticks(*ys):
        marks.append(Text((left - 5, at((math.exp(xs[0]), y))[1] + 4), f"{y:g}", "end"))
    marks.append(Text(((left + width - right) / 2, height - 6), x_name, "middle"))
    marks.append(Text((4, 16), y_name))
    for number, (name, line) in reversed(list(enumerate(lines))):
        marks += _line(name, [at(place) for place in line], number, (width - right + 14, top + 10 + 20 * number))
    return Chart(title, width, height, tuple(marks))


def _line(name: str, places: Sequence[Place], number: int, key: Place) -> Iterable[Mark]:
    colour, strong = COLOURS[number % len(COLOURS)], number == 0
    if len(places) > 1:
        yield Line(tuple(places), colour, 2.5 if strong else 1.4)
    for place in (*places, (key[0], key[1] - 4)):
        yield Dot(place, 5 if strong else 3.5, colour)
    yield Text((key[0] + 10, key[1]), name)


def _apart(places: Sequence[Place]) -> list[float]:
    """The x of places, in order, without those that hardly differ from the one before."""
    kept: list[float] = []
    for x, _ in sorted(places):
        if not kept or x > 1.3 * kept[-1]:
            kept.append(x)
    return kept


def _span(values: Sequence[float]) -> tuple[float, float]:
    """From less than the least to more than the greatest."""
    least, greatest = min(values), max(values)
    margin = 0.08 * (greatest - least) or 0.5
    return least - margin, greatest + margin


def _ticks(least: float, greatest: float) -> list[float]:
    """Three to eight round numbers between two."""
    step = 10.0 ** math.floor(math.log10((greatest - least) / 2))
    step = next(step * k for k in (1, 2, 5, 10) if (greatest - least) / (step * k) <= 8)
    return [k * step for k in range(math.ceil(least / step), math.floor(greatest / step) + 1)]


def svg(chart: Chart) -> str:
    """As an element of a page."""
    start = (
        f'<svg viewBox="0 0 {chart.width} {chart.height}" width="{chart.width}" role="img" '
        f'aria-label="{html.escape(chart.title)}" font-size="{FONT}" fill="currentColor">'
    )
    return start + "".join(_element(mark) for mark in chart.marks) + "</svg>"


def _element(mark: Mark) -> str:
    match mark:
        case Line(places, colour, width):
            points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            return f'<polyline points="{points}" fill="none" stroke="{_css(colour)}" stroke-width="{width}"/>'
        case Box(left, top, width, height, colour):
            box = f'x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}"'
            return f'<rect {box} fill="{_css(colour)}"/>'
        case Dot((x, y), radius, colour):
            return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{_css(colour)}"/>'
        case Text((x, y), text, anchor):
            return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(text)}</text>'


def _css(colour: str) -> str:
    return "currentColor" if colour == INK else colour


def paint(chart: Chart) -> Image.Image:
    """On white."""
    over = 2  # lines of Pillow have no smooth edges
    image = Image.new("RGB", (over * chart.width, over * chart.height), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(over * FONT)
    for mark in chart.marks:
        _paint(mark, draw, font, over)
    return image.resize((chart.width, chart.height), Image.Resampling.BOX)


def _paint(mark: Mark, draw: ImageDraw.ImageDraw, font: Font, over: int) -> None:
    match mark:
        case Line(places, colour, width):
            draw.line([(over * x, over * y) for x, y in places], fill=_ink(colour), width=round(over * width))
        case Box(left, top, width, height, colour):
            draw.rectangle([over * k for k in (left, top, left + width, top + height)], fill=_ink(colour))
        case Dot((x, y), radius, colour):
            draw.ellipse([over * k for k in (x - radius, y - radius, x + radius, y + radius)], fill=_ink(colour))
        case Text((x, y), text, anchor):
            place = {"start": "ls", "middle": "ms", "end": "rs"}[anchor]
            draw.text((over * x, over * y), text, fill="black", font=font, anchor=place)


def _ink(colour: str) -> str:
    return "black" if colour == INK else colour
