"""The command `batch`."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

from smartsplat.cli.encode_options import add_coding, coding_arguments
from smartsplat.cli.options import Subparsers, UsageError, add_command, add_force, add_json, add_quiet, count
from smartsplat.cli.output import print_json, print_summary
from smartsplat.cli.streams import write_line
from smartsplat.errors import OutputError, SmartSplatError, shown


class BatchError(SmartSplatError):
    """Some of the pictures failed; each has had its line."""


def add(commands: Subparsers) -> None:
    """Adds its parser."""
    p = add_command(commands, "batch", "encode many pictures, on all processors or a cluster", run)
    p.add_argument("inputs", nargs="+", metavar="INPUT", help="picture files, folders (with all below), or patterns")
    p.add_argument("folder", help="for the .ssplat files; it is made if it is not there")
    add_coding(p)
    p.add_argument("-w", "--workers", type=count, default=0, metavar="N",
                   help="processes that encode (default: one for each processor)")  # fmt: skip
    p.add_argument(
        "--dask", metavar="ADDRESS", help="have a dask.distributed cluster do it; local: one of this machine"
    )
    add_force(p)
    add_json(p)
    add_quiet(p)


def run(options: argparse.Namespace) -> None:
    """Encodes what is not encoded yet, a line for each failure; prints a summary."""
    from smartsplat.batch.jobs import find_jobs
    from smartsplat.batch.run import run_batch
    from smartsplat.progress import bar

    if options.lattice != "none" and options.splats is not None:
        raise UsageError("--splats goes with --lattice none")
    _check_folder(options.folder)
    jobs = find_jobs(options.inputs, options.folder)
    began = time.perf_counter()
    with bar("batch", quiet=options.quiet) as progress:
        tally = run_batch(
            jobs, _arguments(options, len(jobs)), workers=options.workers, dask=options.dask,
            overwrite=options.force, say=_say, progress=progress,
        )  # fmt: skip
    seconds = time.perf_counter() - began
    if options.json:
        print_json(tally.figures(seconds))
    elif not options.quiet:
        print_summary(tally.table(seconds))
    if tally.failures:
        raise BatchError(f"{len(tally.failures)} of {len(jobs)} pictures failed")


def _arguments(options: argparse.Namespace, jobs: int) -> dict[str, Any]:
    """Processors that workers leave are for their threads."""
    from smartsplat.cluster import LOCAL

    processors = os.cpu_count() or 1
    workers = min(options.workers or processors, jobs)
    arguments = coding_arguments(options) | {"threads": options.threads or max(1, processors // workers)}
    if options.memory is None and options.dask in (None, LOCAL):
        arguments["memory"] = _share_of_memory(workers)
    return arguments


def _share_of_memory(workers: int) -> int | None:
    """What each of so many processes may take of this machine's, where it is known how much that is."""
    from smartsplat.scratch import LEAST_LIMIT, memory_limit

    limit = memory_limit(None)
    return None if limit is None else max(LEAST_LIMIT, limit // max(1, workers))


def _check_folder(folder: str) -> None:
    path = Path(folder)
    if path.exists() and not path.is_dir():
        raise OutputError(f"{shown(folder)}: is not a folder")


def _say(line: str) -> None:
    write_line(f"smartsplat: {line}", aside=True)
