"""The command `encode`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from smartsplat.cli.options import (
    Subparsers,
    UsageError,
    add_command,
    add_engine,
    add_flatten,
    add_force,
    add_json,
    add_max_pixels,
    byte_count,
    count,
    positive,
    seed,
)
from smartsplat.cli.output import peak_rss, print_json, print_summary
from smartsplat.cli.streams import STANDARD, check_destination, input_name, output_name, source, write_bytes
from smartsplat.errors import OutputError, TargetError, shown

if TYPE_CHECKING:
    from smartsplat.file.splatfile import SplatFile

PICTURES = (
    ".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".tif", ".tiff", ".gif", ".bmp", ".avif", ".heic",
    ".heif", ".jxl", ".jp2", ".ppm", ".pgm", ".pnm", ".tga", ".ico", ".psd", ".svg",
)  # fmt: skip
"""Extensions that no .ssplat file may have."""


def add(commands: Subparsers) -> None:
    """Adds its parser."""
    p = add_command(commands, "encode", "encode a picture to a .ssplat file", run)
    p.add_argument("input", help="PNG, JPEG, WebP, TIFF or another still picture; - is stdin")
    p.add_argument("output", help="the .ssplat file; - is stdout")
    _add_target(p)
    p.add_argument("--effort", "-e", type=int, choices=range(1, 10), default=5, metavar="1..9",
                   help="time for quality: each takes up to twice as long as the one before (default 5)")  # fmt: skip
    p.add_argument("--preset", choices=("default", "paper"), default="default",
                   help="default, or the paper's method to the letter (slow)")  # fmt: skip
    p.add_argument("--steps", type=count, metavar="N", help="Adam steps of the preset paper (default 50000)")
    p.add_argument("--seed", type=seed, default=0, metavar="N",
                   help="of all that is random (default 0); the same makes the same file again, on the same kind of "
                   "processor")  # fmt: skip
    add_flatten(p)
    _add_metadata(p)
    add_engine(p)
    add_max_pixels(p)
    add_force(p)
    add_json(p)
    p.add_argument("-q", "--quiet", action="store_true", help="no progress, no summary")


def _add_target(p: argparse.ArgumentParser) -> None:
    target = p.add_mutually_exclusive_group()
    target.add_argument(
        "--cr", type=positive, metavar="R", help="compression ratio of real bytes (default 100, metadata on top)"
    )
    target.add_argument("--size", type=byte_count, metavar="BYTES", help="bytes of the file, such as 500k or 2M")
    target.add_argument("--bpp", type=positive, metavar="B", help="bits of the file for each pixel")
    target.add_argument("--psnr", type=positive, metavar="DB", help="PSNR of the decoded picture, at least")


def _add_metadata(p: argparse.ArgumentParser) -> None:
    p.add_argument("--no-icc", action="store_true", help="leave the colour profile out")
    p.add_argument("--no-exif", action="store_true", help="leave EXIF out")
    p.add_argument("--no-metadata", action="store_true", help="leave both out")


def run(options: argparse.Namespace) -> None:
    """Encodes, writes the file, prints its figures."""
    from smartsplat.api import encode
    from smartsplat.progress import bar

    if options.steps is not None and options.preset != "paper":
        raise UsageError("--steps goes with --preset paper")
    check_destination(options.input, options.output, overwrite=options.force)
    _check_name(options.output)
    with bar("encode", quiet=options.quiet) as progress, _naming(input_name(options.input)):
        file = encode(
            source(options.input), cr=options.cr, size=options.size, bpp=options.bpp, psnr=options.psnr,
            effort=options.effort, preset=options.preset, engine=options.engine, seed=options.seed,
            threads=options.threads, steps=options.steps, flatten=options.flatten,
            icc=not (options.no_icc or options.no_metadata), exif=not (options.no_exif or options.no_metadata),
            max_pixels=options.max_pixels, progress=progress,
        )  # fmt: skip
    aside = options.output == STANDARD
    if aside:
        write_bytes(file.to_bytes())
    else:
        file.save(options.output, overwrite=options.force)
    row = _figures(options, file)
    if options.json:
        print_json(row, aside=aside)
    elif not options.quiet:
        print_summary(
            f"{output_name(options.output)}: {row['bytes']} bytes, CR {row['cr']:.1f}, {row['splats']} splats, "
            f"PSNR {row['psnr']:.2f} dB, {row['encode_seconds']:.1f} s",
            aside=aside,
        )


def _check_name(output: str) -> None:
    """Refuses names of pictures: programs would take the file for one, and a slip would cost a picture."""
    extension = PurePath(output).suffix.lower()
    if extension in PICTURES:
        raise OutputError(f"{shown(output)}: {extension} is for pictures; a .ssplat file is written")


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Puts the picture's name before what is wrong with its target."""
    try:
        yield
    except TargetError as error:
        raise TargetError(f"{name}: {error}") from error


def _figures(options: argparse.Namespace, file: SplatFile) -> dict[str, Any]:
    from smartsplat.file.summary import summarise

    report, summary = file.report, summarise(file.to_bytes())
    assert report is not None
    row: dict[str, Any] = {"input": options.input, "output": options.output}
    row |= {key: summary[key] for key in ("width", "height", "bytes", "cr", "cr_nominal", "bpp", "splats")}
    row |= {
        "psnr": report.psnr,
        "psnr_float": report.psnr_float,
        "encode_seconds": report.seconds,
        "peak_rss_bytes": peak_rss(),
        "engine": report.engine,
        "preset": report.preset,
        "effort": report.effort,
        "seed": report.seed,
    }
    return row | ({"steps": report.steps} if report.steps is not None else {})
