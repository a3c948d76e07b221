"""Types of arguments that the commands of `bench` share: lists with commas between."""

from __future__ import annotations

import argparse
import math


def positives(text: str) -> list[float]:
    """Finite numbers above 0, each once, rising."""
    values = [float(part) for part in text.split(",")]
    if not all(math.isfinite(value) and value > 0 for value in values):
        raise argparse.ArgumentTypeError(f"{text}: not all are above 0")
    return sorted(set(values))


def counts(text: str) -> list[int]:
    """Whole numbers from 1 on, each once, rising."""
    return sorted({count(part) for part in text.split(",")})


def count(text: str) -> int:
    """A whole number from 1 on."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return value
