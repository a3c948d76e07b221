"""The native kernels as operators of PyTorch's dispatcher, with what autograd and compilation need of them.

``smartsplat::blend`` makes a picture, ``smartsplat::blend_vjp`` the gradients by its parameters from the cotangent of
the picture. ``shape`` is [scales, angles] or [conics]. Tensors are float32 or float64, all the same, on the CPU; their
memory is read where it lies.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from numpy.typing import NDArray

from smartsplat import _native

_PARAMETERS = "Tensor means, Tensor[] shape, Tensor colours, Tensor? opacities"
BLEND_SCHEMA = f"({_PARAMETERS}, SymInt height, SymInt width, str blend, int k) -> Tensor"
VJP_SCHEMA = f"(Tensor cotangent, {_PARAMETERS}, str blend, int k) -> Tensor[]"

Shape = Sequence[torch.Tensor]


def _array(tensor: torch.Tensor) -> NDArray[Any]:
    """The tensor's own memory, or a contiguous copy."""
    array: NDArray[Any] = tensor.detach().contiguous().numpy()
    return array


def _native_parameters(
    means: torch.Tensor, shape: Shape, colours: torch.Tensor, opacities: torch.Tensor | None
) -> dict[str, Any]:
    names = ("scales", "angles") if len(shape) == 2 else ("conics",)
    found = {name: _array(tensor) for name, tensor in zip(names, shape, strict=True)}
    return {
        "means": _array(means),
        "scales": found.get("scales"),
        "angles": found.get("angles"),
        "conics": found.get("conics"),
        "colours": _array(colours),
        "opacities": None if opacities is None else _array(opacities),
    }


def _blend(
    means: torch.Tensor,
    shape: Shape,
    colours: torch.Tensor,
    opacities: torch.Tensor | None,
    height: int,
    width: int,
    blend: str,
    k: int,
) -> torch.Tensor:
    parameters = _native_parameters(means, shape, colours, opacities)
    picture = _native.blend(**parameters, height=height, width=width, blend=blend, k=k, threads=torch.get_num_threads())
    return torch.from_numpy(picture)


def _blend_shape(
    means: torch.Tensor,
    shape: Shape,
    colours: torch.Tensor,
    opacities: torch.Tensor | None,
    height: int,
    width: int,
    blend: str,
    k: int,
) -> torch.Tensor:
    return means.new_empty((height, width, colours.shape[1]))


def _vjp(
    cotangent: torch.Tensor,
    means: torch.Tensor,
    shape: Shape,
    colours: torch.Tensor,
    opacities: torch.Tensor | None,
    blend: str,
    k: int,
) -> list[torch.Tensor]:
    parameters = _native_parameters(means, shape, colours, opacities)
    gradients = _native.blend_vjp(
        cotangent.detach().numpy(), **parameters, blend=blend, k=k, threads=torch.get_num_threads()
    )
    return [torch.from_numpy(gradient) for gradient in gradients if gradient is not None]


def _vjp_shapes(
    cotangent: torch.Tensor,
    means: torch.Tensor,
    shape: Shape,
    colours: torch.Tensor,
    opacities: torch.Tensor | None,
    blend: str,
    k: int,
) -> list[torch.Tensor]:
    there = (means, *shape, colours) if opacities is None else (means, *shape, colours, opacities)
    return [tensor.new_empty(tensor.shape) for tensor in there]


def _keep(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
    """Saves what the backward pass needs."""
    means, shape, colours, opacities, _, _, ctx.blend, ctx.k = inputs
    ctx.parts = len(shape)
    ctx.save_for_backward(means, *shape, colours, opacities)


def _backward(ctx: Any, cotangent: torch.Tensor) -> tuple[Any, ...]:
    means, *shape, colours, opacities = ctx.saved_tensors
    gradients = blend_vjp(cotangent, means, shape, colours, opacities, ctx.blend, ctx.k)
    by_means, by_shape, by_colours = gradients[0], gradients[1 : 1 + ctx.parts], gradients[1 + ctx.parts]
    by_opacities = None if opacities is None else gradients[-1]
    return by_means, by_shape, by_colours, by_opacities, None, None, None, None


blend = torch.library.custom_op("smartsplat::blend", _blend, mutates_args=(), schema=BLEND_SCHEMA, device_types="cpu")
"""The picture [height, width, C] of N Gaussians."""

blend_vjp = torch.library.custom_op(
    "smartsplat::blend_vjp", _vjp, mutates_args=(), schema=VJP_SCHEMA, device_types="cpu"
)
"""The gradients by means, shape, colours and, where they are given, opacities."""

blend.register_fake(_blend_shape)
blend_vjp.register_fake(_vjp_shapes)
blend.register_autograd(_backward, setup_context=_keep)
