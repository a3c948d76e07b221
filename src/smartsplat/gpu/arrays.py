"""Arrays on the device that NumPy's own functions take: what fits splats is written once, for arrays of any kind.

A ``DeviceArray`` answers the operators, methods and functions of NumPy that ``smartsplat.fitting`` uses, through the
protocols that NumPy has for that (``__array_ufunc__``, ``__array_function__``), with an operation on the device.
Nothing is copied to the host but where it is asked for: by ``numpy.asarray``, and by ``float`` and ``bool`` of a
single number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.lib.mixins import NDArrayOperatorsMixin

_KINDS: dict[np.dtype[Any], Any] = {
    np.dtype(np.float32): torch.float32,
    np.dtype(np.float64): torch.float64,
    np.dtype(np.uint8): torch.uint8,
    np.dtype(np.int32): torch.int32,
    np.dtype(np.int64): torch.int64,
    np.dtype(np.bool_): torch.bool,
}
_DTYPES = {kind: dtype for dtype, kind in _KINDS.items()}

_NAMES = {"true_divide": "divide", "divide": "divide", "invert": "bitwise_not", "power": "pow"}
"""NumPy's names that are not PyTorch's."""


class DeviceArray(NDArrayOperatorsMixin):
    """An array of numbers on the device; as one of NumPy, but for what nobody asked for so far.

    Types are PyTorch's: a single number, and whole numbers beside floats, do not make an array more precise.

    Args:
        tensor: its memory.
    """

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor

    # What it is

    @property
    def shape(self) -> tuple[int, ...]:
        """As NumPy's."""
        return tuple(self.tensor.shape)

    @property
    def ndim(self) -> int:
        """As NumPy's."""
        return int(self.tensor.ndim)

    @property
    def size(self) -> int:
        """As NumPy's."""
        return int(self.tensor.numel())

    @property
    def dtype(self) -> np.dtype[Any]:
        """As NumPy's."""
        dtype: np.dtype[Any] = _DTYPES[self.tensor.dtype]
        return dtype

    def __len__(self) -> int:
        return len(self.tensor)

    def __repr__(self) -> str:
        return f"DeviceArray({self.dtype} {list(self.shape)} on {self.tensor.device})"

    # To the host

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        array: np.ndarray[Any, Any] = self.tensor.detach().cpu().numpy()
        array = array if dtype is None else array.astype(dtype, copy=False)
        return array.copy() if self.tensor.device.type == "cpu" and copy is not False else array

    def __float__(self) -> float:
        return float(self.tensor)

    def __bool__(self) -> bool:
        return bool(self.tensor)

    # On the device

    def __getitem__(self, key: Any) -> DeviceArray:
        return DeviceArray(self.tensor[self._key(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        operand = self._operand(value)
        self.tensor[self._key(key)] = operand.to(self.tensor.dtype) if isinstance(operand, torch.Tensor) else operand

    def astype(self, dtype: Any) -> DeviceArray:
        """A copy of another type."""
        return DeviceArray(self.tensor.to(_KINDS[np.dtype(dtype)], copy=True))

    def copy(self) -> DeviceArray:
        """As NumPy's."""
        return DeviceArray(self.tensor.clone())

    def sum(self, axis: int | None = None) -> DeviceArray:
        """As NumPy's."""
        return self._reduced(torch.sum, axis)

    def mean(self, axis: int | None = None) -> DeviceArray:
        """As NumPy's."""
        return self._reduced(torch.mean, axis)

    def max(self, axis: int | None = None) -> DeviceArray:
        """As NumPy's."""
        return self._reduced(torch.amax, axis)

    def prod(self, axis: int) -> DeviceArray:
        """As NumPy's."""
        return DeviceArray(torch.prod(self.tensor, axis))

    def all(self) -> DeviceArray:
        """As NumPy's."""
        return DeviceArray(torch.all(self.tensor))

    def clip(self, low: Any, high: Any) -> DeviceArray:
        """As NumPy's."""
        return DeviceArray(torch.clamp(self.tensor, low, high))

    def _reduced(self, function: Callable[..., torch.Tensor], axis: int | None) -> DeviceArray:
        return DeviceArray(function(self.tensor) if axis is None else function(self.tensor, dim=axis))

    def _operand(self, value: Any) -> Any:
        """What PyTorch takes for another operand, on this device."""
        if isinstance(value, DeviceArray):
            return value.tensor
        if isinstance(value, np.ndarray):
            return torch.from_numpy(np.ascontiguousarray(value)).to(self.tensor.device)
        return value.item() if isinstance(value, np.generic) else value

    def _key(self, key: Any) -> Any:
        parts = key if isinstance(key, tuple) else (key,)
        found = tuple(self._index(part) for part in parts)
        return found if isinstance(key, tuple) else found[0]

    def _index(self, part: Any) -> Any:
        if isinstance(part, DeviceArray | np.ndarray):
            return self._operand(part)
        return part

    # Functions of NumPy

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        out = options.pop("out", None)
        function = getattr(torch, _NAMES.get(ufunc.__name__, ufunc.__name__), None)
        if method != "__call__" or options or function is None:
            return NotImplemented
        operands = [self._operand(value) for value in inputs]
        if ufunc.__name__ in ("minimum", "maximum"):  # which take no bare numbers in PyTorch
            operands = [self._number(operand, operands) for operand in operands]
        result = function(*operands)
        if out is None:
            return DeviceArray(result)
        out[0].tensor.copy_(result)
        return out[0]

    def _number(self, operand: Any, others: list[Any]) -> torch.Tensor:
        if isinstance(operand, torch.Tensor):
            return operand
        kind = next(other.dtype for other in others if isinstance(other, torch.Tensor))
        return torch.full((), operand, dtype=kind, device=self.tensor.device)

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        known = _FUNCTIONS.get(function)
        return NotImplemented if known is None else known(*arguments, **options)


def on_device(array: np.ndarray[Any, Any], device: torch.device) -> DeviceArray:
    """An array of NumPy's, copied to the device."""
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    return DeviceArray(tensor.to(device, copy=True))


def _like(fill: float) -> Callable[..., DeviceArray]:
    def made(like: DeviceArray, dtype: Any = None) -> DeviceArray:
        kind = like.tensor.dtype if dtype is None else _KINDS[np.dtype(dtype)]
        return DeviceArray(torch.full_like(like.tensor, fill, dtype=kind))

    return made


def _where(condition: DeviceArray, yes: Any, no: Any) -> DeviceArray:
    return DeviceArray(torch.where(condition.tensor, condition._operand(yes), condition._operand(no)))


def _median(array: DeviceArray, axis: int | None = None) -> DeviceArray:
    """The mean of the two in the middle, as NumPy's; PyTorch's own is the lower one."""
    values = array.tensor.flatten() if axis is None else array.tensor
    ordered = torch.sort(values, dim=axis or 0).values
    count = ordered.shape[axis or 0]
    middle = ordered.index_select(axis or 0, torch.tensor([(count - 1) // 2, count // 2], device=ordered.device))
    return DeviceArray(middle.mean(dim=axis or 0))


def _argpartition(array: DeviceArray, kth: int) -> DeviceArray:
    del kth  # they are all ordered
    return DeviceArray(torch.argsort(array.tensor, stable=True))


def _concatenate(arrays: Any, axis: int = 0) -> DeviceArray:
    device = next(array for array in arrays if isinstance(array, DeviceArray))
    return DeviceArray(torch.cat([device._operand(array) for array in arrays], dim=axis))


_FUNCTIONS: dict[Any, Callable[..., DeviceArray]] = {
    np.zeros_like: _like(0),
    np.ones_like: _like(1),
    np.empty_like: _like(0),
    np.where: _where,
    np.median: _median,
    np.argpartition: _argpartition,
    np.concatenate: _concatenate,
}
