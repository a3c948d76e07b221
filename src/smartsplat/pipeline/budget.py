"""From the bytes of a file to those of the picture's sections in it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from smartsplat import _native
from smartsplat.coding.container import Container
from smartsplat.coding.format import ALPHA, BLOCKS, EXIF, LATTICE, OVERVIEW, SPLAT_STEPS, SPLATS, XMP
from smartsplat.coding.splat_codes import COLOURS
from smartsplat.coding.splat_section import write_splats
from smartsplat.errors import TargetError
from smartsplat.file.metadata import metadata_sections
from smartsplat.pictures.picture import Picture

GREATEST_SHARE = 0.1
"""Part of the bytes asked for above which EXIF or XMP is left out; cameras write tens of kilobytes."""


INDEX_SLACK = 2
"""Bytes that the length of the index may take more where there are several chunks, and those are long."""


@dataclass(frozen=True)
class Envelope:
    """A file but for the sections that make the picture.

    Attributes:
        width: of the picture, px.
        height: likewise.
        grey: it has one channel only.
        metadata: sections of metadata by their type.
        bits: of a sample.
        alpha: the file of the alpha picture, if there is one.
    """

    width: int
    height: int
    grey: bool
    metadata: dict[int, bytes]
    bits: int = 8
    alpha: bytes | None = None

    @classmethod
    def of(cls, picture: Picture, alpha: bytes | None = None) -> Envelope:
        """What the file of a picture has around its sections, with that file of its alpha."""
        sections = metadata_sections(picture.metadata)
        return cls(picture.width, picture.height, picture.grey, sections, picture.bits, alpha)

    @property
    def metadata_bytes(self) -> int:
        """Bytes of the sections of metadata that come with the picture, which an overview does not."""
        return sum(len(data) for kind, data in self.metadata.items() if kind != OVERVIEW)

    def trimmed(self, file_budget: int) -> Envelope:
        """Without EXIF and XMP that would each take much of a file of so many bytes; the others always stay."""
        large = {kind for kind in (EXIF, XMP) if len(self.metadata.get(kind, b"")) > GREATEST_SHARE * file_budget}
        return replace(self, metadata={kind: data for kind, data in self.metadata.items() if kind not in large})

    def container(self, splats: bytes, lattice: bytes | None = None, blocks: bytes | None = None) -> Container:
        """The file with these sections."""
        sections = self.metadata | {SPLATS: splats}
        if lattice is not None:
            sections[LATTICE] = lattice
        if blocks is not None:
            sections[BLOCKS] = blocks
        if self.alpha is not None:
            sections[ALPHA] = self.alpha
        return Container(self.width, self.height, self.grey, sections, self.bits)

    def section_budget(self, file_budget: int) -> int:
        """Bytes of the section of splats in a file of so many, if it is the only one.

        Raises:
            TargetError: not even one splat would fit.
        """
        least = self.least_bytes
        if file_budget < least:
            parts = {"metadata": self.metadata_bytes, "alpha": len(self.alpha or b"")}
            of_them = "".join(f", {count} of them {name}" for name, count in parts.items() if count)
            raise TargetError(f"{file_budget} bytes are too few: the least possible size is {least} bytes{of_them}")
        return self.least_section + file_budget - least

    @property
    def least_bytes(self) -> int:
        """Bytes of the file with one splat, and what a longer index may take more."""
        section = _least_section(self.width, self.height)
        several = max(self.width, self.height) > 1 << _native.usual_square_log(self.width, self.height)
        return len(self.container(section).to_bytes()) + (INDEX_SLACK if several else 0)

    @property
    def least_section(self) -> int:
        """Bytes of a section of one splat."""
        return len(_least_section(self.width, self.height))


def _least_section(width: int, height: int) -> bytes:
    """A section of one splat with the coarsest quantisation step."""
    code = np.zeros((1, 9), np.int32)
    code[0, COLOURS] = 1
    return write_splats(code, SPLAT_STEPS - 1, width, height)[0]
