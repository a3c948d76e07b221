"""Sets of splats as named arrays of NumPy, .npz: exact, and read by one call from anywhere."""

from __future__ import annotations

import io
import zipfile
from typing import BinaryIO

import numpy as np

from smartsplat.errors import FormatError
from smartsplat.file.limits import checked_set
from smartsplat.model.splats import Splats

START = b"PK\x03\x04"

UNITS = (
    "xy: centres, px from the top left corner of the picture, x right, y down, pixel centres at integer + 0.5",
    "scale: standard deviations along the two axes, px",
    "angle: of the first axis, radians from x towards y",
    "colour: amplitudes of red, green and blue, 1.0 is 8-bit 255; the picture is the clamped sum of all splats",
)


def write(file: BinaryIO, splats: Splats, width: int, height: int) -> None:
    """Writes a set for a picture of that size, px."""
    np.savez(
        file, xy=splats.xy, scale=splats.scale, angle=splats.angle, colour=splats.colour,
        width=np.array(width), height=np.array(height), units=np.array(UNITS),
    )  # fmt: skip


def read(data: bytes) -> tuple[Splats, int, int]:
    """A set, and width and height of its picture, px.

    Raises:
        FormatError: it is none.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            splats = Splats.from_arrays(*(arrays[name] for name in ("xy", "scale", "angle", "colour")))
            width, height = int(arrays["width"]), int(arrays["height"])
    except KeyError as error:
        raise FormatError(f"there are no arrays of a set of splats in it: {error.args[0]}") from error
    except (ValueError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise FormatError("the arrays of the set are damaged, or of other shapes") from error
    return checked_set(splats, width, height)
