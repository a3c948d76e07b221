"""What a request asks for, and the errors that are its own."""

from __future__ import annotations

from dataclasses import dataclass

FORMATS = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
"""Formats of the pictures that are served, and their media types."""


class RequestError(Exception):
    """A request that cannot be answered; its text is a sentence for a person.

    Args:
        status: of HTTP.
        text: why.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True)
class Wanted:
    """A picture that is asked for.

    Attributes:
        region: x, y, width, height, px of the original.
        size: width and height of the result before it is turned, px.
        rotation: degrees clockwise: 0, 90, 180 or 270.
        mirrored: left and right change places before that.
        quality: ``color``, ``gray`` or ``bitonal``.
        format: one of FORMATS.
    """

    region: tuple[int, int, int, int]
    size: tuple[int, int]
    rotation: int = 0
    mirrored: bool = False
    quality: str = "color"
    format: str = "jpg"
