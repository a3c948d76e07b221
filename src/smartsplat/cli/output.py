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
    finite = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}
    write_line(json.dumps(finite), aside=aside)


def print_summary(text: str, *, aside: bool = False) -> None:
    """A line that nobody asked for: if it cannot be written, the job is done all the same."""
    with suppress(OSError):
        write_line(text, aside=aside)
