"""The command `decode`."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from typing import Any, TypeVar

from smartsplat.cli.options import (
    Subparsers,
    UsageError,
    add_command,
    add_engine,
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

T = TypeVar("T")

FORMATS = ("png", "jpeg", "webp", "tiff")
"""Extensions that ``smartsplat.pictures.writing`` knows, one a format."""


def add(commands: Subparsers) -> None:
    """Adds its parser."""
    p = add_command(commands, "decode", "decode a .ssplat file to a picture", run)
    p.add_argument("input", help="the .ssplat file; - is stdin")
    p.add_argument("output", help="PNG, JPEG, WebP or TIFF, by its extension; - is stdout")
    p.add_argument("--format", choices=FORMATS, help="of the picture on stdout (default png)")
    size = p.add_mutually_exclusive_group()
    size.add_argument("--scale", type=positive, metavar="S", help="size relative to the original (default 1)")
    size.add_argument("--width", type=count, metavar="W", help="or the width of the result, px")
    p.add_argument("--region", type=region, metavar="X,Y,W,H", help="decode only this part, px of the original")
    p.add_argument("--draft", action="store_true",
                   help="use the overview that large files have, where it is as fine as what is asked for")  # fmt: skip
    add_engine(p)
    add_max_pixels(p)
    add_max_work(p)
    add_force(p)
    add_json(p)


def run(options: argparse.Namespace) -> None:
    """Decodes, writes the picture, prints figures if asked to."""
    from smartsplat.file.splatfile import SplatFile
    from smartsplat.pictures import writing

    aside = options.output == STANDARD
    if options.format and not aside:
        raise UsageError("--format goes with - as output; a file's extension says its format")
    name = f"<stdout>.{options.format or FORMATS[0]}" if aside else options.output
    writing.supported_output(name)  # before the input is read, which may be large
    check_destination(options.input, options.output, overwrite=options.force)
    clock = _Clock()
    with clock:
        file = SplatFile.open(source(options.input))
        width = options.region[2] if options.region else file.width
        scale = options.width / width if options.width else (options.scale or 1.0)
        view = file.view(scale, options.region)
        writing.supported_output(name, width=view.width, height=view.height)
    strips = clock.timed(file.strips(
        scale=scale, region=options.region, draft=options.draft, engine=options.engine, threads=options.threads,
        max_pixels=options.max_pixels, max_work=options.max_work,
    ))  # fmt: skip
    described: Any = {"width": view.width, "height": view.height, "grey": file.grey, "metadata": file.metadata}
    if aside:
        write_bytes(writing.strips_as_bytes(name, strips, **described))
    else:
        writing.save_strips(name, strips, **described, overwrite=options.force)
    if options.json:
        print_json({
            "input": options.input, "output": options.output, "width": view.width, "height": view.height,
            "bytes_read": file.bytes_read, "decode_seconds": clock.seconds, "peak_rss_bytes": peak_rss(),
        }, aside=aside)  # fmt: skip


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
