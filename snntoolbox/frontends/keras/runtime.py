"""What a Keras model itself answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from snntoolbox.frontends.keras.shapes import input_name
from snntoolbox.ir.samples import Array, Samples, named_samples

__all__ = ["KerasReference"]


class KerasReference:
    """A model as a function from samples to its outputs, in inference mode, compiled where TensorFlow computes it.

    Not ``model.predict``: that would change the user's model, and is slower.
    """

    def __init__(self, model: Any) -> None:
        """Compile the model; its weights may change afterwards.

        Args:
            model: A built functional or sequential model.
        """
        self._shapes = {input_name(tensor): tuple(tensor.shape[1:]) for tensor in model.inputs}
        self._call = _compiled(model)

    def __call__(self, x: Samples, *, batch_size: int = 64) -> Array | list[Array]:
        """Return the only output, shape (num_samples, *shape), or a list of all."""
        from keras import ops

        arrays = named_samples(self._shapes, x)
        num_samples = len(next(iter(arrays.values())))
        batches = []
        for start in range(0, max(num_samples, 1), batch_size):
            inputs = [array[start : start + batch_size] for array in arrays.values()]
            batches.append([ops.convert_to_numpy(y) for y in self._call(*inputs)])
        outputs = [np.concatenate(values) for values in zip(*batches, strict=True)]
        return outputs[0] if len(outputs) == 1 else outputs


def _compiled(model: Any) -> Callable[..., list[Any]]:
    """The model as a function from flat inputs to flat outputs."""
    import keras

    def call(*inputs: Any) -> list[Any]:
        structured = inputs[0] if len(inputs) == 1 else keras.tree.pack_sequence_as(model.input, list(inputs))
        return list(keras.tree.flatten(model(structured, training=False)))

    if keras.backend.backend() != "tensorflow":
        return call
    import tensorflow as tf

    signature = [tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype) for tensor in model.inputs]
    concrete = tf.function(call, autograph=False).get_concrete_function(*signature)
    return lambda *inputs: concrete(*(tf.constant(x, spec.dtype) for x, spec in zip(inputs, signature, strict=True)))
