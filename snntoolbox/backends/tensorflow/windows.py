"""Pooling by slices: each place of the window is one strided slice of the input, and the slices are combined.

XLA turns this into one loop that also takes in what comes before (neurons) and after; its own pooling is a loop over
windows that nothing is fused into and that is 5 to 10 times slower here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from itertools import product
from math import prod
from typing import Any

import numpy as np
import tensorflow as tf

from snntoolbox.ir.ops import AveragePool, MaxPool, Padding, Shape, SpikingMaxPool
from snntoolbox.ir.tf_windows import constant

__all__ = ["average_pool", "max_pool", "pick_winner"]

Pool = MaxPool | AveragePool | SpikingMaxPool


def average_pool(op: AveragePool, x: tf.Tensor) -> tf.Tensor:
    """Return the mean of each window of x, (batch, *spatial, channels)."""
    if _is_global(op, x):
        return tf.reduce_mean(x, _spatial_axes(x), keepdims=True)
    total = _axis_by_axis(op, _pad(x, op.padding, 0.0), tf.add)
    if op.count_padding or not np.any(op.padding):
        return total * (1 / prod(op.pool))
    inside = np.pad(np.ones((1, *x.shape[1:-1], 1)), ((0, 0), *op.padding, (0, 0)))
    return total * constant(1 / _axis_by_axis(op, inside, np.add), x)


def max_pool(op: MaxPool | SpikingMaxPool, x: tf.Tensor) -> tf.Tensor:
    """Return the maximum of each window of x, (batch, *spatial, channels); padding never wins."""
    if _is_global(op, x):
        return tf.reduce_max(x, _spatial_axes(x), keepdims=True)
    return _axis_by_axis(op, _pad(x, op.padding, -np.inf), tf.maximum)


def pick_winner(op: SpikingMaxPool, score: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    """Return, for each window, x where the score is highest; ties go to the first in row-major order.

    Args:
        op: The pooling op.
        score: Shape (batch, *spatial, channels).
        x: Of the same shape.
    """
    scores = _slices(op, _pad(score, op.padding, -np.inf))
    values = _slices(op, _pad(x, op.padding, 0.0))
    best, won = scores[0], values[0]
    for candidate, value in zip(scores[1:], values[1:], strict=True):
        better = candidate > best
        best, won = tf.where(better, candidate, best), tf.where(better, value, won)
    return won


def _is_global(op: Pool, x: tf.Tensor) -> bool:
    """Whether one window covers everything, so that no slices are needed."""
    return op.pool == tuple(x.shape[1:-1]) and not np.any(op.padding)


def _spatial_axes(x: tf.Tensor) -> tuple[int, ...]:
    return tuple(range(1, len(x.shape) - 1))


def _axis_by_axis(op: Pool, x: Any, combine: Callable[[Any, Any], Any]) -> Any:
    """Combine the slices along one axis after the other: sum(pool) of them instead of prod(pool)."""
    for axis, (window, stride) in enumerate(zip(op.pool, op.strides, strict=True), start=1):
        places = (x.shape[axis] - window) // stride + 1
        parts = [x[(slice(None),) * axis + (_taken(first, places, stride),)] for first in range(window)]
        x = reduce(combine, parts)
    return x


def _slices(op: Pool, x: tf.Tensor) -> list[tf.Tensor]:
    """Return one slice of x for each place in the window, in row-major order."""
    places = [(n - w) // s + 1 for n, w, s in zip(x.shape[1:-1], op.pool, op.strides, strict=True)]
    return [
        x[(slice(None), *(_taken(first, n, s) for first, n, s in zip(start, places, op.strides, strict=True)))]
        for start in product(*(range(w) for w in op.pool))
    ]


def _taken(first: int, places: int, stride: int) -> slice:
    return slice(first, first + (places - 1) * stride + 1, stride)


def _pad(x: tf.Tensor, padding: Padding, value: float) -> tf.Tensor:
    around: tuple[Shape, ...] = ((0, 0), *padding, (0, 0))
    return tf.pad(x, around, constant_values=value) if np.any(padding) else x
