"""Learns the probabilities that the format's models begin with from files that were encoded with any.

    python -m benchmarks.learn_probabilities [--only lattice|splat [--first MODEL]] FILES...

Decodes all chunks with the oracles, keeps the first bits that each model saw in each chunk, and chooses for each model
the probability and the count with which these would have cost least. Writes native/core/coding/*_probabilities.inc.
That changes the format: build the core and make the golden files again afterwards. docs/decisions.md says which files
were taken.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from tests.oracles import lattice_stream, splat_stream, stored
from tests.oracles.file import File, read_file
from tests.oracles.stored import FOLDER

Histories = dict[int, list[list[int]]]
"""By the number of the model: the first bits that it saw in each chunk."""

REMEMBERED = 160
"""Bits of a history that are kept: later ones hardly depend on where the model began."""

MOST_HISTORIES = 400
"""Of a model; more are thinned out."""

COUNTS = (0, 1, 2, 3, 4, 6, 8, 11, 15, 20, 28, 40)
OFFSETS = np.linspace(-1.5, 1.5, 13)
"""Candidates for the logit of the probability, beside that of the frequency."""

LEAST_SAVING = 40.0
"""Bits in all histories together that a stored probability must save to be worth its line."""

HEADER = """// How much greater the number of a model is than that of the one before, (probability of a one in 1/65536
// - 128) / 256, and the count, of models that do not begin with 32768 and 0: SPEC.md, section 4. Written by
// benchmarks/learn_probabilities.py.
"""


@contextmanager
def recorded() -> Iterator[Histories]:
    """What all models made in here see."""
    histories: Histories = defaultdict(list)

    class Recorder(splat_stream.Bit):
        def __init__(self, stored: splat_stream.Table, place: int) -> None:
            super().__init__(stored, place)
            self.place = place
            self.history: list[int] = []

        def learn(self, bit: int) -> None:
            super().learn(bit)
            if not self.history:
                histories[self.place].append(self.history)
            if len(self.history) < REMEMBERED:
                self.history.append(bit)

    with mock.patch.object(splat_stream, "Bit", Recorder), mock.patch.object(lattice_stream, "Bit", Recorder):
        yield histories


def lattice_histories(file: File) -> Histories:
    """Of the lattice's models in a file."""
    with recorded() as histories:
        if file.lattice:
            grey = bool(file.flags & 1)
            lattice_stream.decode_part(file.lattice, file.lattice_finest(), file.width, file.height, grey=grey)
    return histories


def splat_histories(file: File) -> Histories:
    """Of the splats'."""
    with recorded() as histories:
        splat_stream.decode_part(file.splats, file.square_log, file.width, file.height)
    return histories


def padded(histories: list[list[int]]) -> NDArray[np.int8]:
    """The bits [history, time], the longest first, -1 beyond the end of each."""
    if len(histories) > MOST_HISTORIES:
        histories = histories[:: -(-len(histories) // MOST_HISTORIES)]
    bits = np.full((len(histories), max(map(len, histories))), -1, np.int8)
    for row, history in zip(bits, sorted(histories, key=len, reverse=True), strict=True):
        row[: len(history)] = history
    return bits


def costs(bits: NDArray[np.int8], probability: NDArray[np.float64], seen: NDArray[np.int64]) -> NDArray[np.float64]:
    """Bits that all histories together cost with each beginning [candidate]: the adaptation of SPEC.md, section 4."""
    p = np.tile(probability, (len(bits), 1))
    n = seen.copy()
    total = np.zeros(len(probability))
    for column in bits.T:
        count = np.count_nonzero(column >= 0)
        ones, p = column[:count, None] == 1, p[:count]
        total -= np.log2(np.where(ones, p, 1 - p)).sum(axis=0)
        p += (np.where(ones, 65504, 32) / 65536 - p) / (n + 1.5)
        n = np.minimum(n + 1, 40)
    return total


def best_start(histories: list[list[int]]) -> tuple[int, int] | None:
    """Probability as it is stored, and count; None if 32768 and 0 are about as good."""
    bits = padded(histories)
    ones, all_bits = np.count_nonzero(bits == 1), np.count_nonzero(bits >= 0)
    middle = np.log((ones + 0.4) / (all_bits - ones + 0.4))
    logits = middle + OFFSETS
    probability, seen = (grid.ravel() for grid in np.meshgrid(1 / (1 + np.exp(-logits)), COUNTS))
    steps = np.clip(np.rint(probability * 256 - 0.5), 0, 255)
    total = costs(bits, np.append((steps + 0.5) / 256, 0.5), np.append(seen, 0))
    best, plain = int(np.argmin(total[:-1])), float(total[-1])
    if plain - total[best] < LEAST_SAVING:
        return None
    return int(steps[best]), int(seen[best])


def byte_and_count(start: tuple[int, int]) -> tuple[int, int]:
    """As a table says where a model begins."""
    return start[0] // 256, start[1]


def table(name: str, histories: Histories, first: int) -> str:
    """The lines of a table; models before that number keep theirs."""
    starts = {place: byte_and_count(start) for place, start in stored.table(name).items() if place < first}
    learned = sorted((place, found) for place, found in histories.items() if place >= first)
    starts |= {place: start for place, found in learned if (start := best_start(found))}
    lines, last = [], 0
    for place, (probability, seen) in starts.items():
        lines.append(f"{{{place - last}, {probability}, {seen}}},\n")
        last = place
    return HEADER + "".join(lines)


def main() -> None:
    """Runs it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--only", choices=("lattice", "splat"), help="the table to write; without it both")
    parser.add_argument("--first", type=int, default=0, help="the number of the first model that is learned")
    options = parser.parse_args()
    lattice: Histories = defaultdict(list)
    splats: Histories = defaultdict(list)
    for path in options.files:
        file = read_file(path.read_bytes())
        for all_histories, found in ((lattice, lattice_histories(file)), (splats, splat_histories(file))):
            for place, histories in found.items():
                all_histories[place] += histories
        print(path, flush=True)
    for name, all_histories in (("lattice", lattice), ("splat", splats)):
        if options.only in (None, name):
            (FOLDER / f"{name}_probabilities.inc").write_text(table(name, all_histories, options.first))


if __name__ == "__main__":
    main()
