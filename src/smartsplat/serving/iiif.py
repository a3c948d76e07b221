"""The IIIF Image API 3.0 (https://iiif.io/api/image/3.0/), level 2: its addresses and its description of a picture."""

from __future__ import annotations

import math
import re
from typing import Any

from smartsplat.serving.requests import FORMATS, RequestError, Wanted

CONTEXT = "http://iiif.io/api/image/3/context.json"
PROFILE = "http://iiif.io/api/image/3/level2.json"
QUALITIES = ("default", "color", "gray", "bitonal")
TILE = 512
"""Side, px, of the tiles that clients are told to ask for."""

EXTRA_FEATURES = ["mirroring", "profileLinkHeader", "canonicalLinkHeader"]
"""Beyond level 2. Sizes after ``^`` are served as well, but not announced: the community's validator wants ``^max`` of
who announces them to be the region's own size, where the standard says the largest that ``maxArea`` allows."""

GREATEST_NUMBER = 12
"""Digits of a number in an address."""

_NUMBER = rf"[0-9]{{1,{GREATEST_NUMBER}}}"
_DECIMAL = rf"{_NUMBER}(?:\.[0-9]{{1,{GREATEST_NUMBER}}})?"


def parse(parts: list[str], width: int, height: int, most_pixels: int) -> Wanted:
    """What region, size, rotation and quality.format ask for of a picture of that width and height, px.

    Raises:
        RequestError: they are not as the standard says (400), ask for what level 2 has not (501), or for more pixels
            than that (400).
    """
    if len(parts) != 4:
        raise RequestError(404, "an address ends in REGION/SIZE/ROTATION/QUALITY.FORMAT, or in info.json")
    region = parse_region(parts[0], width, height)
    size = parse_size(parts[1], region[2], region[3], most_pixels)
    mirrored, rotation = parse_rotation(parts[2])
    quality, _, extension = parts[3].partition(".")
    if quality not in QUALITIES:
        raise RequestError(400, f"a quality is one of {', '.join(QUALITIES)}")
    if extension not in FORMATS:
        raise RequestError(400, f"a format is one of {', '.join(FORMATS)}")
    return Wanted(region, size, rotation, mirrored, "color" if quality == "default" else quality, extension)


def parse_region(text: str, width: int, height: int) -> tuple[int, int, int, int]:
    """x, y, width, height, px, cut where it leaves the picture.

    Raises:
        RequestError: it is no region, or nothing of it is in the picture (400).
    """
    if text == "full":
        return 0, 0, width, height
    if text == "square":
        side = min(width, height)
        return (width - side) // 2, (height - side) // 2, side, side
    if match := re.fullmatch(rf"({_NUMBER}),({_NUMBER}),({_NUMBER}),({_NUMBER})", text):
        left, top, across, down = map(int, match.groups())
    elif match := re.fullmatch(rf"pct:({_DECIMAL}),({_DECIMAL}),({_DECIMAL}),({_DECIMAL})", text):
        x, y, w, h = (float(group) / 100 for group in match.groups())
        left, top, across, down = round(x * width), round(y * height), round(w * width), round(h * height)
    else:
        raise RequestError(400, "a region is full, square, x,y,w,h or pct:x,y,w,h")
    across, down = min(across, width - left), min(down, height - top)
    if across < 1 or down < 1:
        raise RequestError(400, f"nothing of the region lies in the picture of {width} x {height} px")
    return left, top, across, down


def parse_size(text: str, width: int, height: int, most_pixels: int) -> tuple[int, int]:
    """Width and height, px, of the result for a region of that width and height.

    Raises:
        RequestError: it is no size, larger than the region without ``^``, or more pixels than that (400).
    """
    larger, plain = text.startswith("^"), text.removeprefix("^")
    size = _size(plain, larger, width, height, most_pixels)
    if min(size) < 1:
        raise RequestError(400, "the size would be nothing")
    if not larger and (size[0] > width or size[1] > height):
        raise RequestError(400, f"larger than the region, {width} x {height} px; ^{plain} asks for that")
    if size[0] * size[1] > most_pixels:
        raise RequestError(400, f"{size[0]} x {size[1]} px are more than the {most_pixels} pixels that are served")
    return size


def _size(text: str, larger: bool, width: int, height: int, most_pixels: int) -> tuple[int, int]:
    if text == "max":
        scale = math.sqrt(most_pixels / (width * height))
        if not larger:
            scale = min(1.0, scale)
        return max(1, int(width * scale)), max(1, int(height * scale))
    if match := re.fullmatch(rf"({_NUMBER}),", text):
        across = int(match[1])
        return across, max(1, round(height * across / width)) if across else 0
    if match := re.fullmatch(rf",({_NUMBER})", text):
        down = int(match[1])
        return max(1, round(width * down / height)) if down else 0, down
    if match := re.fullmatch(rf"pct:({_DECIMAL})", text):
        part = float(match[1]) / 100
        return round(width * part), round(height * part)
    if match := re.fullmatch(rf"(!?)({_NUMBER}),({_NUMBER})", text):
        across, down = int(match[2]), int(match[3])
        return _confined(across, down, larger, width, height) if match[1] else (across, down)
    raise RequestError(400, "a size is max, w,  ,h  pct:n  w,h or !w,h, perhaps after ^")


def _confined(across: int, down: int, larger: bool, width: int, height: int) -> tuple[int, int]:
    scale = min(across / width, down / height)
    if scale == 0 or (scale > 1 and not larger):  # parse_size refuses both
        return across, down
    return max(1, min(round(width * scale), across)), max(1, min(round(height * scale), down))


def parse_rotation(text: str) -> tuple[bool, int]:
    """Whether it is mirrored, and by how many degrees it is turned clockwise then: 0, 90, 180 or 270.

    Raises:
        RequestError: it is no rotation (400), or another one (501).
    """
    match = re.fullmatch(rf"(!?)({_DECIMAL})", text)
    if not match or not 0 <= float(match[2]) <= 360:
        raise RequestError(400, "a rotation is a number from 0 to 360, perhaps after !")
    degrees = float(match[2])
    if degrees % 90:
        raise RequestError(501, "pictures are turned by multiples of 90 degrees only")
    return bool(match[1]), int(degrees) % 360


def canonical(identity: str, wanted: Wanted, width: int, height: int) -> str:
    """The address that the standard prefers for a picture."""
    full = wanted.region == (0, 0, width, height)
    region = "full" if full else ",".join(map(str, wanted.region))
    across, down = wanted.size
    larger = "^" if across > wanted.region[2] or down > wanted.region[3] else ""
    size = "max" if wanted.size == wanted.region[2:] else f"{larger}{across},{down}"
    turn = f"{'!' if wanted.mirrored else ''}{wanted.rotation}"
    quality = "default" if wanted.quality == "color" else wanted.quality
    return f"{identity}/{region}/{size}/{turn}/{quality}.{wanted.format}"


def scale_factors(width: int, height: int) -> list[int]:
    """Powers of two by which the picture may be made smaller until it fits a tile."""
    count = max(0, math.ceil(math.log2(max(width, height) / TILE)))
    return [2**k for k in range(count + 1)]


def description(identity: str, width: int, height: int, most_pixels: int) -> dict[str, Any]:
    """The ``info.json`` of a picture at that address."""
    factors = scale_factors(width, height)
    return {
        "@context": CONTEXT,
        "id": identity,
        "type": "ImageService3",
        "protocol": "http://iiif.io/api/image",
        "profile": "level2",
        "width": width,
        "height": height,
        "maxArea": most_pixels,
        "sizes": [
            {"width": max(1, math.ceil(width / f)), "height": max(1, math.ceil(height / f))} for f in reversed(factors)
        ],
        "tiles": [{"width": TILE, "height": TILE, "scaleFactors": factors}],
        "extraFormats": ["webp"],
        "extraQualities": list(QUALITIES[1:]),
        "extraFeatures": EXTRA_FEATURES,
    }
