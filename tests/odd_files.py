"""Picture files built from scratch that libraries do not write: PNG chunks and TIFF tags at will."""

import struct
import zlib

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_SIZES = {1: ("B", 1), 3: ("H", 2), 4: ("I", 4), 5: ("I", 4)}
"""Letters and bytes of the numbers that types have; a rational has two."""


def chunk(kind, data=b"", *, sound=True):
    """A chunk of PNG, with a wrong checksum if asked for."""
    checksum = zlib.crc32(kind + data) ^ (0 if sound else 1)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def png(samples, bits, colour_type, before=b"", after=b"", end=True):
    """A PNG of integers [H, W] or [H, W, C], with further chunks before and after the pixels.

    Rows have the filter Sub where samples have whole bytes, none else.
    """
    height, width = samples.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    rows = [_row(row, bits) for row in samples.reshape(height, -1)]
    if bits >= 8:
        pixel = samples.reshape(height, width, -1).shape[2] * bits // 8
        rows = [b"\1" + bytes(_sub(row, pixel)) for row in rows]
    else:
        rows = [b"\0" + row for row in rows]
    pixels = chunk(b"IDAT", zlib.compress(b"".join(rows)))
    return SIGNATURE + chunk(b"IHDR", header) + before + pixels + after + (chunk(b"IEND") if end else b"")


def _row(values, bits):
    if bits >= 8:
        return values.astype(">u2" if bits == 16 else np.uint8).tobytes()
    digits = values[:, None] >> np.arange(bits)[::-1] & 1
    return np.packbits(digits.astype(np.uint8)).tobytes()


def _sub(row, pixel):
    values = np.frombuffer(row, np.uint8).astype(int)
    values[pixel:] -= np.frombuffer(row, np.uint8)[:-pixel]
    return values.astype(np.uint8)


def tiff(samples, photometric, *, order="<", rows=None, tile=None, planar=False, deflate=False, **tags):
    """A TIFF of samples [H, W] or [H, W, C] of unsigned integers or floats.

    Args:
        samples: as they shall stand in the file.
        photometric: tag 262.
        order: of bytes, ``<`` or ``>``.
        rows: of a strip; None for one strip.
        tile: side of square tiles, px, a multiple of 16, in place of strips.
        planar: one plane for each channel.
        deflate: compressed, without a predictor.
        tags: more of them, as ``t338=(3, [2])``: type and values; rationals as numerators and denominators.
    """
    height, width = samples.shape[:2]
    cube = samples.reshape(height, width, -1).astype(samples.dtype.newbyteorder(order))
    planes = [cube[:, :, [k]] for k in range(cube.shape[2])] if planar else [cube]
    parts = [part.tobytes() for plane in planes for part in _parts(plane, rows or height, tile)]
    parts = [zlib.compress(part) for part in parts] if deflate else parts
    offsets = (8 + np.cumsum([0, *(len(part) for part in parts)])).tolist()
    entries = {
        256: (4, [width]), 257: (4, [height]), 258: (3, [8 * samples.dtype.itemsize] * cube.shape[2]),
        259: (3, [8 if deflate else 1]), 262: (3, [photometric]), 277: (3, [cube.shape[2]]),
        284: (3, [2 if planar else 1]), 339: (3, [3 if samples.dtype.kind == "f" else 1] * cube.shape[2]),
    }  # fmt: skip
    places, sizes = (4, offsets[:-1]), (4, [len(part) for part in parts])
    layout = {322: (3, [tile]), 323: (3, [tile]), 324: places, 325: sizes} if tile else {273: places, 279: sizes}
    entries |= layout | ({} if tile else {278: (4, [rows or height])})
    entries |= {int(name[1:]): value for name, value in tags.items()}
    return _assembled(b"".join(parts), entries, order)


def _parts(plane, rows, tile):
    height, width = plane.shape[:2]
    if tile is None:
        return [plane[top : top + rows] for top in range(0, height, rows)]
    padded = np.pad(plane, ((0, -height % tile), (0, -width % tile), (0, 0)))
    return [
        padded[top : top + tile, left : left + tile] for top in range(0, height, tile) for left in range(0, width, tile)
    ]


def _assembled(body, entries, order):
    body += b"\0" * (len(body) % 2)
    start = 8 + len(body)
    table, extra = struct.pack(order + "H", len(entries)), b""
    for tag, (kind, values) in sorted(entries.items()):
        letter, size = _SIZES[kind]
        data = struct.pack(f"{order}{len(values)}{letter}", *values)
        if size * len(values) > 4:
            place = start + 2 + 12 * len(entries) + 4 + len(extra)
            extra += data + b"\0" * (len(data) % 2)
            data = struct.pack(order + "I", place)
        table += struct.pack(order + "HHI", tag, kind, len(values) // (2 if kind == 5 else 1)) + data.ljust(4, b"\0")
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", start)
    return head + body + table + bytes(4) + extra
