"""What is compared: the interface of a codec, and the codecs by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from smartsplat.errors import SmartSplatError

Pixels = NDArray[np.uint8]
"""A picture as uint8 [H, W, 3]."""

FACTORS = (1, 2, 4, 8)
"""By how much the classical codecs may shrink a picture before they encode it."""


class MissingExtraError(SmartSplatError):
    """A library of the extra `bench` is not installed."""

    def __init__(self, wanted: str) -> None:
        super().__init__(f"{wanted} is missing: pip install 'smartsplat[bench]'")


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


class Codec(Protocol):
    """A codec with its settings fixed except for the size of the file."""

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
        """All that decides the bytes, beside picture, budget and versions; JSON values."""
        ...

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


NAMES = ("smartsplat", "jpeg", "webp", "jxl", "avif")
"""Codecs that `make_codec` knows."""


def split_name(name: str) -> tuple[str, int | None]:
    """``avif:4`` as ("avif", 4), ``avif`` as ("avif", None).

    Raises:
        ValueError: there is no such codec, or it has no such effort.
    """
    kind, colon, effort = name.partition(":")
    if kind not in NAMES:
        raise ValueError(f"no codec {kind!r}; there are {', '.join(NAMES)}")
    if not colon:
        return kind, None
    if kind == "jpeg" or not (effort.isdigit() and int(effort) in _EFFORTS[kind]):
        raise ValueError(f"codec {kind} has no effort {effort!r}")
    return kind, int(effort)


_EFFORTS = {"smartsplat": range(1, 10), "webp": range(7), "jxl": range(1, 10), "avif": range(11)}


def make_codec(name: str, *, factors: Sequence[int] = FACTORS, threads: int = 1) -> Codec:
    """A codec by its name on the command line.

    Args:
        name: one of NAMES; a colon and a number after it choose the effort: ``smartsplat:9``, WebP's method,
            JPEG XL's effort, AVIF's speed.
        factors: by how much a classical codec may shrink pictures first.
        threads: for those that can use them.

    Raises:
        ValueError: there is no such codec, or it has no such effort.
        MissingExtraError: its library is not installed.
    """
    kind, effort = split_name(name)
    if kind == "smartsplat":
        from smartsplat.bench.splats import SmartSplat

        return SmartSplat(effort, threads)
    from smartsplat.bench import formats
    from smartsplat.bench.search import Shrinking

    makers: dict[str, Callable[[], formats.Format]] = {
        "jpeg": formats.Jpeg,
        "webp": lambda: formats.WebP(6 if effort is None else effort),
        "jxl": lambda: formats.JpegXl(7 if effort is None else effort, threads),
        "avif": lambda: formats.Avif(6 if effort is None else effort, threads),
    }
    return Shrinking(name, makers[kind](), factors)
