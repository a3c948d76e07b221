"""A method, a picture and a compression ratio as a row of figures."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smartsplat.bench.interface import Pixels
from smartsplat.bench.methods.interface import LogRow, Method, Outcome
from smartsplat.bench.rows import OK, UNREACHABLE, Row
from smartsplat.errors import SmartSplatError, one_line
from smartsplat.memory import peak_rss
from smartsplat.metrics.full import compare_fully
from smartsplat.pictures import writing

FAILED = "failed: "
"""What a status begins with that says why there are no figures."""


@dataclass(frozen=True)
class Extras:
    """What is recorded beside the figures.

    Attributes:
        every: a row of the log each so many steps; 0 for no log.
        frames: how often the picture is drawn for the time of a frame; 0 for not at all.
        save: PNG file for the picture in 8 bits, whose folder is made if it is not there; None for none.
        memory: whether it is told how much this process held at most.
    """

    every: int = 0
    frames: int = 0
    save: Path | None = None
    memory: bool = False


NOTHING = Extras()


def measure(pixels: Pixels, method: Method, cr: float, extras: Extras = NOTHING, *, threads: int = 1) -> Row:
    """Runs the method and compares.

    Args:
        pixels: the picture, uint8 [H, W, 3].
        method: to be run.
        cr: compression ratio.
        extras: what else is wanted.
        threads: of the metrics.

    Returns:
        ``status``; ``cr_nominal`` and ``cr_real``, ``bytes``, ``splats``, ``steps``, ``start_seconds``, ``seconds``
        and ``total_seconds`` of ``Outcome``; ``psnr`` [dB, None for an exact picture], ``ms_ssim`` [None where the
        picture is too small], ``ssim`` (zeros beyond the border) of the picture before it was rounded, where there is
        one, else of that of the file; ``file_psnr``, ``file_ms_ssim`` and ``file_ssim`` of the file, if there is one;
        ``frame_seconds`` and ``log`` as the extras have it, and ``peak_bytes``, the most memory that the process held
        until the method was done, with ``base_bytes``, of that before it began: Python, libraries and the picture;
        ``card_bytes`` likewise of a graphics card, where one was used. The figures are None if there is no file that
        small.
    """
    rows: list[LogRow] = []
    log: Callable[[LogRow], None] | None = rows.append if extras.every else None
    base = peak_rss()
    outcome = method.run(pixels, cr, log, extras.every or _NEVER)
    memory = {"peak_bytes": peak_rss(), "base_bytes": base} | _on_card() if extras.memory else {}  # not the metrics'
    if outcome is None:
        return dict.fromkeys(FIGURES) | {"status": UNREACHABLE} | memory
    if extras.save is not None:
        extras.save.parent.mkdir(parents=True, exist_ok=True)
        writing.save(extras.save, _eight_bits(outcome), overwrite=True)
    return (
        {"status": OK}
        | _sizes(pixels.size, outcome)
        | _qualities(pixels, outcome, threads)
        | _times(outcome)
        | memory
        | ({"frame_seconds": _frame_seconds(outcome.frame, extras.frames)} if extras.frames else {})
        | ({"log": [_finite(row) for row in rows]} if extras.every else {})
    )


def _on_card() -> Row:
    """The most bytes that were held on a graphics card, where one was used."""
    torch = sys.modules.get("torch")  # not loaded for this
    if torch is None or not torch.cuda.is_initialized():
        return {}
    return {"card_bytes": torch.cuda.max_memory_allocated()}


_NEVER = 1 << 30

FIGURES = (
    "cr_nominal", "cr_real", "bytes", "splats", "psnr", "ms_ssim", "ssim", "file_psnr", "file_ms_ssim", "file_ssim",
    "steps", "start_seconds", "seconds", "total_seconds",
)  # fmt: skip


def guarded(run: Callable[[], Row]) -> Row:
    """The row that is made; whatever goes wrong becomes its status, so that the others can be made."""
    try:
        return run()
    except MemoryError:
        return failure("out of memory")
    except SmartSplatError as error:
        return failure(one_line(error))
    except Exception as error:
        return failure(f"{type(error).__name__}: {one_line(error)}")


def has_failed(row: Row) -> bool:
    """Whether its status says why there are no figures, other than that no file can be so small."""
    return str(row["status"]).startswith(FAILED)


def failure(why: str) -> Row:
    """A row without figures."""
    return dict.fromkeys(FIGURES) | {"status": FAILED + why}


def _sizes(raw: int, outcome: Outcome) -> Row:
    return {
        "cr_nominal": raw / outcome.nominal_bytes,
        "cr_real": raw / outcome.bytes,
        "bytes": outcome.bytes,
        "splats": outcome.splats,
    }


def _qualities(pixels: Pixels, outcome: Outcome, threads: int) -> Row:
    of_file = _quality(outcome.decoded, pixels, threads)
    figures = of_file if outcome.picture is None else _quality(outcome.picture, pixels, threads)
    return figures | {f"file_{name}": value for name, value in of_file.items()}


def _quality(picture: NDArray[Any] | None, pixels: Pixels, threads: int) -> Row:
    if picture is None:
        return dict.fromkeys(("psnr", "ms_ssim", "ssim"))
    found = compare_fully(picture, pixels, threads=threads)
    return _finite({"psnr": found["psnr"], "ms_ssim": found["ms_ssim"], "ssim": found["ssim_same"]})


def _times(outcome: Outcome) -> Row:
    return {"steps": outcome.steps} | _finite(
        {name: getattr(outcome, name) for name in ("start_seconds", "seconds", "total_seconds")}
    )


def _finite(figures: Row) -> Row:
    """Six decimals; None for what JSON cannot hold."""
    return {
        name: None if value is None or not math.isfinite(value) else round(value, 6) for name, value in figures.items()
    }


def _eight_bits(outcome: Outcome) -> Pixels:
    if outcome.picture is None:
        assert outcome.decoded is not None
        return outcome.decoded
    return np.floor(255 * outcome.picture.clip(0, 1) + 0.5).astype(np.uint8)


def _frame_seconds(draw: Callable[[], object], count: int) -> float:
    """Median of so many, after one that does not count."""
    draw()
    found = []
    for _ in range(count):
        started = time.perf_counter()
        draw()
        found.append(time.perf_counter() - started)
    return float(np.median(found))
