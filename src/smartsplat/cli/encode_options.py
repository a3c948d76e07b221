"""The options of the command `encode`: what there is, what goes together, and the files beside the output."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from smartsplat.cli.options import (
    UsageError,
    add_engine,
    add_flatten,
    add_force,
    add_json,
    add_max_pixels,
    add_quiet,
    add_value_range,
    byte_count,
    constant,
    count,
    memory_size,
    positive,
    seed,
)
from smartsplat.cli.streams import STANDARD, check_destination

PAPERS = ("paper", "official-code")
"""The presets of the paper's, as ``smartsplat.model.recipe.RECIPES``."""

LOG_EVERY = 100
"""Steps from one row of a log to the next, as of ``smartsplat.encode``; to ask for so many says more than not to."""


def add_options(p: argparse.ArgumentParser) -> None:
    """Adds all of them."""
    add_coding(p)
    add_force(p)
    add_json(p)
    add_quiet(p)
    _add_large(p)
    _add_research(p)


def add_coding(p: argparse.ArgumentParser) -> None:
    """Adds those that say how a picture is encoded."""
    _add_target(p)
    p.add_argument("--effort", "-e", type=int, choices=range(1, 10), metavar="1..9",
                   help="time for quality: each takes up to twice as long as the one before (default 5)")  # fmt: skip
    p.add_argument("--lattice", choices=("auto", "none"), default="auto", help="none: splats alone (default auto)")
    p.add_argument("--tune", choices=("psnr", "balanced", "ssim"),
                   help="what errors are weighed for (default balanced; with --psnr, or no lattice, psnr)")  # fmt: skip
    p.add_argument("--seed", type=seed, default=0, metavar="N",
                   help="of all that is random (default 0); the same makes the same file again, on the same kind of "
                   "processor")  # fmt: skip
    add_flatten(p)
    add_value_range(p)
    _add_metadata(p)
    add_engine(p)
    p.add_argument("--memory", type=memory_size, metavar="BYTES",
                   help="that the process should take at most, such as 1G; the rest of a large picture lies in "
                   "temporary files (default: half of what is free)")  # fmt: skip
    add_max_pixels(p)


def coding_arguments(options: argparse.Namespace) -> dict[str, Any]:
    """What these are as arguments of ``smartsplat.encode``."""
    names = ("cr", "size", "bpp", "psnr", "splats", "effort", "lattice", "tune", "engine", "seed", "threads", "flatten",
             "value_range", "overview", "max_pixels", "memory")  # fmt: skip
    kinds = ("icc", "exif", "xmp", "resolution")
    return {name: getattr(options, name) for name in names} | {
        kind: not (getattr(options, f"no_{kind}") or options.no_metadata) for kind in kinds
    }


def _add_target(p: argparse.ArgumentParser) -> None:
    target = p.add_mutually_exclusive_group()
    target.add_argument(
        "--cr", type=positive, metavar="R", help="compression ratio of real bytes (default 100, metadata on top)"
    )
    target.add_argument("--size", type=byte_count, metavar="BYTES", help="bytes of the file, such as 500k or 2M")
    target.add_argument("--bpp", type=positive, metavar="B", help="bits of the file for each pixel")
    target.add_argument("--psnr", type=positive, metavar="DB", help="PSNR of the decoded picture, at least")
    target.add_argument("--splats", type=count, metavar="N",
                        help="how many splats, 7 bytes each (without a lattice)")  # fmt: skip


def _add_metadata(p: argparse.ArgumentParser) -> None:
    p.add_argument("--overview", action=argparse.BooleanOptionalAction,
                   help="keep the picture reduced to an eighth as well (default: from 32 megapixels on)")  # fmt: skip
    p.add_argument("--no-icc", action="store_true", help="leave the colour profile or code out")
    p.add_argument("--no-exif", action="store_true", help="leave EXIF out")
    p.add_argument("--no-xmp", action="store_true", help="leave XMP out")
    p.add_argument("--no-resolution", action="store_true", help="leave the resolution out")
    p.add_argument("--no-metadata", action="store_true", help="leave all of these out")


def _add_large(p: argparse.ArgumentParser) -> None:
    group = p.add_argument_group("pictures of more than 32 megapixels, whose splats are fitted window by window")
    group.add_argument("--dask", metavar="ADDRESS",
                       help="have a dask.distributed cluster fit the windows; local: one of this machine")  # fmt: skip
    group.add_argument("-w", "--workers", type=count, default=0, metavar="N",
                       help="of local (default: one for each processor)")  # fmt: skip
    group.add_argument("--checkpoint", metavar="FILE",
                       help="keep what is fitted there, and go on with it (any picture with the paper's presets)"
                       )  # fmt: skip


def _add_research(p: argparse.ArgumentParser) -> None:
    group = p.add_argument_group("the paper's method, and figures of a fit")
    group.add_argument("--preset", choices=("default", *PAPERS), default="default",
                       help="default; or the paper's method (slow), as its text or its code has it")  # fmt: skip
    group.add_argument("--steps", type=count, metavar="N", help="Adam steps of the two (default 50000)")
    group.add_argument("--set", type=constant, action="append", default=[], metavar="NAME=VALUE", dest="constants",
                       help="one of their constants, such as lambda_l=0.8; may be given again")  # fmt: skip
    group.add_argument(
        "--log",
        metavar="FILE",
        help="a JSON row for every so many steps: step, seconds, loss, psnr; or for every window",
    )
    group.add_argument("--log-every", type=count, metavar="K", help=f"so many (default {LOG_EVERY})")
    group.add_argument("--fitted", metavar="FILE", help="save the splats before they are coded, .npz or .ply")


def check_use(options: argparse.Namespace) -> None:
    """Refuses options that do not go together.

    Raises:
        UsageError: they do not.
    """
    if options.workers and options.dask is None:
        raise UsageError("--workers goes with --dask")
    if options.log_every is not None and options.log is None:
        raise UsageError("--log-every goes with --log")
    if options.preset in PAPERS:
        for name in ("effort", "psnr", "dask", "tune"):
            if getattr(options, name) is not None:
                raise UsageError(f"--{name} does not go with --preset {options.preset}")
        constants_of(options)
        return
    if options.steps is not None:
        raise UsageError(f"--steps goes with --preset {' or '.join(PAPERS)}")
    if options.constants:
        raise UsageError(f"--set goes with --preset {' or '.join(PAPERS)}")
    for name in ("dask", "checkpoint"):
        if options.lattice == "none" and getattr(options, name) is not None:
            raise UsageError(f"--{name} does not go with --lattice none")
    for name in ("splats", "fitted"):
        if getattr(options, name) is not None and not splats_alone(options):
            raise UsageError(f"--{name} goes with --lattice none, or with --preset {' or '.join(PAPERS)}")


def splats_alone(options: argparse.Namespace) -> bool:
    """Whether there can be no lattice."""
    return options.preset in PAPERS or options.lattice == "none"


def constants_of(options: argparse.Namespace) -> dict[str, Any] | None:
    """The constants that were set, None if there are none.

    Raises:
        UsageError: there is no such constant, or it cannot have that value.
    """
    from smartsplat.model.recipe import RECIPES

    constants = dict(options.constants)
    if not constants:
        return None
    try:
        RECIPES[options.preset].changed(constants)
    except ValueError as error:
        raise UsageError(f"--set: {error}") from None
    return constants


def check_side_files(options: argparse.Namespace) -> None:
    """Refuses, before any work is done, files beside the output that cannot be written, or are each other.

    A log goes on where a checkpoint does, so that it may be there then.

    Raises:
        OutputError: one cannot be written.
        UsageError: two are the same.
    """
    from smartsplat.file.splatset import check_set_output

    goes_on = options.checkpoint is not None and Path(options.checkpoint).exists()
    overwrite = {"checkpoint": True, "log": options.force or goes_on, "fitted": options.force}
    seen = {os.path.realpath(options.output)}
    for name, path in ((name, getattr(options, name)) for name in overwrite):
        if path is None:
            continue
        if path == STANDARD:
            raise UsageError(f"--{name} needs a file")
        check_destination(options.input, path, overwrite=overwrite[name])
        if name == "fitted":
            check_set_output(path, overwrite=options.force)
        if os.path.realpath(path) in seen:
            raise UsageError(f"--{name} is the same file as another output")
        seen.add(os.path.realpath(path))
