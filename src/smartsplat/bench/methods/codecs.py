"""Codecs of ``bench rd`` as methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from smartsplat.bench.interface import Codec, Pixels
from smartsplat.bench.methods.interface import LogRow, Outcome


class CodecMethod:
    """A codec whose file has as many bytes as splats have nominally at a compression ratio.

    Args:
        codec: it.
    """

    def __init__(self, codec: Codec) -> None:
        self._codec = codec

    @property
    def name(self) -> str:
        """The codec's."""
        return self._codec.name

    @property
    def versions(self) -> Mapping[str, str]:
        """The codec's."""
        return self._codec.versions

    @property
    def settings(self) -> Mapping[str, Any]:
        """The codec's."""
        return self._codec.settings

    def run(self, pixels: Pixels, cr: float, log: Callable[[LogRow], None] | None, every: int) -> Outcome | None:
        """See ``Method``; there is nothing to log."""
        del log, every
        encoded = self._codec.encode_to(pixels, int(pixels.size / cr))
        if encoded is None:
            return None
        height, width = pixels.shape[:2]

        def decode() -> Pixels:
            return self._codec.decode(encoded.data, width, height)

        size = len(encoded.data)
        return Outcome(nominal_bytes=size, bytes=size, total_seconds=encoded.seconds, frame=decode, decoded=decode())
