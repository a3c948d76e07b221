"""A plain decoder of blocks, written from SPEC.md, section 12: slow, obvious, and in Python only."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from tests.oracles.file import File, refuse_if
from tests.oracles.splat_stream import Bit, RangeDecoder, Signed
from tests.oracles.tiers import tier

MOST_COLOURS = 4095
NEAR = ((-1, 0), (0, -1), (-1, -1), (1, -1), (-2, 0), (0, -2))
FAR = (*NEAR, (-3, 0), (-2, -1), (2, -1), (-1, -2), (1, -2), (2, -2), (0, -3))


class Models(defaultdict[tuple, Bit]):
    """By name and indices."""

    def __missing__(self, key: tuple) -> Bit:
        self[key] = Bit({}, 0)
        return self[key]


class Chunk:
    """What a stream says of a rectangle, px.

    Attributes:
        indices: [height, width].
        palette: colours, from the second on.
    """

    def __init__(self, stream: bytes, width: int, height: int, *, grey: bool, deep: bool) -> None:
        self._decoder = RangeDecoder(stream)
        self._models = Models()
        self._differences = [Signed({}, 0), Signed({}, 0)]
        self._grey, self._deep = grey, deep
        self._near: dict[int, list[int]] = defaultdict(lambda: [0, 0])
        self._far: dict[int, list[int]] = defaultdict(lambda: [0, 0])
        self.indices = np.zeros((height, width), np.int64)
        self.palette: list[tuple[int, int, int]] = [(0, 0, 0)]
        rows, columns = -(-height // 8), -(-width // 8)
        flags = np.zeros((rows + 1, columns + 1), np.int64)
        for row in range(rows):
            for column in range(columns):
                around = flags[row + 1, column], flags[row, column + 1], flags[row, column]
                flags[row + 1, column + 1] = self._bit("flag", *around)
            for y in range(8 * row, min(height, 8 * row + 8)):
                for x in range(width):
                    if flags[row + 1, x // 8 + 1]:
                        self.indices[y, x] = self._pixel(x, y)
                refuse_if(self._decoder.exhausted, "a chunk of blocks ends too early")
        refuse_if(self._decoder.unread != b"", "bytes follow")

    def _bit(self, *model: object) -> int:
        return self._decoder.bit(self._models[model])

    def _at(self, x: int, y: int) -> int:
        height, width = self.indices.shape
        return int(self.indices[y, x]) if 0 <= x < width and 0 <= y < height else 0

    def _hash(self, x: int, y: int, places: tuple[tuple[int, int], ...]) -> int:
        value = 0
        for dx, dy in places:
            value = (value + self._at(x + dx, y + dy) + 1) * 0x9E3779B1 % 2**32
            value ^= value >> 15
        return value >> 16

    def _pixel(self, x: int, y: int) -> int:
        near, far = self._near[self._hash(x, y, NEAR)], self._far[self._hash(x, y, FAR)]
        w, n, nw, ne = (self._at(x + dx, y + dy) for dx, dy in NEAR[:4])
        index = self._index(near, far, w, n, nw, ne)
        for entry in (near, far):
            if entry[0] == index:
                entry[1] = min(entry[1] + 1, 7)
            elif entry[1] > 1:
                entry[1] //= 2
            else:
                entry[:] = index, 1
        return index

    def _index(self, near: list[int], far: list[int], w: int, n: int, nw: int, ne: int) -> int:
        same = (w == n) + 2 * (n == nw) + 4 * (n == ne)
        candidates = [
            (far[0], ("first", far[1], near[1] if near[0] == far[0] else 0)), (near[0], ("second", near[1])),
            *((index, ("beside", k, same)) for k, index in enumerate((w, n, ne, nw))),
        ]  # fmt: skip
        before: list[int] = []
        for index, model in candidates:
            if index == 0 or index in before:
                continue
            place = 1 if index == w else 2 if index == n else 0
            more = {"first": (place,), "second": (len(before), place), "beside": (len(before),)}[str(model[0])]
            if self._bit(*model, *more):
                return index
            before.append(index)
        return self._other()

    def _other(self) -> int:
        colours = len(self.palette) - 1
        if self._bit("fresh"):
            refuse_if(colours == MOST_COLOURS, "colours")
            self.palette.append(self._colour())
            return colours + 1
        refuse_if(colours == 0, "no colour")
        return 1 + self._symbol("index", 12, colours - 1)

    def _symbol(self, name: str, bits: int, limit: int) -> int:
        node, value = 1, 0
        for k in reversed(range(bits)):
            bit = self._bit(name, node) if value + 2**k <= limit else 0
            node, value = 2 * node + bit, value + bit * 2**k
        return value

    def _colour(self) -> tuple[int, int, int]:
        sample = self._symbol("sample", 8, 255)
        if self._deep:
            sample = sample << 8 | self._decoder.raw(8)
        samples = [sample] * 3
        for k in () if self._grey else (1, 2):
            samples[k] = samples[k - 1] + self._differences[k - 1].read(self._decoder)
            refuse_if(not 0 <= samples[k] <= (65535 if self._deep else 255), "colour")
        return samples[0], samples[1], samples[2]


def decode_chunks(file: File) -> list[tuple[int, int, Chunk]]:
    """All chunks of a file that are not empty, and where each begins: column and row, px."""
    if file.blocks is None:
        return []
    chunks = []
    squares = tier(file.width, file.height, [file.square_log], 0)
    for square, stream in zip(squares, file.blocks.chunks, strict=True):
        x, y, side = square.column << square.log, square.row << square.log, 1 << square.log
        width, height = min(side, file.width - x), min(side, file.height - y)
        if stream:
            chunk = Chunk(stream, width, height, grey=bool(file.flags & 1), deep=_is_deep(file))
            chunks.append((x, y, chunk))
    return chunks


def _is_deep(file: File) -> bool:
    return (file.flags >> 1 & 0xF) > 0


def decode_part(file: File) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Colours [H, W, 3] of all blocks of a file, 1.0 is the greatest sample, and where they are [H, W]."""
    colours, seen = np.zeros((file.height, file.width, 3)), np.zeros((file.height, file.width), np.bool_)
    for x, y, chunk in decode_chunks(file):
        height, width = chunk.indices.shape
        part = np.s_[y : y + height, x : x + width]
        colours[part] = np.array(chunk.palette)[chunk.indices] / (65535 if _is_deep(file) else 255)
        seen[part] = chunk.indices > 0
    return colours, seen


def integers(file: File) -> list[int]:
    """All that the chunks hold: the indices of each in rows, then its palette from the second colour on."""
    return [
        number
        for _, _, chunk in decode_chunks(file)
        for number in (*chunk.indices.ravel().tolist(), *(sample for colour in chunk.palette[1:] for sample in colour))
    ]


def drawn_over(sums: NDArray[np.float64], file: File, left: int, top: int) -> NDArray[np.float64]:
    """What is seen at scale 1 of sums [H, W, 3] from a place on, px, and of the blocks."""
    if file.blocks is None:
        return sums
    height, width = sums.shape[:2]
    colours, seen = (a[top : top + height, left : left + width] for a in decode_part(file))
    return np.where(seen[:, :, None], colours, sums)
