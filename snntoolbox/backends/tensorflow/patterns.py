"""Windowed neurons in TensorFlow: what a layer sends in its window, for a whole batch.

The equations are those of `snntoolbox.neurons.windowed` and the models derived from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import singledispatch

import numpy as np
import tensorflow as tf

from snntoolbox.backends.tensorflow.neurons import parameter
from snntoolbox.errors import UnsupportedError
from snntoolbox.ir.tf_windows import constant
from snntoolbox.neurons import FewSpikeNeuron, LatencyNeuron, PatternNeuron, WindowedNeuron

__all__ = ["Place", "send"]


@dataclass(frozen=True, eq=False)
class Place:
    """One step of a window.

    Attributes:
        spikes: 1 where a neuron spikes, -1 for a negative spike, 0 elsewhere, shape (batch, *shape).
        message: What the spikes carry.
        left: What is left to send.
    """

    spikes: tf.Tensor
    message: tf.Tensor
    left: tf.Tensor


def send(model: WindowedNeuron, charge: tf.Tensor) -> Iterator[Place]:
    """Yield the steps of the window of a layer whose neurons have integrated ``charge``, shape (batch, *shape)."""
    u = _open(model, charge)
    for place in range(1, model.window + 1):
        step = _fire(model, u, place)
        u = step.left
        yield step


@singledispatch
def _open(model: WindowedNeuron, charge: tf.Tensor) -> tf.Tensor:
    raise UnsupportedError(f"neuron model {type(model).__name__} is not defined in TensorFlow")


@singledispatch
def _fire(model: WindowedNeuron, u: tf.Tensor, place: int) -> Place:
    raise UnsupportedError(f"neuron model {type(model).__name__} is not defined in TensorFlow")


@_open.register(LatencyNeuron)
@_open.register(PatternNeuron)
def _(model: LatencyNeuron | PatternNeuron, charge: tf.Tensor) -> tf.Tensor:
    rectified = tf.maximum(charge, 0)
    if np.any(np.asarray(model.negative_slope) != 0):
        rectified += parameter(model.negative_slope, charge) * tf.minimum(charge, 0)
    # As a constant beside the graph: XLA replaces a division by a known number by a product that is not exact.
    u = rectified / constant(model.size, charge)
    one_hot = isinstance(model, PatternNeuron) and model.one_hot
    return u if one_hot else u + parameter(model.rounding, u) * tf.sign(u)


@_fire.register
def _(model: PatternNeuron, u: tf.Tensor, place: int) -> Place:
    value = model.value_at(place)
    spikes = tf.sign(u) * tf.cast(tf.abs(u) >= parameter(model.threshold_at(place), u), u.dtype)
    left = u * (1 - tf.abs(spikes)) if model.one_hot else u - spikes * parameter(value, u)
    return Place(spikes, spikes * parameter(value * model.size, u), left)


@_fire.register
def _(model: LatencyNeuron, u: tf.Tensor, place: int) -> Place:
    value = model.value_at(place)
    spikes = tf.sign(u) * tf.cast(tf.abs(u) >= parameter(value, u), u.dtype)
    return Place(spikes, spikes * parameter(value * model.size, u), u * (1 - tf.abs(spikes)))


@_open.register
def _(model: FewSpikeNeuron, charge: tf.Tensor) -> tf.Tensor:
    return charge / constant(model.size, charge) + parameter(model.offset, charge)


@_fire.register
def _(model: FewSpikeNeuron, u: tf.Tensor, place: int) -> Place:
    spikes = tf.cast(u >= parameter(model.threshold_at(place), u), u.dtype)
    message = spikes * parameter(model.messages[place - 1] * model.size, u)
    return Place(spikes, message, u - spikes * parameter(model.resets[place - 1], u))
