"""Colours of 16 bits, of which Pillow keeps the upper bytes: the lower ones come from loading the picture once more."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from smartsplat.pictures.samples import Samples

_OTHER_ORDER = {"16B": "16L", "16L": "16B", "16N": "16B" if sys.byteorder == "little" else "16L"}
"""Layouts in which Pillow takes the other byte of each sample for the upper one."""

PREMULTIPLIED = "RGBa"
"""How layouts begin whose colours are multiplied with alpha; Pillow would divide the upper bytes by themselves."""


def layout(image: Image.Image) -> str:
    """Pillow's name for the layout of an open picture's samples, such as ``RGB;16B``; empty once it is loaded."""
    tiles = getattr(image, "tile", None)
    arguments = tiles[0][3] if tiles else ""
    return str(arguments if isinstance(arguments, str) else arguments[0])


def is_deep(image: Image.Image) -> bool:
    """Whether an open picture, not yet loaded, has colours of 16 bits whose lower bytes can be had."""
    name, _, order = layout(image).partition(";")
    planes = isinstance(image.info.get(_PLANES), bool)
    if is_packed_in_planes(image):
        return False
    return image.mode in ("RGB", "RGBA") and order in _OTHER_ORDER and (name.startswith("RGB") or planes)


def is_packed_in_planes(image: Image.Image) -> bool:
    """Whether an open picture is a TIFF of compressed planes, of whose samples libtiff hands Pillow the upper bytes."""
    tags: Any = getattr(image, "tag_v2", None)
    return tags is not None and tags.get(_PLANAR) == 2 and image.tile[0][0] == "libtiff"  # type: ignore[attr-defined]


_PLANAR = 284

_PLANES = "smartsplat planes"


def mark_planes(image: Image.Image) -> None:
    """Says of an open picture that its layouts are those of planes."""
    image.info[_PLANES] = True


def rename_layouts(image: Image.Image, renamed: Callable[[str], str]) -> None:
    """Gives an open picture, not yet loaded, other names of layouts."""
    image.tile = [tile._replace(args=_with_layout(tile.args, renamed)) for tile in image.tile]  # type: ignore[attr-defined]


def _with_layout(arguments: Any, renamed: Callable[[str], str]) -> Any:
    if isinstance(arguments, str):
        return renamed(arguments)
    return (renamed(arguments[0]), *arguments[1:])


def is_premultiplied(image: Image.Image) -> bool:
    """Whether an open picture's colours are, in its file, multiplied with its alpha."""
    return layout(image).startswith(PREMULTIPLIED)


def take_as_stored(image: Image.Image) -> None:
    """Has premultiplied colours of an open picture loaded as they stand in the file."""
    rename_layouts(image, lambda name: name.replace(PREMULTIPLIED, "RGBA"))


def load_low_bytes(image: Image.Image) -> None:
    """Loads an open picture of 16-bit colours with the lower bytes of its samples in place of the upper ones."""

    def other(name: str) -> str:
        kind, _, order = name.partition(";")
        return f"{kind};{_OTHER_ORDER[order]}"

    rename_layouts(image, other)
    image.load()


def joined(upper: Image.Image, low: Image.Image, key: object, *, premultiplied: bool) -> Samples:
    """Samples uint16 [h, w, 3 or 4] of the two pictures of a part.

    Args:
        upper: with the upper bytes.
        low: with the lower ones.
        key: the colour that is transparent, three numbers, if there is one.
        premultiplied: whether colours are multiplied with alpha, which is undone.
    """
    samples = np.asarray(upper).astype(np.uint16) << 8 | np.asarray(low)
    if isinstance(key, tuple):
        alpha = np.where((samples == np.array(key, np.uint16)).all(axis=2), 0, 65535).astype(np.uint16)
        return np.concatenate([samples, alpha[:, :, None]], axis=2)
    return _divided(samples) if premultiplied else samples


def _divided(samples: Samples) -> Samples:
    """Premultiplied RGBA as straight one; where alpha is 0 so are the colours."""
    alpha = samples[:, :, 3:].astype(np.uint32)
    colours = (samples[:, :, :3].astype(np.uint64) * 65535 + alpha // 2) // np.maximum(alpha, 1)
    return np.concatenate([np.minimum(colours, 65535).astype(np.uint16), samples[:, :, 3:]], axis=2)
