"""Rate-distortion plots from rows, as PNG and SVG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from smartsplat.bench.bd import Point
from smartsplat.bench.curves import Curves
from smartsplat.bench.interface import MissingExtraError
from smartsplat.bench.rows import Row

AXES = {"psnr": "PSNR [dB]", "ms_ssim": "MS-SSIM [dB: -10 log10(1 - MS-SSIM)]",
        "ssimulacra2": "SSIMULACRA 2"}  # fmt: skip

# Okabe and Ito's colours, told apart with any kind of colour vision; the markers help in grey.
_STYLES = {
    "jpeg": ("#767676", "o"), "webp": ("#56B4E9", "s"), "jxl": ("#009E73", "^"), "avif": ("#0072B2", "D"),
    "avif:3": ("#332288", "d"), "smartsplat": ("#D55E00", "P"),
}  # fmt: skip
OTHERS = (("#CC79A7", "v"), ("#E69F00", "X"), ("#000000", "*"), ("#8C6BB1", "<"), ("#9A7B4F", ">"))
_PANEL = (3.1, 2.6)  # inches
_LEGEND_WIDTH = 1.4  # inches, of an entry

STYLE: Any = {
    "font.size": 9, "axes.titlesize": 9, "axes.titleweight": "bold", "legend.frameon": False,
    "axes.spines.top": False, "axes.spines.right": False, "figure.facecolor": "white",
    "axes.grid": True, "grid.alpha": 0.3, "grid.linewidth": 0.6, "svg.hashsalt": "smartsplat",
}  # fmt: skip


def require_matplotlib() -> None:
    """Checks that plots can be drawn.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("matplotlib") from error


def draw(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Draws for each metric that the rows have the means over the pictures, all pictures, and quality over time.

    Args:
        rows: measurements.
        folder: for ``rd_METRIC``, ``rd_METRIC_pictures`` and ``rd_METRIC_seconds``, each as ``.png`` and ``.svg``;
            existing files are replaced.

    Returns:
        The files.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    require_matplotlib()
    import matplotlib as mpl

    curves = Curves(rows)
    files: list[Path] = []
    with mpl.rc_context(STYLE):
        for metric in curves.metrics:
            files += save_figure(_mean_figure(curves, metric), folder / f"rd_{metric}")
            files += save_figure(_pictures_figure(curves, metric), folder / f"rd_{metric}_pictures")
            files += save_figure(_seconds_figure(curves, metric), folder / f"rd_{metric}_seconds")
    return files


def _mean_figure(curves: Curves, metric: str) -> Any:
    from matplotlib.figure import Figure

    count = len(curves.groups)
    figure = Figure(figsize=(6.6 if count == 1 else 4.4 * count, 4.2), layout="constrained")
    panels = figure.subplots(1, count, squeeze=False)[0]
    for axes, (group, pictures) in zip(panels, curves.groups.items(), strict=True):
        lines = {codec: curves.mean_curve(codec, metric, pictures) for codec in curves.codecs}
        _plot(axes, lines, _title(curves, group))
        axes.set_xlabel("bits per pixel")
    panels[0].set_ylabel(AXES[metric])
    panels[0].legend(loc="lower right")
    return figure


def _seconds_figure(curves: Curves, metric: str) -> Any:
    """A row of panels for each group, a panel for each target: quality at that many bytes over the encoder's time."""
    from matplotlib.figure import Figure

    rows, columns = len(curves.groups), len(curves.targets)
    figure = Figure(figsize=(max(_PANEL[0] * columns, 4.4), _PANEL[1] * rows + 0.5), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for line, (group, pictures) in zip(grid, curves.groups.items(), strict=True):
        for axes, target in zip(line, curves.targets, strict=True):
            points = {codec: curves.time_point(codec, target, metric, pictures) for codec in curves.codecs}
            _plot_times(axes, points, f"{curves.label(target)}, {_title(curves, group)}")
    figure.supxlabel("seconds of encoding for each megapixel", fontsize=9)
    figure.supylabel(AXES[metric], fontsize=9)
    _add_legend(figure)
    return figure


def _plot_times(axes: Any, points: dict[str, Point | None], title: str) -> None:
    """A mark for each codec; those of one kind that differ in effort are joined."""
    others = iter(OTHERS * 3)
    families: dict[str, list[Point]] = {}
    for codec, point in points.items():
        colour, marker = _STYLES.get(codec) or next(others)
        x, y = ([], []) if point is None else ([point[0]], [point[1]])
        axes.plot(x, y, label=codec, color=colour, marker=marker, markersize=6, linestyle="none", zorder=3)
        if point is not None:
            families.setdefault(codec.partition(":")[0], []).append(point)
    for kind, members in families.items():
        axes.plot(*zip(*sorted(members), strict=True), color=_STYLES.get(kind, OTHERS[0])[0], linewidth=1, zorder=2)
    axes.set_xscale("log")
    axes.set_title(title, fontsize=8)


def _pictures_figure(curves: Curves, metric: str) -> Any:
    from matplotlib.figure import Figure

    panels = {p: {c: curves.curve(p, c, metric) for c in curves.codecs} for p in curves.pictures}
    for group, pictures in curves.groups.items():
        if len(pictures) > 1:
            means = {codec: curves.mean_curve(codec, metric, pictures) for codec in curves.codecs}
            panels[_title(curves, group)] = means
    columns = min(3 if len(panels) <= 9 else 5, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(_PANEL[0] * columns, _PANEL[1] * rows + 0.5), layout="constrained")
    grid = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes, (title, lines) in zip(grid, panels.items(), strict=False):
        _plot(axes, lines, title)
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    figure.supxlabel("bits per pixel", fontsize=9)
    figure.supylabel(AXES[metric], fontsize=9)
    _add_legend(figure)
    return figure


def _add_legend(figure: Any) -> None:
    """Above the panels, in as many columns as there is room for."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    columns = max(1, min(len(labels), int(figure.get_figwidth() / _LEGEND_WIDTH)))
    figure.legend(handles, labels, loc="outside upper center", ncols=columns)


def _title(curves: Curves, group: str) -> str:
    pictures = curves.groups[group]
    kind = "pictures" if len(curves.groups) == 1 else group
    return f"mean of {len(pictures)} {kind}" if len(pictures) > 1 else str(pictures[0])


def _plot(axes: Any, lines: dict[str, list[Point]], title: str) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    others = iter(OTHERS * 3)
    for codec, points in lines.items():
        colour, marker = _STYLES.get(codec) or next(others)
        ours = codec.startswith("smartsplat")
        axes.plot(
            [bpp for bpp, _ in points], [quality for _, quality in points], label=codec, color=colour,
            marker=marker, markersize=4.5, linewidth=2.2 if ours else 1.4, zorder=3 if ours else 2,
        )  # fmt: skip
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_title(title)


def save_figure(figure: Any, path: Path) -> list[Path]:
    """As .png and .svg; without a date, so that the same rows give the same bytes."""
    files = [path.with_name(path.name + extension) for extension in (".png", ".svg")]
    figure.savefig(files[0], dpi=130)
    figure.savefig(files[1], metadata={"Date": None})
    return files
