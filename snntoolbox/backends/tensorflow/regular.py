"""Layers under a constant current, whose spikes are regular and need no state.

An integrate-and-fire neuron with reset by subtraction that starts at 0 <= V(0) < threshold and receives the charge z in
every step has fired, up to step t,

    n(t) = floor((V(0) + t c) / threshold),   c = z clipped to [0, threshold]

times: it fires whenever the accumulated charge passes another threshold, never if z <= 0, and in every step if
z >= threshold. Its potential is V(t) = V(0) + t z - threshold n(t). So the first layer of a network that is fed with
constant currents, usually the largest one, costs one read of c a step, and its rounding does not add up over time.
"""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf

from snntoolbox.backends.tensorflow.neurons import parameter
from snntoolbox.ir.tf_windows import constant
from snntoolbox.neurons import IntegrateAndFire
from snntoolbox.neurons.base import Parameter

__all__ = ["clipped", "regular_count", "regular_potential"]


def clipped(model: IntegrateAndFire, charge: tf.Tensor) -> tf.Tensor:
    """Return c, divided by the threshold where that is exact, for z = ``charge`` of shape (batch, *shape)."""
    c = tf.clip_by_value(charge, tf.zeros((), charge.dtype), parameter(model.threshold, charge))
    return c if _scale(model.threshold) == 1 else c * _scale(model.threshold)


def regular_count(model: IntegrateAndFire, c: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
    """Return n(t), shape (batch, *shape).

    Args:
        model: The neurons.
        c: From `clipped`, shape (batch, *shape).
        step: Number of the step t, int32.
    """
    scale = _scale(model.threshold)
    passed = parameter(np.multiply(model.initial_potential, scale), c) + tf.cast(step, c.dtype) * c
    if np.any(np.multiply(model.threshold, scale) != 1):
        # As a constant beside the graph: XLA replaces a division by a known number by a product that is not exact.
        passed = passed / constant(model.threshold, c)
    return tf.floor(passed)


def regular_potential(model: IntegrateAndFire, charge: tf.Tensor, count: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
    """Return V(t), shape (batch, *shape), from z = ``charge`` and n(t) = ``count``."""
    start, threshold = parameter(model.initial_potential, charge), parameter(model.threshold, charge)
    return start + tf.cast(step, charge.dtype) * charge - threshold * count


def _scale(threshold: Parameter) -> float:
    """Return 1 / threshold if that is one power of two, by which values are scaled exactly, else 1."""
    exact = np.ndim(threshold) == 0 and math.frexp(float(threshold))[0] == 0.5
    return 1 / float(threshold) if exact else 1.0
