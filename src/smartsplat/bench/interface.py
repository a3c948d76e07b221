"""What a codec of the comparison is: the interface that the whole bench is written against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from smartsplat.errors import SmartSplatError

Pixels = NDArray[np.uint8]
"""A picture as uint8 [H, W, 3]."""


class MissingExtraError(SmartSplatError):
    """A library of an extra, `bench` if not said otherwise, is not installed."""

    def __init__(self, wanted: str, extra: str = "bench") -> None:
        super().__init__(f"{wanted} is missing: pip install 'smartsplat[{extra}]'")


@dataclass(frozen=True)
class Encoded:
    """A picture in a codec's bytes.

    Attributes:
        data: the file.
        quality: the settings that the search ended at, for a person to read and use.
        factor: by how much the picture was shrunk first, 1 for not at all.
        seconds: of one encoding with these settings, shrinking included; the search for them is not counted
            where a codec needs one from outside.
    """

    data: bytes
    quality: str
    factor: int
    seconds: float


class Measured(Protocol):
    """What is said in each row of whatever is measured."""

    @property
    def name(self) -> str:
        """Short, as on the command line."""
        ...

    @property
    def versions(self) -> Mapping[str, str]:
        """Library by library."""
        ...

    @property
    def settings(self) -> Mapping[str, Any]:
        """All that decides the result, beside picture, versions and what it is asked for; JSON values."""
        ...


class Codec(Measured, Protocol):
    """A codec with its settings fixed except for the size of the file."""

    def encode_to(self, pixels: Pixels, allowed: int) -> Encoded | None:
        """The best file by PSNR of at most `allowed` bytes, or None if there is none."""
        ...

    def decode(self, data: bytes, width: int, height: int) -> Pixels:
        """The picture of such a file at the original size, uint8 [height, width, 3]."""
        ...


def is_grey(pixels: Pixels) -> bool:
    """Whether all three channels are equal."""
    first = pixels[:, :, 0]
    return bool(np.array_equal(first, pixels[:, :, 1]) and np.array_equal(first, pixels[:, :, 2]))


def three_channels(pixels: NDArray[np.uint8]) -> Pixels:
    """A grey picture [H, W] or [H, W, 1] with three equal channels; one of three as it is."""
    if pixels.ndim == 3 and pixels.shape[2] == 3:
        return pixels
    return np.repeat(pixels.reshape(*pixels.shape[:2], 1), 3, axis=2)
