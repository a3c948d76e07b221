"""The chunks of a file that is read in parts, the last ones of which are kept."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

from smartsplat import _native
from smartsplat.errors import FormatError
from smartsplat.file.ranges import ByteRange, Ranges, Within

FRONT = 1 << 14
"""Bytes that are read at first: header and index of a 16K picture have 2,000, of a gigapixel 10,000."""

GREATEST_FRONT = 1 << 26
"""Bytes of header and index from which a file is not read: 10 million chunks."""

GREATEST_FILE = 1 << 32
"""Bytes of a file from which it is not read as a whole, whatever its header says."""

CACHE_BYTES = 1 << 26
"""Of chunks that are kept."""

Read = list[tuple[int, bytes]]
"""Offsets and bytes of what was read."""


class Store:
    """Reads what is asked for and not kept from before. Threads can share it.

    Args:
        ranges: the file.
        cache_bytes: of what is kept, at most.
        is_alpha: whether it is the file of an alpha picture, which has none itself.

    Raises:
        OSError: it cannot be read.
        FormatError: it has no valid header and index, or longer ones than are read.

    Attributes:
        file: what header and index say.
        bytes_read: so far; bytes that were read twice count twice. Those of the alpha picture are its own.
        alpha: of the file of the alpha picture, if there is one.
    """

    def __init__(self, ranges: Ranges, *, cache_bytes: int = CACHE_BYTES, is_alpha: bool = False) -> None:
        self._ranges = ranges
        self._most = cache_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[ByteRange, bytes] = OrderedDict()
        self._kept_bytes = 0
        self.bytes_read = 0
        self._beginning = self._read([(0, min(FRONT, self.size))])[0]
        self.file = _native.File.of_front(self._front(), self.size)
        self.alpha = None if is_alpha else self._alpha(cache_bytes)

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self._ranges.size

    def __len__(self) -> int:
        """Likewise."""
        return self.size

    def _front(self) -> bytes:
        front = self._beginning
        length = _native.head_length(front[: _native.LONGEST_START])
        if length > self.size:
            raise FormatError("the file ends too early")
        if length > GREATEST_FRONT:
            raise FormatError(f"header and index have {length} bytes, more than the {GREATEST_FRONT} that are read")
        if length > len(front):
            front += self._read([(len(front), length - len(front))])[0]
        return front[:length]

    def _alpha(self, cache_bytes: int) -> Store | None:
        place = self.file.alpha_range
        if place is None:
            return None
        try:
            alpha = Store(Within(self._ranges, *place), cache_bytes=cache_bytes, is_alpha=True)
        except FormatError as error:
            raise FormatError(f"the alpha picture: {error}") from error
        self.file.check_alpha(alpha.file)
        return alpha

    def all(self) -> bytes:
        """The whole file; nothing else is read from then on.

        Raises:
            OSError: it cannot be read.
            FormatError: it has more than 4 GiB, or has become shorter.
        """
        if self.size > GREATEST_FILE:
            raise FormatError(f"the file has {self.size} bytes, more than the {GREATEST_FILE} that are read")
        data = self._read([(0, self.size)])[0]
        self.close()
        return data

    def fetch(self, wanted: Sequence[ByteRange]) -> Read:
        """The bytes of ranges that are in order and do not overlap.

        Raises:
            OSError: they cannot be read.
            FormatError: the file has become shorter.
        """
        with self._lock:
            found = {part: self._kept[part] for part in wanted if part in self._kept}
            for part in found:
                self._kept.move_to_end(part)
        begin = self._beginning
        found |= {(at, length): begin[at : at + length] for at, length in wanted if at + length <= len(begin)}
        missing = [part for part in wanted if part not in found]
        found.update(zip(missing, self._parts(missing), strict=True))
        with self._lock:
            for part in missing:
                self._keep(part, found[part])
        return [(part[0], found[part]) for part in wanted]

    def _parts(self, wanted: Sequence[ByteRange]) -> list[bytes]:
        groups = _grouped(wanted, self._ranges.gap)
        spans = [(group[0][0], sum(group[-1]) - group[0][0]) for group in groups]
        parts = []
        for group, (start, _), data in zip(groups, spans, self._read(spans), strict=True):
            parts += [data[offset - start : offset - start + length] for offset, length in group]
        return parts

    def _read(self, wanted: Sequence[ByteRange]) -> list[bytes]:
        if not wanted:
            return []
        parts = self._ranges.read(wanted)
        with self._lock:
            self.bytes_read += sum(map(len, parts))
        return parts

    def _keep(self, part: ByteRange, data: bytes) -> None:
        if part not in self._kept:
            self._kept[part] = data
            self._kept_bytes += len(data)
        while self._kept_bytes > self._most:
            _, gone = self._kept.popitem(last=False)
            self._kept_bytes -= len(gone)

    def close(self) -> None:
        """Nothing is read any more."""
        self._ranges.close()


def section_of(file: _native.File, kind: int, store: Store | None) -> bytes | None:
    """A piece of metadata of a file that has its bytes, or those that a store reads.

    Raises:
        OSError: it cannot be read.
        FormatError: it is damaged, or the file has become shorter.
    """
    where = file.metadata_range(kind) if store else None
    return file.section(kind, store.fetch([where])) if store and where else file.section(kind)


def _grouped(wanted: Sequence[ByteRange], gap: int) -> list[list[ByteRange]]:
    """Ranges that are read together, since little lies between them."""
    groups: list[list[ByteRange]] = []
    for part in wanted:
        if groups and part[0] - sum(groups[-1][-1]) <= gap:
            groups[-1].append(part)
        else:
            groups.append([part])
    return groups
