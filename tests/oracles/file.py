"""Reads and writes files (SPEC.md, sections 2 and 3): slow and obvious."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

from smartsplat.errors import FormatError
from tests.oracles.numbers import Reader, write_number
from tests.oracles.tiers import Square, coarse_to_fine, lattice_logs, splat_logs, tier

MAGIC = b"\x89SSP\r\n"
VERSION = (2, 0)
GREATEST_SIDE = 1 << 30
SPACINGS = 10
LATTICE_STEPS = 1 << 13
KNOWN = (0x10, 0x11, 0x12, 0x13, 0x14, 0x20)
ALPHA = 1 << 5
BLOCKS = 1 << 6
CRITICAL = 0x80


@dataclass
class Part:
    """Splats or a lattice.

    Attributes:
        step_index: of the base step, or of the lattice's step.
        chunks: without checksums, from coarse to fine.
        count: of splats.
        spacing_log: of a lattice.
    """

    step_index: int
    chunks: list[bytes]
    count: int = 0
    spacing_log: int = 0


@dataclass
class File:
    """A file that may say anything; what ``to_bytes`` makes of it has right checksums.

    Attributes:
        width: px.
        height: px.
        square_log: log2 px of the splats' finest squares.
        splats: the part.
        lattice: likewise; None if there is none.
        metadata: by kind.
        flags: bit 0 for grey, 8 less than the bits of a sample above it; that of the alpha is set where there is one.
        version: major and minor.
        magic: the first bytes.
        count: of the metadata, if another one is to be said.
        index_length: likewise.
        more: bytes at the end.
        alpha: the file of the alpha picture, if there is one.
        alpha_length: another length that is to be said of it.
        lattice_square_log: log2 px of the lattice's finest squares; None for the splats'.
        blocks: the part of the blocks, whose step index means nothing; None if there are none.
    """

    width: int
    height: int
    square_log: int
    splats: Part
    lattice: Part | None = None
    metadata: list[tuple[int, bytes]] = field(default_factory=list)
    flags: int = 0
    version: tuple[int, int] = VERSION
    magic: bytes = MAGIC
    count: int | None = None
    index_length: int | None = None
    more: bytes = b""
    alpha: bytes | None = None
    alpha_length: int | None = None
    lattice_square_log: int | None = None
    blocks: Part | None = None

    def tiers(self) -> list[tuple[Part, list[Square], int]]:
        """The parts, the squares of their tiers and the number of the first, in the order of the file."""
        parts = [] if self.lattice is None else [(self.lattice, self.lattice_logs())]
        parts.append((self.splats, splat_logs(self.width, self.height, self.square_log)))
        done = {id(part): 0 for part, _ in parts}
        runs = []
        for number in reversed(range(max(len(logs) for _, logs in parts))):
            for part, logs in parts:
                squares = tier(self.width, self.height, logs, number)
                runs.append((part, squares, done[id(part)]))
                done[id(part)] += len(squares)
        if self.blocks is not None:
            runs.append((self.blocks, tier(self.width, self.height, [self.square_log], 0), 0))
        return runs

    def lattice_logs(self) -> list[int]:
        assert self.lattice is not None
        return lattice_logs(self.width, self.height, self.lattice_finest(), self.lattice.spacing_log)

    def lattice_finest(self) -> int:
        """log2 px of the lattice's finest squares."""
        return self.square_log if self.lattice_square_log is None else self.lattice_square_log

    def chunks(self) -> list[bytes]:
        """In the order of the file."""
        return [chunk for part, squares, first in self.tiers() for chunk in part.chunks[first : first + len(squares)]]

    def to_bytes(self) -> bytes:
        """The file."""
        chunks = self.chunks()
        head = self.magic + bytes(self.version)
        flags = self.flags | (ALPHA if self.alpha is not None else 0) | (BLOCKS if self.blocks is not None else 0)
        head += b"".join(map(write_number, (self.width, self.height, flags)))
        head += bytes([self.square_log]) + write_number(self.splats.count) + bytes([self.splats.step_index])
        if self.lattice is None:
            head += b"\0"
        else:
            head += bytes([self.lattice.spacing_log + 1]) + self.lattice.step_index.to_bytes(2, "little")
            head += bytes([self.lattice_finest()])
        head += write_number(len(self.metadata) if self.count is None else self.count)
        head += b"".join(bytes([kind]) + write_number(len(data)) for kind, data in self.metadata)
        if self.alpha is not None:
            head += write_number(len(self.alpha) if self.alpha_length is None else self.alpha_length)
        index = b"".join(write_number(len(chunk)) for chunk in chunks)
        head += write_number(len(index) if self.index_length is None else self.index_length) + index
        pieces = [*(data for _, data in self.metadata), *chunks]
        return head + checksum(head) + b"".join(map(checked, pieces)) + (self.alpha or b"") + self.more


def checksum(data: bytes) -> bytes:
    """As it stands in a file."""
    return zlib.crc32(data).to_bytes(4, "little")


def checked(piece: bytes) -> bytes:
    """With its checksum, unless it is empty."""
    return piece + checksum(piece) if piece else b""


def read_checked(reader: Reader, length: int) -> bytes:
    """A piece without its checksum."""
    piece = reader.take(length)
    if piece and reader.take(4) != checksum(piece):
        raise FormatError("a piece of the file is damaged")
    return piece


def refuse_if(wrong: bool, text: str) -> None:
    """Raises a FormatError."""
    if wrong:
        raise FormatError(text)


def read_file(data: bytes) -> File:
    """What a file says, all of it checked but for what is in the chunks."""
    reader = Reader(data)
    refuse_if(reader.take(6) != MAGIC, "no such file")
    version = reader.take(2)
    refuse_if(version[0] != VERSION[0], "another version")
    width, height, flags = (reader.number() for _ in range(3))
    refuse_if(not (1 <= width <= GREATEST_SIDE and 1 <= height <= GREATEST_SIDE), "size")
    refuse_if((flags & ~(ALPHA | BLOCKS)) >> 1 > 8, "flags")
    square_log = reader.take(1)[0]
    refuse_if(not 5 <= square_log <= 22, "squares")
    splats = Part(count=reader.number(), step_index=reader.take(1)[0], chunks=[])
    lattice, lattice_square_log = read_lattice_fields(reader)
    count = reader.number()
    refuse_if(count > 64, "metadata")
    table = [(reader.take(1)[0], reader.number()) for _ in range(count)]
    kinds = [kind for kind, _ in table]
    refuse_if(len(set(kinds)) < count or any(k & CRITICAL and k not in KNOWN for k in kinds), "metadata")
    alpha_length = reader.number() if flags & ALPHA else None
    index_end = reader.number() + reader.at
    file = File(
        width, height, square_log, splats, lattice, flags=flags & ~(ALPHA | BLOCKS), version=(version[0], version[1]),
        lattice_square_log=lattice_square_log, blocks=Part(0, []) if flags & BLOCKS else None,
    )  # fmt: skip
    lengths = [(part, [reader.number() for _ in squares]) for part, squares, _ in file.tiers()]
    refuse_if(reader.at != index_end, "index")
    refuse_if(reader.take(4) != checksum(data[:index_end]), "header")
    file.metadata = [(kind, read_checked(reader, length)) for kind, length in table]
    for part, run in lengths:
        part.chunks += [read_checked(reader, length) for length in run]
    if alpha_length is not None:
        file.alpha = reader.take(alpha_length)
        check_alpha(file)
    refuse_if(not reader.ended, "more bytes")
    refuse_if(splats.count > sum(2 * (len(chunk) + 8) for chunk in splats.chunks if chunk), "splats")
    return file


def read_lattice_fields(reader: Reader) -> tuple[Part | None, int | None]:
    """The lattice without its chunks, and log2 of the sides of its squares."""
    spacing = reader.take(1)[0]
    if not spacing:
        return None, None
    lattice = Part(int.from_bytes(reader.take(2), "little"), [], spacing_log=spacing - 1)
    square_log = reader.take(1)[0]
    refuse_if(not 5 <= square_log <= 22, "squares")
    refuse_if(lattice.spacing_log > SPACINGS or lattice.step_index >= LATTICE_STEPS, "lattice")
    return lattice, square_log


def check_alpha(file: File) -> None:
    """Refuses an alpha picture that does not fit."""
    assert file.alpha is not None
    alpha = read_file(file.alpha)
    refuse_if((alpha.width, alpha.height) != (file.width, file.height), "alpha of another size")
    refuse_if(not alpha.flags & 1 or alpha.alpha is not None, "alpha that is not grey alone")


# Parts by themselves, which are not part of the format: as the encoder hands them on (native/core/container)


def unpack_splats(section: bytes, width: int, height: int) -> tuple[Part, int]:
    """The part, and log2 of the squares; checksums are not looked at."""
    reader = Reader(section)
    square_log = reader.take(1)[0]
    refuse_if(not 5 <= square_log <= 22, "squares")
    part = Part(count=reader.number(), step_index=reader.take(1)[0], chunks=[])
    _take_chunks(reader, part, list(coarse_to_fine(width, height, splat_logs(width, height, square_log))))
    return part, square_log


def unpack_lattice(section: bytes, width: int, height: int) -> tuple[Part, int]:
    """Likewise."""
    reader = Reader(section)
    square_log, spacing_log = reader.take(2)
    refuse_if(not 5 <= square_log <= 22, "squares")
    part = Part(int.from_bytes(reader.take(2), "little"), [], spacing_log=spacing_log)
    refuse_if(spacing_log > SPACINGS or part.step_index >= LATTICE_STEPS, "lattice")
    logs = lattice_logs(width, height, square_log, spacing_log)
    _take_chunks(reader, part, list(coarse_to_fine(width, height, logs)))
    return part, square_log


def unpack_blocks(section: bytes, width: int, height: int) -> tuple[Part, int]:
    """Likewise."""
    reader = Reader(section)
    square_log = reader.take(1)[0]
    refuse_if(not 5 <= square_log <= 22, "squares")
    part = Part(0, [])
    _take_chunks(reader, part, tier(width, height, [square_log], 0))
    return part, square_log


def _take_chunks(reader: Reader, part: Part, squares: list[Square]) -> None:
    lengths = [reader.number() for _ in squares]
    for length in lengths:
        part.chunks.append(reader.take(length))
        reader.take(4 if length else 0)
    refuse_if(not reader.ended, "more bytes")


def pack_splats(part: Part, square_log: int) -> bytes:
    """The way back."""
    return bytes([square_log]) + write_number(part.count) + bytes([part.step_index]) + _packed(part.chunks)


def pack_lattice(part: Part, square_log: int) -> bytes:
    """Likewise."""
    return bytes([square_log, part.spacing_log]) + part.step_index.to_bytes(2, "little") + _packed(part.chunks)


def pack_blocks(part: Part, square_log: int) -> bytes:
    """Likewise."""
    return bytes([square_log]) + _packed(part.chunks)


def _packed(chunks: list[bytes]) -> bytes:
    return b"".join(write_number(len(chunk)) for chunk in chunks) + b"".join(map(checked, chunks))
