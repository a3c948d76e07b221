"""The registry: every codec of the comparison by its name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from smartsplat.bench import formats
from smartsplat.bench.interface import Codec
from smartsplat.bench.names import split_name
from smartsplat.bench.search import FACTORS, Shrinking
from smartsplat.bench.splats import SmartSplat


def make_codec(name: str, *, factors: Sequence[int] = FACTORS, threads: int = 1, tune: str | None = None) -> Codec:
    """A codec by its name on the command line.

    Args:
        name: one of `names.NAMES`; a colon and a number after it choose the effort: ``smartsplat:9``, WebP's
            method, JPEG XL's effort, AVIF's speed.
        factors: by how much a classical codec may shrink pictures first, each 1 or more.
        tune: of ``smartsplat``; see ``SmartSplat``.
        threads: for those that can use them, 1 or more.

    Raises:
        ValueError: there is no such codec, or it has no such effort.
        MissingExtraError: its library is not installed.
    """
    kind, effort = split_name(name)
    if kind == "smartsplat":
        return SmartSplat(effort, threads, tune)
    makers: dict[str, Callable[[], formats.Format]] = {
        "jpeg": formats.Jpeg,
        "webp": lambda: formats.WebP(6 if effort is None else effort),
        "jxl": lambda: formats.JpegXl(7 if effort is None else effort, threads),
        "avif": lambda: formats.Avif(6 if effort is None else effort, threads),
    }
    return Shrinking(name, makers[kind](), factors)
