"""Layers that pool, move, copy or combine values without weights."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from snntoolbox.frontends.keras.calls import Call
from snntoolbox.ir.ops import (
    Add,
    Affine,
    AveragePool,
    Concat,
    MaxPool,
    Op,
    Pad,
    Permute,
    Reshape,
    Shape,
    Slice,
    Upsample,
)
from snntoolbox.ir.padding import same_padding

__all__ = [
    "add",
    "average",
    "average_pooling",
    "concatenate",
    "cropping",
    "flatten",
    "global_average_pooling",
    "global_max_pooling",
    "max_pooling",
    "permute",
    "pool_everything",
    "repeat_vector",
    "require_one_shape",
    "reshape",
    "resolved_shape",
    "subtract",
    "up_sampling",
    "zero_padding",
]


def max_pooling(call: Call) -> str:
    """MaxPooling1D, 2D, 3D."""
    return call.add(MaxPool(call.layer.pool_size, call.layer.strides, _pool_padding(call)))


def average_pooling(call: Call) -> str:
    """AveragePooling1D, 2D, 3D: padding does not count in the mean."""
    return call.add(AveragePool(call.layer.pool_size, call.layer.strides, _pool_padding(call)))


def global_average_pooling(call: Call) -> str:
    """GlobalAveragePooling1D, 2D, 3D."""
    return pool_everything(call, AveragePool(call.shape[:-1]), keepdims=call.layer.keepdims)


def global_max_pooling(call: Call) -> str:
    """GlobalMaxPooling1D, 2D, 3D."""
    return pool_everything(call, MaxPool(call.shape[:-1]), keepdims=call.layer.keepdims)


def pool_everything(call: Call, op: Op, *, keepdims: bool) -> str:
    """Pool over all of space, then drop the spatial axes unless they are to stay."""
    pooled = call.add(op)
    return pooled if keepdims else call.add(Reshape(call.shape[-1:]), pooled, suffix="flatten")


def flatten(call: Call) -> str:
    """Flatten."""
    return call.add(Reshape((prod(call.shape),)))


def reshape(call: Call) -> str:
    """Reshape, with at most one size left open."""
    return call.add(Reshape(resolved_shape(call.layer.target_shape, call.shape)))


def resolved_shape(target: Any, shape: Shape) -> Shape:
    """Return ``target`` with its -1 replaced by the size that is left."""
    known = prod(size for size in target if size != -1)
    return tuple(int(prod(shape) // known if size == -1 else size) for size in target)


def permute(call: Call) -> str:
    """Permute; Keras counts axes from 1."""
    return call.add(Permute(tuple(axis - 1 for axis in call.layer.dims)))


def repeat_vector(call: Call) -> str:
    """RepeatVector: (features,) -> (n, features)."""
    row = call.add(Reshape((1, *call.shape)), suffix="row")
    return call.add(Upsample((call.layer.n,)), row)


def zero_padding(call: Call) -> str:
    """ZeroPadding1D, 2D, 3D."""
    return call.add(Pad((*_pairs(call.layer.padding), (0, 0))))


def cropping(call: Call) -> str:
    """Cropping1D, 2D, 3D."""
    pairs = (*_pairs(call.layer.cropping), (0, 0))
    stop = tuple(size - after for size, (_, after) in zip(call.shape, pairs, strict=True))
    return call.add(Slice(tuple(before for before, _ in pairs), stop, (1,) * len(pairs)))


def up_sampling(call: Call) -> str:
    """UpSampling1D, 2D, 3D, by repetition."""
    method = getattr(call.layer, "interpolation", "nearest")
    if method != "nearest":
        call.refuse(f"interpolates by '{method}'.", "Use interpolation='nearest', or Conv2DTranspose.")
    size = call.layer.size
    return call.add(Upsample((size,) if isinstance(size, int) else tuple(size)))


def concatenate(call: Call) -> str:
    """Concatenate; Keras counts the batch as axis 0."""
    axis = call.layer.axis
    if axis == 0:
        call.refuse("joins along the batch (axis = 0).", "Samples are independent: use another axis.")
    return call.source if len(call.sources) == 1 else call.add(Concat(axis - 1 if axis > 0 else axis))


def add(call: Call) -> str:
    """Add, of inputs of one shape."""
    require_one_shape(call)
    return call.add(Add())


def subtract(call: Call) -> str:
    """Subtract: the first input plus the negative of the second."""
    require_one_shape(call)
    first, second = call.sources
    negative = call.add(Affine(np.array(-1, np.float32)), second, suffix="negative")
    return call.add(Add(), first, negative)


def average(call: Call) -> str:
    """Average: the sum, scaled."""
    require_one_shape(call)
    total = call.add(Add(), suffix="sum")
    return call.add(Affine(np.array(1 / len(call.sources), np.float32)), total)


def require_one_shape(call: Call) -> None:
    """Refuse inputs that are broadcast against each other."""
    shapes = [call.builder.shapes[source] for source in call.sources]
    if len(set(shapes)) > 1:
        call.refuse(
            f"combines inputs of different shapes {shapes}.", "Bring them to one shape first (UpSampling, Reshape)."
        )


def _pool_padding(call: Call) -> tuple[tuple[int, int], ...]:
    if call.layer.padding == "valid":
        return ()
    return same_padding(call.shape[:-1], call.layer.pool_size, call.layer.strides)


def _pairs(margins: Any) -> tuple[tuple[int, int], ...]:
    """((before, after), ...) from what 1-D layers write as (before, after)."""
    if isinstance(margins[0], int):
        margins = (margins,)
    return tuple((int(before), int(after)) for before, after in margins)
