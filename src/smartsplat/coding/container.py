"""The file around the streams: a header and sections of bytes. Reading and writing it is native."""

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
        sections: bytes of each section by its type.
    """

    width: int
    height: int
    grey: bool = False
    sections: Mapping[int, bytes] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """The file."""
        return _native.write_container(self.width, self.height, self.grey, list(self.sections.items()))

    @classmethod
    def from_bytes(cls, data: bytes) -> Container:
        """Reads a file.

        Raises:
            FormatError: it is not a file of this kind, of a later major version, damaged, cut short or longer
                than it says, or it has a critical section of an unknown type.
        """
        file = _native.File(data)
        sections = {kind: file.section(kind) or b"" for kind, _ in file.sections}
        return cls(file.width, file.height, file.grey, sections)
