"""Where a measurement was made: code and machine."""

from __future__ import annotations

import functools
import os
import platform
import subprocess
from pathlib import Path

from smartsplat import __version__


@functools.cache
def commit() -> str:
    """Git commit of the package, and ``-dirty`` if files differ; outside a checkout the package's version."""
    folder = Path(__file__).parent
    try:
        tracked = _git(folder, "ls-files", Path(__file__).name)
        described = _git(folder, "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")
    except (OSError, subprocess.CalledProcessError):
        return __version__
    return described if tracked and described else __version__


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@functools.cache
def processor() -> str:
    """Model of the processor and how many of it this process may use."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:
        count = os.cpu_count() or 1
    return f"{_model()}, {count} processors"


def _model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
