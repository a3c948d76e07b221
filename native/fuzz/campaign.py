"""Runs fuzz targets one after the other: ``campaign.py BUILD (--seconds S | --inputs N) [--targets NAMES] [--record]``.

BUILD is where run.sh and overnight.sh build them and write the seeds. A finding, that is an input which crashes a
target, breaks a promise, or takes too long or too much memory, is kept in BUILD/findings, and the target goes on.
``--record`` adds a row for each target to benchmarks/results/fuzz.jsonl. Exit status 1 if anything was found.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

TARGETS = ("container", "splats", "lattice", "views")
LONGEST = 8192
"""Bytes of an input."""
SPARE_RUNS = 1000
"""Beyond those that are wanted: what is run before any input is mutated counts as well, and is not known exactly. With
too few a campaign would start again and again for the last inputs, and read its whole corpus each time."""
MOST_FINDINGS = 20
"""Of a target; then it is known well enough that something is wrong."""
LIMITS = ("-timeout=7200", "-report_slow_units=7200", "-rss_limit_mb=2048", "-malloc_limit_mb=1024")
"""The times are those on a clock, for what waits for ever; hooks.cpp has a limit of the processor's time, which does
not take a machine that pauses for a slow input. Memory is that of the process, which grows with its corpus and what the
sanitizer holds back: to 1 GB after 223,000 inputs; the one that met the limit takes 58 MB by itself."""


@dataclass
class Tally:
    """What a target did so far."""

    target: str
    inputs: int = 0
    seconds: float = 0
    peak_rss_mb: int = 0
    slowest_ms: float = 0
    findings: list[str] = field(default_factory=list)

    def add(self, report: str, seconds: float) -> None:
        """What libFuzzer and hooks.cpp said in one run."""
        loaded = re.search(r"^#(\d+)\s+INITED", report, re.MULTILINE)
        inputs = statistic(report, "number_of_executed_units") - (int(loaded[1]) if loaded else 0)
        self.inputs += max(0, inputs)
        self.seconds += seconds
        self.peak_rss_mb = max(self.peak_rss_mb, statistic(report, "peak_rss_mb"))
        times = re.findall(r"^slowest input: ([\d.]+) ms", report, re.MULTILINE)
        self.slowest_ms = max([self.slowest_ms, *map(float, times)])
        self.findings += re.findall(r"Test unit written to (\S+)", report)

    def line(self) -> str:
        """For a person."""
        return (
            f"fuzz_{self.target}: {self.inputs} inputs in {self.seconds:.0f} s, {len(self.findings)} findings, "
            f"peak {self.peak_rss_mb} MB, slowest {self.slowest_ms:.0f} ms"
        )


def statistic(report: str, name: str) -> int:
    """One of libFuzzer's figures at the end of a run, 0 if it is not there."""
    found = re.search(rf"^stat::{name}:\s+(\d+)", report, re.MULTILINE)
    return int(found[1]) if found else 0


def fuzz_once(build: Path, target: str, limit: str, tally: Tally) -> None:
    """Runs a target until a limit, or a finding.

    Raises:
        RuntimeError: it ends without a finding, but not well.
    """
    corpus, findings = build / "corpus" / target, build / "findings"
    for folder in (corpus, findings):
        folder.mkdir(parents=True, exist_ok=True)
    # Without the entropic schedule, which takes a fifth of the time.
    options = (limit, f"-max_len={LONGEST}", "-entropic=0", "-print_final_stats=1", *LIMITS)
    program = str(build / "native" / "fuzz" / f"fuzz_{target}")
    command = [program, *options, f"-artifact_prefix={findings}/{target}-", str(corpus), str(build / "seeds")]
    start, before = time.perf_counter(), len(tally.findings)
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    tally.add(done.stderr, time.perf_counter() - start)
    if done.returncode == 0:
        return
    lines = [line for line in done.stderr.splitlines() if not re.match(r"#\d|0x|\\|\s*NEW_FUNC", line)]
    print("\n".join(line[:300] for line in lines[-60:]), flush=True)
    if len(tally.findings) == before:
        raise RuntimeError(f"fuzz_{target} ended with {done.returncode}")


def fuzz(build: Path, target: str, seconds: int | None, inputs: int | None) -> Tally:
    """Runs a target for so long, or for so many mutated inputs, whatever it finds meanwhile."""
    tally = Tally(target)
    while len(tally.findings) < MOST_FINDINGS:
        if seconds is not None:
            left = seconds - int(tally.seconds)
            limit = f"-max_total_time={left}"
        else:
            left = (inputs or 0) - tally.inputs
            limit = f"-runs={left + seeds(build, target) + SPARE_RUNS}"
        if left <= 0:
            break
        fuzz_once(build, target, limit, tally)
    print(tally.line(), flush=True)
    return tally


def seeds(build: Path, target: str) -> int:
    """How many files a target reads before it mutates any."""
    return sum(1 for folder in ("seeds", f"corpus/{target}") for _ in (build / folder).glob("*"))


def origin_of(build: Path) -> dict[str, str]:
    """Of what is measured: commit, machine and date; compiler and sanitizers from CMake's cache."""
    from benchmarks.results import machine

    cache = (build / "CMakeCache.txt").read_text(encoding="utf-8")
    compiler, sanitizers = (
        re.search(rf"^{name}:\w+=(.*)$", cache, re.MULTILINE)[1]  # type: ignore[index]  # CMakeLists.txt sets both
        for name in ("CMAKE_CXX_COMPILER", "SMARTSPLAT_SANITIZERS")
    )
    version = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True)
    return {**machine(), "compiler": version.stdout.splitlines()[0], "sanitizers": sanitizers}


def record(origin: dict[str, str], tally: Tally) -> None:
    """Adds a row to the results."""
    from benchmarks.results import append

    figures = {
        "inputs": tally.inputs,
        "seconds": round(tally.seconds),
        "crashes": len(tally.findings),
        "peak_rss_mb": tally.peak_rss_mb,
        "slowest_ms": tally.slowest_ms,
    }
    append("fuzz", {"target": tally.target, **origin, "longest": LONGEST, **figures})


def main() -> int:
    """All targets; each gets its share of the time or of the inputs."""
    parser = argparse.ArgumentParser(description="Runs the fuzz targets one after the other.")
    parser.add_argument("build", type=Path)
    limit = parser.add_mutually_exclusive_group(required=True)
    limit.add_argument("--seconds", type=int)
    limit.add_argument("--inputs", type=int)
    parser.add_argument("--targets", nargs="+", choices=TARGETS, default=TARGETS)
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    shares = [None if n is None else -(-n // len(options.targets)) for n in (options.seconds, options.inputs)]
    origin = origin_of(options.build) if options.record else {}  # of the beginning, whatever is changed meanwhile
    found = 0
    for target in options.targets:
        tally = fuzz(options.build, target, *shares)
        found += len(tally.findings)
        if options.record:
            record(origin, tally)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
