"""What a worker does with one picture."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from smartsplat.errors import PictureWarning, SmartSplatError, one_line


@dataclass(frozen=True)
class Task:
    """A picture to encode.

    Attributes:
        number: of the task.
        source: the picture's path, or its bytes for a worker on another machine.
        options: arguments of ``smartsplat.encode``.
    """

    number: int
    source: str | bytes
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What came of a task.

    Attributes:
        number: of the task.
        data: the file, None if there is none.
        error: why not, in one line.
        warnings: about the picture, a line each.
        figures: of the file: width, height, bytes, psnr, encode_seconds.
    """

    number: int
    data: bytes | None = None
    error: str | None = None
    warnings: tuple[str, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)


def encode_task(task: Task) -> Outcome:
    """Encodes a picture; what is wrong with it is an outcome, not an error."""
    from smartsplat.api import encode

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", PictureWarning)
        try:
            file = encode(task.source, **task.options)
        except (SmartSplatError, OSError, MemoryError) as error:
            return Outcome(task.number, error=_reason(error, task.source))
    assert file.report is not None
    figures = {
        "width": file.width,
        "height": file.height,
        "bytes": len(file.to_bytes()),
        "psnr": file.report.psnr,
        "encode_seconds": file.report.seconds,
    }
    lines = tuple(" ".join(str(warning.message).split()) for warning in seen)
    return Outcome(task.number, file.to_bytes(), None, lines, figures)


def _reason(error: BaseException, source: str | bytes) -> str:
    """Without the picture's name, which whoever reports the outcome puts there."""
    if isinstance(error, MemoryError):
        return "not enough memory"
    if isinstance(error, OSError) and not isinstance(error, SmartSplatError):
        return one_line(error)
    return " ".join(str(error).removeprefix(f"{source!s}: ").split())
