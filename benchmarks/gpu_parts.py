"""A small job that launches every kernel in every form that the package launches it in; and a kernel that is no part
of it."""

from __future__ import annotations

import numpy as np
import torch
import triton
import triton.language as tl

from smartsplat.engines import Loss
from smartsplat.engines.cuda import CudaEngine
from smartsplat.gpu import blending, devices, lattice, similarity
from smartsplat.gpu.launch import launch
from smartsplat.model.lattice import Lattice
from smartsplat.model.splats import Splats
from smartsplat.model.view import View

SIDES = 18, 20
"""Height and width, px."""


@triton.jit
def chain(out, links, S: tl.constexpr):
    """Four chains of multiplications and additions, as many a second as the card does."""
    x = tl.arange(0, S).to(tl.float32)
    a = x
    b = x + 1
    c = x + 2
    d = x + 3
    for _ in range(0, links):
        a = a * 0.999 + x
        b = b * 0.998 + x
        c = c * 0.997 + x
        d = d * 0.996 + x
    tl.store(out + tl.program_id(0) * S + tl.arange(0, S), a + b + c + d)


def splats(count: int, channels: int, kind: torch.dtype) -> list[torch.Tensor]:
    """Means, scales, angles, colours and opacities of a few small splats."""
    made = torch.Generator().manual_seed(1)
    means = torch.rand(count, 2, generator=made) * 16
    colours = torch.rand(count, channels, generator=made)
    tensors = [
        means,
        torch.full((count, 2), 1.5),
        torch.rand(count, generator=made),
        colours,
        torch.full((count,), 0.5),
    ]
    return [tensor.to(kind) for tensor in tensors]


def blends() -> None:
    for kind in (torch.float32, torch.float64):
        for channels in (1, 3):
            means, scales, angles, colours, opacities = splats(2, channels, kind)
            for blend in ("sum", "alpha", "topk"):
                scene = blending.scene_of(means, (scales, angles), colours, opacities, *SIDES, blend, 2)
                blending.gradients(scene, (scales, angles), opacities, blending.draw(scene))


def verbs() -> None:
    """Those of a frame, without and with a lattice."""
    height, width = SIDES
    means, scales, angles, colours, _ = (tensor.numpy() for tensor in splats(2, 3, torch.float32))
    some, target = Splats.from_arrays(means, scales, angles, colours), np.zeros((3, height, width), np.uint8)
    engine = CudaEngine(device=devices.processor())
    for under in (None, Lattice.empty(width, height, 4)):
        frame = engine.canvas(View(width, height), under, ssim=True).place(some)
        for kind in ("l2", "l1", "l1+ssim"):
            frame.gradient(target, Loss(kind))
        frame.render()
        frame.decoded_error(target)
        frame.cell_errors(target)
        frame.lattice_residual(target, (width, height), 4)
        for dtype in (np.uint8, np.float32):
            engine.views(width, height, some, under).render(
                View(width, height), np.empty((height, width, 3), dtype), threads=0
            )
    frame.normal_product(np.zeros((2, 8)))
    frame.normal_product(np.zeros((2, 3)))
    frame.colour_diagonal()


def everything() -> None:
    """All of the package's kernels. Few programs, for Triton's interpreter takes long: with these sizes, as they are
    used."""
    assert (lattice.ROWS, similarity.ROWS) == (4, 4)
    blends()
    verbs()
    launch(chain, (1,), torch.zeros(256), 4, S=256)  # of benchmarks.gpu
