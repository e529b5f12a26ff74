"""Every non-spiking op in plain NumPy, for batched arrays of shape (batch, *shape).

This is the specification that faster kernels are compared with: clear before quick, in the dtype of the input.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.errors import UnsupportedError
from snntoolbox.ir import ops
from snntoolbox.ir.windows import pad_spatial, pool_windows

__all__ = ["apply_op"]

Array = NDArray[Any]


@singledispatch
def apply_op(op: ops.Op, *inputs: Array) -> Array:
    """Return the output of ``op`` for batched inputs.

    Raises:
        UnsupportedError: The op keeps state or has no definition here.
    """
    raise UnsupportedError(f"op {op.kind} has no NumPy kernel")


def _cast(parameter: Array | None, like: Array) -> Array:
    """Return a parameter in the dtype of the data; None becomes 0."""
    return np.zeros((), like.dtype) if parameter is None else np.asarray(parameter, like.dtype)


@apply_op.register
def _(op: ops.Dense, x: Array) -> Array:
    return x @ _cast(op.weight, x) + _cast(op.bias, x)


@apply_op.register
def _(op: ops.Conv, x: Array) -> Array:
    rank, kernel = len(op.window), _cast(op.kernel, x)
    windows = pool_windows(pad_spatial(x, op.padding), op.window, op.strides, op.dilation)
    size_in, size_out = op.in_channels // op.groups, kernel.shape[-1] // op.groups
    out = []
    for group in range(op.groups):
        part = np.take(windows, range(group * size_in, (group + 1) * size_in), axis=rank + 1)
        weights = kernel[..., group * size_out : (group + 1) * size_out]
        # windows: (batch, *spatial', in, *window) against weights: (*window, in, out)
        axes = (list(range(rank + 1, 2 * rank + 2)), [rank, *range(rank)])
        out.append(np.tensordot(part, weights, axes=axes))
    return np.concatenate(out, axis=-1) + _cast(op.bias, x)


@apply_op.register
def _(op: ops.ConvTranspose, x: Array) -> Array:
    spatial, rank, kernel = x.shape[1:-1], len(op.window), _cast(op.kernel, x)
    full = tuple(
        (n - 1) * s + (w - 1) * d + 1 for n, s, w, d in zip(spatial, op.strides, op.window, op.dilation, strict=True)
    )
    extra = tuple(max(e - after, 0) for e, (_, after) in zip(op.output_padding, op.padding, strict=True))
    channels = kernel.shape[-1] * op.groups
    y = np.zeros((len(x), *(f + e for f, e in zip(full, extra, strict=True)), channels), x.dtype)
    for place in product(*(range(w) for w in op.window)):
        starts = [k * d for k, d in zip(place, op.dilation, strict=True)]
        where = tuple(slice(a, a + (n - 1) * s + 1, s) for a, n, s in zip(starts, spatial, op.strides, strict=True))
        y[(slice(None), *where)] += _grouped_matmul(x, kernel[place], op.groups)
    out = op.infer(x.shape[1:])
    keep = tuple(slice(before, before + n) for (before, _), n in zip(op.padding, out, strict=False))
    return np.asarray(y[(slice(None), *keep[:rank])] + _cast(op.bias, x))


def _grouped_matmul(x: Array, weights: Array, groups: int) -> Array:
    parts = np.split(x, groups, axis=-1), np.split(weights, groups, axis=0)
    return np.concatenate([a @ w for a, w in zip(*parts, strict=True)], axis=-1)


@apply_op.register
def _(op: ops.Affine, x: Array) -> Array:
    return x * _cast(op.scale, x) + _cast(op.shift, x)


@apply_op.register
def _(op: ops.Reshape, x: Array) -> Array:
    return x.reshape(len(x), *op.shape)


@apply_op.register
def _(op: ops.Permute, x: Array) -> Array:
    return x.transpose(0, *(axis + 1 for axis in op.perm))


@apply_op.register
def _(op: ops.Pad, x: Array) -> Array:
    return np.pad(x, ((0, 0), *op.padding))


@apply_op.register
def _(op: ops.Slice, x: Array) -> Array:
    return x[(slice(None), *(slice(*bounds) for bounds in zip(op.start, op.stop, op.step, strict=True)))]


@apply_op.register
def _(op: ops.Upsample, x: Array) -> Array:
    for axis, factor in enumerate(op.factors, start=1):
        x = np.repeat(x, factor, axis=axis)
    return x


@apply_op.register
def _(op: ops.Concat, *inputs: Array) -> Array:
    return np.concatenate(inputs, axis=op.axis + 1 if op.axis >= 0 else op.axis)


@apply_op.register
def _(op: ops.Add, *inputs: Array) -> Array:
    total = inputs[0]
    for x in inputs[1:]:
        total = total + x
    return total


@apply_op.register
def _(op: ops.MaxPool, x: Array) -> Array:
    ones = (1,) * len(op.pool)
    windows = pool_windows(pad_spatial(x, op.padding, -np.inf), op.pool, op.strides, ones)
    return np.asarray(windows.max(axis=tuple(range(-len(op.pool), 0))))


@apply_op.register
def _(op: ops.AveragePool, x: Array) -> Array:
    ones, axes = (1,) * len(op.pool), tuple(range(-len(op.pool), 0))
    total = pool_windows(pad_spatial(x, op.padding), op.pool, op.strides, ones).sum(axis=axes)
    if op.count_padding:
        return np.asarray(total / prod(op.pool))
    inside = pad_spatial(np.ones_like(x[:1, ..., :1]), op.padding)
    return np.asarray(total / pool_windows(inside, op.pool, op.strides, ones).sum(axis=axes))


@apply_op.register
def _(op: ops.Relu, x: Array) -> Array:
    y = np.maximum(x, 0)
    if op.max_value is not None:
        y = np.minimum(y, np.asarray(op.max_value, x.dtype))
    if op.levels is not None:
        size = np.asarray(op.max_value, x.dtype) / op.levels
        y = size * np.floor(y / size + 0.5)
    if op.clamps:
        y = np.where(x > np.asarray(op.threshold, x.dtype), y, np.zeros((), x.dtype))
    return np.asarray(y + np.asarray(op.negative_slope, x.dtype) * np.minimum(x, 0)) if op.leaky else y


@apply_op.register
def _(op: ops.Softmax, x: Array) -> Array:
    exponent = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(exponent / exponent.sum(axis=-1, keepdims=True))


def _gelu(x: Array) -> Array:
    from math import erf

    return np.asarray(x * 0.5 * (1 + np.vectorize(erf)(x / np.sqrt(2.0))), x.dtype)


def _sigmoid(x: Array) -> Array:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)))


_ACTIVATIONS: dict[str, Callable[[Array], Any]] = {
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "exponential": np.exp,
    "gelu": _gelu,
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "log_softmax": lambda x: (
        x - x.max(-1, keepdims=True) - np.log(np.exp(x - x.max(-1, keepdims=True)).sum(-1, keepdims=True))
    ),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0))),
    "heaviside": lambda x: (x > 0).astype(x.dtype),
    "sigmoid": _sigmoid,
    "sign": np.sign,
    "silu": lambda x: x * _sigmoid(x),
    "softplus": lambda x: np.logaddexp(x, 0),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "tanh": np.tanh,
}


@apply_op.register
def _(op: ops.Activation, x: Array) -> Array:
    return np.asarray(_ACTIVATIONS[op.function](x))
