"""Fine-tuning with clamped rectifiers, so that a network does not rely on small activations.

Source: Rueckauer 2020, section 2.2.2.3 (eq. 2.29). A small activation is a late spike; a network that was
trained without does not have to wait for it.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from snntoolbox.errors import ConversionError

__all__ = ["finetune_clamped"]

Array = NDArray[Any]
_PERCENTILE = 99.9


def finetune_clamped(
    model: keras.Model,
    x: Array,
    y: Array | None = None,
    *,
    share: float = 0.1,
    epochs: int = 2,
    learning_rate: float = 3e-4,
    batch_size: int = 64,
    seed: int = 0,
    verbose: int = 0,
) -> keras.Model:
    """Return a copy of a Keras model whose rectifiers give 0 for small values, trained to do well with them.

    Args:
        model: A model with one output; it is not changed.
        x: Samples to train with, shape (num_samples, *sample shape).
        y: Their classes, integers (num_samples,). Without them, the model's own outputs are what is learnt.
        share: β of eq. 2.29 as a share of the largest activation of each layer (its 99.9th percentile), in [0, 1).
        epochs: How often all samples are gone through.
        learning_rate: Of Adam at the start; it falls to 0 in the course of the training.
        batch_size: Samples of one update.
        seed: Of the order of the samples.
        verbose: As for ``keras.Model.fit``.

    Raises:
        ConversionError: The share is out of range, or the model has no plain rectifier or several outputs.
    """
    if not 0 <= share < 1 or epochs < 1:
        raise ConversionError(
            f"clamped rectifiers: expected a share in [0, 1) and epochs >= 1, got {share} and {epochs}"
        )
    if len(model.outputs) != 1:
        raise ConversionError(f"clamped rectifiers: expected a model with one output, got {len(model.outputs)}")
    wanted = model.predict(x, batch_size=256, verbose=0) if y is None else np.asarray(y)
    layers = [layer for layer in model.layers if _is_rectifier(layer)]
    if not layers:
        raise ConversionError("clamped rectifiers: the model has none; expected layers with activation 'relu', or ReLU")
    thresholds = {
        layer.name: share * largest for layer, largest in zip(layers, _largest(model, layers, x), strict=True)
    }
    clamped = keras.models.clone_model(model, clone_function=lambda layer: _copy(layer, thresholds.get(layer.name)))
    clamped.set_weights(model.get_weights())
    keras.utils.set_random_seed(seed)
    rate = keras.optimizers.schedules.CosineDecay(learning_rate, epochs * -(-len(x) // batch_size))
    clamped.compile(keras.optimizers.Adam(rate), _loss(clamped, y))
    clamped.fit(x, wanted, batch_size=batch_size, epochs=epochs, verbose=verbose)
    clamped.compile()
    return clamped


def _is_rectifier(layer: Any) -> bool:
    if isinstance(layer, keras.layers.ReLU):
        return not layer.negative_slope
    return getattr(layer, "activation", None) is keras.activations.relu


def _copy(layer: Any, threshold: float | None) -> Any:
    """Return a layer like another one, with a threshold of its rectifier."""
    config = layer.get_config()
    if threshold is not None and isinstance(layer, keras.layers.ReLU):
        config["threshold"] = threshold
    elif threshold is not None:
        config["activation"] = keras.layers.ReLU(threshold=threshold)
    return type(layer).from_config(config)


def _largest(model: keras.Model, layers: list[Any], x: Array, samples: int = 1000) -> list[float]:
    """Return the largest activation of each layer, but for outliers."""
    outputs = keras.Model(model.inputs, [layer.output for layer in layers]).predict(x[:samples], verbose=0)
    found = []
    for values in outputs if isinstance(outputs, list) else [outputs]:
        positive = values[values > 0]
        found.append(float(np.percentile(positive, _PERCENTILE)) if positive.size else 0.0)
    return found


def _loss(model: keras.Model, y: Array | None) -> Any:
    """Return what is minimised: a cross-entropy where the output is a softmax or there are classes."""
    last = model.layers[-1]
    softmax = isinstance(last, keras.layers.Softmax) or getattr(last, "activation", None) is keras.activations.softmax
    if y is not None:
        return keras.losses.SparseCategoricalCrossentropy(from_logits=not softmax)
    return keras.losses.CategoricalCrossentropy() if softmax else keras.losses.MeanSquaredError()
