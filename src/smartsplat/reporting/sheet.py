"""What a sheet shows: panels, numbers, charts; measured here, drawn elsewhere."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smartsplat import metrics
from smartsplat.coding.format import BLOCKS, EXIF, ICC, LATTICE, SPLATS
from smartsplat.file.renderer import channels_of
from smartsplat.file.splatfile import SplatFile
from smartsplat.model.splats import Splats
from smartsplat.pictures.differences import error_picture
from smartsplat.pictures.samples import Samples, flattened, to_bytes
from smartsplat.reporting.charts import Chart, bars, curves
from smartsplat.reporting.codecs import Curve, measure
from smartsplat.reporting.reducing import Pixels, Reducer, enlarged, fitting, reduced, resized
from smartsplat.reporting.splats import MOST_OUTLINES, counts, heat, inside, outlines

SIDE = 480
"""px, of a panel's longer side at most."""

DETAIL = 160
"""px of the picture along the sides of what is shown enlarged."""

MOST_COMPARED = 64_000_000
"""Pixels of a picture up to which SSIM and MS-SSIM are taken, for which all of it is decoded at once."""

KINDS = {1: "grey", 2: "grey and alpha", 3: "RGB", 4: "RGB and alpha"}
"""By channels."""

_CELL = 8  # px of a panel, of what splats are counted in


@dataclass(frozen=True)
class Panel:
    """A picture and what it is."""

    caption: str
    pixels: Pixels


@dataclass
class Sheet:
    """All that a sheet shows.

    Attributes:
        title: name of the file.
        panels: pictures of all of it.
        details: of a part of it.
        rows: numbers for people, name and text.
        figures: the same for programs.
        charts: of bytes, and of codecs if there are any.
        curves: classical codecs.
        remarks: what is not there, and why.
    """

    title: str
    panels: list[Panel] = field(default_factory=list)
    details: list[Panel] = field(default_factory=list)
    rows: list[tuple[str, str]] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    charts: list[Chart] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def make_sheet(
    file: SplatFile,
    title: str,
    original: Pixels | None = None,
    *,
    codecs: Sequence[str] = (),
    max_pixels: int,
    max_work: float = 1.0,
    progress: Callable[[float], None] = lambda _: None,
) -> Sheet:
    """Measures a file.

    Args:
        file: decoded here.
        title: its name, for people.
        original: what it was made from, uint8 [H, W, 3] of the file's size, if that is known.
        codecs: to stand beside it, if there is an original; see ``smartsplat.reporting.codecs``.
        max_pixels: pixels that the picture may have.
        max_work: see ``Renderer``.
        progress: gets the part that is done, 0 to 1.

    Raises:
        PictureError: the file's picture is too large.
        LimitError: it takes more work than it may.
        FormatError: the file is damaged.
    """
    file.check_decodable(max_pixels)
    lattice, splats = file.decode_lattice(max_work=max_work), file.splats
    sheet = Sheet(title)
    limits = {"max_pixels": max_pixels, "max_work": max_work}
    _describe(sheet, file, len(splats), lattice.spacing if lattice else None)
    sheet.charts.append(bars("bytes", _sections(file), "bytes"))
    _whole(sheet, file, original, limits)
    _contents(sheet, file, splats)
    _detail(sheet, file, splats, original, limits)
    if original is not None and codecs:
        _beside(sheet, file, original, codecs, progress)
    return sheet


def _describe(sheet: Sheet, file: SplatFile, splats: int, spacing: int | None) -> None:
    pixels, channels = file.width * file.height, channels_of(file)
    ratio, bpp = 3 * pixels / len(file), 8 * len(file) / pixels
    sheet.figures |= {
        "width": file.width, "height": file.height, "channels": channels, "bits": file.bits, "bytes": len(file),
        "cr": ratio, "bpp": bpp, "splats": splats, "lattice_spacing": spacing,
    }  # fmt: skip
    sheet.rows += [
        ("picture", f"{file.width} x {file.height} px, {KINDS[channels]}, {file.bits} bits a sample"),
        ("bytes", f"{len(file):,}"),
        ("compression ratio", f"{ratio:.1f} ({bpp:.4g} bits a pixel)"),
        ("splats", f"{splats:,}"),
        ("lattice", f"a node every {spacing} px" if spacing else "none"),
    ]


def _sections(file: SplatFile) -> list[tuple[str, int]]:
    """Bytes of each part of the file; together they are all of it."""
    names = {SPLATS: "splats", LATTICE: "lattice", BLOCKS: "blocks", ICC: "ICC profile", EXIF: "EXIF"}
    found = [(names.get(kind, f"section {kind}"), size) for kind, size in file.section_bytes.items() if size]
    return [*found, ("header", len(file) - sum(size for _, size in found))]


def _whole(sheet: Sheet, file: SplatFile, original: Pixels | None, limits: dict[str, Any]) -> None:
    """Panels of all of the picture, and how much it lost."""
    size = fitting(file.width, file.height, SIDE)
    if original is None:
        sheet.panels.append(Panel("decoded", enlarged(in_colour(file.render(size=size, **limits)), SIDE)))
        return
    seen, error, values = _compared(file, original, size, limits)
    gain = _gain(error)
    sheet.panels += [
        Panel("original", enlarged(reduced(original, size), SIDE)),
        Panel("decoded", enlarged(seen, SIDE)),
        Panel(f"error, {gain} times", enlarged(np.asarray(np.minimum(error * gain + 0.5, 255), np.uint8), SIDE)),
    ]
    sheet.figures |= values
    sheet.rows += [(name, _quality(values[key], unit)) for name, key, unit in _QUALITIES]


def _gain(error: NDArray[np.float64]) -> int:
    """By how much an error is enlarged to be seen: a power of two for which hardly a sample is beyond white."""
    most = float(np.quantile(error, 0.995))
    return next(gain for gain in (128, 64, 32, 16, 8, 4, 2, 1) if gain * most <= 255 or gain == 1)


_QUALITIES = (("PSNR", "psnr", " dB"), ("SSIM", "ssim", ""), ("MS-SSIM", "ms_ssim", ""))


def _quality(value: float | None, unit: str) -> str:
    if value is None:
        return "not measured: the picture is too small or too large"
    return "infinite: the same" if math.isinf(value) else f"{value:.4g}{unit}"


def _compared(
    file: SplatFile, original: Pixels, size: tuple[int, int], limits: dict[str, Any]
) -> tuple[Pixels, NDArray[np.float64], dict[str, Any]]:
    """The decoded picture and the mean error made small, and the metrics; large ones strip by strip."""
    seen, error = (Reducer(file.width, file.height, size) for _ in range(2))
    whole = file.width * file.height <= MOST_COMPARED
    strips = [in_colour(file.render(**limits))] if whole else map(in_colour, file.strips(**limits))
    squares, top = 0.0, 0
    values: dict[str, Any] = {"psnr": None, "ssim": None, "ms_ssim": None}
    for strip in strips:
        target = original[top : top + len(strip)]
        seen.add(strip)
        error.add(error_picture(target, strip, 1))
        if whole:
            values |= metrics.compare(target, strip)
        else:
            squares += strip.size * 10 ** (-metrics.psnr(target, strip) / 10)
        top += len(strip)
    if not whole:
        values["psnr"] = 10 * math.log10(original.size / squares) if squares else math.inf
    return np.asarray(seen.result() + 0.5, np.uint8), error.result(), values


def _contents(sheet: Sheet, file: SplatFile, splats: Splats) -> None:
    """Panels of the splats of all of the picture."""
    if not len(splats):
        sheet.remarks.append("The file has no splats: its lattice is all of the picture.")
        return
    scale = SIDE / max(file.width, file.height)
    width, height = max(1, round(scale * file.width)), max(1, round(scale * file.height))
    drawn = outlines(splats, (width, height), scale)
    shown = "splats" if len(splats) <= MOST_OUTLINES else f"the {MOST_OUTLINES:,} largest splats"
    sheet.panels.append(Panel(f"{shown} at one standard deviation", np.asarray(drawn)))
    found = counts(splats, file.width, file.height, (-(-width // _CELL), -(-height // _CELL)))
    densest = found.max() * found.size / (file.width * file.height)
    shades = heat(found).repeat(_CELL, 0).repeat(_CELL, 1)[:height, :width]
    sheet.panels.append(Panel(f"density, up to {_per_area(densest)}", shades))


def _per_area(density: float) -> str:
    """Splats for each px as a sentence."""
    area, name = (1e6, "a megapixel") if density < 1e-2 else (100, "on 10 x 10 px")
    return f"{density * area:,.3g} splats {name}"


def _detail(sheet: Sheet, file: SplatFile, splats: Splats, original: Pixels | None, limits: dict[str, Any]) -> None:
    """Panels of a square of a picture whose pixels the others do not show, where most splats are, or in the middle."""
    side = min(DETAIL, file.width, file.height)
    if max(file.width, file.height) <= SIDE:
        return
    left, top = _busiest(file, splats, side)
    region = (left, top, side, side)
    scale = SIDE / side
    where = f"{side} x {side} px at {left}, {top}"
    if original is not None:
        cut = original[top : top + side, left : left + side]
        sheet.details.append(Panel(f"original, {where}", resized(cut, (SIDE, SIDE))))
    decoded = in_colour(file.render(region=region, **limits))
    sheet.details.append(Panel(f"decoded, {where}", resized(decoded, (SIDE, SIDE))))
    near = inside(splats, left, top, side)
    if len(near):
        drawn = outlines(near, (SIDE, SIDE), scale, (left, top))
        sheet.details.append(Panel(f"splats, {where}", np.asarray(drawn)))


def _busiest(file: SplatFile, splats: Splats, side: int) -> tuple[int, int]:
    """Left and top of the square of that side, px, in which most splats lie."""
    if not len(splats):
        return (file.width - side) // 2, (file.height - side) // 2
    found = counts(splats, file.width, file.height, (file.width // side, file.height // side))
    row, column = divmod(int(found.argmax()), found.shape[1])
    left, top = column * file.width // found.shape[1], row * file.height // found.shape[0]
    return min(left, file.width - side), min(top, file.height - side)


def _beside(
    sheet: Sheet, file: SplatFile, original: Pixels, codecs: Sequence[str], progress: Callable[[float], None]
) -> None:
    """Classical codecs, and the chart of them."""
    sheet.curves, missing = measure(original, len(file), codecs, progress)
    sheet.remarks += missing
    raw = 8 / (file.width * file.height)
    ours = ("SmartSplat", [(raw * len(file), sheet.figures["psnr"])])
    lines = [ours, *((curve.name, [(raw * p.bytes, p.psnr) for p in curve.points]) for curve in sheet.curves)]
    finite = [(name, [p for p in line if math.isfinite(p[1])]) for name, line in lines]
    shown = [line for line in finite if line[1]]
    if shown:
        sheet.charts.append(curves("rate and distortion", shown, "bits per pixel", "PSNR, dB"))
    sheet.figures["codecs"] = {
        curve.name: None if curve.beside is None else vars(curve.beside) for curve in sheet.curves
    }


def in_colour(samples: Samples) -> Pixels:
    """As uint8 [H, W, 3], over white where they are transparent."""
    opaque = flattened(to_bytes(samples[:, :, None] if samples.ndim == 2 else samples), (255, 255, 255))
    return np.asarray(opaque if opaque.shape[2] == 3 else opaque.repeat(3, axis=2), np.uint8)
