"""Makes the golden files: ``python -m tests.golden.make --format-changed``.

They are made from integers that a plain generator draws, not by the encoder's search, so that they stay as they are
when that improves. The expected pixels are those of the oracles, in double precision.
"""

from __future__ import annotations

import hashlib
import json
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import numpy as np

from smartsplat import _native
from smartsplat.coding.format import EXIF, FLAG_GREY, ICC, MAJOR, MINOR, lattice_step
from smartsplat.coding.lattice_section import Spectrum, write_lattice
from smartsplat.coding.splat_section import write_splats
from smartsplat.model.lattice import lattice_shape
from smartsplat.model.view import View
from tests.golden.files import FOLDER, INDEX
from tests.oracles import block_stream, lattice_stream, splat_stream
from tests.oracles.file import File, read_file, unpack_blocks, unpack_lattice, unpack_splats
from tests.oracles.lattice_stream import halved, levels_of
from tests.oracles.picture import lattice_sums, splat_parameters, splat_sums, to_bytes, to_words
from tests.profiles import DISPLAY_P3, rgb_profile, srgb_parametric

FNV_START, FNV_FACTOR = 0xCBF29CE484222325, 0x100000001B3


def fnv(values):
    """FNV-1a over 32-bit words."""
    digest = FNV_START
    for value in values:
        digest = (digest ^ (int(value) & 0xFFFFFFFF)) * FNV_FACTOR & 0xFFFFFFFFFFFFFFFF
    return f"{digest:016x}"


class Draws:
    """Numbers that are the same wherever and whenever they are drawn: of ``random`` only ``random()`` is."""

    def __init__(self, seed):
        self._random = Random(seed).random

    def real(self, least, most):
        return least + (most - least) * self._random()

    def whole(self, least, most):
        """Of a range, ends included."""
        return least + int(self._random() * (most - least + 1))

    def geometric(self, mean):
        """0 or more; few are large."""
        count = 0
        while self._random() * (mean + 1) < mean and count < 60:
            count += 1
        return count


# Splats


def splat_code(draws, width, height, step_index, energy, amplitude, log_ratio, positive=0.6):
    """Nine integers of a splat anywhere in the picture: its energy class and amplitude say how large it is."""
    code = splat_stream.Code(energy=energy)
    base_step = 2.0 ** ((step_index - 128) / 16)
    log_size = np.log2(2**energy * base_step / (np.sqrt(np.pi) * amplitude))
    code.size = int(np.rint(np.clip(log_size, -3.9, 13.9) * 2**energy))
    code.ratio = int(log_ratio * 2.0 ** (energy - 1))
    code.turn = draws.whole(0, 2**code.turn_bits - 1)
    code.x, code.y = draws.whole(0, 256 * width - 1), draws.whole(0, 256 * height - 1)
    luma = draws.whole(2**energy // 2, 2**energy)
    code.colour = [luma if draws.real(0, 1) < positive else -luma]
    code.colour += [draws.whole(-(2**energy) // 3, 2**energy // 3) for _ in range(2)]
    return code.row()


def ordinary_splats(seed, count, width, height, step_index=64, *, positive=0.6):
    """As an encoder would choose them: of energy classes 2 to 6, round and oblong."""
    draws = Draws(seed)
    return [
        splat_code(
            draws, width, height, step_index, draws.whole(2, 6), draws.real(0.1, 0.5), draws.real(0, 3), positive
        )
        for _ in range(count)
    ]


def extreme_splats(seed, width, height, step_index):
    """Of each energy class, needles and discs, in the middle and at the border."""
    draws, rows = Draws(seed), []
    for energy in range(16):
        for log_ratio in (0, 3, 9.9):
            row = splat_code(draws, width, height, step_index, energy, draws.real(0.1, 0.4), log_ratio)
            if log_ratio == 3:
                row[0] = draws.whole(0, 1) * (256 * width - 1)
            rows.append(row)
    return rows


# Lattices


def lattice_coefficients(seed, width, height, spacing, planes, step_index, *, mean=0.22, busy=0.5, size=3.0):
    """Coefficients [planes, rows, columns] of a picture about that bright, busy in part of its blocks."""
    draws = Draws(seed)
    rows, columns = lattice_shape(width, height, spacing)
    levels = levels_of(rows, columns)
    values = np.zeros((planes, rows, columns), np.int64)
    low = values[:, : halved(rows, levels), : halved(columns, levels)]
    bright = int(np.rint(mean * np.sqrt(3) * spacing / lattice_step(step_index) * flat(rows, columns, spacing)))
    for plane, band in enumerate(low):
        for at in np.ndindex(band.shape):
            spread = bright // (3 if plane == 0 else 8)
            band[at] = (bright if plane == 0 else 0) + draws.whole(-spread, spread)
    for level in range(levels, 0, -1):
        inner, outer = ((halved(rows, n), halved(columns, n)) for n in (level, level - 1))
        for plane in range(planes):
            details(draws, values[plane], inner, outer, busy, size * level / (1 if plane == 0 else 3))
    return values


def details(draws, plane, inner, outer, busy, size):
    """Fills part of the blocks of a level's three bands."""
    for y in range(0, outer[0], 8):
        for x in range(0, outer[1], 8):
            if draws.real(0, 1) > busy:
                continue
            for at in np.ndindex(min(8, outer[0] - y), min(8, outer[1] - x)):
                place = y + at[0], x + at[1]
                if place[0] >= inner[0] or place[1] >= inner[1]:
                    plane[place] = draws.geometric(size) * (1 if draws.real(0, 1) < 0.5 else -1)


def flat(rows, columns, spacing):
    """The coefficients of the lowest band that make nodes of 1.0, about."""
    levels = levels_of(rows, columns)
    low = np.zeros((rows, columns))
    low[: halved(rows, levels), : halved(columns, levels)] = 1
    return 1 / lattice_stream.inverse_wavelet(low, spacing).mean()


def lattice_part(coefficients, width, height, spacing, step_index, square_log):
    """The lattice that holds about these integers: each becomes one that its quantiser has."""
    exact = (coefficients * lattice_step(step_index)).astype(np.float32)
    coded = write_lattice(Spectrum(width, height, spacing, exact), step_index, 0.0, square_log=square_log)
    assert np.abs(coded.quantised() - coefficients).max() <= 2
    return unpack_lattice(coded.section, width, height)[0]


# Blocks


def letters(seed, width, height, deep):
    """Planes [3, H, W] of marks that come again on two grounds, with a slope between, and the blocks that are coded."""
    draws = Draws(seed)
    unit = 257 if deep else 1
    marks = [[[draws.whole(0, 3) for _ in range(5)] for _ in range(7)] for _ in range(4)]
    inks = np.array([(250, 250, 240), (120, 130, 180), (60, 50, 40), (20, 10, 250)]) * unit
    indices = np.zeros((height, width), np.int64)
    for y in range(2, height - 7, 10):
        for x in range(1, width - 5, 6):
            indices[y : y + 7, x : x + 5] = marks[draws.whole(0, 3)]
    planes = np.moveaxis(inks[indices], 2, 0).astype(np.uint16)
    planes[:, height // 2 :, width // 2 :] += 5 * unit
    rows, columns = -(-height // 8), -(-width // 8)
    flags = np.array([[draws.real(0, 1) < 0.8 for _ in range(columns)] for _ in range(rows)], np.uint8)
    return planes, flags


def dots(seed, width, height, deep):
    """The same of a page with a few dots, all of it: most rows of blocks are runs of one colour."""
    draws = Draws(seed)
    unit = 257 if deep else 1
    dotted = np.array([[draws.real(0, 1) < 0.004 for _ in range(width)] for _ in range(height)])
    planes = np.where(dotted, 40 * unit, 250 * unit)[None].repeat(3, axis=0).astype(np.uint16)
    return planes, np.ones((-(-height // 8), -(-width // 8)), np.uint8)


def block_part(picture, seed, width, height, grey, deep, square_log):
    """Some blocks of such a picture."""
    planes, flags = picture(seed, width, height, deep)
    planes = planes[[0, 0, 0]] if grey else planes
    section, _ = _native.write_blocks(planes, flags, grey, deep, 0.0, 0.0, square_log=square_log)
    return unpack_blocks(section, width, height)[0]


# Files


@dataclass
class Case:
    """A file to make.

    Attributes:
        width: px.
        height: likewise.
        codes: rows of nine integers.
        step_index: of the splats.
        spacing: of the lattice, px; 0: there is none.
        lattice: what ``lattice_coefficients`` takes.
        lattice_step_index: of the lattice.
        grey: one channel.
        square_log: log2 of the sides of the finest squares, px.
        lattice_square_log: of the lattice's, if they are others.
        more: metadata by kind.
        minor: version.
        region: of the pixels that are kept; None: the whole picture.
        bits: of a sample of the picture that might have been encoded.
        alpha: what makes the file of the alpha picture; None: there is none.
        blocks: what draws a picture of which some blocks are coded; None: there are none.
    """

    width: int
    height: int
    codes: list = field(default_factory=list)
    step_index: int = 64
    spacing: int = 0
    lattice: dict = field(default_factory=dict)
    lattice_step_index: int = 3900
    grey: bool = False
    square_log: int = 11
    lattice_square_log: int | None = None
    more: dict = field(default_factory=dict)
    minor: int = MINOR
    region: tuple | None = None
    bits: int = 8
    alpha: Case | None = None
    blocks: Callable | None = None

    def to_bytes(self, seed):
        codes = np.array(self.codes, np.int32).reshape(-1, 9)
        if self.grey:
            codes[:, 7:] = 0
        place = self.width, self.height
        section, _ = write_splats(codes, self.step_index, *place, square_log=self.square_log)
        file = File(*place, self.square_log, unpack_splats(section, *place)[0], metadata=list(self.more.items()))
        file.flags = (FLAG_GREY if self.grey else 0) | (self.bits - 8) << 1
        file.version = MAJOR, self.minor
        if self.spacing:
            values = lattice_coefficients(
                seed, *place, self.spacing, 1 if self.grey else 3, self.lattice_step_index, **self.lattice
            )
            file.lattice_square_log = self.lattice_square_log
            file.lattice = lattice_part(values, *place, self.spacing, self.lattice_step_index, file.lattice_finest())
        if self.blocks is not None:
            file.blocks = block_part(self.blocks, seed, *place, self.grey, self.bits > 8, self.square_log)
        if self.alpha is not None:
            file.alpha = self.alpha.to_bytes(seed)
        return file.to_bytes()


EXIF_BLOCK = b"II*\0\x08\0\0\0\x01\0\x0f\x01\x02\0\x07\0\0\0\x1a\0\0\0\0\0\0\0camera\0"
METADATA = {
    ICC: zlib.compress(rgb_profile(DISPLAY_P3, srgb_parametric()), 9),
    EXIF: zlib.compress(EXIF_BLOCK, 9),
}

CASES = {
    "splats": Case(96, 64, ordinary_splats(1, 160, 96, 64, positive=0.85)),
    "splats-grey": Case(64, 48, ordinary_splats(2, 80, 64, 48, positive=0.85), grey=True),
    "splats-few": Case(45, 70, ordinary_splats(3, 3, 45, 70, 84), step_index=84),
    "splats-extreme": Case(90, 60, extreme_splats(4, 90, 60, 56), step_index=56),
    "lattice-1": Case(40, 28, spacing=1),
    "lattice-2": Case(61, 45, spacing=2),
    "lattice-4": Case(96, 64, spacing=4),
    "lattice-8": Case(95, 63, spacing=8),
    "lattice-16-grey": Case(96, 61, spacing=16, grey=True),
    "lattice-1024": Case(5, 9, spacing=1024),
    "lattice-chunks": Case(
        1025, 700, spacing=1, grey=True, square_log=8, lattice_square_log=6, lattice={"busy": 0.006, "size": 2.0},
        region=(470, 480, 96, 64),
    ),
    "lattice-chunks-4": Case(300, 170, spacing=4, square_log=5, lattice={"busy": 0.3}),
    "splats-chunks": Case(150, 90, ordinary_splats(12, 250, 150, 90, positive=0.85), square_log=5),
    "splats-chunks-extreme": Case(90, 60, extreme_splats(13, 90, 60, 56), step_index=56, square_log=5),
    "mixed-chunks": Case(
        130, 75, ordinary_splats(14, 90, 130, 75), spacing=2, square_log=5, more={0x10: METADATA[0x10]}
    ),
    "mixed": Case(96, 64, ordinary_splats(5, 60, 96, 64), spacing=4),
    "mixed-grey": Case(75, 50, ordinary_splats(6, 40, 75, 50), spacing=2, grey=True),
    "metadata": Case(33, 47, ordinary_splats(7, 20, 33, 47), spacing=8, more=METADATA),
    "later": Case(
        20, 30, ordinary_splats(8, 15, 20, 30, positive=1), more={0x7F: b"something of a later version"}, minor=9
    ),
    "pixel": Case(1, 1, ordinary_splats(9, 2, 1, 1), spacing=1),
    "row": Case(83, 1, ordinary_splats(10, 25, 83, 1), spacing=1),
    "column": Case(1, 67, ordinary_splats(11, 20, 1, 67), spacing=2),
    "empty": Case(7, 5),
    "deep": Case(48, 40, ordinary_splats(15, 25, 48, 40), spacing=2, lattice_step_index=3000, bits=16),
    "deep-grey": Case(41, 30, ordinary_splats(16, 20, 41, 30), spacing=1, lattice_step_index=3000, grey=True, bits=12),
    "alpha": Case(
        60, 44, ordinary_splats(17, 40, 60, 44), spacing=4,
        alpha=Case(60, 44, ordinary_splats(18, 30, 60, 44, positive=0.9), grey=True, square_log=5),
    ),
    "alpha-grey-deep": Case(
        40, 33, ordinary_splats(19, 30, 40, 33), grey=True, bits=16, more={0x13: bytes([0x90, 0x38, 0xB4, 0]) * 2},
        alpha=Case(40, 33, spacing=2, lattice_step_index=3000, grey=True, bits=16),
    ),
    "blocks": Case(90, 61, ordinary_splats(20, 20, 90, 61), spacing=2, blocks=letters),
    "blocks-chunks": Case(77, 75, ordinary_splats(21, 20, 77, 75), grey=True, bits=16, square_log=5, blocks=letters),
    "blocks-dots": Case(90, 83, ordinary_splats(22, 4, 90, 83), blocks=dots),
}  # fmt: skip


def expected(data, region):
    """Size, integers and sums [H, W, C] of a file, all by the oracles."""
    file = read_file(data)
    grey = bool(file.flags & FLAG_GREY)
    view, sums, integers = decoded(file, region)
    sums = sums[:, :, : 1 if grey else 3]
    more = {}
    if file.alpha is not None:
        _, alpha, alpha_integers = decoded(read_file(file.alpha), region)
        sums = np.concatenate([sums, alpha[:, :, :1]], axis=2)
        more = {"alpha_integers": len(alpha_integers), "alpha_hash": fnv(alpha_integers)}
    bits = 8 + (file.flags >> 1)
    if bits > 8:
        more["bits"] = bits
    return {
        "width": file.width,
        "height": file.height,
        "channels": sums.shape[2],
        "integers": len(integers),
        "hash": fnv(integers),
        "sha256": hashlib.sha256(data).hexdigest(),
        "region": [view.left, view.top, view.width, view.height],
    } | more, sums


def decoded(file, region):
    """The view of a region, its sums [H, W, 3] and all integers of a file, but for its alpha."""
    grey = bool(file.flags & FLAG_GREY)
    codes = splat_stream.decode_part(file.splats, file.square_log, file.width, file.height)
    x, y, width, height = region or (0, 0, file.width, file.height)
    view = View(width, height, left=x, top=y)
    sums = splat_sums(splat_parameters(codes, file.splats.step_index), view)
    integers = [number for code in codes for number in code.row()]
    if file.lattice:
        coded = lattice_stream.decode_part(file.lattice, file.lattice_finest(), file.width, file.height, grey=grey)
        sums += lattice_sums(coded, view)
        integers += coded.values.ravel().tolist()
    integers += block_stream.integers(file)
    return view, block_stream.drawn_over(sums, file, x, y), integers


def main():
    if INDEX.exists() and sys.argv[1:] != ["--format-changed"]:
        sys.exit("The golden files exist. They change only with the format; if it did, say --format-changed.")
    index = {}
    for seed, (name, case) in enumerate(CASES.items()):
        data = case.to_bytes(seed)
        index[name], sums = expected(data, case.region)
        (FOLDER / f"{name}.ssplat").write_bytes(data)
        (FOLDER / f"{name}.raw").write_bytes(to_bytes(sums).tobytes())
        if case.bits > 8:
            (FOLDER / f"{name}.words").write_bytes(to_words(sums).tobytes())
        print(f"{name}: {len(data)} bytes, {index[name]['integers']} integers")
    INDEX.write_text("{\n" + ",\n".join(f'"{name}": {json.dumps(entry)}' for name, entry in index.items()) + "\n}\n")


if __name__ == "__main__":
    main()
