"""What the commands print."""

from __future__ import annotations

import json
import math
import sys
from typing import Any


def print_json(row: dict[str, Any]) -> None:
    """One object on stdout; JSON has no infinity, so that is null (an exact picture's PSNR)."""
    print(json.dumps({k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}))


def peak_rss() -> int | None:
    """Most memory that this process has held, in bytes, where the system tells."""
    try:
        import resource  # not on every system
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
