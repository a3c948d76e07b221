"""Numbers and bytes as the format writes them (SPEC.md, section 1): slow and obvious."""

from __future__ import annotations

from smartsplat.errors import FormatError

GREATEST_NUMBER = 1 << 40


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
        """The next number, 7 bits a byte, the lowest first."""
        value = 0
        for shift in range(0, 42, 7):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if value > GREATEST_NUMBER or (byte == 0 and shift > 0):
                    break
                return value
        raise FormatError("a number in the header is out of range")


def write_number(value: int) -> bytes:
    """A number as ``Reader.number`` reads it."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
