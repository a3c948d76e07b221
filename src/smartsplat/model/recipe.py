"""The constants and readings of the paper's method: what its two presets are made of, and what callers may change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from smartsplat.model.numbers import number_between, whole_number

CHOICES = {"start": ("text", "code"), "angle": ("radians", "turns", "sigmoid")}
"""What the constants that are words may be."""

GREATEST_RATE = 1e3
"""Rates may be from 0, which keeps what it is of where it starts, to this."""


def _checked(name: str, value: Any) -> Any:
    """The value of a constant, in its own type."""
    if name in CHOICES:
        if value not in CHOICES[name]:
            raise ValueError(f"{name} must be one of {', '.join(CHOICES[name])}, not {value!r}")
        return value
    if name == "counts_itself":
        if not isinstance(value, bool):
            raise ValueError(f"{name} must be True or False, not {value!r}")
        return value
    if name in ("neighbours", "tile"):
        return whole_number(value, name, 1, 1 << 30)
    return number_between(value, name, 0, 1 if name.startswith("lambda_") else GREATEST_RATE)


@dataclass(frozen=True)
class Recipe:
    """Constants of the paper's method, and readings where it leaves a choice; docs/paper.md has the reasons.

    The four rates are Adam's step lengths (the paper gives the numbers without saying whose they are).

    Attributes:
        start: how splats are started: as the ``text`` says (``sampling.initialise``), or as the published ``code``
            does it (``sampling.initialise_as_the_code``).
        lambda_g: share of variational points, Eq. 21, in [0, 1].
        lambda_m: share of the gradient in the weights, Eq. 10, in [0, 1].
        neighbours: K of Eq. 17, at least 1.
        counts_itself: whether a point is the first of its own K nearest neighbours in Eq. 17, at distance 0.
        tile: side of the tiles of Eq. 9 to 12, px, at least 1.
        lambda_l: share of L1 in the loss, Eq. 22, in [0, 1].
        rate_centre: of the centre, whose unit is half a side of the picture.
        rate_colour: of the colour, 1.0 is 8-bit 255.
        rate_scale: of the two scales, px.
        rate_angle: of the parameter of the angle.
        angle: what that parameter p is: the angle in ``radians``, in ``turns`` (the angle is 2 pi p) or ``sigmoid``
            (the angle is 2 pi / (1 + exp(-p))).

    Raises:
        ValueError: a constant is out of its range.
    """

    start: Literal["text", "code"] = "text"
    lambda_g: float = 0.7
    lambda_m: float = 0.9
    neighbours: int = 3
    counts_itself: bool = True
    tile: int = 1024
    lambda_l: float = 0.9
    rate_centre: float = 1e-4
    rate_colour: float = 5e-3
    rate_scale: float = 5e-2
    rate_angle: float = 1e-3
    angle: Literal["radians", "turns", "sigmoid"] = "radians"

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            object.__setattr__(self, name, _checked(name, value))

    def changed(self, constants: Mapping[str, Any]) -> Recipe:
        """The recipe with other values of some constants.

        Raises:
            ValueError: there is no such constant, or a value is out of its range.
        """
        for name in constants:
            if name not in CONSTANTS:
                raise ValueError(f"constants: there is no {name}, only {', '.join(CONSTANTS)}")
        return replace(self, **constants)

    def as_dict(self) -> dict[str, Any]:
        """All constants by their names."""
        return asdict(self)


CONSTANTS = tuple(field.name for field in fields(Recipe))

RECIPES = {
    "paper": Recipe(),
    "official-code": Recipe(start="code", lambda_l=0.8, angle="sigmoid"),
}
"""The presets that are the paper's: its text, and the code that was published with it."""
