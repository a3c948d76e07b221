"""Pages that are made when the site is built: the command line's help, the format's specification, the gallery."""

from __future__ import annotations

import argparse
import functools
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent
SPECIFICATION = ROOT / "src" / "smartsplat" / "coding" / "SPEC.md"


def on_files(files: Files, config: Any) -> Files:
    """Adds them; what mkdocs calls with the files that it has found."""
    files.append(File.generated(config, "cli.md", content=command_line()))
    files.append(File.generated(config, "format.md", content=SPECIFICATION.read_text(encoding="utf-8")))
    for path, content in gallery().items():
        files.append(File.generated(config, path, content=content))
    return files


WIDTH = 1134
"""px, of the gallery's pictures: half of the packaged one."""

PICTURES = (
    ("flower-50", "Compression ratio 50", {"cr": 50}),
    ("flower-200", "Compression ratio 200", {"cr": 200}),
    ("flower-splats", "Compression ratio 200, of splats alone (`--lattice none`)", {"cr": 200, "lattice": "none"}),
)
"""Name, caption, and how it is encoded."""


@functools.cache
def gallery() -> dict[str, str | bytes]:
    """The gallery and what it shows: files that are encoded now, the viewer, and the decoder if it has been built."""
    from smartsplat import encode

    pixels, made = _packaged_picture(), {}
    parts = ["# Gallery", GALLERY]
    for name, caption, options in PICTURES:
        file = encode(pixels, effort=2, **options)
        made[f"gallery/{name}.ssplat"] = file.to_bytes()
        parts += [f"## {caption}", _viewer(name, caption.replace("`", ""), file)]
    if not (WEB / "smartsplat.wasm").is_file():
        parts.insert(2, "This site was built without the decoder for browsers, so no picture is shown here.")
    scripts = {f"gallery/smartsplat/{path.name}": path.read_bytes() for path in WEB.iterdir() if _is_shown(path)}
    return {"gallery.md": "\n\n".join(parts) + "\n"} | made | scripts


GALLERY = """The photograph that comes with the package, live: wheel, drag, two fingers and the keys `+`, `-` and `0`
move it. Nothing but the small files below is fetched; beyond its own size the picture is rendered from the Gaussians.

<script type="module" src="smartsplat/element.js"></script>"""

WEB = ROOT / "web"


def _packaged_picture() -> Any:
    import numpy as np
    from PIL import Image

    from smartsplat.demo import picture_bytes

    image = Image.open(io.BytesIO(picture_bytes()))
    return np.asarray(image.resize((WIDTH, round(image.height * WIDTH / image.width)), Image.Resampling.LANCZOS))


def _is_shown(path: Path) -> bool:
    return path.suffix in (".js", ".css", ".wasm")


def _viewer(name: str, caption: str, file: Any) -> str:
    size = f"aspect-ratio: {file.width} / {file.height}"
    report, splats = file.report, len(file.splats)
    content = f"{splats:,} splats over a lattice" if splats and file.lattice else f"{splats:,} splats"
    if not splats:
        content = "a lattice alone"
    return (
        f'<smart-splat src="{name}.ssplat" alt="A flower. {caption}" zoomable '
        f'style="display: block; width: 100%; {size}"></smart-splat>\n\n'
        f"[{name}.ssplat]({'gallery/' + name}.ssplat): {len(file):,} bytes, {report.psnr:.2f} dB, {content}."
    )


def command_line() -> str:
    """A page with the help of each command."""
    from smartsplat.cli.process import build_parser

    os.environ["COLUMNS"] = "100"  # argparse's width
    parser = build_parser()
    parts = ["# Command line", "Exit codes: 0 done, 1 failed with one line on stderr, 2 wrong use.", _block(parser)]
    for name, command in _commands(parser):
        parts += [f"## {name}", _block(command)]
        for sub, subcommand in _commands(command):
            parts += [f"### {name} {sub}", _block(subcommand)]
    return "\n\n".join(parts) + "\n"


def _commands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def _block(parser: argparse.ArgumentParser) -> str:
    return f"```text\n{parser.format_help().rstrip()}\n```"
