"""What the commands print."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from typing import Any

from smartsplat.cli.streams import write_line


def print_json(row: dict[str, Any], *, aside: bool = False) -> None:
    """One object on stdout, or aside; JSON has no infinity, so that is null (an exact picture's PSNR).

    Raises:
        OSError: it cannot be written.
    """
    write_line(json.dumps(_finite(row)), aside=aside)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_summary(text: str, *, aside: bool = False) -> None:
    """A line that nobody asked for: if it cannot be written, the job is done all the same."""
    with suppress(OSError):
        write_line(text, aside=aside)
