"""What is damaged or missing in a file of which the rest is decoded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from smartsplat import _native

PARTS = ("splats", "lattice", "metadata", "alpha", "blocks")
"""By the number that native code has for them."""


@dataclass(frozen=True)
class Damage:
    """Something of a file that cannot be decoded.

    Attributes:
        part: "splats", "lattice", "blocks", "metadata" or "alpha", that is the whole file of the alpha picture.
        missing: whether the file ends before it; it is damaged else.
        region: x, y, width, height [px]: the square of a chunk, the whole picture else. Splats reach beyond theirs, by
            an eighth of its side where their tier is not the coarsest; a lattice's coefficients by some of its nodes.
        tier: of a chunk, 0 is the finest; 0 for all else.
        depending: finer chunks of the lattice that are whole, but cannot be decoded without it.
        kind: of metadata.
        of_alpha: whether it is in the alpha picture.
    """

    part: str
    missing: bool
    region: tuple[int, int, int, int]
    tier: int = 0
    depending: int = 0
    kind: int = 0
    of_alpha: bool = False

    @property
    def is_chunk(self) -> bool:
        """Whether it is a square of the picture."""
        return self.part in ("splats", "lattice", "blocks")

    def __str__(self) -> str:
        state = "missing" if self.missing else "damaged"
        if not self.is_chunk:
            return f"the alpha picture is {state}" if self.part == "alpha" else f"metadata {self.kind:#x} are {state}"
        x, y, width, height = self.region
        more = f"; {self.depending} finer chunks depend on it" if self.depending else ""
        where = f"at {x}, {y} px (tier {self.tier}, {width} x {height} px)"
        return f"{_named(self)} {where} {_verb(self)} {state}{more}"


def _named(damage: Damage) -> str:
    return ("the alpha's " if damage.of_alpha else "the ") + damage.part


def _verb(damage: Damage) -> str:
    return "is" if damage.part == "lattice" else "are"


def salvaged(data: bytes) -> tuple[_native.File, bytes | None, tuple[Damage, ...]]:
    """A file as far as it can be decoded, the file of its alpha picture as far as that is there, and what cannot.

    Raises:
        FormatError: header and index are not valid.
    """
    file, alpha, damage = _native.File.salvaged(data)
    read = (
        Damage(PARTS[part], missing, region, tier, depending, kind)
        for part, kind, tier, missing, depending, region in damage
    )
    return file, None if alpha is None else data[alpha[0] : sum(alpha)], tuple(read)


def lines_of(damage: Iterable[Damage]) -> list[str]:
    """A line for each piece that is damaged, and one for all chunks of a tier that are missing."""
    listed = list(damage)
    lines = [str(each) for each in listed if not (each.missing and each.is_chunk)]
    missing = Counter((_named(each), each.tier) for each in listed if each.missing and each.is_chunk)
    for (name, tier), count in missing.items():
        missing_are = "1 chunk is" if count == 1 else f"{count} chunks are"
        lines.append(f"{name} of tier {tier}: {missing_are} missing, for the file ends early")
    return lines
