"""A plain decoder of the section of the lattice, written from SPEC.md: slow, obvious, and in Python only.

The tests compare the native decoder with it; whoever writes another decoder may start here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from smartsplat.errors import FormatError
from tests.oracles.numbers import Reader
from tests.oracles.splat_stream import Bit, Magnitude, RangeDecoder, Signed

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]

GREATEST_SPACING_LOG = 10
LATTICE_STEPS = 1 << 13
UNIT_STEP_INDEX = 5120
NODES_PER_BYTE = 1 << 12
NODES_PER_STRIP = 1 << 19
MOST_STRIPS = 64
COARSEST_SIDE = 8
BLOCK = 8
GREATEST_LOW = 1 << 19
GREATEST_MAGNITUDE = 15

HORIZONTAL, VERTICAL, DIAGONAL = range(3)
"""Along which axes a band is a high one: x, y, or both."""

ACTIVITIES = (0, 1, 2, 3, 4, 5, 7, 9, 12, 16, 23, 36)
"""The least weighted sum of each activity."""

LIFTING = (-1.586134342, -0.05298011854, 0.8829110762, 0.4435068522)
GAIN = 1.149604398
NORMS = {  # low and high, by whether the spacing is 1
    True: ((1.3206, 1.4752, 1.5305, 1.5461, 1.5501, 1.5512), (0.7719, 1.1860, 1.4450, 1.5374, 1.5634, 1.5702)),
    False: ((1.2248, 1.3564, 1.4025, 1.4154, 1.4188, 1.4196), (0.7269, 1.1129, 1.3331, 1.4100, 1.4316, 1.4372)),
}

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


def strips_of(rows: int, columns: int) -> int:
    """How many strips, with a stream each, a lattice is cut into."""
    return min(max(rows * columns // NODES_PER_STRIP, 1), MOST_STRIPS)


@dataclass
class Band:
    """The part of a band that is in a strip, and the magnitudes, up to 15, read there.

    Attributes:
        orientation: HORIZONTAL, VERTICAL or DIAGONAL.
        y: of its first row in the plane.
        x: of its first column in the plane.
        columns: of the band.
        begin: first row of the strip, counted in the band.
        end: the row after the last one.
        magnitudes: by row and column in the band; those that are zero are left out.
    """

    orientation: int
    y: int
    x: int
    columns: int
    begin: int
    end: int
    magnitudes: dict[tuple[int, int], int] = field(default_factory=dict)

    def at(self, y: int, x: int) -> int:
        """The magnitude there: 0 for what is not read yet, or not in the strip or in the band."""
        return self.magnitudes.get((y, x), 0)

    def above(self, y: int, x: int) -> int:
        """The magnitude over (y, x) of the next finer band."""
        if self.begin == self.end or self.columns == 0:
            return 0
        return self.at(min(max(y // 2, self.begin), self.end - 1), min(x // 2, self.columns - 1))


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
    """The models of coefficients; each comes fresh when it is first asked for."""

    def __init__(self) -> None:
        self.block: defaultdict[tuple[int, int, int], Bit] = defaultdict(Bit)
        self.nonzero: defaultdict[tuple[bool, int, int, int], Bit] = defaultdict(Bit)
        self.greater: defaultdict[tuple[int, int], Bit] = defaultdict(Bit)
        self.rest: defaultdict[int, Magnitude] = defaultdict(Magnitude)


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


class StripDecoder:
    """Decodes the stream of one strip.

    Args:
        data: the stream.
        strip: its number.
        values: [planes, rows, columns], where the coefficients go.
    """

    def __init__(self, data: bytes, strip: int, values: Integers) -> None:
        self._coder = RangeDecoder(data)
        self._strip = strip
        self._values = values
        self._planes, self._rows, self._columns = values.shape
        self._low = [Signed() for _ in range(2)]
        self._models = [BandModels() for _ in range(2)]
        self._last: dict[tuple[int, int], Band] = {}  # by plane and orientation

    def decode(self) -> None:
        """Reads all coefficients of the strip."""
        levels = levels_of(self._rows, self._columns)
        for plane in range(self._planes):
            if self._strip == 0:
                self._low_band(plane, halved(self._rows, levels), halved(self._columns, levels))
        for level in range(levels, 0, -1):
            for plane in range(self._planes):
                self._level(plane, level)
        if self._coder.exhausted:
            raise FormatError("a stream of the lattice ends too early")
        if any(self._coder.unread):
            raise FormatError("a stream of the lattice is longer than it should be")

    def _low_band(self, plane: int, rows: int, columns: int) -> None:
        values = self._values[plane]
        for y in range(rows):
            for x in range(columns):
                neighbours = [int(values[y, x - 1])] if x > 0 else []
                neighbours += [int(values[y - 1, x])] if y > 0 else []
                predicted = sum(neighbours) >> 1 if len(neighbours) == 2 else sum(neighbours)
                value = predicted + self._low[min(plane, 1)].read(self._coder)
                if abs(value) > GREATEST_LOW:
                    raise FormatError("a coefficient is out of range")
                values[y, x] = value

    def _level(self, plane: int, level: int) -> None:
        top, left = halved(self._rows, level), halved(self._columns, level)
        bottom, right = halved(self._rows, level - 1), halved(self._columns, level - 1)
        self._band(plane, self._part(HORIZONTAL, 0, left, top, right - left))
        self._band(plane, self._part(VERTICAL, top, 0, bottom - top, left))
        self._band(plane, self._part(DIAGONAL, top, left, bottom - top, right - left))

    def _part(self, orientation: int, y: int, x: int, rows: int, columns: int) -> Band:
        blocks, strips = -(-rows // BLOCK), strips_of(self._rows, self._columns)
        begin, end = (min(rows, BLOCK * (blocks * s // strips)) for s in (self._strip, self._strip + 1))
        return Band(orientation, y, x, columns, begin, end)

    def _band(self, plane: int, own: Band) -> None:
        before = [self._last[earlier, own.orientation] for earlier in range(plane)]
        around = Around(own, self._last.get((plane, own.orientation)), before)
        self._last[plane, own.orientation] = own
        busy: set[tuple[int, int]] = set()
        for top in range(own.begin, own.end, BLOCK):
            for left in range(0, own.columns, BLOCK):
                beside = ((top, left - BLOCK) in busy) + ((top - BLOCK, left) in busy)
                if self._block(plane, around, top, left, beside):
                    busy.add((top, left))

    def _block(self, plane: int, around: Around, top: int, left: int, beside: int) -> bool:
        own, models = around.own, self._models[min(plane, 1)]
        rows, columns = range(top, min(top + BLOCK, own.end)), range(left, min(left + BLOCK, own.columns))
        above = sum(around.above(y, x) > 0 for y in rows[::2] for x in columns[::2])
        luma = sum(around.before[0].at(y, x) > 0 for y in rows for x in columns) if around.before else 0
        if not self._coder.bit(models.block[beside, min(above, 2), min(luma, 2)]):
            return False
        for y in rows:
            for x in columns:
                value = self._coefficient(models, around, y, x)
                self._values[plane, own.y + y, own.x + x] = value
                own.magnitudes[y, x] = min(abs(value), GREATEST_MAGNITUDE)
        return True

    def _coefficient(self, models: BandModels, around: Around, y: int, x: int) -> int:
        activity = activity_at(around.own, y, x)
        parent = min(around.above(y, x), 2)
        luma = min(sum((i + 1) * band.at(y, x) for i, band in enumerate(around.before)), 2)
        diagonal = around.own.orientation == DIAGONAL
        if not self._coder.bit(models.nonzero[diagonal, activity, parent, luma]):
            return 0
        negative = self._coder.raw(1)
        size = 1
        if self._coder.bit(models.greater[activity, luma]):
            size = 2 + models.rest[activity // 3].read(self._coder)
        return -size if negative else size


class CodedCoefficients(NamedTuple):
    """What a section holds.

    Attributes:
        spacing: of the nodes, px.
        step: what the coefficients are multiplied by.
        values: [1 or 3, rows, columns], as the bands lie.
    """

    spacing: int
    step: float
    values: Integers


def decode_section(section: bytes, width: int, height: int, *, grey: bool) -> CodedCoefficients:
    """The coefficients of a section.

    Raises:
        FormatError: the bytes cannot be such a section.
    """
    reader = Reader(section)
    spacing_log, step_index = reader.number(), int.from_bytes(reader.take(2), "little")
    if spacing_log > GREATEST_SPACING_LOG or step_index >= LATTICE_STEPS:
        raise FormatError(f"a lattice cannot have the spacing 2^{spacing_log} px and the step {step_index}")
    rows, columns = (-(-side // (1 << spacing_log)) for side in (height, width))
    if rows * columns > NODES_PER_BYTE * len(section):
        raise FormatError(f"a lattice of {columns} x {rows} nodes cannot stand in {len(section)} bytes")
    lengths = [reader.number() for _ in range(strips_of(rows, columns) - 1)]
    streams = [reader.take(length) for length in lengths] + [reader.rest()]
    values = np.zeros((1 if grey else 3, rows, columns), np.int64)
    for strip, stream in enumerate(streams):
        StripDecoder(stream, strip, values).decode()
    return CodedCoefficients(1 << spacing_log, float(2 ** ((step_index - UNIT_STEP_INDEX) / 256)), values)


def _norms(side: int, level: int, spacing: int) -> Doubles:
    """What the coefficients of a level are divided by for one axis, the low part before the high one."""
    low, (lows, highs) = halved(side, level), NORMS[spacing == 1]
    index = min(level, len(lows)) - 1
    return np.repeat([lows[index], highs[index]], [low, halved(side, level - 1) - low])


def _joined(halves: Doubles) -> Doubles:
    """Undoes one step of the transform along the first axis."""
    count = len(halves)
    if count < 2:
        return halves
    low = (count + 1) // 2
    values = np.empty_like(halves)
    values[0::2], values[1::2] = halves[:low] / GAIN, halves[low:] * GAIN
    for step in (3, 2, 1, 0):
        mirrored = np.pad(values, [(1, 1), (0, 0)], mode="reflect")
        first = 1 - step % 2  # 0 and 2 change the odd ones, 1 and 3 the even ones
        values[first::2] -= LIFTING[step] * (mirrored[:-2] + mirrored[2:])[first::2]
    return values


def inverse_wavelet(coefficients: Doubles, spacing: int) -> Doubles:
    """The values [rows, columns] of one plane's coefficients, of a lattice of that spacing [px]."""
    values = coefficients.copy()
    rows, columns = values.shape
    levels = levels_of(rows, columns)
    for level in range(levels, 0, -1):
        r, c = halved(rows, level), halved(columns, level)
        norms = np.outer(_norms(rows, level, spacing), _norms(columns, level, spacing))
        if level < levels:
            norms[:r, :c] = 1  # what is there are values by now
        part = values[: len(norms), : norms.shape[1]]
        part[:] = _joined(_joined(part / norms).T).T
    return values


def node_values(coded: CodedCoefficients) -> Doubles:
    """The colours of the nodes, [3, rows, columns], in units where 1.0 is 8-bit 255."""
    planes = [inverse_wavelet(plane * (coded.step / coded.spacing), coded.spacing) for plane in coded.values]
    return np.asarray(np.einsum("pc,pyx->cyx", BASIS[: len(planes)], planes))
