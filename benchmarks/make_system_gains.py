"""Writes tests/data/system_gains.json: what each fit of the paper's tables gains in a few steps on a thumbnail.

Run from the root of the repository, with the extra `torch` installed:

    python -m benchmarks.make_system_gains
"""

import json
from pathlib import Path

from smartsplat.bench.environment import commit
from tests.systems import CR, FITS, SEED, STEPS, gain

OUTPUT = Path("tests/data/system_gains.json")


def main():
    found = {name: [round(value, 4) for value in gain(name)] for name in FITS}
    head = {"steps": STEPS, "cr": CR, "seed": SEED, "commit": commit()}
    OUTPUT.write_text(json.dumps(head | {"psnr": found}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
