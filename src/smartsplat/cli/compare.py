"""The command `compare`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from smartsplat.cli.options import Subparsers, add_command, add_json, add_max_pixels
from smartsplat.cli.output import print_json
from smartsplat.errors import SmartSplatError

EXTENSION = ".ssplat"


def add(commands: Subparsers) -> None:
    """Adds its parser."""
    p = add_command(commands, "compare", "measure how much a picture differs from another", run)
    p.add_argument("reference", type=Path, help="a picture")
    p.add_argument("other", type=Path, help="a picture or a .ssplat file")
    add_max_pixels(p)
    add_json(p)


def run(options: argparse.Namespace) -> None:
    """Prints PSNR, SSIM and MS-SSIM.

    Raises:
        SmartSplatError: the pictures are of different sizes.
    """
    from smartsplat import metrics

    a, b = (_pixels(path, options.max_pixels) for path in (options.reference, options.other))
    if a.shape != b.shape:
        sizes = " and ".join(f"{p.shape[1]} x {p.shape[0]}" for p in (a, b))
        raise SmartSplatError(f"{options.reference}, {options.other}: the sizes differ, {sizes}")
    values = metrics.compare(a, b)
    if options.json:
        print_json({"reference": str(options.reference), "other": str(options.other)} | values)
        return
    for name, value in values.items():
        print(f"{name:8} {'undefined: the picture is too small' if value is None else f'{value:.6g}'}")


def _pixels(path: Path, max_pixels: int) -> Any:
    """A picture, or a decoded .ssplat file, as uint8 [H, W, 3]."""
    import numpy as np

    from smartsplat.file.splatfile import SplatFile
    from smartsplat.pictures.reading import load

    if path.suffix.lower() != EXTENSION:
        return load(path, max_pixels=max_pixels).pixels
    pixels = SplatFile.open(path).render(max_pixels=max_pixels)
    return pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2)
