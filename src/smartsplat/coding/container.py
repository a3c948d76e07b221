"""The file around the streams: magic, version, header, table of contents, sections with a CRC each."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

from smartsplat.errors import FormatError

MAGIC = b"\x89SSP\r\n"
MAJOR, MINOR = 1, 1
FLAG_GREY = 1

CRITICAL = 0x80
"""A section of an unknown type with this bit cannot be skipped."""

SPLATS = CRITICAL | 1
LATTICE = CRITICAL | 2
ICC = 0x10
EXIF = 0x11

MOST_SECTIONS = 64
GREATEST_SIDE = 1 << 22  # px
GREATEST_LENGTH = 1 << 40  # bytes of a section
GREATEST_SPACING_LOG = 10  # of a lattice's spacing, px


@dataclass
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
    sections: dict[int, bytes] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """The file."""
        head = bytearray(MAGIC) + bytes([MAJOR, MINOR])
        for number in (self.width, self.height, FLAG_GREY * self.grey, len(self.sections)):
            head += write_number(number)
        for kind, data in self.sections.items():
            head += bytes([kind]) + write_number(len(data)) + zlib.crc32(data).to_bytes(4, "little")
        head += zlib.crc32(head).to_bytes(4, "little")
        return bytes(head) + b"".join(self.sections.values())

    @classmethod
    def from_bytes(cls, data: bytes) -> Container:
        """Reads a file.

        Raises:
            FormatError: it is not a file of this kind, of a later major version, damaged, cut short or longer
                than it says, or it has a critical section of an unknown type.
        """
        reader = Reader(data)
        if reader.take(len(MAGIC)) != MAGIC:
            raise FormatError("not an .ssplat file")
        major = reader.take(2)[0]
        if major != MAJOR:
            raise FormatError(f"version {major} of the format is not known to this program")
        width, height, flags, count = (reader.number() for _ in range(4))
        if not (0 < width <= GREATEST_SIDE and 0 < height <= GREATEST_SIDE):
            raise FormatError(f"impossible size {width} x {height}")
        if count > MOST_SECTIONS:
            raise FormatError(f"impossible number of sections, {count}")
        table = [(reader.take(1)[0], reader.number(), reader.take(4)) for _ in range(count)]
        checksum = zlib.crc32(data[: reader.at])
        if reader.take(4) != checksum.to_bytes(4, "little"):
            raise FormatError("the header is damaged")
        if flags & ~FLAG_GREY:
            raise FormatError("the header has flags that this program does not know")
        return cls(width, height, bool(flags & FLAG_GREY), _read_sections(reader, table))


def _read_sections(reader: Reader, table: list[tuple[int, int, bytes]]) -> dict[int, bytes]:
    sections: dict[int, bytes] = {}
    seen: set[int] = set()
    known = {SPLATS, LATTICE, ICC, EXIF}
    for kind, length, checksum in table:
        section = reader.take(length)
        if zlib.crc32(section).to_bytes(4, "little") != checksum:
            raise FormatError(f"section {kind:#x} is damaged")
        if kind in seen:
            raise FormatError(f"section {kind:#x} stands twice")
        seen.add(kind)
        if kind & CRITICAL and kind not in known:
            raise FormatError(f"section {kind:#x} needs a later version of this program")
        if kind in known:
            sections[kind] = section
    if not reader.ended:
        raise FormatError("the file is longer than it says")
    if SPLATS not in sections:
        raise FormatError("the file has no splats")
    return sections


class Reader:
    """Takes bytes and numbers from the front."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    @property
    def ended(self) -> bool:
        """Whether everything has been taken."""
        return self.at == len(self._data)

    def take(self, count: int) -> bytes:
        """The next bytes."""
        if count > len(self._data) - self.at:
            raise FormatError("the file ends too early")
        self.at += count
        return self._data[self.at - count : self.at]

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self._data) - self.at)

    def number(self) -> int:
        """The next number, 7 bits a byte, the lowest first; at most GREATEST_LENGTH."""
        value = 0
        for shift in range(0, 42, 7):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if value > GREATEST_LENGTH or (byte == 0 and shift > 0):
                    break
                return value
        raise FormatError("a number in the header is out of range")


def read_spacing(reader: Reader) -> int:
    """The spacing of a lattice, px, from the front of its section."""
    log = reader.number()
    if log > GREATEST_SPACING_LOG:
        raise FormatError(f"a lattice's spacing cannot be 2^{log} px")
    return 1 << log


def write_number(value: int) -> bytes:
    """A number as ``Reader.number`` reads it."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
