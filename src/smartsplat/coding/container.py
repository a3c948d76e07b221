"""The file around the chunks: a header, an index and the chunks of each section. Reading and writing it is native.

A *section* is a part of the picture by itself, as it goes from the encoder to the file: what the header says of it, the
lengths of its chunks, and the chunks. In a file the chunks of all sections stand from coarse to fine. A section is as
long as what it adds to a file, but for a byte of a lattice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from smartsplat import _native


@dataclass(frozen=True)
class Container:
    """What a file holds.

    Attributes:
        width: px of the picture, 1 to GREATEST_SIDE.
        height: likewise.
        grey: the picture has one channel only.
        sections: bytes of each section by its type: splats, and maybe a lattice, metadata, and the file of the alpha
            picture.
        bits: of a sample of the picture that was encoded, 8 to 16.
    """

    width: int
    height: int
    grey: bool = False
    sections: Mapping[int, bytes] = field(default_factory=dict)
    bits: int = 8

    def to_bytes(self) -> bytes:
        """The file.

        Raises:
            FormatError: a section cannot be one of such a picture.
        """
        return _native.write_container(self.width, self.height, self.grey, list(self.sections.items()), self.bits)

    @classmethod
    def from_bytes(cls, data: bytes) -> Container:
        """Reads a file.

        Raises:
            FormatError: it is not a file of this kind, of another major version, damaged, cut short or longer
                than it says, or it has critical metadata of an unknown type.
        """
        file = _native.File(data)
        file.check()
        sections = {kind: file.section(kind) or b"" for kind, _ in file.sections}
        return cls(file.width, file.height, file.grey, sections, file.bits)
