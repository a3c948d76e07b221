"""Pictures from tensors of Gaussians, and gradients back into the tensors."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from smartsplat.torch import operator

BLENDS = ("sum", "alpha", "topk")
"""How splats may make a pixel."""


def rasterize(
    means: torch.Tensor,
    scales: torch.Tensor,
    angles: torch.Tensor,
    colours: torch.Tensor,
    height: int,
    width: int,
    *,
    opacities: torch.Tensor | None = None,
    blend: str = "sum",
    k: int = 10,
) -> torch.Tensor:
    """The picture of N Gaussians, differentiable in all tensors.

    All tensors are float32 or all are float64, of any layout, on the CPU or on one graphics card of NVIDIA or AMD. A
    splat's weight at a pixel is w = exp(-q / 2), q the squared Mahalanobis distance of the pixel's centre from its
    mean, and 0 where q > 2 ln 255: beyond 3.33 standard deviations, where w falls below 1/255. (This is what the
    engines draw.) A splat with a number that is not finite or a scale of 0 shows nothing and gets zero gradients.

    Args:
        means: centres [N, 2], x and y in px; pixel centres lie at integer + 0.5, the origin is the top left corner.
        scales: [N, 2], one standard deviation along each of the splat's two axes, in px; signs do not matter.
        angles: [N] in radians: the first axis points along (cos, sin), x right and y down.
        colours: [N, C], C at least 1; of any size, negative ones too.
        height: of the picture in px, at least 0.
        width: likewise.
        opacities: [N], 1 where they are not given.
        blend: ``sum``: the sum of opacity w colour. ``alpha``: Eq. 4 of the paper, alpha compositing with alpha =
            opacity w, in which the first splat is in front and nothing is behind the last; opacities are meant to be
            in [0, 1]. ``topk``: the mean of the colours of the k splats with the greatest opacity w, weighted by it,
            where 1e-4 is added to the sum of the weights, as in Image-GS; of equal ones the first count. There w
            reaches to opacity w = 1e-8, and a splat whose opacity is not positive takes no part.
        k: of ``topk``, at least 1.

    Returns:
        [height, width, C] of the tensors' type, contiguous, not clamped.

    Raises:
        ValueError: a tensor of another shape, type or device, an unknown blend, or a size or k out of its range.
    """
    _check({"means": means, "scales": scales, "angles": angles, "colours": colours}, opacities, height, width, blend, k)
    return operator.rasterize(means, scales, angles, colours, opacities, height, width, blend, k)


def rasterize_conics(
    means: torch.Tensor,
    conics: torch.Tensor,
    colours: torch.Tensor,
    height: int,
    width: int,
    *,
    opacities: torch.Tensor | None = None,
    blend: str = "sum",
    k: int = 10,
) -> torch.Tensor:
    """The same of Gaussians that are given by their inverse covariances.

    Args:
        means: as in ``rasterize``.
        conics: [N, 3]: the entries xx, xy and yy of each inverse covariance, 1/px^2, so that q = xx dx^2 + 2 xy dx dy +
            yy dy^2. One that is not positive definite shows nothing and gets zero gradients.
        colours: as in ``rasterize``, and so are all others.
        height: likewise.
        width: likewise.
        opacities: likewise.
        blend: likewise.
        k: likewise.

    Returns:
        As ``rasterize``.

    Raises:
        ValueError: likewise.
    """
    _check({"means": means, "conics": conics, "colours": colours}, opacities, height, width, blend, k)
    return operator.rasterize_conics(means, conics, colours, opacities, height, width, blend, k)


_SHAPES: Mapping[str, tuple[str, int | None]] = {
    "means": ("[N, 2]", 2),
    "scales": ("[N, 2]", 2),
    "angles": ("[N]", None),
    "conics": ("[N, 3]", 3),
    "colours": ("[N, C]", 0),
    "opacities": ("[N]", None),
}
"""What is asked for, and the columns: None for no second dimension, 0 for any number from 1 on."""


def _fits(tensor: torch.Tensor, count: int, columns: int | None) -> bool:
    shape = tuple(tensor.shape)
    if columns is None:
        return shape == (count,)
    if len(shape) != 2 or shape[0] != count:
        return False
    return bool(shape[1] == columns if columns else shape[1] >= 1)


def _check(
    tensors: Mapping[str, torch.Tensor],
    opacities: torch.Tensor | None,
    height: int,
    width: int,
    blend: str,
    k: int,
) -> None:
    """Raises ValueError, in one line, for what cannot be drawn."""
    given = dict(tensors) if opacities is None else {**tensors, "opacities": opacities}
    for name, tensor in given.items():
        if not isinstance(tensor, torch.Tensor):
            raise ValueError(f"{name} must be a tensor, not {type(tensor).__name__}")
    means = given["means"]
    if means.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"means must be float32 or float64, not {means.dtype}")
    count = means.shape[0] if means.ndim > 0 else 0
    for name, tensor in given.items():
        expected, columns = _SHAPES[name]
        if tensor.device.type not in ("cpu", "cuda") or tensor.layout != torch.strided:
            where = f"not {tensor.layout} on {tensor.device}"
            raise ValueError(f"{name} must be a dense tensor on the CPU or a graphics card, {where}")
        if tensor.device != means.device:
            raise ValueError(f"{name} must be on {means.device} as means are, not on {tensor.device}")
        if tensor.dtype != means.dtype:
            raise ValueError(f"{name} must be {means.dtype} as means are, not {tensor.dtype}")
        if not _fits(tensor, count, columns):
            raise ValueError(f"{name} must be {expected} with N = {count}, not {list(tensor.shape)}")
    if blend not in BLENDS:
        raise ValueError(f"blend must be one of {', '.join(BLENDS)}, not {blend!r}")
    if height < 0 or width < 0 or k < 1:
        raise ValueError(f"height and width must be at least 0 and k at least 1, not {height}, {width} and {k}")
