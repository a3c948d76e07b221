"""The commands `bench` and `bench rd`: parse and print for ``smartsplat.bench``, which is loaded when one runs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from smartsplat.cli.bench_options import count, counts, positives
from smartsplat.cli.bench_paper import add_tables
from smartsplat.cli.options import Subparsers, UsageError, add_command, add_quiet

CODECS = ("smartsplat", "jpeg", "webp", "jxl", "avif")
"""As ``smartsplat.bench.names.NAMES``."""

DEFAULT = (*CODECS, "avif:3")
"""What is measured unless said otherwise: AVIF also at the speed that takes about as long as this codec."""

TUNES = ("psnr", "balanced", "ssim", "splats")
"""As of ``smartsplat.encode``, and splats alone."""

CRS = (100.0, 200.0, 500.0, 1000.0)


def add(commands: Subparsers) -> None:
    """Adds the parser of `bench` and of what it can measure."""
    p = add_command(commands, "bench", "measure this codec and others")
    subjects = p.add_subparsers(metavar="WHAT", required=True)
    _add_rd(subjects)
    add_tables(subjects)


def _add_rd(subjects: Subparsers) -> None:
    p = add_command(
        subjects, "rd", "quality at equal bytes, beside classical codecs, as rows, tables and plots", run_rd
    )
    p.add_argument("pictures", type=Path, nargs="*", metavar="PICTURE",
                   help="picture files; those of one folder are a group, over which means are taken")  # fmt: skip
    p.add_argument("--group", nargs="+", action="append", default=[], metavar=("NAME", "PICTURE"),
                   help="pictures as a group of that name; may be given several times")  # fmt: skip
    p.add_argument("--codecs", type=_names, default=list(DEFAULT), metavar="NAMES",
                   help=f"of {','.join(CODECS)} (default all, and avif:3); a number after a colon is the effort, as in "
                   "smartsplat:9, jxl:9 or, where it is the speed, avif:4")  # fmt: skip
    target = p.add_mutually_exclusive_group()
    target.add_argument("--cr", type=positives, metavar="R,..", help="compression ratios (default 100,200,500,1000)")
    target.add_argument("--bpp", type=positives, metavar="B,..", help="or bits for each pixel")
    p.add_argument("--out", type=Path, default=Path("smartsplat-bench"), metavar="FOLDER",
                   help="for rd.jsonl, tables and plots (default smartsplat-bench); what rd.jsonl has is not "
                   "measured again")  # fmt: skip
    p.add_argument("--efforts", type=_efforts, metavar="E,..", help="of smartsplat, 1 to 9 (default 5)")
    p.add_argument("--tunes", type=_tunes, default=[None], metavar="T,..",
                   help=f"of smartsplat: {','.join(TUNES)} (default balanced); the last has no lattice")  # fmt: skip
    p.add_argument("--factors", type=counts, default=[1, 2, 4, 8], metavar="F,..",
                   help="by how much classical codecs may shrink pictures (default 1,2,4,8)")  # fmt: skip
    p.add_argument("-j", "--threads", type=count, default=1, metavar="N",
                   help="threads of each codec that can use them (default 1, for fair seconds)")  # fmt: skip
    p.add_argument("--max-pixels", type=count, default=400_000_000, metavar="N",
                   help="refuse larger pictures (default 400 million)")  # fmt: skip
    add_quiet(p, "no progress")


def run_rd(options: argparse.Namespace) -> None:
    """Measures, and prints the tables."""
    from smartsplat.bench.codecs import make_codec
    from smartsplat.bench.measure import BenchTarget
    from smartsplat.bench.rd import compare_codecs

    groups = _groups(options)
    pictures = [*options.pictures, *groups]
    codecs = [
        make_codec(name, factors=options.factors, threads=options.threads, tune=tune)
        for name in _with_efforts(options)
        for tune in (options.tunes if name.startswith("smartsplat") else [None])
    ]
    kind, values = ("bpp", options.bpp) if options.bpp else ("cr", options.cr or CRS)
    text = compare_codecs(
        list(dict.fromkeys(pictures)),
        list({codec.name: codec for codec in codecs}.values()),
        [BenchTarget(kind, value) for value in values],
        options.out,
        threads=options.threads,
        max_pixels=options.max_pixels,
        report=(lambda _: None) if options.quiet else _report,
        groups=groups,
    )
    print(text, end="")


def _groups(options: argparse.Namespace) -> dict[Path, str]:
    """Pictures that were given with --group, and the names of their groups."""
    groups: dict[Path, str] = {}
    for name, *paths in options.group:
        if not paths:
            raise UsageError(f"--group {name}: has no pictures")
        groups |= dict.fromkeys(map(Path, paths), name)
    if not options.pictures and not groups:
        raise UsageError("there are no pictures")
    return groups


def _with_efforts(options: argparse.Namespace) -> list[str]:
    """Names of codecs, ``smartsplat`` once for each effort asked for."""
    names: list[str] = []
    for name in options.codecs:
        efforts = options.efforts if name == "smartsplat" else None
        names += [f"{name}:{effort}" for effort in efforts] if efforts else [name]
    return names


def _report(row: dict[str, Any]) -> None:
    """One line of progress on stderr."""
    head = f"{row['picture']}, {row['target']}, {row['codec']}"
    if row["bytes"] is None:
        print(f"{head}: unreachable", file=sys.stderr)
        return
    quality = "exact" if row["psnr"] is None else f"{row['psnr']:.2f} dB"
    shrunk = f"1/{row['factor']}, " if row["factor"] > 1 else ""
    print(
        f"{head}: {quality}, {row['bytes']} bytes, {shrunk}{row['quality']}, {row['encode_seconds']:.2f} s",
        file=sys.stderr,
    )


# Types of arguments


def _names(text: str) -> list[str]:
    from smartsplat.bench.names import split_name

    try:
        for name in text.split(","):
            split_name(name)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return list(dict.fromkeys(text.split(",")))


def _tunes(text: str) -> list[str]:
    names = list(dict.fromkeys(text.split(",")))
    if wrong := [name for name in names if name not in TUNES]:
        raise argparse.ArgumentTypeError(f"{wrong[0]} is none of {', '.join(TUNES)}")
    return names


def _efforts(text: str) -> list[int]:
    values = counts(text)
    if values[-1] > 9:
        raise argparse.ArgumentTypeError(f"{text}: not all are in 1 to 9")
    return values
