"""Writes tests/data/quality_floors.json: how well files of the pictures in tests/quality_pictures.py decode.

Run from the root of the repository, on a machine with all instruction sets, after a change that makes files better,
or that is worth what it costs (docs/decisions.md then says why):

    python -m benchmarks.make_quality_floors

Prints what was recorded before beside each row. Takes some minutes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.results import machine
from smartsplat import _native
from tests.conftest import INSTRUCTION_SETS
from tests.quality_pictures import Case, cases, quality_of

OUTPUT = Path("tests/data/quality_floors.json")

SEEDS = range(4)


def qualities(case: Case) -> dict[tuple[str, int], float]:
    """dB for each instruction set and seed."""
    found = {}
    for name in INSTRUCTION_SETS:
        _native.use_instruction_set(name)
        found |= {(name, seed): quality_of(case, seed) for seed in SEEDS}
    _native.use_instruction_set("")
    return found


def rounded(decibels: float) -> float:
    """Down, to two places: what was found passes."""
    return int(decibels * 100) / 100


def before() -> dict[Case, float]:
    """What is recorded."""
    if not OUTPUT.exists():
        return {}
    rows = json.loads(OUTPUT.read_text())["cases"]
    return {Case(row["picture"], row["size"], row["effort"]): row["psnr"] for row in rows}


def main() -> None:
    """Runs it."""
    recorded, rows, first = before(), [], {name: [] for name in INSTRUCTION_SETS}
    for case in cases():
        found = qualities(case)
        rows.append({**case._asdict(), "psnr": rounded(min(found.values()))})
        for name in INSTRUCTION_SETS:
            first[name].append(found[name, 0])
        spread = max(found.values()) - min(found.values())
        print(json.dumps(rows[-1]), f"spread {spread:.2f} before {recorded.get(case)}", flush=True)
    means = {name: rounded(sum(values) / len(values)) for name, values in first.items()}
    print("means", means)
    made: dict[str, Any] = machine() | {"instruction_sets": list(INSTRUCTION_SETS), "seeds": list(SEEDS)}
    lines = ",\n".join(json.dumps(row) for row in rows)
    mean = min(means.values())
    OUTPUT.write_text(f'{{"made": {json.dumps(made)},\n"mean": {mean},\n"cases": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
