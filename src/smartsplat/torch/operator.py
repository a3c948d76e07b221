"""The kernels as operators of PyTorch's dispatcher, with what autograd and compilation need of them.

``smartsplat::rasterize`` makes a picture, ``smartsplat::rasterize_vjp`` the gradients by its parameters from a
cotangent of the picture, and there are the same two for conics. Their tensors are float32 or float64, all alike, on
the CPU, where memory is read where it lies and the core computes, or on a graphics card, where ``smartsplat.gpu``
does. (They are defined by ``torch.library.define``, since what ``custom_op`` makes
loads the compiler at its first call, which takes seconds.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from numpy.typing import NDArray

from smartsplat import _native

Names = Sequence[str]
MaybeTensors = Sequence[torch.Tensor | None]

AXES = ("means", "scales", "angles", "colours", "opacities")
CONICS = ("means", "conics", "colours", "opacities")
"""The tensors of the two ways to give Gaussians; the last of each may be None."""


_SCENE = "_smartsplat_scene"
"""Attribute under which a picture brings its placed splats to autograd, which takes them off: placing takes a tenth of
a pass. Where they are missing, as in compiled graphs, the backward pass places them again."""


_interpreted = False
"""Set by tests, under Triton's interpreter, to have the kernels for cards run on tensors of the CPU."""


def _array(tensor: torch.Tensor | None) -> NDArray[Any] | None:
    """The tensor's own memory, or a contiguous copy."""
    if tensor is None:
        return None
    array: NDArray[Any] = tensor.detach().contiguous().numpy()
    return array


class _NativeScene:
    """Gaussians placed by the native core."""

    def __init__(self, names: Names, tensors: MaybeTensors, height: int, width: int, blend: str, k: int) -> None:
        arrays: dict[str, Any] = {"scales": None, "angles": None, "conics": None}
        arrays |= {name: _array(tensor) for name, tensor in zip(names, tensors, strict=True)}
        native = _native.Scene32 if arrays["means"].dtype == "float32" else _native.Scene64
        threads = torch.get_num_threads()
        self._scene = native(**arrays, height=height, width=width, blend=blend, k=k, threads=threads)

    def draw(self) -> torch.Tensor:
        """The picture."""
        return torch.from_numpy(self._scene.draw(torch.get_num_threads()))

    def gradients(self, cotangent: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """By the tensors; an empty one in the place of opacities that are not there."""
        *by_others, by_opacities = self._scene.vjp(cotangent.detach().numpy(), torch.get_num_threads())
        there = tuple(torch.from_numpy(gradient) for gradient in by_others if gradient is not None)
        return (*there, cotangent.new_empty(0) if by_opacities is None else torch.from_numpy(by_opacities))


class _CardScene:
    """The same by kernels for graphics cards."""

    def __init__(self, names: Names, tensors: MaybeTensors, height: int, width: int, blend: str, k: int) -> None:
        from smartsplat.gpu import blending  # which takes Triton

        del names
        *others, optional = tensors
        means, *shape, colours = (tensor.detach().contiguous() for tensor in others if tensor is not None)
        opacities = None if optional is None else optional.detach().contiguous()
        self._gpu, self._shape, self._opacities = blending, tuple(shape), opacities
        self._scene = blending.scene_of(means, self._shape, colours, opacities, height, width, blend, k)

    def draw(self) -> torch.Tensor:
        """See ``_NativeScene``."""
        return self._gpu.draw(self._scene)

    def gradients(self, cotangent: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """See ``_NativeScene``."""
        return self._gpu.gradients(self._scene, self._shape, self._opacities, cotangent.detach())


_Scene = _NativeScene | _CardScene


def _scene(names: Names, tensors: MaybeTensors, height: int, width: int, blend: str, k: int) -> _Scene:
    means = tensors[0]
    assert means is not None
    made = _CardScene if _interpreted or means.device.type == "cuda" else _NativeScene
    return made(names, tensors, height, width, blend, k)


def _picture(names: Names) -> Callable[..., torch.Tensor]:
    def picture(*arguments: Any) -> torch.Tensor:
        *tensors, height, width, blend, k = arguments
        scene = _scene(names, tensors, height, width, blend, k)
        drawn = scene.draw()
        if any(tensor is not None and tensor.requires_grad for tensor in tensors):
            setattr(drawn, _SCENE, scene)
        return drawn

    return picture


def _picture_shape(*arguments: Any) -> torch.Tensor:
    means, *_, colours, _, height, width, _, _ = arguments
    picture: torch.Tensor = means.new_empty((height, width, colours.shape[1]))
    return picture


def _vjp(names: Names) -> Callable[..., tuple[torch.Tensor, ...]]:
    def vjp(cotangent: torch.Tensor, *arguments: Any) -> tuple[torch.Tensor, ...]:
        *tensors, blend, k = arguments
        height, width = cotangent.shape[:2]
        return _scene(names, tensors, height, width, blend, k).gradients(cotangent)

    return vjp


def _vjp_shapes(cotangent: torch.Tensor, *arguments: Any) -> tuple[torch.Tensor, ...]:
    *tensors, opacities, _, _ = arguments
    by_opacities = cotangent.new_empty(0 if opacities is None else opacities.shape)
    return (*(tensor.new_empty(tensor.shape) for tensor in tensors), by_opacities)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
    """Saves what the backward pass needs."""
    *tensors, _, _, ctx.blend, ctx.k = inputs
    ctx.save_for_backward(*tensors)
    ctx.scene = output.__dict__.pop(_SCENE, None)


def _backward(vjp: Callable[..., tuple[torch.Tensor, ...]]) -> Callable[..., tuple[torch.Tensor | None, ...]]:
    def backward(ctx: Any, cotangent: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        tensors = ctx.saved_tensors  # raises if one was changed since
        if ctx.scene is not None and not torch.is_grad_enabled():
            *gradients, by_opacities = ctx.scene.gradients(cotangent)
        else:
            *gradients, by_opacities = vjp(cotangent, *tensors, ctx.blend, ctx.k)
        return (*gradients, None if tensors[-1] is None else by_opacities, None, None, None, None)

    return backward


def _no_second_derivative(ctx: Any, *gradients: Any) -> None:
    raise NotImplementedError("smartsplat.torch has first derivatives only")


def _define(name: str, names: Names) -> Callable[..., torch.Tensor]:
    """Defines the operator of that name and its product with cotangents; returns the first."""
    *parameters, optional = names
    tensors = ", ".join(f"Tensor {parameter}" for parameter in parameters) + f", Tensor? {optional}"
    picture, vjp = f"smartsplat::{name}", f"smartsplat::{name}_vjp"
    results = ", ".join("Tensor" for _ in names)
    tags = (torch.Tag.pt2_compliant_tag,)
    torch.library.define(picture, f"({tensors}, SymInt height, SymInt width, str blend, int k) -> Tensor", tags=tags)
    torch.library.define(vjp, f"(Tensor cotangent, {tensors}, str blend, int k) -> ({results})", tags=tags)
    for device in ("CPU", "CUDA"):  # the latter is AMD's as well
        torch.library.impl(picture, device, _picture(names))
        torch.library.impl(vjp, device, _vjp(names))
    torch.library.register_fake(picture, _picture_shape)
    torch.library.register_fake(vjp, _vjp_shapes)
    packet = torch.ops.smartsplat
    torch.library.register_autograd(picture, _backward(getattr(packet, f"{name}_vjp")), setup_context=_keep)
    torch.library.register_autograd(vjp, _no_second_derivative)
    operator: Callable[..., torch.Tensor] = getattr(packet, name).default
    return operator


rasterize = _define("rasterize", AXES)
"""Means, scales, angles, colours, opacities, height, width, blend, k -> [height, width, C]."""

rasterize_conics = _define("rasterize_conics", CONICS)
"""Means, conics, colours, opacities, height, width, blend, k -> [height, width, C]."""
