"""A plain decoder of the lattice, written from SPEC.md: slow, obvious, and in Python only.

The tests compare the native decoder with it; whoever writes another decoder may start here.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from smartsplat.errors import FormatError
from tests.oracles.file import Part, unpack_lattice
from tests.oracles.splat_stream import Bit, Magnitude, RangeDecoder, Signed, Table
from tests.oracles.stored import table
from tests.oracles.tiers import Square, coarse_to_fine, lattice_logs

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]

UNIT_STEP_INDEX = 5120
COARSEST_SIDE = 8
BLOCK = 8
GREATEST_LOW = 1 << 19
GREATEST_MAGNITUDE = 15
LEAST_SIGN_PROBABILITY = 1 << 11

HORIZONTAL, VERTICAL, DIAGONAL = range(3)
"""Along which axes a band is a high one: x, y, or both."""

NEXT_STATE = ((0, 2), (5, 7), (1, 3), (6, 4), (2, 0), (4, 6), (3, 1), (7, 5))
"""Of the quantisers, by the state before and the parity of the code read there; odd states have the odd one."""

ACTIVITIES = (0, 1, 2, 3, 4, 5, 7, 9, 12, 16, 23, 36)
"""The least weighted sum of each activity."""

LONG_LEVELS = 2
LIFTING = {  # of each step, what nearer neighbours count and those beyond them; by whether the level is a fine one
    True: ((-1.07718, 0.19469), (-0.17214, 0.0374), (0.3912973, -0.07418), (0.6616338, -0.13542)),
    False: ((-1.586134342, 0), (-0.05298011854, 0), (0.8829110762, 0), (0.4435068522, 0)),
}
GAIN = {True: 1.1725053, False: 1.149604398}
NORMS = {  # low and high, by whether the spacing is 1
    True: ((0.9528, 0.9458, 0.9864, 1.0306, 1.0489, 1.0541), (1.0558, 0.9652, 0.9198, 0.9591, 1.0283, 1.0585)),
    False: ((0.9497, 0.9578, 1.0148, 1.0658, 1.0863, 1.0921), (1.0691, 0.9449, 0.9162, 0.9815, 1.0619, 1.0958)),
}
SHARPENING = {True: (1.15, -0.3013, 0.0666), False: (1.3068, -0.4239, 0.1237)}
"""Of a node: its own value, those beside it, those beyond them."""

BASIS = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])


def halved(side: int, level: int) -> int:
    """Length of the low part of a side after that many halvings."""
    for _ in range(level):
        side = (side + 1) // 2
    return side


def levels_of(rows: int, columns: int) -> int:
    """How often a lattice is halved."""
    levels = 0
    while halved(max(rows, columns), levels) > COARSEST_SIDE:
        levels += 1
    return levels


@dataclass
class Band:
    """The part of a band that a chunk has, and the magnitudes of codes, up to 15, read there.

    Attributes:
        orientation: HORIZONTAL, VERTICAL or DIAGONAL.
        rows: of the part, counted in the band.
        columns: likewise.
        magnitudes: by row and column in the band; those that are zero are left out.
        signs: of those, -1 or 1.
        state: of the quantisers.
    """

    orientation: int
    rows: range
    columns: range
    magnitudes: dict[tuple[int, int], int] = field(default_factory=dict)
    signs: dict[tuple[int, int], int] = field(default_factory=dict)
    state: int = 0

    def at(self, y: int, x: int) -> int:
        """The magnitude there: 0 for what is not read yet, or not in the part."""
        return self.magnitudes.get((y, x), 0)

    def sign(self, y: int, x: int) -> int:
        """-1, 0 or 1; 0 like ``at``."""
        return self.signs.get((y, x), 0)

    def above(self, y: int, x: int) -> int:
        """The magnitude over (y, x) of the next finer band."""
        if not self.rows or not self.columns:
            return 0
        return self.at(min(y // 2, self.rows[-1]), min(x // 2, self.columns[-1]))


class Around(NamedTuple):
    """The bands that a coefficient's models depend on.

    Attributes:
        own: the band itself.
        parent: of the same plane and orientation, one level coarser; None at the coarsest.
        before: of the same level and orientation, in the planes before.
    """

    own: Band
    parent: Band | None
    before: list[Band]

    def above(self, y: int, x: int) -> int:
        """The parent's magnitude."""
        return self.parent.above(y, x) if self.parent else 0


class BandModels:
    """The models of coefficients of one kind of plane, of which the first has the number ``place``."""

    MODELS = 827

    def __init__(self, stored: Table, place: int) -> None:
        self.nonzero = [Bit(stored, place + i) for i in range(432)]
        self.greater = [Bit(stored, place + 432 + i) for i in range(36)]
        self.rest = [Magnitude(stored, place + 468 + Magnitude.MODELS * i) for i in range(4)]
        self.block = [Bit(stored, place + 800 + i) for i in range(27)]


def activity_at(own: Band, y: int, x: int) -> int:
    """The class of the weighted sum of the magnitudes before one in its band."""
    w, n, nw, ne = own.at(y, x - 1), own.at(y - 1, x), own.at(y - 1, x - 1), own.at(y - 1, x + 1)
    total = 2 * (w + n) + nw + ne
    if own.orientation == HORIZONTAL:
        total += n + own.at(y - 2, x)
    elif own.orientation == VERTICAL:
        total += w + own.at(y, x - 2)
    else:
        total += nw + ne
    return bisect_right(ACTIVITIES, total) - 1


def sign_number(around: Around, y: int, x: int) -> int:
    """What the signs before that of a coefficient make together, -40 to 40."""
    own = around.own
    number = 27 * own.sign(y, x - 1) + 9 * own.sign(y - 1, x)
    if not around.before:
        return number + 3 * (own.sign(y - 2, x) if own.orientation == HORIZONTAL else own.sign(y, x - 2))
    return number + sum(times * band.sign(y, x) for times, band in zip((3, 1), around.before, strict=False))


class Chunks:
    """Which coefficients each chunk has."""

    def __init__(self, rows: int, columns: int, spacing_log: int) -> None:
        self._rows, self._columns, self._spacing_log = rows, columns, spacing_log
        self.levels = levels_of(rows, columns)

    def levels_in(self, square: Square) -> range:
        """Of a chunk, from the coarsest on."""
        finest = 2 * square.tier + 1
        return range(self.levels if square.coarsest else finest + 1, finest - 1, -1)

    def origin(self, level: int, orientation: int) -> tuple[int, int]:
        """Row and column of a band's first coefficient in the plane."""
        down, across = orientation != HORIZONTAL, orientation != VERTICAL
        return down * halved(self._rows, level), across * halved(self._columns, level)

    def band(self, square: Square, level: int, orientation: int) -> Band:
        """A chunk's part of a band."""
        part = []
        for side, high, place in (
            (self._rows, orientation != HORIZONTAL, square.row),
            (self._columns, orientation != VERTICAL, square.column),
        ):
            length = halved(side, level - 1) - halved(side, level) if high else halved(side, level)
            wide = length if square.coarsest else 1 << (square.log - self._spacing_log - level)
            part.append(range(min(place * wide, length), min((place + 1) * wide, length)))
        return Band(orientation, *part)


class ChunkDecoder:
    """Decodes one chunk.

    Args:
        data: its bytes.
        chunks: of the lattice.
        square: its place.
        above: the place of the chunk with the parents of its coarsest level; None in the coarsest tier.
        values: [planes, rows, columns], where the coefficients go; those of coarser tiers are there.
    """

    def __init__(self, data: bytes, chunks: Chunks, square: Square, above: Square | None, values: Integers) -> None:
        self._coder = RangeDecoder(data)
        self._chunks, self._square, self._above = chunks, square, above
        self._values = values
        stored = table("lattice")
        self._models = [BandModels(stored, BandModels.MODELS * i) for i in range(2)]
        self._low = [Signed(stored, 2 * BandModels.MODELS + Signed.MODELS * i) for i in range(2)]
        first = 2 * BandModels.MODELS + 2 * Signed.MODELS
        self._signs = [
            [[Bit(stored, first + 41 * (3 * p + o) + i) for i in range(41)] for o in range(3)] for p in range(3)
        ]
        self._last: dict[tuple[int, int], Band] = {}  # by plane and orientation

    def decode(self) -> None:
        """Reads all coefficients of the chunk."""
        planes, rows, columns = self._values.shape
        levels = self._chunks.levels_in(self._square)
        for plane in range(planes):
            if self._above is None:
                self._low_band(plane, halved(rows, self._chunks.levels), halved(columns, self._chunks.levels))
            else:
                self._look_up(plane, levels[0] + 1, self._above)
        for level in levels:
            for plane in range(planes):
                for orientation in (HORIZONTAL, VERTICAL, DIAGONAL):
                    self._band(plane, level, orientation)
        if self._coder.exhausted:
            raise FormatError("a chunk of the lattice ends too early")
        if self._coder.unread:
            raise FormatError("a chunk of the lattice is longer than it should be")

    def _look_up(self, plane: int, level: int, above: Square) -> None:
        for orientation in (HORIZONTAL, VERTICAL, DIAGONAL):
            band = self._chunks.band(above, level, orientation)
            top, left = self._chunks.origin(level, orientation)
            for y in band.rows:
                for x in band.columns:
                    if value := int(self._values[plane, top + y, left + x]):
                        band.magnitudes[y, x] = min((abs(value) + 1) // 2, GREATEST_MAGNITUDE)
            self._last[plane, orientation] = band

    def _low_band(self, plane: int, rows: int, columns: int) -> None:
        values = self._values[plane]
        for y in range(rows):
            for x in range(columns):
                neighbours = [int(values[y, x - 1]) // 2] if x > 0 else []
                neighbours += [int(values[y - 1, x]) // 2] if y > 0 else []
                predicted = sum(neighbours) >> 1 if len(neighbours) == 2 else sum(neighbours)
                value = predicted + self._low[min(plane, 1)].read(self._coder)
                if abs(value) > GREATEST_LOW:
                    raise FormatError("a coefficient is out of range")
                values[y, x] = 2 * value

    def _band(self, plane: int, level: int, orientation: int) -> None:
        own = self._chunks.band(self._square, level, orientation)
        before = [self._last[earlier, orientation] for earlier in range(plane)]
        around = Around(own, self._last.get((plane, orientation)), before)
        self._last[plane, orientation] = own
        top, left = self._chunks.origin(level, orientation)
        plane_part = self._values[plane, top:, left:]
        busy: set[tuple[int, int]] = set()
        for y in own.rows[::BLOCK]:
            for x in own.columns[::BLOCK]:
                beside = ((y, x - BLOCK) in busy) + ((y - BLOCK, x) in busy)
                if self._block(plane, around, plane_part, (y, x), beside):
                    busy.add((y, x))

    def _block(self, plane: int, around: Around, values: Integers, first: tuple[int, int], beside: int) -> bool:
        own, models = around.own, self._models[min(plane, 1)]
        rows = range(first[0], min(first[0] + BLOCK, own.rows.stop))
        columns = range(first[1], min(first[1] + BLOCK, own.columns.stop))
        above = sum(around.above(y, x) > 0 for y in rows[::2] for x in columns[::2])
        luma = sum(around.before[0].at(y, x) > 0 for y in rows for x in columns) if around.before else 0
        if not self._coder.bit(models.block[(beside * 3 + min(above, 2)) * 3 + min(luma, 2)]):
            return False
        for y in rows:
            for x in columns:
                code, odd = self._code(plane, around, y, x), own.state % 2
                values[y, x] = 2 * code - odd * int(np.sign(code))
                own.magnitudes[y, x] = min(abs(code), GREATEST_MAGNITUDE)
                own.signs[y, x] = int(np.sign(code))
                own.state = NEXT_STATE[own.state][code % 2]
        return True

    def _code(self, plane: int, around: Around, y: int, x: int) -> int:
        models = self._models[min(plane, 1)]
        activity = activity_at(around.own, y, x)
        parent = min(around.above(y, x), 2)
        luma = min(sum((i + 1) * band.at(y, x) for i, band in enumerate(around.before)), 2)
        kind = 0 if around.own.orientation == DIAGONAL else 1
        kind += 2 * (around.own.state % 2)
        if not self._coder.bit(models.nonzero[((kind * 12 + activity) * 3 + parent) * 3 + luma]):
            return 0
        number = sign_number(around, y, x)
        sign = self._signs[plane][around.own.orientation][abs(number)]
        negative = self._coder.bit(sign, LEAST_SIGN_PROBABILITY) ^ (number < 0)
        size = 1
        if self._coder.bit(models.greater[activity * 3 + luma]):
            size = 2 + models.rest[activity // 3].read(self._coder)
        return -size if negative else size


class CodedCoefficients(NamedTuple):
    """What a lattice is in a file.

    Attributes:
        spacing: of the nodes, px.
        step: what the coefficients are multiplied by.
        values: [1 or 3, rows, columns], as the bands lie.
    """

    spacing: int
    step: float
    values: Integers


def place_above(square: Square, places: dict[tuple[int, int, int], Square]) -> Square:
    """The square of the next coarser tier that has its place."""
    coarser = next(place for place in places.values() if place.tier == square.tier + 1)
    times = 2 ** (coarser.log - square.log)
    return places[square.tier + 1, square.row // times, square.column // times]


def decode_chunks(chunks: list[bytes], squares: list[Square], spacing_log: int, values: Integers) -> None:
    """Fills in the coefficients [planes, rows, columns] of all chunks, which are in the order of the squares.

    Raises:
        FormatError: the bytes cannot be such chunks.
    """
    geometry = Chunks(*values.shape[1:], spacing_log)
    places = {(s.tier, s.row, s.column): s for s in squares}
    for chunk, square in zip(chunks, squares, strict=True):
        if chunk:
            above = None if square.coarsest else place_above(square, places)
            ChunkDecoder(chunk, geometry, square, above, values).decode()


def decode_part(part: Part, square_log: int, width: int, height: int, *, grey: bool) -> CodedCoefficients:
    """The coefficients of a lattice."""
    rows, columns = (-(-side // (1 << part.spacing_log)) for side in (height, width))
    values = np.zeros((1 if grey else 3, rows, columns), np.int64)
    logs = lattice_logs(width, height, square_log, part.spacing_log)
    decode_chunks(part.chunks, list(coarse_to_fine(width, height, logs)), part.spacing_log, values)
    step = float(2 ** ((part.step_index - UNIT_STEP_INDEX) / 256))
    return CodedCoefficients(1 << part.spacing_log, step, values)


def decode_section(section: bytes, width: int, height: int, *, grey: bool) -> CodedCoefficients:
    """The coefficients of a part by itself.

    Raises:
        FormatError: the bytes cannot be such a part.
    """
    part, square_log = unpack_lattice(section, width, height)
    return decode_part(part, square_log, width, height, grey=grey)


def _norms(side: int, level: int, spacing: int) -> Doubles:
    """What the coefficients of a level are divided by for one axis, the low part before the high one."""
    low, (lows, highs) = halved(side, level), NORMS[spacing == 1]
    index = min(level, len(lows)) - 1
    return np.repeat([lows[index], highs[index]], [low, halved(side, level - 1) - low])


def _joined(halves: Doubles, level: int) -> Doubles:
    """Undoes one step of the transform along the first axis."""
    count = len(halves)
    if count < 2:
        return halves
    low, long = (count + 1) // 2, level <= LONG_LEVELS
    values = np.empty_like(halves)
    values[0::2], values[1::2] = halves[:low] / GAIN[long], halves[low:] * GAIN[long]
    for step in (3, 2, 1, 0):
        near, far = LIFTING[long][step]
        v = np.pad(values, [(3, 3), (0, 0)], mode="reflect")
        change = near * (v[2:-4] + v[4:-2]) + far * (v[:-6] + v[6:])
        first = 1 - step % 2  # 0 and 2 change the odd ones, 1 and 3 the even ones
        values[first::2] -= change[first::2]
    return values


def sharpened(values: Doubles, spacing: int) -> Doubles:
    """Nodes along the first axis from values."""
    if len(values) < 2:
        return values
    own, following, second = SHARPENING[spacing == 1]
    zero = np.zeros_like(values[:1])
    v = np.concatenate([-values[:1], zero, values, zero, -values[-1:]])
    return np.asarray(own * v[2:-2] + following * (v[1:-3] + v[3:-1]) + second * (v[:-4] + v[4:]))


def inverse_wavelet(coefficients: Doubles, spacing: int) -> Doubles:
    """The nodes [rows, columns] of one plane's coefficients, of a lattice of that spacing [px]."""
    values = coefficients.copy()
    rows, columns = values.shape
    levels = levels_of(rows, columns)
    for level in range(levels, 0, -1):
        r, c = halved(rows, level), halved(columns, level)
        norms = np.outer(_norms(rows, level, spacing), _norms(columns, level, spacing))
        if level < levels:
            norms[:r, :c] = 1  # what is there are values by now
        part = values[: len(norms), : norms.shape[1]]
        part[:] = _joined(_joined(part / norms, level).T, level).T
    return values if levels == 0 else sharpened(sharpened(values, spacing).T, spacing).T


def node_values(coded: CodedCoefficients) -> Doubles:
    """The colours of the nodes, [3, rows, columns], in units where 1.0 is 8-bit 255."""
    planes = [inverse_wavelet(plane * (coded.step / coded.spacing), coded.spacing) for plane in coded.values]
    return np.asarray(np.einsum("pc,pyx->cyx", BASIS[: len(planes)], planes))
