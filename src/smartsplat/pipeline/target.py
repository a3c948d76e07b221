"""What a caller may ask a file to be: bytes, or a quality."""

from __future__ import annotations

from dataclasses import dataclass

from smartsplat.errors import TargetError
from smartsplat.model.numbers import positive_number, whole_number

DEFAULT_CR = 100.0
DEFAULT_LEAST_BYTES = 256
"""Without an explicit target no file is asked to be smaller than this beside its metadata, however small it is."""

NOMINAL_BYTES = 7
"""Of a splat, as the paper counts them in Eq. 5."""

ALWAYS_ALLOWED = 4096
"""Bytes beside the metadata that a file may have even where the raw picture is smaller."""


@dataclass(frozen=True)
class Target:
    """At most one of the five is set; none stands for DEFAULT_CR of the picture, its metadata on top.

    Attributes:
        cr: raw bytes (3 for each pixel) over bytes of the file, above 0.
        size: bytes of the file.
        bpp: bits of the file for each pixel, above 0.
        psnr: dB of the decoded picture, above 0.
        splats: how many are fitted. The file has NOMINAL_BYTES for each, and what is around them on top.
    """

    cr: float | None = None
    size: int | None = None
    bpp: float | None = None
    psnr: float | None = None
    splats: int | None = None

    def __post_init__(self) -> None:
        given = {k: v for k, v in vars(self).items() if v is not None}
        if len(given) > 1:
            raise TargetError(f"only one target can be asked for, not {' and '.join(given)}")
        for name, value in given.items():
            try:
                whole = name in ("size", "splats")
                checked = whole_number(value, name, 1) if whole else positive_number(value, name)
            except ValueError as error:
                raise TargetError(str(error)) from None
            object.__setattr__(self, name, checked)

    @property
    def is_default(self) -> bool:
        """Whether nothing was asked for."""
        return all(value is None for value in vars(self).values())

    def bytes_for(self, width: int, height: int, metadata: int, *, bits: int = 8) -> int:
        """Bytes the file may have, for a picture of that size and bits a sample with so many bytes of metadata.

        More than ``most_bytes`` are never needed, whatever was asked for.
        """
        raw = 3 * width * height
        if self.size is not None:
            budget: float = self.size
        elif self.bpp is not None:
            budget = self.bpp * width * height / 8
        elif self.cr is not None:
            budget = raw / self.cr
        else:
            return max(int(raw / DEFAULT_CR), DEFAULT_LEAST_BYTES) + metadata
        return int(min(budget, most_bytes(raw, bits) + metadata))  # it may be infinite

    def nominal_count(self, width: int, height: int) -> int:
        """N of Eq. 5, at least 1, for a picture of that size: the bytes that are asked for are nominal ones.

        Raises:
            TargetError: more splats than the picture has pixels were asked for.
        """
        raw = 3 * width * height
        if self.splats is not None:
            if self.splats > width * height:
                raise TargetError(f"splats: {self.splats} are more than the picture has pixels, {width * height}")
            return self.splats
        nominal = raw / self.cr if self.cr is not None else self.bytes_for(width, height, 0)
        return max(1, int(min(nominal, most_bytes(raw)) / NOMINAL_BYTES))


def nominal_cr(width: int, height: int, splats: int) -> float:
    """Compression ratio by Eq. 5 for so many splats."""
    return 3 * width * height / (NOMINAL_BYTES * splats)


def most_bytes(samples: int, bits: int = 8) -> int:
    """Bytes beside the metadata that a file of so many samples may have: enough for noise to be exact."""
    return max(samples * (1 if bits <= 8 else 2) * 4 // 3, ALWAYS_ALLOWED)
