"""Splats on a graphics card, by kernels in Triton: what ``smartsplat.torch`` and the engine ``cuda`` share.

Nothing imports this room before it is asked for. It needs PyTorch and Triton, and a card that both know (NVIDIA or
AMD); without one, kernels run where ``TRITON_INTERPRET=1`` was set before Python began: very slowly, for tests.
"""

from __future__ import annotations

try:
    import torch as _torch  # noqa: F401
    import triton as _triton  # noqa: F401
except ImportError as error:
    raise ImportError("kernels for graphics cards need PyTorch and Triton: pip install torch triton") from error
