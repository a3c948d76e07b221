"""The squares of a picture that chunks stand for (SPEC.md, section 3): slow and obvious."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

GREATEST_LOG = 22
LEAST_NODES_LOG = 5


@dataclass(frozen=True)
class Square:
    """The place of a chunk.

    Attributes:
        tier: 0 is the finest.
        coarsest: whether there is no coarser one.
        log: log2 of the square's side, px.
        column: of the square in its tier.
        row: likewise.
    """

    tier: int
    coarsest: bool
    log: int
    column: int
    row: int


def tier(width: int, height: int, logs: list[int], number: int) -> list[Square]:
    """The squares of a tier, in rows; none of one beyond the coarsest."""
    if number >= len(logs):
        return []
    rows, columns = (-(-side // 2 ** logs[number]) for side in (height, width))
    coarsest = number == len(logs) - 1
    return [Square(number, coarsest, logs[number], x, y) for y in range(rows) for x in range(columns)]


def splat_logs(width: int, height: int, square_log: int) -> list[int]:
    """Of the splats' tiers: log2 of the squares' sides, px, from the finest tier to the coarsest."""
    logs = [square_log]
    while 2 ** logs[-1] < max(width, height) and logs[-1] + 2 <= GREATEST_LOG:
        logs.append(logs[-1] + 2)
    return logs


def lattice_logs(width: int, height: int, square_log: int, spacing_log: int) -> list[int]:
    """Of the lattice's tiers, likewise."""
    least = spacing_log + LEAST_NODES_LOG
    logs = [max(square_log, least)]
    while 2 ** logs[-1] < max(width, height):
        number = len(logs)
        logs.append(max(square_log + number - 1, least + 2 * number))
    return logs


def coarse_to_fine(width: int, height: int, logs: list[int]) -> Iterator[Square]:
    """All squares of a part."""
    for number in reversed(range(len(logs))):
        yield from tier(width, height, logs, number)
