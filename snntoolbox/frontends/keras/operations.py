"""Operations outside layers: what ``a + b``, ``x / 255`` or ``keras.ops.relu(x)`` leave in a functional model."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.frontends.keras import layout
from snntoolbox.frontends.keras.calls import Call, Wire
from snntoolbox.ir.ops import Affine, AveragePool, Concat, MaxPool, Pad, Permute, Relu, Reshape, Slice

__all__ = [
    "add",
    "cast",
    "clip",
    "concatenate",
    "divide",
    "expand_dims",
    "get_item",
    "maximum",
    "mean",
    "multiply",
    "negative",
    "pad",
    "reshape",
    "spatial_maximum",
    "squeeze",
    "subtract",
    "transpose",
]


def add(call: Call) -> str:
    """Sum of two tensors, or of a tensor and a constant."""
    first, second = _operands(call)
    if isinstance(first, Wire) and isinstance(second, Wire):
        return layout.add(call)
    constant = second if isinstance(first, Wire) else first
    return call.add(_affine(call, 1.0, constant))


def subtract(call: Call) -> str:
    """Difference of two tensors, or of a tensor and a constant, either way round."""
    first, second = _operands(call)
    if isinstance(first, Wire) and isinstance(second, Wire):
        return layout.subtract(call)
    if isinstance(first, Wire):
        return call.add(_affine(call, 1.0, -np.asarray(second, np.float64)))
    return call.add(_affine(call, -1.0, first))


def multiply(call: Call) -> str:
    """Product of a tensor and a constant."""
    first, second = _operands(call)
    if isinstance(first, Wire) and isinstance(second, Wire):
        call.refuse("multiplies two tensors.", "Only a product with a constant is linear.")
    return call.add(_affine(call, second if isinstance(first, Wire) else first))


def divide(call: Call) -> str:
    """A tensor divided by a constant."""
    first, second = _operands(call)
    if not isinstance(first, Wire) or isinstance(second, Wire):
        call.refuse("divides by a tensor.", "Only a division by a constant is linear.")
    return call.add(_affine(call, 1 / np.asarray(second, np.float64)))


def negative(call: Call) -> str:
    """-x."""
    return call.add(_affine(call, -1.0))


def clip(call: Call) -> str:
    """Clip from 0 to a ceiling: a rectifier."""
    low, high = call.layer.x_min, call.layer.x_max
    if low != 0 or not np.isscalar(high) or not float(np.real(high)) > 0:
        call.refuse(f"clips to [{low}, {high}].", "Only a clip from 0 to a positive number is a rectifier.")
    return call.add(Relu(max_value=float(np.real(high))))


def maximum(call: Call) -> str:
    """max(x, 0)."""
    first, second = _operands(call)
    constant = second if isinstance(first, Wire) else first
    if isinstance(constant, Wire) or np.any(constant):
        call.refuse("takes the larger of two values.", "Only max(x, 0) is a rectifier.")
    return call.add(Relu())


def mean(call: Call) -> str:
    """Mean over all of space."""
    _require_spatial_axes(call)
    return layout.pool_everything(call, AveragePool(call.shape[:-1]), keepdims=call.layer.keepdims)


def spatial_maximum(call: Call) -> str:
    """Maximum over all of space."""
    _require_spatial_axes(call)
    return layout.pool_everything(call, MaxPool(call.shape[:-1]), keepdims=call.layer.keepdims)


def reshape(call: Call) -> str:
    """Reshape that leaves the batch alone."""
    batch, *target = call.layer.newshape
    if batch not in (-1, None):
        call.refuse(f"reshapes the batch too, to {tuple(call.layer.newshape)}.", "Use the layer Reshape.")
    return call.add(Reshape(layout.resolved_shape(target, call.shape)))


def expand_dims(call: Call) -> str:
    """A new axis of size 1."""
    axis = call.layer.axis % (len(call.shape) + 2)
    if axis == 0:
        call.refuse("puts an axis before the batch.", "Use an axis >= 1.")
    return call.add(Reshape((*call.shape[: axis - 1], 1, *call.shape[axis - 1 :])))


def squeeze(call: Call) -> str:
    """Axes of size 1 dropped."""
    axis, rank = call.layer.axis, len(call.shape) + 1
    axes = [a for a in range(1, rank) if call.shape[a - 1] == 1] if axis is None else np.atleast_1d(axis) % rank
    return call.add(Reshape(tuple(n for a, n in enumerate(call.shape, start=1) if a not in axes)))


def transpose(call: Call) -> str:
    """Axes reordered, the batch staying first."""
    axes = call.layer.axes or tuple(range(len(call.shape), -1, -1))
    if axes[0] != 0:
        call.refuse(f"moves the batch (axes = {tuple(axes)}).", "Keep axis 0 first, or use the layer Permute.")
    return call.add(Permute(tuple(axis - 1 for axis in axes[1:])))


def concatenate(call: Call) -> str:
    """Tensors joined along an axis other than the batch."""
    if len(call.sources) != len(call.args[0]):
        call.refuse("joins a tensor with a constant.", "Use ZeroPadding, or give the constant as an input.")
    axis = call.layer.axis % (len(call.shape) + 1)
    if axis == 0:
        call.refuse("joins along the batch (axis = 0).", "Samples are independent: use another axis.")
    return call.add(Concat(axis - 1))


def pad(call: Call) -> str:
    """Zeros around a sample."""
    fill = call.argument(1, "constant_values")
    pairs = tuple(
        (int(before), int(after)) for before, after in np.broadcast_to(call.layer.pad_width, (len(call.shape) + 1, 2))
    )
    if call.layer.mode != "constant" or (fill is not None and np.any(fill)) or any(pairs[0]):
        call.refuse("pads with something other than zeros, or along the batch.", "Use ZeroPadding.")
    return call.add(Pad(pairs[1:]))


def get_item(call: Call) -> str:
    """A block cut out with slices; ``...`` stands for whole axes."""
    key = call.argument(1, "key")
    key = list(key) if isinstance(key, tuple) else [key]
    rank = len(call.shape) + 1
    if Ellipsis in key:
        place = key.index(Ellipsis)
        key[place : place + 1] = [slice(None)] * (rank - len(key) + 1)
    key += [slice(None)] * (rank - len(key))
    if not all(isinstance(part, slice) and (part.step or 1) > 0 for part in key) or key[0] != slice(None):
        call.refuse(f"takes the elements {key}.", "Only slices with positive steps, and whole batches, can be taken.")
    start, stop, step = zip(*(part.indices(n) for part, n in zip(key[1:], call.shape, strict=True)), strict=True)
    return call.add(Slice(start, stop, step))


def cast(call: Call) -> str:
    """Another type of number; everything is computed in one here."""
    if "float" not in str(call.layer.dtype):
        call.refuse(f"rounds to {call.layer.dtype}.", "Remove the cast.")
    return call.source


def _operands(call: Call) -> tuple[Any, Any]:
    return call.argument(0, "x1"), call.argument(1, "x2")


def _affine(call: Call, scale: Any, shift: Any = None) -> Affine:
    return Affine(_constant(call, scale), None if shift is None else _constant(call, shift))


def _constant(call: Call, value: Any) -> NDArray[np.float32]:
    """A constant without the batch axis, which it may have at size 1."""
    array = np.asarray(value, np.float32)
    if array.ndim == len(call.shape) + 1 and array.shape[0] == 1:
        array = array[0]
    return array


def _require_spatial_axes(call: Call) -> None:
    rank = len(call.shape) + 1
    axes = call.layer.axis
    axes = range(rank) if axes is None else np.atleast_1d(axes) % rank
    if rank < 3 or sorted(axes) != list(range(1, rank - 1)):
        call.refuse(f"reduces the axes {call.layer.axis}.", "Only a reduction over all spatial axes is a pooling.")
