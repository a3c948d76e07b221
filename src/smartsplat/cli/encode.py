"""The command `encode`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from smartsplat.cli.encode_options import (
    LOG_EVERY,
    add_options,
    check_side_files,
    check_use,
    coding_arguments,
    constants_of,
    splats_alone,
)
from smartsplat.cli.options import Subparsers, add_command
from smartsplat.cli.output import print_json, print_summary
from smartsplat.cli.streams import STANDARD, check_destination, input_name, output_name, source, write_bytes
from smartsplat.errors import OutputError, TargetError, shown
from smartsplat.memory import peak_rss

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
    add_options(p)


def run(options: argparse.Namespace) -> None:
    """Encodes, writes the file, prints its figures."""
    check_use(options)
    check_destination(options.input, options.output, overwrite=options.force)
    _check_name(options.output)
    check_side_files(options)
    file = _encoded(options)
    aside = options.output == STANDARD
    if aside:
        write_bytes(file.to_bytes())
    else:
        file.save(options.output, overwrite=options.force)
    if options.fitted is not None and file.fitted is not None:
        file.fitted.save(options.fitted, overwrite=options.force)
    row = _figures(options, file)
    if options.json:
        print_json(row, aside=aside)
    elif not options.quiet:
        print_summary(_summary(row), aside=aside)


def _encoded(options: argparse.Namespace) -> SplatFile:
    from smartsplat.api import encode
    from smartsplat.cli.steprows import rows_to
    from smartsplat.progress import bar

    naming = _naming(input_name(options.input))
    with bar("encode", quiet=options.quiet) as progress, naming, rows_to(options.log) as log:
        return encode(
            source(options.input), **coding_arguments(options), preset=options.preset, steps=options.steps,
            constants=constants_of(options), checkpoint=options.checkpoint, log=log,
            log_every=options.log_every or LOG_EVERY, dask=options.dask, workers=options.workers,
            measure=options.json and splats_alone(options), progress=progress,
        )  # fmt: skip


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


def _summary(row: dict[str, Any]) -> str:
    fitted = row.get("splats_fitted", row["splats"])
    splats = f"{row['splats']} splats" if fitted == row["splats"] else f"{row['splats']} of {fitted} splats"
    alpha = "" if row["psnr_alpha"] is None else f" (alpha {row['psnr_alpha']:.2f} dB)"
    return (
        f"{output_name(row['output'])}: {row['bytes']} bytes, CR {row['cr']:.1f}, {splats}, "
        f"PSNR {row['psnr']:.2f} dB{alpha}, {row['encode_seconds']:.1f} s"
    )


def _figures(options: argparse.Namespace, file: SplatFile) -> dict[str, Any]:
    from smartsplat.file.summary import summarise

    report, summary = file.report, summarise(file.to_bytes())
    assert report is not None
    row: dict[str, Any] = {"input": options.input, "output": options.output}
    names = ("width", "height", "channels", "bits", "bytes", "cr", "cr_nominal", "bpp", "splats", "alpha_bytes")
    row |= {key: summary[key] for key in names}
    row |= {
        "psnr": report.psnr,
        "psnr_float": report.psnr_float,
        "psnr_alpha": report.psnr_alpha,
        "encode_seconds": report.seconds,
        "peak_rss_bytes": peak_rss(),
        "engine": report.engine,
        "preset": report.preset,
        "effort": report.effort,
        "seed": report.seed,
        "lattice": report.lattice,
        "tune": report.tune,
        "left_out": list(report.left_out),
    }
    return row | (_figures_of_splats(file) if report.lattice == "none" else {})


def _figures_of_splats(file: SplatFile) -> dict[str, Any]:
    """What is known where splats alone were asked for: the fitted ones are those that Eq. 5 counts."""
    from smartsplat.pipeline.target import nominal_cr

    report = file.report
    assert report is not None
    row: dict[str, Any] = {"splats_fitted": report.splats_fitted}
    row["cr_nominal"] = nominal_cr(file.width, file.height, report.splats_fitted) if report.splats_fitted else None
    for quality, suffix in ((report.quality, ""), (report.quality_float, "_float")):
        row |= {f"{name}{suffix}": value for name, value in (quality or {}).items() if name != "psnr"}
    return row | ({"steps": report.steps, "constants": report.constants} if report.steps is not None else {})
