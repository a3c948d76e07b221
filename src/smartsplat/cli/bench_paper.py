"""The paper's tables and figures as commands of `bench`; nothing of it is loaded before one runs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from smartsplat.cli.bench_options import count, positives
from smartsplat.cli.options import ENGINES, Subparsers, add_command, add_max_pixels, add_quiet, region, seed

FITS = (
    "smartsplat", "smartsplat:paper", "smartsplat:official-code", "smartsplat:splats", "3dgs", "lig", "gi-rs",
    "gi-cholesky", "image-gs", "image-gs:official",
)  # fmt: skip
METHODS = (*FITS, "jpeg", "webp", "jxl", "avif")
"""As ``smartsplat.bench.methods.names.METHODS``."""

CRS = [20.0, 50.0, 100.0, 200.0, 500.0, 1000.0]


def add_tables(subjects: Subparsers) -> None:
    """Adds `table1`, `table2`, `convergence` and `figure4`."""
    p = add_command(subjects, "table1", "the paper's Table 1: quality of every method at nominal ratios", run_table1)
    _add_plan(p, METHODS, CRS)
    p = add_command(subjects, "table2", "the paper's Table 2: speed, memory and quality, each in a process", run_table2)
    _add_plan(p, FITS, [200.0])
    p.add_argument("--engine", choices=ENGINES, default="auto", help="of SmartSplat (default auto)")
    p.add_argument("--frames", type=count, default=20, metavar="N", help="drawn for the time of one (default 20)")
    p = add_command(subjects, "convergence", "the paper's Fig. 5: PSNR over steps and over seconds", run_convergence)
    _add_plan(p, FITS, [200.0])
    p.add_argument("--every", type=count, default=50, metavar="K", help="steps between two points (default 50)")
    p = add_command(subjects, "figure4", "the paper's Fig. 4: crops and errors side by side", run_figure4)
    _add_plan(p, METHODS, [200.0])
    p.add_argument("--region", type=region, metavar="X,Y,W,H", help="the crop (default: where there is most detail)")


def _add_plan(p: argparse.ArgumentParser, methods: Sequence[str], crs: list[float]) -> None:
    p.add_argument("pictures", type=Path, nargs="+", metavar="PICTURE", help="picture files")
    p.add_argument("--methods", type=_methods, default=list(methods), metavar="NAMES",
                   help=f"of {','.join(METHODS)} (default {'all' if methods == METHODS else 'all but codecs'}); those "
                   "of bench rd may have an effort, as there")  # fmt: skip
    p.add_argument("--cr", type=positives, default=crs, metavar="R,..",
                   help=f"nominal compression ratios (default {','.join(f'{cr:g}' for cr in crs)})")  # fmt: skip
    p.add_argument("--steps", type=count, default=2000, metavar="K",
                   help="of fits that have a number of them (default 2000; the paper has 50000)")  # fmt: skip
    p.add_argument("--seed", type=seed, default=0, metavar="N", help="of all that is random (default 0)")
    p.add_argument("--out", type=Path, default=Path("smartsplat-bench"), metavar="FOLDER",
                   help="for rows and what is made from them (default smartsplat-bench); what is there is not measured "
                   "again")  # fmt: skip
    p.add_argument("--again", action="store_true", help="measure cells again that failed")
    p.add_argument("-j", "--threads", type=count, default=1, metavar="N", help="of each method (default 1)")
    add_max_pixels(p)
    add_quiet(p, "no progress")


def _plan(options: argparse.Namespace) -> Any:
    """A ``smartsplat.bench.paper.cells.Plan``."""
    from smartsplat.bench.methods.measure import has_failed
    from smartsplat.bench.paper.cells import Plan

    return Plan(
        options.pictures, options.methods, options.cr, options.steps, options.seed, options.threads,
        options.max_pixels, has_failed if options.again else lambda _: False,
    )  # fmt: skip


def run_table1(options: argparse.Namespace) -> None:
    """Measures, and prints the tables."""
    from smartsplat.bench.paper.table1 import table1

    print(table1(_plan(options), options.out, _report(options)), end="")


def run_table2(options: argparse.Namespace) -> None:
    """Measures, and prints the table."""
    from smartsplat.bench.paper.table2 import table2
    from smartsplat.engines import load_engine

    load_engine(options.engine)  # one that is not there is told at once
    plan = replace(_plan(options), engine=options.engine)
    print(table2(plan, options.frames, options.out, _report(options)), end="")


def run_convergence(options: argparse.Namespace) -> None:
    """Measures, prints a table and draws."""
    from smartsplat.bench.paper.convergence import convergence

    print(convergence(_plan(options), options.every, options.out, _report(options)), end="")


def run_figure4(options: argparse.Namespace) -> None:
    """Measures and draws; prints where the sheet is."""
    from smartsplat.bench.paper.figure4 import figure4

    print(figure4(_plan(options), options.region, options.out, _report(options)))


def _report(options: argparse.Namespace) -> Any:
    from smartsplat.bench.paper.cells import progress_line

    return (lambda _: None) if options.quiet else (lambda row: print(progress_line(row), file=sys.stderr))


def _methods(text: str) -> list[str]:
    from smartsplat.bench.methods.names import check_method

    try:
        for name in text.split(","):
            check_method(name)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return list(dict.fromkeys(text.split(",")))
