"""What came of all pictures."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field
from typing import Any

from smartsplat.batch.jobs import Job
from smartsplat.batch.work import Outcome


@dataclass
class Tally:
    """Counts and figures of a batch.

    Attributes:
        kept: files that were there already.
        rows: of each file that was made: input, output, and the figures of its outcome.
        failures: of each that was not: input, output, error.
    """

    kept: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)

    def add(self, job: Job, outcome: Outcome) -> None:
        """Counts an outcome."""
        row: dict[str, Any] = {"input": str(job.source), "output": str(job.output)}
        if outcome.data is None:
            self.failures.append(row | {"error": outcome.error})
            return
        self.rows.append(row | dict(outcome.figures))

    def figures(self, seconds: float) -> dict[str, Any]:
        """All of it, for ``--json``."""
        return {
            "encoded": len(self.rows), "kept": self.kept, "failed": len(self.failures), "seconds": seconds,
            "bytes": sum(row["bytes"] for row in self.rows), "files": self.rows, "failures": self.failures,
        }  # fmt: skip

    def table(self, seconds: float) -> str:
        """The summary, a figure a line."""
        lines = [("encoded", str(len(self.rows))), ("kept", str(self.kept)), ("failed", str(len(self.failures)))]
        if self.rows:
            pixels = sum(row["width"] * row["height"] for row in self.rows)
            total = sum(row["bytes"] for row in self.rows)
            psnr = [row["psnr"] for row in self.rows if math.isfinite(row["psnr"])]
            lines += [("pixels", f"{pixels / 1e6:.1f} million"), ("bytes", f"{total} (CR {3 * pixels / total:.1f})")]
            if psnr:
                least, middle, most = min(psnr), statistics.median(psnr), max(psnr)
                lines += [("PSNR", f"{middle:.2f} dB in the middle, {least:.2f} to {most:.2f}")]
        lines += [("seconds", f"{seconds:.1f}")]
        return "\n".join(f"{name:8} {value}" for name, value in lines)
