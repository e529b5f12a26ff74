"""Keras layers and activations of binary networks, trained through their rounding.

Source: Courbariaux et al. 2016, "Binarized neural networks": forwards, weights and activations are signs; backwards,
the gradient passes where the value is in [-1, 1], as if the sign were not there.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

__all__ = ["BinaryConv2D", "BinaryDense", "heaviside", "sign", "with_binary_weights"]


def _through(x: Any, rounded: Any) -> Any:
    """Return ``rounded`` with the gradient of x clipped to [-1, 1]."""
    clipped = tf.clip_by_value(x, -1.0, 1.0)
    return clipped + tf.stop_gradient(rounded - clipped)


@keras.saving.register_keras_serializable(package="snntoolbox")  # type: ignore[untyped-decorator]
def sign(x: Any) -> Any:
    """Activation -1, 0 or 1."""
    return _through(x, tf.sign(x))


@keras.saving.register_keras_serializable(package="snntoolbox")  # type: ignore[untyped-decorator]
def heaviside(x: Any) -> Any:
    """Activation 0 or 1: 1 where x > 0."""
    return _through(x, tf.cast(x > 0, x.dtype))


def _signs(kernel: Any) -> Any:
    """Return 1 where a weight is >= 0, else -1: no weight is 0."""
    return tf.where(kernel >= 0, 1.0, -1.0)


@keras.saving.register_keras_serializable(package="snntoolbox")
class BinaryDense(keras.layers.Dense):  # type: ignore[misc]
    """Dense layer with weights of -1 and 1."""

    def call(self, inputs: Any, training: Any = None) -> Any:
        """Return the output for inputs (batch, ..., features)."""
        del training
        y = tf.matmul(inputs, _through(self.kernel, _signs(self.kernel)))
        y = y + self.bias if self.use_bias else y
        return y if self.activation is None else self.activation(y)


@keras.saving.register_keras_serializable(package="snntoolbox")
class BinaryConv2D(keras.layers.Conv2D):  # type: ignore[misc]
    """Convolution over two axes with weights of -1 and 1."""

    def call(self, inputs: Any) -> Any:
        """Return the output for inputs (batch, rows, columns, channels)."""
        y = self.convolution_op(inputs, _through(self.kernel, _signs(self.kernel)))
        y = y + self.bias if self.use_bias else y
        return y if self.activation is None else self.activation(y)


PLAIN = {BinaryDense: keras.layers.Dense, BinaryConv2D: keras.layers.Conv2D}


def with_binary_weights(model: keras.Model) -> keras.Model:
    """Return the model with ordinary layers in place of binary ones, whose weights are -1 and 1.

    It computes the same, and can be read by any frontend.
    """

    def plain(layer: Any) -> Any:
        kind = PLAIN.get(type(layer), type(layer))
        return kind.from_config(layer.get_config())

    copy = keras.models.clone_model(model, clone_function=plain)
    for before, after in zip(model.layers, copy.layers, strict=True):
        weights = before.get_weights()
        if type(before) in PLAIN:
            weights[0] = _signs(weights[0]).numpy()
        after.set_weights(weights)
    return copy
