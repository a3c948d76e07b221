"""The registry: every method of the paper's tables by its name."""

from __future__ import annotations

from smartsplat.bench.codecs import make_codec
from smartsplat.bench.methods.codecs import CodecMethod
from smartsplat.bench.methods.interface import Method
from smartsplat.bench.methods.names import SPLATS_ONLY, SYSTEMS, check_method, is_classical
from smartsplat.bench.methods.smartsplats import AUTO, Default, SplatsOnly
from smartsplat.bench.methods.systems import SystemMethod
from smartsplat.bench.names import split_name


def make_method(name: str, *, steps: int, seed: int, threads: int, engine: str = AUTO) -> Method:
    """A method by its name on the command line.

    Args:
        name: see ``names.METHODS``.
        steps: of the fits that have a number of steps: the compared systems and the two presets of the paper.
        seed: of all that is random, 0 or more.
        threads: of those that can use them, 1 or more.
        engine: of SmartSplat, see ``smartsplat.engines.load_engine``.

    Raises:
        ValueError: there is no such method.
        MissingExtraError: its library is not installed.
    """
    check_method(name)
    if name in SYSTEMS:
        return SystemMethod(name, steps, seed, threads)
    if is_classical(name):
        return CodecMethod(make_codec(name, threads=threads))
    if name not in SPLATS_ONLY:
        return Default(split_name(name)[1], seed, threads, engine)
    preset = name.partition(":")[2]
    options = {"lattice": "none"} if preset == "splats" else {"preset": preset, "steps": steps}
    return SplatsOnly(name, options, seed, threads, engine)
