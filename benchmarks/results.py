"""Rows of results beside the code that made them: benchmarks/results/NAME.jsonl."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

from smartsplat.bench.environment import commit, processor

FOLDER = Path(__file__).parent / "results"


def machine() -> dict[str, Any]:
    """When, where and by what a row was measured."""
    return {"commit": commit(), "machine": processor(), "date": datetime.date.today().isoformat()}


def append(name: str, row: dict[str, Any]) -> None:
    """Adds a row to a file of results."""
    with (FOLDER / f"{name}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
