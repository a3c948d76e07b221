"""JPEG files without an end marker."""

from __future__ import annotations

from collections.abc import Iterator

SIGNATURE = b"\xff\xd8\xff"

_END = b"\xff\xd9"
_FILLERS = (b"\x55" * 64, b"\xaa" * 64)
_FRAMES = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}


def ended(data: bytes) -> list[bytes]:
    """The file with an end, in versions that decode to the same pixels only if no pixel depends on what is lost.

    Coded samples are followed by other bits in each: where all samples are there, these belong to nothing.
    Empty, if the file has an end or whole scans are missing.
    """
    body = data.removesuffix(b"\xff")  # half an end marker; if it was half of something else, that shows
    if not _has_all_scans(body):
        return []
    return [body + filler + _END for filler in _FILLERS]


def _has_all_scans(data: bytes) -> bool:
    """Whether the scans that have begun, all of them coded to the end, would make the whole picture."""
    components: set[int] = set()
    missing: set[tuple[int, int]] = set()
    for marker, segment in _segments(data):
        if marker == 0xD9:
            return False
        if marker in _FRAMES and len(segment) >= 6:
            components = {segment[i] for i in range(6, len(segment) - 2, 3)}
            missing = {(component, k) for component in components for k in range(64)}
        if marker == 0xDA and len(segment) >= 4:
            first, last, bits = segment[-3:]
            if bits & 15 == 0:
                scanned = segment[1:-3:2]
                missing -= {(component, k) for component in scanned for k in range(first, last + 1)}
    return bool(components) and not missing


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Markers with what stands in their segments; the coded samples between them are skipped."""
    at = 2
    while (at := data.find(b"\xff", at)) >= 0 and at + 1 < len(data):
        marker = data[at + 1]
        if marker in (0x00, 0x01, 0xFF) or 0xD0 <= marker <= 0xD7:  # stuffing, fill bytes, restarts
            at += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4])
        yield marker, data[at + 4 : at + 2 + length]
        at += 2 + (length if marker != 0xD9 else 0)
