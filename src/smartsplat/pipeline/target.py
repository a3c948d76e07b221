"""What a caller may ask a file to be: bytes, or a quality."""

from __future__ import annotations

from dataclasses import dataclass

from smartsplat.errors import TargetError
from smartsplat.model.numbers import positive_number, whole_number

DEFAULT_CR = 100.0
DEFAULT_LEAST_BYTES = 256
"""Without an explicit target no file is asked to be smaller than this beside its metadata, however small it is."""

ALWAYS_ALLOWED = 4096
"""Bytes beside the metadata that a file may have even where the raw picture is smaller."""


@dataclass(frozen=True)
class Target:
    """At most one of the four is set; none stands for DEFAULT_CR of the picture, its metadata on top.

    Attributes:
        cr: raw bytes (3 for each pixel) over bytes of the file, above 0.
        size: bytes of the file.
        bpp: bits of the file for each pixel, above 0.
        psnr: dB of the decoded picture, above 0.
    """

    cr: float | None = None
    size: int | None = None
    bpp: float | None = None
    psnr: float | None = None

    def __post_init__(self) -> None:
        given = {k: v for k, v in vars(self).items() if v is not None}
        if len(given) > 1:
            raise TargetError(f"only one target can be asked for, not {' and '.join(given)}")
        for name, value in given.items():
            try:
                checked = whole_number(value, name, 1) if name == "size" else positive_number(value, name)
            except ValueError as error:
                raise TargetError(str(error)) from None
            object.__setattr__(self, name, checked)

    @property
    def is_default(self) -> bool:
        """Whether nothing was asked for."""
        return self.cr is None and self.size is None and self.bpp is None and self.psnr is None

    def bytes_for(self, width: int, height: int, metadata: int) -> int:
        """Bytes the file may have, for a picture of that size with so many bytes of metadata.

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
        return int(min(budget, most_bytes(raw) + metadata))  # it may be infinite


def nominal_cr(width: int, height: int, splats: int) -> float:
    """Compression ratio by the paper's Eq. 5, which counts 7 bytes a splat."""
    return 3 * width * height / (7 * splats)


def nominal_count(width: int, height: int, cr: float) -> int:
    """N of Eq. 5, at least 1."""
    return max(1, int(3 * width * height / (7 * cr)))


def most_bytes(raw: int) -> int:
    """Bytes beside the metadata that a file may have, for a picture of so many: enough for noise to be exact."""
    return max(raw * 4 // 3, ALWAYS_ALLOWED)
