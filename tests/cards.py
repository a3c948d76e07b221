"""Tests of what runs on graphics cards: on one if there is one, else under Triton's interpreter on the processor."""

import importlib.util
import os
import sys

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra: torch)")
if importlib.util.find_spec("triton") is None:
    pytest.skip("Triton is not installed", allow_module_level=True)
if not torch.cuda.is_available():
    if "triton" in sys.modules and os.environ.get("TRITON_INTERPRET") != "1":
        pytest.skip("Triton was loaded without its interpreter", allow_module_level=True)
    os.environ["TRITON_INTERPRET"] = "1"  # which counts when Triton is loaded

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.fixture(autouse=True)
def few_programs(monkeypatch):
    """Larger ones where each of their operations is a call of NumPy: the same numbers, sooner."""
    from smartsplat.gpu import lattice, similarity

    if DEVICE.type == "cpu":
        for module in (lattice, similarity):
            monkeypatch.setattr(module, "ROWS", 32)


class _Stays:
    def restore(self):
        pass


def _patch_once():
    """Triton's interpreter puts its own functions in place of the language's at every call: once will do, in half the
    time. Where it works otherwise this changes nothing."""
    from triton.runtime import interpreter

    patch, done = getattr(interpreter, "_patch_lang", None), set()
    if patch is None:
        return

    def once(function):
        languages = (interpreter.tl, interpreter.tl.core)
        seen = frozenset(id(value) for value in function.__globals__.values() if any(value is tl for tl in languages))
        if seen not in done:
            patch(function)
            done.add(seen)
        return _Stays()

    interpreter._patch_lang = once


if DEVICE.type == "cpu":
    _patch_once()
