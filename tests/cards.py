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

from benchmarks.interpreter import patch_once  # noqa: E402

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.fixture(autouse=True)
def few_programs(monkeypatch):
    """Larger ones where each of their operations is a call of NumPy: the same numbers, sooner."""
    from smartsplat.gpu import lattice, similarity

    if DEVICE.type == "cpu":
        for module in (lattice, similarity):
            monkeypatch.setattr(module, "ROWS", 32)


if DEVICE.type == "cpu":
    patch_once()
