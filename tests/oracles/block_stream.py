"""A plain decoder of blocks, written from SPEC.md, section 12: slow, obvious, and in Python only."""

from __future__ import annotations

from collections import defaultdict
from functools import cache

import numpy as np
from numpy.typing import NDArray

from tests.oracles.file import File, refuse_if
from tests.oracles.splat_stream import Bit, RangeDecoder, Signed
from tests.oracles.tiers import tier

MOST_COLOURS = 4095

Places = tuple[tuple[int, int], ...]
W, N, NW, NE = (-1, 0), (0, -1), (-1, -1), (1, -1)
NEAR: tuple[Places, ...] = ((W, N, NW, NE), ((-2, 0), (0, -2)))
FAR: tuple[Places, ...] = (*NEAR, ((-3, 0), (-2, -1), (2, -1), (0, -3)), ((-1, -2), (1, -2), (2, -2)))
WIDE: tuple[Places, ...] = (
    tuple((dx, 0) for dx in range(-4, 0)),
    *(tuple((first + k, -up) for k in range(4)) for up in (1, 2, 3) for first in (-3, 1)),
    tuple((dx, -4) for dx in range(-2, 2)),
)
LIKELY: tuple[tuple[int, tuple[Places, ...]], ...] = ((0, NEAR), (0, FAR), (0, WIDE), (1, ((W, N),)))
"""What the bit of the likeliest index follows from: the hash before, and the groups of pixels."""
KNOWN = ((2, ((W,),)), (3, ((N,),)), (4, ((W, N, NW),)), (5, ((W, N, NE),)), (0, NEAR), (0, WIDE))
"""Likewise of a colour that is known."""

SQUASHED = (
    1, 2, 3, 6, 10, 16, 27, 45, 73, 120, 194, 310, 488, 747, 1101, 1546, 2047, 2549, 2994, 3348, 3607, 3785, 3901, 3975,
    4022, 4050, 4068, 4079, 4085, 4089, 4092, 4093, 4094,
)  # fmt: skip


def squash(odds: int) -> int:
    """A probability, in 1/4096, of its logarithm of odds, in 1/256."""
    at, after = divmod(min(max(odds, -2047), 2047) + 2048, 128)
    return (SQUASHED[at] * (128 - after) + SQUASHED[at + 1] * after + 64) >> 7


@cache
def stretch(probability: int) -> int:
    """The least logarithm of odds of which the probability is not less, if there is one."""
    return next((odds for odds in range(-2047, 2047) if squash(odds) >= probability), 2047)


class Opinion:
    """What is known of a bit after a context."""

    def __init__(self) -> None:
        self.lean, self.seen, self.check = 0, 0, 0

    def learn(self, bit: int) -> None:
        """Moves towards what was seen, in ever smaller steps."""
        goal = 32736 if bit else -32736
        self.lean += (goal - self.lean) * ((2 << 15) // (2 * self.seen + 3)) >> 15
        self.seen = min(self.seen + 1, 15)


def learn(guess: list[int], index: int) -> None:
    """Of a guess, an index and how sure it is, what was there."""
    if guess[0] == index:
        guess[1] = min(guess[1] + 1, 7)
    elif guess[1] > 1:
        guess[1] //= 2
    else:
        guess[:] = index, 1


Weight = tuple[str, int, int]


class Mixed:
    """A model whose probability is that of the weighed sum of opinions.

    Args:
        weights: of each opinion by its name; they learn.
        opinions: each with the name of its weight, and its probability in 1/65536.
    """

    def __init__(self, weights: dict[Weight, int], opinions: list[tuple[Weight, int]]) -> None:
        self._weights = weights
        self._odds = [(name, stretch(probability >> 4)) for name, probability in opinions]
        self._mixed = squash(sum(weights[name] * odds for name, odds in self._odds) >> 16)

    @property
    def probability(self) -> int:
        """Of a one, in 1/65536."""
        return self._mixed << 4

    def learn(self, bit: int) -> None:
        """Moves the weights towards those opinions that were right."""
        error = ((bit << 12) - self._mixed) * 24
        for name, odds in self._odds:
            moved = self._weights[name] + (odds * error + (1 << 15) >> 16)
            self._weights[name] = min(max(moved, -(1 << 20)), 1 << 20)


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
        self._weights: dict[Weight, int] = defaultdict(lambda: 3 << 13)
        self._opinions: dict[int, Opinion] = defaultdict(Opinion)
        self._ended = False
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
                for x in range(0, width, 8):
                    if flags[row + 1, x // 8 + 1]:
                        self._row(x, y)
                refuse_if(self._decoder.exhausted, "a chunk of blocks ends too early")
        refuse_if(self._decoder.unread != b"", "bytes follow")

    def _bit(self, *model: object) -> int:
        return self._decoder.bit(self._models[model])

    def _at(self, x: int, y: int) -> int:
        height, width = self.indices.shape
        return int(self.indices[y, x]) if 0 <= x < width and 0 <= y < height else 0

    def _hash(self, x: int, y: int, value: int, groups: tuple[Places, ...]) -> int:
        for group in groups:
            lanes = sum(self._at(x + dx, y + dy) << 16 * k for k, (dx, dy) in enumerate(group))
            value = (value ^ lanes) * 0x9E3779B97F4A7C15 % 2**64
            value ^= value >> 32
        return value

    def _row(self, x: int, y: int) -> None:
        width = self.indices.shape[1]
        self._ended = False
        if x + 8 <= width and self._may_be_run(x, y):
            w, far = self._at(x - 1, y), self._far[self._hash(x, y, 0, FAR) >> 16 & 0xFFFF]
            if self._bit("run", far[1] if far[0] == w else 0):
                self.indices[y, x : x + 8] = w
                learn(far, w)
                return
            self._ended = True
        for place in range(x, min(x + 8, width)):
            self.indices[y, place] = self._pixel(place, y)

    def _may_be_run(self, x: int, y: int) -> bool:
        before = [(dx, 0) for dx in (-3, -2, -1)]
        over = [(dx, -1) for dx in range(-2, 10)] + [(dx, -2) for dx in range(-1, 10)] + [(dx, -3) for dx in range(8)]
        found = {self._at(x + dx, y + dy) for dx, dy in (*before, *over)}
        return len(found) == 1 and found != {0}

    def _pixel(self, x: int, y: int) -> int:
        near = self._near[self._hash(x, y, 0, NEAR) >> 16 & 0xFFFF]
        far = self._far[self._hash(x, y, 0, FAR) >> 16 & 0xFFFF]
        index = self._index(x, y, near, far)
        learn(near, index)
        learn(far, index)
        return index

    def _index(self, x: int, y: int, near: list[int], far: list[int]) -> int:
        likeliest, sure = far
        if likeliest and self._is_likeliest(x, y, likeliest, sure, near[1] if near[0] == likeliest else 0):
            return likeliest
        colours = len(self.palette) - 1
        if self._bit("fresh"):
            refuse_if(colours == MOST_COLOURS, "colours")
            self.palette.append(self._colour())
            return colours + 1
        refuse_if(colours <= (likeliest > 0), "no colour")
        return self._known(x, y, likeliest)

    def _is_likeliest(self, x: int, y: int, likeliest: int, sure: int, agreed: int) -> int:
        flat = len({self._at(x + dx, y + dy) for group in FAR for dx, dy in group}) == 1
        if flat and self._ended:
            return self._bit("end", x % 8)
        place = 1 if likeliest == self._at(x - 1, y) else 2 if likeliest == self._at(x, y - 1) else 0
        model = self._models["first", sure, agreed, place]
        if flat or sure == agreed == 7:
            return self._decoder.bit(model)
        contexts = [self._hash(x, y, start, groups) for start, groups in LIKELY]
        bit = self._mixed("likely", contexts, 4096 + likeliest, [(("model", sure, 0), model.probability)])
        model.learn(bit)
        return bit

    def _known(self, x: int, y: int, likeliest: int) -> int:
        contexts = [self._hash(x, y, start, groups) for start, groups in KNOWN]
        possible = {index - 1 for index in range(1, len(self.palette)) if index != likeliest}
        value = 0
        for k in reversed(range(12)):
            ones = [v for v in possible if v & 1 << k]
            if len(ones) == len(possible):
                bit = 1
            elif not ones:
                bit = 0
            else:
                bit = self._mixed("known", contexts, value + 2**k, [])
            possible = {v for v in possible if v >> k & 1 == bit}
            value += bit << k
        return value + 1

    def _mixed(self, name: str, contexts: list[int], number: int, models: list[tuple[Weight, int]]) -> int:
        opinions, told = [], models
        for k, context in enumerate(contexts):
            place, check = (context >> 12 & 0xFFFFF) ^ number, context & 0xFF
            opinion = self._opinions[place]
            if opinion.check != check:
                opinion.lean, opinion.seen, opinion.check = 0, 0, check
            opinions.append(opinion)
            told = [*told, ((name, k, opinion.seen), opinion.lean + 32768)]
        bit = self._decoder.bit(Mixed(self._weights, told))
        for opinion in opinions:
            opinion.learn(bit)
        return bit

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
