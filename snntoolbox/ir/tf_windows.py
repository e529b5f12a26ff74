"""Convolution and pooling in TensorFlow: ops with a window that slides over the spatial axes.

TensorFlow has these kernels for two spatial axes, with gaps: no explicit padding in pooling under XLA, no grouped
convolution on every CPU path, no dilation in depthwise or transposed convolution. One axis becomes two, the first of
size 1; gaps are filled by exact rewrites.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from snntoolbox.errors import GraphError
from snntoolbox.ir.ops import AveragePool, Conv, ConvTranspose, MaxPool, Padding, Shape
from snntoolbox.ir.ops.base import pooled_size
from snntoolbox.ir.padding import dilated, same_padding

__all__ = ["average_pool", "constant", "conv", "conv_transpose", "max_pool"]


def constant(value: Any, like: tf.Tensor) -> tf.Tensor:
    """Return a constant of the dtype of ``like``.

    Inside `tf.function` it is made outside the function and captured: a large network's weights exist once and stay out
    of the function's graph, whose size is limited to 2 GB.
    """
    with tf.init_scope():
        return tf.constant(np.asarray(value), dtype=like.dtype)


def conv(op: Conv, x: tf.Tensor) -> tf.Tensor:
    """Return the convolution of x, (batch, *spatial, in), as (batch, *spatial', out)."""
    depthwise = op.groups == op.in_channels > 1
    rank = len(op.window)
    if depthwise and rank <= 2:
        y = _conv_depthwise(op, x)
    elif op.groups == 1:
        y = _conv_plain(op, x, op.kernel)
    else:
        kernels = np.split(op.kernel, op.groups, axis=-1)
        y = tf.concat([_conv_plain(op, part, k) for part, k in zip(_split(x, op), kernels, strict=True)], -1)
    return y if op.bias is None else tf.nn.bias_add(y, constant(op.bias, x))


def conv_transpose(op: ConvTranspose, x: tf.Tensor) -> tf.Tensor:
    """Return the transposed convolution of x, (batch, *spatial, in), as (batch, *spatial', out)."""
    if op.groups == 1:
        y = _conv_back(op, x, op.kernel)
    else:
        kernels = np.split(op.kernel, op.groups, axis=-2)
        y = tf.concat([_conv_back(op, part, k) for part, k in zip(_split(x, op), kernels, strict=True)], -1)
    return y if op.bias is None else tf.nn.bias_add(y, constant(op.bias, x))


def max_pool(op: MaxPool, x: tf.Tensor) -> tf.Tensor:
    """Return the maximum of each window; padding counts as minus infinity."""
    if _is_global(op, x):
        return tf.reduce_max(x, range(1, x.shape.rank - 1), keepdims=True)
    return _pool(tf.nn.max_pool2d, x, op, -np.inf)


def average_pool(op: AveragePool, x: tf.Tensor) -> tf.Tensor:
    """Return the mean of each window, over all its elements or those inside the input."""
    if _is_global(op, x):
        return tf.reduce_mean(x, range(1, x.shape.rank - 1), keepdims=True)
    same = same_padding(tuple(x.shape[1:-1]), op.pool, op.strides)
    if op.count_padding or not np.any(op.padding) or (op.padding == same and len(op.pool) == 2):
        # TensorFlow's SAME leaves padding out of the mean, so it must not stand for padding that counts.
        return _pool(tf.nn.avg_pool2d, x, op, 0.0, may_use_same=not op.count_padding)
    y = _pool(tf.nn.avg_pool2d, x, op, 0.0, may_use_same=False)
    return y * constant(prod(op.pool) / _inside_counts(op, tuple(x.shape[1:-1])), x)


def _split(x: tf.Tensor, op: Conv | ConvTranspose) -> list[tf.Tensor]:
    return list(tf.split(x, op.groups, axis=-1))


def _as_planes(x: tf.Tensor) -> tf.Tensor:
    """(batch, length, channels) -> (batch, 1, length, channels)."""
    return tf.expand_dims(x, 1)


def _conv_plain(op: Conv, x: tf.Tensor, kernel: NDArray[Any]) -> tf.Tensor:
    spatial = tuple(x.shape[1:-1])
    rank = len(spatial)
    if rank == 1:
        y = tf.nn.conv2d(
            _as_planes(x),
            constant(kernel[None], x),
            (1, *op.strides),
            _padding_2d(((0, 0), *op.padding), (1, *spatial), (1, *op.window), (1, *op.strides), (1, *op.dilation)),
            dilations=(1, *op.dilation),
        )
        return tf.squeeze(y, 1)
    if rank == 2:
        padding = _padding_2d(op.padding, spatial, op.window, op.strides, op.dilation)
        return tf.nn.conv2d(x, constant(kernel, x), op.strides, padding, dilations=op.dilation)
    if rank == 3:
        kernel, x = _dilate(kernel, op.dilation), _pad(x, op.padding, 0.0)
        return tf.nn.conv3d(x, constant(kernel, x), (1, *op.strides, 1), "VALID")
    raise GraphError(f"Conv over {rank} spatial axes cannot be evaluated, only over 1 to 3")


def _conv_depthwise(op: Conv, x: tf.Tensor) -> tf.Tensor:
    """Depthwise kernel (*window, 1, in * multiplier); TensorFlow wants (*window, in, multiplier)."""
    kernel = _dilate(op.kernel, op.dilation).reshape(*dilated(op.window, op.dilation), op.in_channels, -1)
    padding, strides = op.padding, op.strides
    one_axis = len(strides) == 1
    if one_axis:
        # Along an axis of size 1 any stride will do, and the kernel wants both strides equal.
        kernel, x, padding, strides = kernel[None], _as_planes(x), ((0, 0), *padding), strides * 2
    # Strides that differ are not supported: take every place, then drop some. Rare.
    step = strides[0] if strides[0] == strides[1] else 1
    spec = _padding_2d(padding, tuple(x.shape[1:-1]), kernel.shape[:2], (step, step), (1, 1))
    if not isinstance(spec, str):
        # TensorFlow's optimiser loses explicit padding when it joins the op with a bias and activation, and aborts.
        x, spec = _pad(x, padding, 0.0), "VALID"
    y = tf.nn.depthwise_conv2d(x, constant(kernel, x), (1, step, step, 1), spec)
    if step != strides[0] or step != strides[1]:
        y = y[:, :: strides[0], :: strides[1]]
    return tf.squeeze(y, 1) if one_axis else y


def _conv_back(op: ConvTranspose, x: tf.Tensor, kernel: NDArray[Any]) -> tf.Tensor:
    """The gradient of a convolution with respect to its input: full result, then cut and filled up."""
    kernel = np.swapaxes(_dilate(kernel, op.dilation), -1, -2)
    rank, strides = len(op.window), op.strides
    if rank > 3:
        raise GraphError(f"ConvTranspose over {rank} spatial axes cannot be evaluated, only over 1 to 3")
    if rank == 1:
        kernel, x, strides = kernel[None], _as_planes(x), (1, *strides)
    window = kernel.shape[:-2]
    full = [(n - 1) * s + w for n, s, w in zip(x.shape[1:-1], strides, window, strict=True)]
    back = tf.nn.conv3d_transpose if rank == 3 else tf.nn.conv2d_transpose
    y = back(x, constant(kernel, x), (tf.shape(x)[0], *full, kernel.shape[-2]), strides, "VALID")
    if rank == 1:
        y, full = tf.squeeze(y, 1), full[1:]
    stops = [n - after + extra for n, (_, after), extra in zip(full, op.padding, op.output_padding, strict=True)]
    fill = [(0, max(0, stop - n)) for stop, n in zip(stops, full, strict=True)]
    y = _pad(y, tuple(fill), 0.0)
    cut = tuple(slice(before, stop) for (before, _), stop in zip(op.padding, stops, strict=True))
    return y[(slice(None), *cut)]


def _pool(kernel: Any, x: tf.Tensor, op: MaxPool | AveragePool, fill: float, *, may_use_same: bool = True) -> tf.Tensor:
    """Pool over any number of axes. Maximum and mean are separable, so other ranks go axis by axis."""
    rank = len(op.pool)
    if rank == 2:
        ones = (1, 1)
        spec = _padding_2d(op.padding, tuple(x.shape[1:-1]), op.pool, op.strides, ones)
        if spec == "VALID" or (spec == "SAME" and may_use_same):
            return kernel(x, op.pool, op.strides, spec)
        return kernel(_pad(x, op.padding, fill), op.pool, op.strides, "VALID")
    x = _pad(x, op.padding, fill)
    for axis in range(rank):
        shape = list(x.shape[1:])
        before, size, after = prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :])
        x = kernel(tf.reshape(x, (-1, before, size, after)), (1, op.pool[axis]), (1, op.strides[axis]), "VALID")
        shape[axis] = pooled_size(size, op.pool[axis], op.strides[axis], 1, (0, 0))
        x = tf.reshape(x, (-1, *shape))
    return x


def _is_global(op: MaxPool | AveragePool, x: tf.Tensor) -> bool:
    """Whether one window covers everything: a reduction is then faster than a sliding window."""
    return op.pool == tuple(x.shape[1:-1]) and not np.any(op.padding)


def _inside_counts(op: AveragePool, spatial: Shape) -> NDArray[Any]:
    """How many elements of each window lie inside the input, shape (*spatial', 1); at least 1."""
    counts = np.ones(())
    for size, window, stride, (before, after) in zip(spatial, op.pool, op.strides, op.padding, strict=True):
        starts = np.arange(pooled_size(size, window, stride, 1, (before, after))) * stride - before
        inside = np.minimum(starts + window, size) - np.maximum(starts, 0)
        counts = counts[..., None] * np.maximum(inside, 1)
    return counts[..., None]


def _padding_2d(padding: Padding, spatial: Shape, window: Shape, strides: Shape, dilation: Shape) -> Any:
    """The padding in TensorFlow's words: by name where a name says the same, which every kernel supports."""
    if not np.any(padding):
        return "VALID"
    if padding == same_padding(spatial, window, strides, dilation):
        return "SAME"
    return [[0, 0], *(list(pair) for pair in padding), [0, 0]]


def _dilate(kernel: NDArray[Any], dilation: Shape) -> NDArray[Any]:
    """The kernel with zeros between its elements, which needs no dilation."""
    if set(dilation) == {1}:
        return kernel
    wide = np.zeros((*dilated(kernel.shape[:-2], dilation), *kernel.shape[-2:]), kernel.dtype)
    wide[tuple(slice(None, None, d) for d in dilation)] = kernel
    return wide


def _pad(x: tf.Tensor, padding: Padding, value: float) -> tf.Tensor:
    if not np.any(padding):
        return x
    return tf.pad(x, ((0, 0), *padding, (0, 0)), constant_values=value)
