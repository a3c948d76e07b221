"""ICC profiles, made by hand (ICC.1:2022, sections 7 and 10)."""

import struct

import numpy as np

SRGB = [(0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410)]
DISPLAY_P3 = [(0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407)]


def profile(space, tags, connection=b"XYZ "):
    """A display profile of these tags."""
    table, data, offset = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, content in tags.items():
        content += bytes(-len(content) % 4)
        table += struct.pack(">4sII", name, offset + len(data), len(content))
        data += content
    size = offset + len(data)
    header = struct.pack(">I4sI4s4s4s12x4s", size, b"test", 0x02400000, b"mntr", space, connection, b"acsp")
    return (header.ljust(68, b"\0") + xyz((0.9642, 1, 0.8249))[8:]).ljust(128, b"\0") + table + data


def xyz(values):
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in values))


def gamma_curve(gamma):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def linear_curve():
    return b"curv\0\0\0\0" + struct.pack(">I", 0)


def srgb_table(count):
    x = np.linspace(0, 1, count)
    y = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
    return b"curv\0\0\0\0" + struct.pack(f">I{count}H", count, *np.round(y * 65535).astype(int))


def srgb_parametric():
    values = 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045
    return b"para\0\0\0\0" + struct.pack(">Hxx5i", 3, *(round(v * 65536) for v in values))


def rgb_profile(colorants, curve):
    colours = {name: xyz(c) for name, c in zip([b"rXYZ", b"gXYZ", b"bXYZ"], colorants, strict=True)}
    return profile(b"RGB ", colours | dict.fromkeys([b"rTRC", b"gTRC", b"bTRC"], curve))


def grey_profile(curve):
    return profile(b"GRAY", {b"wtpt": xyz((0.9642, 1, 0.8249)), b"kTRC": curve})


def cmyk_profile(cyan):
    """A profile in which paper is white, pure cyan is that L*a*b* (as bytes), and all else is black."""
    ramp = bytes(range(256))
    corners = np.zeros((2, 2, 2, 2, 3), np.uint8) + np.array([0, 128, 128], np.uint8)
    corners[0, 0, 0, 0] = 255, 128, 128
    corners[1, 0, 0, 0] = cyan
    identity = struct.pack(">9i", *(65536 * (i in (0, 4, 8)) for i in range(9)))
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + identity + ramp * 4 + corners.tobytes() + ramp * 3
    return profile(b"CMYK", {b"wtpt": xyz((0.9642, 1, 0.8249)), b"A2B0": table}, b"Lab ")
