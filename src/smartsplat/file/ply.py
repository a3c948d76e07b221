"""Sets of splats as PLY, with the columns that programs for 3D Gaussian splatting read.

A splat is a flat Gaussian in the plane z = 0, x to the right and y down, in px. All columns are float32:

    x y z                    centre; z is 0
    nx ny nz                 0
    f_dc_0 f_dc_1 f_dc_2     (colour - 1/2) / 0.28209479, the constant of spherical harmonics
    opacity                  logit of the opacity, which is 1 for us: 16
    scale_0 scale_1 scale_2  natural logarithms of the standard deviations, px; the third is -16
    rot_0 rot_1 rot_2 rot_3  quaternion (w, x, y, z) of the turn about z

Such programs blend splats over each other; our picture is their sum, and colours may be negative. So they show where
the splats are, not the picture. The header's comments keep its size; files without them cannot be read here.
"""

from __future__ import annotations

import re
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from smartsplat.errors import FormatError
from smartsplat.file.limits import checked_set
from smartsplat.model.splats import Splats

START = b"ply\n"

COLUMNS = (
    "x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2", "opacity",
    "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3",
)  # fmt: skip

HARMONIC = 0.28209479177387814
"""1 / (2 sqrt(pi)), the constant spherical harmonic."""

EXTREME = 16.0
"""Logit of the opacity, and minus the logarithm of the thickness, for which no program needs more."""

HEADER = re.compile(
    rb"ply\nformat binary_little_endian 1\.0\n((?:comment [^\n]*\n)*)element vertex (\d{1,9})\n"
    rb"((?:property float \w+\n)+)end_header\n"
)
SIZE = re.compile(rb"comment smartsplat picture (\d{1,9}) x (\d{1,9}) px\n")


def write(file: BinaryIO, splats: Splats, width: int, height: int) -> None:
    """Writes a set for a picture of that size, px."""
    header = ["ply", "format binary_little_endian 1.0", f"comment smartsplat picture {width} x {height} px"]
    header += [f"element vertex {len(splats)}", *(f"property float {name}" for name in COLUMNS), "end_header", ""]
    p = splats.parameters.astype(np.float64)
    table = np.zeros((len(p), len(COLUMNS)), "<f4")
    table[:, 0:2] = p[:, 0:2]
    table[:, 6:9] = (p[:, 5:8] - 0.5) / HARMONIC
    table[:, 9], table[:, 12] = EXTREME, -EXTREME
    table[:, 10:12] = np.log(np.maximum(p[:, 2:4], np.finfo(np.float32).tiny))
    table[:, 13], table[:, 16] = np.cos(p[:, 4] / 2), np.sin(p[:, 4] / 2)
    file.write("\n".join(header).encode())
    file.write(table.tobytes())


def read(data: bytes) -> tuple[Splats, int, int]:
    """A set as ``write`` has it, and width and height of its picture, px.

    Raises:
        FormatError: it is none.
    """
    header = HEADER.match(data)
    size = SIZE.search(header[1]) if header else None
    if header is None or size is None:
        raise FormatError("it is no PLY of splats with the size of their picture")
    columns = _columns(data[header.end() :], int(header[2]), header[3])
    scale = np.exp([columns["scale_0"], columns["scale_1"]]).T
    angle = 2 * np.arctan2(columns["rot_3"], columns["rot_0"])
    colour = 0.5 + HARMONIC * np.stack([columns[f"f_dc_{c}"] for c in range(3)], axis=1)
    xy = np.stack([columns["x"], columns["y"]], axis=1)
    return checked_set(Splats.from_arrays(xy, scale, angle, colour), int(size[1]), int(size[2]))


def _columns(data: bytes, count: int, properties: bytes) -> dict[str, NDArray[np.float64]]:
    """The columns of a table of floats by their names."""
    names = re.findall(r"property float (\w+)\n", properties.decode())
    if missing := {*COLUMNS[:2], *COLUMNS[6:9], *COLUMNS[10:12], "rot_0", "rot_3"} - {*names}:
        raise FormatError(f"the PLY has no columns {', '.join(sorted(missing))}")
    if len(data) < 4 * count * len(names):
        raise FormatError("the PLY is cut short")
    table = np.frombuffer(data, "<f4", count * len(names)).reshape(count, len(names)).astype(np.float64)
    return dict(zip(names, table.T, strict=True))
