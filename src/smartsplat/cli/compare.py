"""The command `compare`."""

from __future__ import annotations

import argparse
from typing import Any, BinaryIO

from smartsplat.cli.options import (
    Subparsers,
    UsageError,
    add_command,
    add_flatten,
    add_json,
    add_max_pixels,
    add_max_work,
    add_value_range,
)
from smartsplat.cli.output import print_json
from smartsplat.cli.streams import STANDARD, input_name, source, write_line
from smartsplat.errors import SmartSplatError


def add(commands: Subparsers) -> None:
    """Adds its parser."""
    p = add_command(commands, "compare", "measure how much a picture differs from another", run)
    p.add_argument("reference", help="a picture, a .ssplat file or a saved set of splats; - is stdin")
    p.add_argument("other", help="likewise")
    add_flatten(p, "transparent pictures")
    add_value_range(p)
    add_max_pixels(p)
    add_max_work(p)
    add_json(p)


def run(options: argparse.Namespace) -> None:
    """Prints PSNR, SSIM and MS-SSIM; that of sets of splats is taken of pictures that are not rounded to 8 bits.

    Of pictures with alpha errors count as much as they are seen in the reference; the alphas have a PSNR of their own.

    Raises:
        SmartSplatError: the pictures are of different sizes.
    """
    if options.reference == options.other == STANDARD:
        raise UsageError("only one of the two can be stdin")
    paths = options.reference, options.other
    a, b = (_pixels(path, options) for path in paths)
    if a.shape[:2] != b.shape[:2]:
        sizes = " and ".join(f"{p.shape[1]} x {p.shape[0]}" for p in (a, b))
        raise SmartSplatError(f"{', '.join(map(input_name, paths))}: the sizes differ, {sizes}")
    values = _compared(a, b)
    if options.json:
        print_json({"reference": options.reference, "other": options.other} | values)
        return
    rows = {name: "undefined: the picture is too small" if v is None else f"{v:.6g}" for name, v in values.items()}
    write_line("\n".join(f"{name:10} {text}" for name, text in rows.items()))


def _compared(a: Any, b: Any) -> dict[str, Any]:
    """The figures of two pictures [H, W, 3 or 4]."""
    from smartsplat.metrics.full import compare_fully
    from smartsplat.metrics.visible import compare_visible

    if a.shape[2] == b.shape[2] == 3:
        return dict(compare_fully(a, b))
    (colours, alpha), (others, its_alpha) = ((p[:, :, :3], p[:, :, 3] if p.shape[2] == 4 else None) for p in (a, b))
    return dict(compare_visible(colours, alpha, others, its_alpha))


def _pixels(path: str, options: argparse.Namespace) -> Any:
    """A picture, or a decoded .ssplat file, as uint8 or uint16 [H, W, 3 or 4]; of a set of splats float32 in [0, 1]."""
    from smartsplat.pictures.files import open_input

    if path == STANDARD:
        file = source(path)
        assert not isinstance(file, str)
        return _pixels_of(file, options)
    with open_input(path) as file:
        return _pixels_of(file, options)


def _pixels_of(file: BinaryIO, options: argparse.Namespace) -> Any:
    """The same of an open file; which of the three it is, its first bytes say."""
    import numpy as np

    from smartsplat.coding.format import MAGIC
    from smartsplat.file.splatfile import SplatFile
    from smartsplat.file.splatset import READERS, SplatSet
    from smartsplat.pictures.reading import read
    from smartsplat.pictures.samples import flattened, parse_colour

    if any(_starts_with(file, start) for start in READERS):
        return SplatSet.open(file).render(max_pixels=options.max_pixels, max_work=options.max_work)
    if not _starts_with(file, MAGIC):
        picture = read(file, max_pixels=options.max_pixels, flatten=options.flatten, value_range=options.value_range)
        return picture.with_alpha()
    pixels = SplatFile.open(file).render(max_pixels=options.max_pixels, max_work=options.max_work)
    pixels = pixels if pixels.ndim == 3 else pixels[:, :, None]
    if pixels.shape[2] % 2 == 0 and options.flatten is not None:
        pixels = flattened(pixels, parse_colour(options.flatten))
    return pixels if pixels.shape[2] >= 3 else np.dstack([pixels[:, :, :1], pixels[:, :, :1], pixels])


def _starts_with(file: BinaryIO, start: bytes) -> bool:
    """Whether a buffered file does; it stays where it stands, even if it is a pipe."""
    peek = getattr(file, "peek", None)
    return callable(peek) and peek(len(start))[: len(start)] == start
