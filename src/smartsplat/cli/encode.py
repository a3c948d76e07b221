"""The command `encode`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smartsplat.cli.options import (
    Subparsers,
    UsageError,
    add_command,
    add_engine,
    add_force,
    add_json,
    add_max_pixels,
    byte_count,
    count,
    positive,
    seed,
)
from smartsplat.cli.output import peak_rss, print_json
from smartsplat.errors import TargetError

if TYPE_CHECKING:
    from smartsplat.file.splatfile import SplatFile


def add(commands: Subparsers) -> None:
    """Adds its parser."""
    p = add_command(commands, "encode", "encode a picture to a .ssplat file", run)
    p.add_argument("input", type=Path, help="PNG, JPEG, WebP, TIFF or another still picture")
    p.add_argument("output", type=Path, help="the .ssplat file")
    _add_target(p)
    p.add_argument("--effort", "-e", type=int, choices=range(1, 10), default=5, metavar="1..9",
                   help="time for quality: each takes up to twice as long as the one before (default 5)")  # fmt: skip
    p.add_argument("--preset", choices=("default", "paper"), default="default",
                   help="default, or the paper's method to the letter (slow)")  # fmt: skip
    p.add_argument("--steps", type=count, metavar="N", help="Adam steps of the preset paper (default 50000)")
    p.add_argument("--seed", type=seed, default=0, metavar="N", help="of all that is random (default 0)")
    p.add_argument("--flatten", metavar="COLOUR", help="colour to lay under a transparent picture")
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
    from smartsplat.pictures.files import check_output
    from smartsplat.progress import bar

    if options.steps is not None and options.preset != "paper":
        raise UsageError("--steps goes with --preset paper")
    check_output(options.output, overwrite=options.force)
    with bar("encode", quiet=options.quiet) as progress, _naming(options.input):
        file = encode(
            options.input, cr=options.cr, size=options.size, bpp=options.bpp, psnr=options.psnr,
            effort=options.effort, preset=options.preset, engine=options.engine, seed=options.seed,
            threads=options.threads, steps=options.steps, flatten=options.flatten,
            icc=not (options.no_icc or options.no_metadata), exif=not (options.no_exif or options.no_metadata),
            max_pixels=options.max_pixels, progress=progress,
        )  # fmt: skip
    file.save(options.output, overwrite=options.force)
    row = _figures(options, file)
    if options.json:
        print_json(row)
    elif not options.quiet:
        print(
            f"{options.output}: {row['bytes']} bytes, CR {row['cr']:.1f}, {row['splats']} splats, "
            f"PSNR {row['psnr']:.2f} dB, {row['encode_seconds']:.1f} s"
        )


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Puts the picture's name before what is wrong with its target."""
    try:
        yield
    except TargetError as error:
        raise TargetError(f"{path}: {error}") from error


def _figures(options: argparse.Namespace, file: SplatFile) -> dict[str, Any]:
    from smartsplat.file.summary import summarise

    report, summary = file.report, summarise(file.to_bytes())
    assert report is not None
    row: dict[str, Any] = {"input": str(options.input), "output": str(options.output)}
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
