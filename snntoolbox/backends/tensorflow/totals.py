"""Sums over a whole sample, in two parts: XLA adds blocks of it, and what is left is summed outside.

XLA sums up everything number by number, without vector instructions, and TensorFlow's own kernel has to be given an
array; blocks are added by the fused loop that makes the values, and leave little to write.
"""

from __future__ import annotations

from functools import reduce

import tensorflow as tf

from snntoolbox.ir.ops import Shape

__all__ = ["partial_shape", "partial_sums"]


def partial_sums(x: tf.Tensor) -> tf.Tensor:
    """Return sums over parts of each sample, shape (batch, *partial shape), for x of shape (batch, *shape)."""
    rows, *_ = partial_shape(tuple(x.shape[1:]))
    return reduce(tf.add, [x[:, first : first + rows] for first in range(0, x.shape[1], rows)])


def partial_shape(shape: Shape) -> Shape:
    """Return the shape of what `partial_sums` leaves of a sample: its first axis in up to 4 parts, added up.

    With more parts, XLA would fuse nothing into the sum.
    """
    parts = max(parts for parts in range(1, 5) if shape[0] % parts == 0)
    return (shape[0] // parts, *shape[1:])
