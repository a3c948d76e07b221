"""Small pictures decode as well as they did when `python -m benchmarks.make_quality_floors` recorded them.

Where splats are fitted, a change in the last digit of a sum moves the quality of a single file by some tenths of a
dB. So a file has to reach the least that was found with any seed and instruction set, and all together their mean.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.quality_pictures import Case, cases, quality_of

RECORDED = json.loads((Path(__file__).parent / "data" / "quality_floors.json").read_text())
FLOORS = {Case(row["picture"], row["size"], row["effort"]): row["psnr"] for row in RECORDED["cases"]}

SLACK = 0.1
"""dB."""


@pytest.fixture(scope="module")
def found():
    return {case: quality_of(case) for case in cases()}


def test_all_pictures_are_recorded():
    assert list(FLOORS) == list(cases())


@pytest.mark.parametrize("case", FLOORS, ids=lambda case: "-".join(map(str, case)))
def test_no_file_is_below_its_floor(found, case):
    assert found[case] >= FLOORS[case] - SLACK


def test_their_mean_is_not_below_its_floor(found):
    assert np.mean(list(found.values())) >= RECORDED["mean"] - SLACK


def test_more_effort_is_better(found):
    """Where splats are fitted: a lattice is solved exactly."""
    gains = [found[case._replace(effort=5)] - quality for case, quality in found.items() if case.effort == 1]
    assert min(gains) > -SLACK
    assert np.mean(gains) > 1
