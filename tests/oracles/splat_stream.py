"""A plain decoder of the stream of splats, written from SPEC.md: slow, obvious, and in Python only.

The tests compare the native decoder with it; whoever writes another decoder may start here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from smartsplat.errors import FormatError
from tests.oracles.file import Part, refuse_if, unpack_splats
from tests.oracles.numbers import Reader
from tests.oracles.stored import table
from tests.oracles.tiers import Square, coarse_to_fine, splat_logs

LEAST_PROBABILITY = 1 << 5
SLOWEST = 40

LOG_TABLE = (0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 15)
POWER_TABLE = (
    65536, 62757, 60097, 57549, 55109, 52773, 50535, 48393, 46341, 44376, 42495, 40693, 38968, 37316, 35734, 34219,
)  # fmt: skip
COSINE_TABLE = (
    65497, 65181, 64554, 63621, 62390, 60874, 59088, 57047, 54774, 52288, 49614, 46778, 43807, 40730, 37576, 34376,
    31160, 27960, 24806, 21729, 18758, 15922, 13248, 10762, 8489, 6448, 4662, 3146, 1915, 982, 355, 39,
)  # fmt: skip


Table = dict[int, tuple[int, int]]
"""Probability and count of models by their number; of those that are not in it 32768 and 0."""


class Bit:
    """An adaptive probability of a one, in 1/65536.

    Args:
        stored: where it begins.
        place: its number there.
    """

    def __init__(self, stored: Table, place: int) -> None:
        self.probability, self.seen = stored.get(place, (1 << 15, 0))

    def learn(self, bit: int) -> None:
        """Moves towards what was seen, in ever smaller steps."""
        goal = 65536 - LEAST_PROBABILITY if bit else LEAST_PROBABILITY
        step = (2 << 15) // (2 * self.seen + 3)
        self.probability += (goal - self.probability) * step >> 15
        self.seen = min(self.seen + 1, SLOWEST)


class RangeDecoder:
    """Reads bits that were written with adaptive probabilities."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._range = 0xFFFFFFFF
        self._code = 0
        for _ in range(4):
            self._shift()

    def _shift(self) -> None:
        byte = self._data[self._at] if self._at < len(self._data) else 0
        self._at += 1
        self._code = (self._code << 8 | byte) & 0xFFFFFFFF

    def _normalise(self) -> None:
        while self._range < 1 << 24:
            self._shift()
            self._range <<= 8

    @property
    def exhausted(self) -> bool:
        """Whether more was read than an encoder can have left out at the end."""
        return self._at > len(self._data) + 4

    @property
    def unread(self) -> bytes:
        """What follows the bytes that an encoder can have written."""
        return self._data[self._at :]

    def bit(self, model: Bit, least: int = 0) -> int:
        """A modelled bit, of which neither value is less probable than that."""
        bound = (self._range >> 16) * min(max(model.probability, least), 65536 - least)
        bit = int(self._code < bound)
        if bit:
            self._range = bound
        else:
            self._code -= bound
            self._range -= bound
        self._normalise()
        model.learn(bit)
        return bit

    def raw(self, bits: int) -> int:
        """Equally likely bits."""
        value = 0
        while bits > 12:
            value = value << 12 | self._raw(12)
            bits -= 12
        return value << bits | self._raw(bits)

    def _raw(self, bits: int) -> int:
        self._range >>= bits
        value = min(self._code // self._range, (1 << bits) - 1)
        self._code -= value * self._range
        self._normalise()
        return value


def bits_of(stored: Table, place: int, count: int) -> list[Bit]:
    """Fresh models, from a number on."""
    return [Bit(stored, place + i) for i in range(count)]


class Symbol:
    """A number of so many bits, each modelled after those before it."""

    def __init__(self, bits: int, stored: Table, place: int) -> None:
        self._bits = bits
        self._nodes = bits_of(stored, place, 1 << bits)

    def read(self, coder: RangeDecoder, most: int | None = None) -> int:
        """The next number; bits that would make it greater than ``most`` are not in the stream."""
        node, value = 1, 0
        for i in reversed(range(self._bits)):
            bit = 0 if most is not None and value | 1 << i > most else coder.bit(self._nodes[node])
            value |= bit << i
            node = 2 * node + bit
        return value


class Magnitude:
    """A number of 0 or more: the length of value + 1 in unary, then its digits after the first."""

    LONGEST = 20
    MODELS = 83

    def __init__(self, stored: Table, place: int) -> None:
        self._length = bits_of(stored, place, self.LONGEST)
        self._digits = [bits_of(stored, place + self.LONGEST + 3 * i, 3) for i in range(self.LONGEST + 1)]

    def read(self, coder: RangeDecoder) -> int:
        """The next number."""
        length = 0
        while length < self.LONGEST and coder.bit(self._length[length]):
            length += 1
        value = 1
        for depth in range(length):
            if depth < 2:
                model = self._digits[length][0 if depth == 0 else (value & 1) + 1]
                value = value << 1 | coder.bit(model)
            else:
                value = value << 1 | coder.raw(1)
        return value - 1


class Signed:
    """A number of any sign."""

    MODELS = 85

    def __init__(self, stored: Table, place: int) -> None:
        self._nonzero, self._sign = bits_of(stored, place, 2)
        self._magnitude = Magnitude(stored, place + 2)

    def read(self, coder: RangeDecoder) -> int:
        """The next number."""
        if not coder.bit(self._nonzero):
            return 0
        negative = coder.bit(self._sign)
        magnitude = 1 + self._magnitude.read(coder)
        return -magnitude if negative else magnitude


def log16(value: int) -> int:
    """About 16 log2(value)."""
    exponent = value.bit_length() - 1
    return 16 * exponent + LOG_TABLE[(value << 4 >> exponent) & 15]


def power16(sixteenths: int) -> int:
    """About 65536 * 2^(-sixteenths / 16)."""
    return POWER_TABLE[sixteenths & 15] >> min(sixteenths >> 4, 31)


def in_sixteenths(value: int, bits: int) -> int:
    """A number of steps of 2^-bits in steps of 1/16, rounded down."""
    return value << 4 - bits if bits <= 4 else value >> bits - 4


@dataclass
class Code:
    """One splat as integers; see SPEC.md."""

    x: int = 0
    y: int = 0
    energy: int = 0
    size: int = 0
    ratio: int = 0
    turn: int = 0
    colour: list[int] = field(default_factory=lambda: [0, 0, 0])

    def row(self) -> list[int]:
        """The nine numbers in the order of ``quantise.Codes``."""
        return [self.x, self.y, self.energy, self.size, self.ratio, self.turn, *self.colour]

    @property
    def size16(self) -> int:
        """Log2 of the geometric mean of the scales, in sixteenths."""
        return in_sixteenths(self.size, self.energy)

    @property
    def ratio16(self) -> int:
        """Log2 of the scales' ratio, in sixteenths."""
        return in_sixteenths(self.ratio, self.energy - 1)

    @property
    def reach16(self) -> int:
        """16 log2 of how far it reaches, px, or more."""
        return self.size16 + self.ratio16 // 2 + 30

    @property
    def turn_bits(self) -> int:
        """Bits of the angle."""
        if self.ratio == 0:
            return 0
        flattening = self.ratio16 + log16(max(1, 65536 - power16(2 * self.ratio16))) - 256
        return min(max((16 * self.energy + 10 + flattening + 8) >> 4, 0), 12)

    @property
    def centre_bits(self) -> tuple[int, int]:
        """Fractional bits of the centre's coordinates."""
        place = self.turn * 64 >> self.turn_bits
        cosine = COSINE_TABLE[min(place, 63 - place)]
        across = power16(2 * self.ratio16)
        narrowing = _half(log16(cosine + ((65536 - cosine) * across >> 16)) - 256)
        extent_x = self.size16 + self.ratio16 // 2 + narrowing
        extent_y = 2 * self.size16 - extent_x
        x, y = (min(max(16 * self.energy - extent >> 4, -16), 8) for extent in (extent_x, extent_y))
        return x, y


def _half(value: int) -> int:
    """Half of a number, rounded towards zero."""
    return -(-value // 2) if value < 0 else value // 2


@dataclass
class Cell:
    """A rectangle of pixels whose sides are powers of two."""

    x: int
    y: int
    lx: int
    ly: int


class SplatModels:
    """All models, numbered in this order."""

    def __init__(self, stored: Table) -> None:
        self.few = [Symbol(3, stored, 8 * n) for n in range(8)]
        self.many = [Symbol(4, stored, 64 + 16 * i) for i in range(8)]
        self.energy = [Symbol(4, stored, 192 + 16 * context) for context in range(24)]
        self.size = [Signed(stored, 576 + 85 * energy) for energy in range(16)]
        self.ratio = [Magnitude(stored, 1936 + 83 * energy) for energy in range(16)]
        self.turn = [Symbol(min(bits, 3), stored, 3264 + 8 * bits) for bits in range(13)]
        self.luma = [Signed(stored, 3368 + 85 * energy) for energy in range(16)]
        self.first = [[Signed(stored, 4728 + 85 * (8 * energy + d)) for d in range(8)] for energy in range(16)]
        self.second = [[Signed(stored, 15608 + 85 * (4 * energy + d)) for d in range(4)] for energy in range(16)]


class SplatDecoder:
    """Decodes the stream of splats in a rectangle at (0, 0)."""

    def __init__(self, data: bytes, count: int, width: int, height: int) -> None:
        self._coder = RangeDecoder(data)
        self._width, self._height, self._count, self._length = width, height, count, len(data)
        self._shift = 0
        while 4**self._shift * max(count, 1) < width * height:
            self._shift += 1
        self._near: dict[tuple[int, int], Code] = {}
        self._models = SplatModels(table("splat"))
        self.codes: list[Code] = []

    def decode(self) -> list[Code]:
        """All splats, in the stream's order.

        Raises:
            FormatError: the stream is not as long as it should be.
        """
        self._cell(self._count, Cell(0, 0, (self._width - 1).bit_length(), (self._height - 1).bit_length()))
        unread = self._coder.unread
        needless = bool(unread) and self._length > max(-(-self._count // 2), 8) - 8
        if self._coder.exhausted or needless or any(unread):
            raise FormatError("the stream of splats is not as long as it should be")
        return self.codes

    def _cell(self, count: int, cell: Cell) -> None:
        if count > 1 and cell.lx + cell.ly > 0:
            self._split(count, cell)
            return
        for _ in range(count):
            code = Code()
            self._shape(code, cell)
            self._centre(code, cell)
            self._colour(code)
            self._near[cell.x >> self._shift, cell.y >> self._shift] = code
            self.codes.append(code)

    def _split(self, count: int, cell: Cell) -> None:
        if cell.lx >= cell.ly:
            first = Cell(cell.x, cell.y, cell.lx - 1, cell.ly)
            second = Cell(cell.x + (1 << first.lx), cell.y, first.lx, first.ly)
        else:
            first = Cell(cell.x, cell.y, cell.lx, cell.ly - 1)
            second = Cell(cell.x, cell.y + (1 << first.ly), first.lx, first.ly)
        inside = second.x < self._width and second.y < self._height
        left = self._left(count) if inside else count
        if left > 0:
            self._cell(left, first)
        if left < count:
            self._cell(count - left, second)

    def _left(self, count: int) -> int:
        if count < 8:
            return self._models.few[count].read(self._coder, count)
        part = self._models.many[min(count.bit_length() - 4, 7)].read(self._coder)
        begin, end = (-(-p * (count + 1) // 16) for p in (part, part + 1))
        if begin == end:
            raise ValueError("a count of splats is impossible")
        return begin + self._uniform(end - begin)

    def _uniform(self, count: int) -> int:
        bits = count.bit_length() - 1
        shorter = (2 << bits) - count
        word = self._coder.raw(bits)
        return word if word < shorter else 2 * word + self._coder.raw(1) - shorter

    def _shape(self, code: Code, cell: Cell) -> None:
        column, row = cell.x >> self._shift, cell.y >> self._shift
        around = [(column + dx, row + dy) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
        near = [self._near[place] for place in around if place in self._near]
        context, predicted = 0, 8 * (cell.lx + cell.ly)
        if near:
            context = 1 + min((sum(16 * n.energy for n in near) // len(near) + 4) >> 3, 22)
            total = sum(n.size16 for n in near)
            mean = -(-total // len(near)) if total < 0 else total // len(near)
            weighted = predicted + 3 * mean
            predicted = -(-weighted // 4) if weighted < 0 else weighted // 4
        code.energy = self._models.energy[context].read(self._coder)
        scaled = predicted << code.energy - 4 if code.energy >= 4 else predicted >> 4 - code.energy
        code.size = scaled + self._models.size[code.energy].read(self._coder)
        code.ratio = self._models.ratio[code.energy].read(self._coder)
        bits = code.turn_bits
        rest = bits - min(bits, 3)
        code.turn = self._models.turn[bits].read(self._coder) << rest
        code.turn |= self._coder.raw(rest)

    def _centre(self, code: Code, cell: Cell) -> None:
        bits_x, bits_y = code.centre_bits
        code.x = self._coordinate(cell.x, cell.lx, bits_x)
        code.y = self._coordinate(cell.y, cell.ly, bits_y)

    def _coordinate(self, origin: int, length: int, fraction: int) -> int:
        bits = max(0, length + fraction)
        step = 8 + length - bits
        return (origin << 8) + (self._coder.raw(bits) << step) + (1 << step >> 1)

    def _colour(self, code: Code) -> None:
        luma = self._models.luma[code.energy].read(self._coder)
        first = self._models.first[code.energy][min(abs(luma).bit_length(), 7)].read(self._coder)
        second = self._models.second[code.energy][min(abs(first).bit_length(), 3)].read(self._coder)
        code.colour = [luma, first, second]


def decode_chunk(chunk: bytes, square: Square, width: int, height: int) -> list[Code]:
    """The splats of a chunk, with their centres in the picture.

    Raises:
        FormatError: it is not one.
    """
    if not chunk:
        return []
    reader = Reader(chunk)
    count = reader.number()
    stream = reader.rest()
    refuse_if(count == 0 or count > 2 * (len(stream) + 8), "count of splats")
    left, top = square.column << square.log, square.row << square.log
    sides = (min(1 << square.log, side - start) for side, start in ((width, left), (height, top)))
    codes = SplatDecoder(stream, count, *sides).decode()
    for code in codes:
        refuse_if(not square.coarsest and code.reach16 > 16 * (square.log - 3), "a splat is too large for its chunk")
        code.x += left << 8
        code.y += top << 8
    return codes


def decode_part(part: Part, square_log: int, width: int, height: int) -> list[Code]:
    """The splats of all chunks."""
    squares = coarse_to_fine(width, height, splat_logs(width, height, square_log))
    codes = [
        code
        for square, chunk in zip(squares, part.chunks, strict=True)
        for code in decode_chunk(chunk, square, width, height)
    ]
    refuse_if(len(codes) != part.count, "another number of splats")
    return codes


def decode_section(section: bytes, width: int, height: int) -> tuple[list[Code], int]:
    """The splats of a part by itself, and the index of the base step."""
    part, square_log = unpack_splats(section, width, height)
    return decode_part(part, square_log, width, height), part.step_index
