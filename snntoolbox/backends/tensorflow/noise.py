"""The counter-based noise of `snntoolbox.neurons.noise` in TensorFlow: the same integer hash, so the same bits.

All functions work eagerly, inside `tf.function` and under XLA.
"""

from __future__ import annotations

from math import prod

import tensorflow as tf

from snntoolbox.ir.ops import Shape
from snntoolbox.neurons.noise import MULTIPLIERS, RESOLUTION

__all__ = ["mix", "uniform"]


def _bits(value: int) -> tf.Tensor:
    return tf.constant(value, tf.uint32)


def mix(x: tf.Tensor) -> tf.Tensor:
    """Return `snntoolbox.neurons.noise.mix` of a uint32 tensor, element by element."""
    x = tf.bitwise.bitwise_xor(x, tf.bitwise.right_shift(x, _bits(16)))
    x = x * _bits(MULTIPLIERS[0])
    x = tf.bitwise.bitwise_xor(x, tf.bitwise.right_shift(x, _bits(15)))
    x = x * _bits(MULTIPLIERS[1])
    return tf.bitwise.bitwise_xor(x, tf.bitwise.right_shift(x, _bits(16)))


def uniform(key: int, sample_ids: tf.Tensor, step: tf.Tensor, shape: Shape) -> tf.Tensor:
    """Return `snntoolbox.neurons.noise.uniform`: noise in [0, 1), float32, shape (batch, *shape).

    Args:
        key: From `snntoolbox.neurons.noise.stream_key`.
        sample_ids: Index of each sample in the data set, uint32, shape (batch,).
        step: Number of the step, counted from 1, int32.
        shape: Shape of one sample.
    """
    per_step = mix(tf.bitwise.bitwise_xor(_bits(key), mix(tf.cast(step, tf.uint32))))
    per_sample = mix(tf.bitwise.bitwise_xor(per_step, sample_ids))
    elements = mix(tf.cast(tf.range(prod(shape)), tf.uint32))
    bits = mix(tf.bitwise.bitwise_xor(elements, per_sample[:, None]))
    noise = tf.cast(tf.bitwise.right_shift(bits, _bits(8)), tf.float32) * RESOLUTION
    return tf.reshape(noise, (-1, *shape))
