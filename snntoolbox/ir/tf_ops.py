"""What each op computes, in TensorFlow: one function an op, chosen by its type.

Every function takes batched tensors (batch, *shape) of float32 or float64, works eagerly, inside `tf.function` and
under XLA, and with an unknown batch size. Importing this module imports TensorFlow; `snntoolbox.ir.evaluate` does so
only when something is evaluated.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch
from typing import Any

import tensorflow as tf

from snntoolbox.errors import GraphError
from snntoolbox.ir.ops import (
    Activation,
    Add,
    Affine,
    AveragePool,
    Concat,
    Conv,
    ConvTranspose,
    Dense,
    MaxPool,
    Op,
    Pad,
    Permute,
    Relu,
    Reshape,
    Slice,
    Softmax,
    Upsample,
)
from snntoolbox.ir.tf_windows import average_pool, constant, conv, conv_transpose, max_pool

__all__ = ["apply_op"]

_ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "elu": tf.nn.elu,
    "exponential": tf.exp,
    "gelu": lambda x: tf.nn.gelu(x, approximate=False),
    "hard_sigmoid": lambda x: tf.clip_by_value(x / 6 + 0.5, 0, 1),
    "log_softmax": tf.nn.log_softmax,
    "selu": tf.nn.selu,
    "heaviside": lambda x: tf.cast(x > 0, x.dtype),
    "sigmoid": tf.sigmoid,
    "sign": tf.sign,
    "silu": tf.nn.silu,
    "softplus": tf.nn.softplus,
    "softsign": tf.nn.softsign,
    "tanh": tf.tanh,
}


@singledispatch
def apply_op(op: Op, *tensors: tf.Tensor) -> tf.Tensor:
    """Return the op's output for its inputs.

    Args:
        op: Any op that keeps no state over time.
        tensors: One for each input, of shape (batch, *shape), all of one floating dtype; parameters are cast to it.

    Raises:
        GraphError: The op has no value at a single moment (neurons), or is an entrance.
    """
    raise GraphError(f"{op.kind} is not a function of its inputs alone; it can be simulated, not evaluated")


@apply_op.register
def _(op: Dense, x: tf.Tensor) -> tf.Tensor:
    # One flat product is faster than a batched one.
    y = tf.matmul(tf.reshape(x, (-1, op.weight.shape[0])), constant(op.weight, x))
    if op.bias is not None:
        y = tf.nn.bias_add(y, constant(op.bias, x))
    return y if x.shape.rank == 2 else tf.reshape(y, (-1, *x.shape[1:-1], op.weight.shape[1]))


@apply_op.register
def _(op: Affine, x: tf.Tensor) -> tf.Tensor:
    y = x * constant(op.scale, x)
    return y if op.shift is None else y + constant(op.shift, x)


@apply_op.register
def _(op: Reshape, x: tf.Tensor) -> tf.Tensor:
    return tf.reshape(x, (-1, *op.shape))


@apply_op.register
def _(op: Permute, x: tf.Tensor) -> tf.Tensor:
    return tf.transpose(x, (0, *(axis + 1 for axis in op.perm)))


@apply_op.register
def _(op: Pad, x: tf.Tensor) -> tf.Tensor:
    return tf.pad(x, ((0, 0), *op.padding))


@apply_op.register
def _(op: Slice, x: tf.Tensor) -> tf.Tensor:
    return x[(slice(None), *(slice(a, b, s) for a, b, s in zip(op.start, op.stop, op.step, strict=True)))]


@apply_op.register
def _(op: Upsample, x: tf.Tensor) -> tf.Tensor:
    for axis, factor in enumerate(op.factors, start=1):
        x = tf.repeat(x, factor, axis=axis) if factor > 1 else x
    return x


@apply_op.register
def _(op: Concat, *tensors: tf.Tensor) -> tf.Tensor:
    return tf.concat(tensors, op.axis if op.axis < 0 else op.axis + 1)


@apply_op.register
def _(op: Add, *tensors: tf.Tensor) -> tf.Tensor:
    total, *rest = tensors
    for tensor in rest:
        total = total + tensor
    return total


@apply_op.register
def _(op: Relu, x: tf.Tensor) -> tf.Tensor:
    y = tf.nn.relu(x)
    if op.max_value is not None:
        y = tf.minimum(y, constant(op.max_value, x))
    if op.levels is not None:
        size = constant(op.max_value, x) / op.levels
        y = size * tf.floor(y / size + 0.5)
    if op.clamps:
        y = tf.where(x > constant(op.threshold, x), y, tf.zeros((), x.dtype))
    return y + constant(op.negative_slope, x) * tf.minimum(x, constant(0, x)) if op.leaky else y


@apply_op.register
def _(op: Softmax, x: tf.Tensor) -> tf.Tensor:
    return tf.nn.softmax(x)


@apply_op.register
def _(op: Activation, x: tf.Tensor) -> tf.Tensor:
    return _ACTIVATIONS[op.function](x)


apply_op.register(Conv, conv)
apply_op.register(ConvTranspose, conv_transpose)
apply_op.register(MaxPool, max_pool)
apply_op.register(AveragePool, average_pool)
