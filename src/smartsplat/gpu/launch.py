"""How kernels are launched: in one place, which can tell of every launch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

TILE = 16
"""Side of a tile, px; its pixels are those of one program."""

WEIGHED = 8
"""Splats that a program weighs at a time at each of its pixels."""

VECTOR = 256
"""Splats, spans or pairs of a program that has one for each lane."""

Grid = tuple[int, ...]
Told = Callable[[Any, tuple[Any, ...], dict[str, Any]], None]

_listeners: list[Told] = []


def launch(kernel: Any, grid: Grid, *arguments: Any, **constants: Any) -> None:
    """Runs a kernel, if there is a program to run.

    Args:
        kernel: of ``smartsplat.gpu.kernels``.
        grid: programs along each axis.
        arguments: tensors and numbers, in the kernel's order.
        constants: its compile-time constants, and ``num_warps`` where that is not 4.
    """
    for told in _listeners:
        told(kernel, arguments, constants)
    if all(size > 0 for size in grid):
        device = next((a.device for a in arguments if isinstance(a, torch.Tensor)), torch.device("cpu"))
        if device.type == "cuda" and device.index != torch.cuda.current_device():
            with torch.cuda.device(device):
                kernel[grid](*arguments, **constants)
        else:
            kernel[grid](*arguments, **constants)


def parts(count: int, size: int) -> int:
    """Programs for so many things, ``size`` to each."""
    return -(-count // size)


def listen(told: Told) -> Callable[[], None]:
    """Calls ``told`` before each launch with the kernel, its arguments and its constants; returns what ends that."""
    _listeners.append(told)
    return lambda: _listeners.remove(told)
