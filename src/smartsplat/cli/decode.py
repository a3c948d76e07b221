"""The command `decode`."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

from smartsplat.cli.leaving import say
from smartsplat.cli.options import (
    Subparsers,
    UsageError,
    add_command,
    add_engine,
    add_flatten,
    add_force,
    add_json,
    add_max_pixels,
    add_max_work,
    count,
    positive,
    region,
)
from smartsplat.cli.output import print_json
from smartsplat.cli.streams import STANDARD, check_destination, source, write_bytes
from smartsplat.memory import peak_rss

if TYPE_CHECKING:
    from smartsplat.file.splatfile import SplatFile
    from smartsplat.model.view import View
    from smartsplat.pictures.samples import Colour
    from smartsplat.pictures.writing import Described

T = TypeVar("T")

FORMATS = ("png", "jpeg", "webp", "tiff", "avif")
"""Extensions that ``smartsplat.pictures.writing`` knows, one a format."""


def add(commands: Subparsers) -> None:
    """Adds its parser."""
    p = add_command(commands, "decode", "decode a .ssplat file to a picture", run)
    p.add_argument("input", help="the .ssplat file; - is stdin")
    p.add_argument("output", help="PNG, JPEG, WebP, TIFF or AVIF, by its extension; - is stdout")
    p.add_argument("--format", choices=FORMATS, help="of the picture on stdout (default png)")
    size = p.add_mutually_exclusive_group()
    size.add_argument("--scale", type=positive, metavar="S", help="size relative to the original (default 1)")
    size.add_argument("--width", type=count, metavar="W", help="or the width of the result, px")
    p.add_argument("--region", type=region, metavar="X,Y,W,H", help="decode only this part, px of the original")
    p.add_argument("--draft", action="store_true",
                   help="use the overview that large files have, where it is as fine as what is asked for")  # fmt: skip
    p.add_argument("--partial", action="store_true",
                   help="decode what is left of a damaged or shortened file; lost parts are named")  # fmt: skip
    p.add_argument("--depth", type=int, choices=(8, 16),
                   help="bits of a sample (default: 16 if the picture had more and the format takes them)")  # fmt: skip
    add_flatten(p)
    add_engine(p)
    add_max_pixels(p)
    add_max_work(p)
    add_force(p)
    add_json(p)


def run(options: argparse.Namespace) -> None:
    """Decodes, writes the picture, prints figures if asked to."""
    from smartsplat.file.damage import lines_of
    from smartsplat.file.splatfile import SplatFile
    from smartsplat.pictures import writing
    from smartsplat.pictures.samples import parse_colour

    aside = options.output == STANDARD
    if options.format and not aside:
        raise UsageError("--format goes with - as output; a file's extension says its format")
    name = f"<stdout>.{options.format or FORMATS[0]}" if aside else options.output
    _check_depth(options, writing.supported_output(name))  # before the input is read, which may be large
    background = parse_colour(options.flatten)
    check_destination(options.input, options.output, overwrite=options.force)
    clock = _Clock()
    with clock:
        file = SplatFile.open(source(options.input), partial=options.partial)
        width = options.region[2] if options.region else file.width
        scale = options.width / width if options.width else (options.scale or 1.0)
        view = file.view(scale, options.region)
        described = _described(file, view, options, writing.supported_output(name), background)
        writing.supported_output(name, width=view.width, height=view.height, alpha=described.channels % 2 == 0)
    strips = clock.timed(file.strips(
        scale=scale, region=options.region, dtype=f"uint{described.bits}", draft=options.draft, engine=options.engine,
        threads=options.threads, max_pixels=options.max_pixels, max_work=options.max_work,
    ))  # fmt: skip
    if background is not None and file.alpha is not None:
        strips = _flattened(strips, background, described.channels)
    if aside:
        write_bytes(writing.strips_as_bytes(name, strips, described))
    else:
        writing.save_strips(name, strips, described, overwrite=options.force)
    for line in lines_of(file.damage):
        say(f"{options.input}: {line}")
    if options.json:
        print_json(_figures(options, file, described, clock.seconds), aside=aside)


def _figures(options: argparse.Namespace, file: SplatFile, described: Described, seconds: float) -> dict[str, Any]:
    damage = {"damage": [asdict(each) for each in file.damage]} if options.partial else {}
    return damage | {
        "input": options.input, "output": options.output, "width": described.width, "height": described.height,
        "channels": described.channels, "bits": described.bits, "bytes_read": file.bytes_read,
        "decode_seconds": seconds, "peak_rss_bytes": peak_rss(),
    }  # fmt: skip


def _check_depth(options: argparse.Namespace, file_format: str) -> None:
    from smartsplat.pictures.writing import DEEP

    if options.depth == 16 and file_format not in DEEP:
        raise UsageError(f"--depth 16 goes with {' or '.join(DEEP)}")


def _described(
    file: SplatFile, view: View, options: argparse.Namespace, file_format: str, background: Colour | None
) -> Described:
    """The picture that is written."""
    from smartsplat.file.renderer import channels_of
    from smartsplat.pictures.samples import is_neutral
    from smartsplat.pictures.writing import DEEP, Described

    bits = options.depth or (16 if file.bits > 8 and file_format in DEEP else 8)
    channels = channels_of(file)
    if background is not None and channels % 2 == 0:
        channels = 1 if channels == 2 and is_neutral(background) else 3
    return Described(view.width, view.height, channels, bits, file.metadata)


def _flattened(strips: Iterator[Any], background: Colour, channels: int) -> Iterator[Any]:
    """Strips with alpha as opaque ones of so many channels."""
    from smartsplat.pictures.samples import flattened

    for strip in strips:
        opaque = flattened(strip, background)
        yield opaque[:, :, 0] if channels == 1 else opaque


class _Clock:
    """Adds up the time of blocks, and of what an iterator takes."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._started = 0.0

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.seconds += time.perf_counter() - self._started

    def timed(self, items: Iterator[T]) -> Iterator[T]:
        """The same items."""
        while True:
            with self:
                item = next(items, None)
            if item is None:
                return
            yield item
