"""The layer for networks that are trained with rounded activations, and what becomes of it."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import snntoolbox
from snntoolbox.training.quantized_relu import QuantizedReLU


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    layers = [
        keras.Input((6, 6, 2)),
        keras.layers.Conv2D(4, 3, padding="same"),
        QuantizedReLU(4, 1.5, name="first"),
        keras.layers.Flatten(),
        keras.layers.Dense(5),
        QuantizedReLU(4, 0.75, name="second"),
        keras.layers.Dense(3, name="out"),
    ]
    return keras.Sequential(layers)


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(size=(20, 6, 6, 2)).astype(np.float32)


def test_the_equation():
    values = np.float32([-3, -0.1, 0.24, 0.26, 0.74, 0.76, 1.9, 9])
    layer = QuantizedReLU(4, 2.0)
    np.testing.assert_allclose(layer(values), [0, 0, 0, 0.5, 0.5, 1, 2, 2], atol=1e-6)


def test_gradients_pass_the_floor():
    import tensorflow as tf

    layer, x = QuantizedReLU(4, 2.0), tf.constant([-1.0, 0.3, 1.3, 5.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(layer(x))
    slope, ceiling = tape.gradient(y, [x, layer.ceiling.value])
    np.testing.assert_allclose(slope, [0, 1, 1, 0], atol=1e-6)
    # what rounding adds, in units of the ceiling, and 1 above it
    np.testing.assert_allclose(ceiling, (0.5 - 0.3) / 2 + (1.5 - 1.3) / 2 + 1, rtol=1e-5)


def test_a_saved_network_is_read_again(model, x, tmp_path):
    expected = model.predict(x, verbose=0)
    model.save(tmp_path / "net.keras")
    graph = snntoolbox.parse(tmp_path / "net.keras")
    assert graph["first"].op.levels == 4 and graph["first"].op.max_value == 1.5
    np.testing.assert_allclose(snntoolbox.evaluate(graph, x), expected, atol=1e-5)


@pytest.mark.parametrize("method", ["percentile", "maximum", "mmse", "local_balancing"])
@pytest.mark.parametrize("channel_wise", [False, True])
def test_the_ceiling_is_the_threshold_whatever_the_method(method, channel_wise, model, x):
    graph = snntoolbox.parse(model)
    options = {"method": method, "channel_wise": channel_wise, "num_steps": 4, "scales_in": "thresholds"}
    spiking = snntoolbox.convert(graph, x, **options)
    for name, ceiling in (("first", 1.5), ("second", 0.75)):
        neurons = spiking[name].op.model
        np.testing.assert_allclose(neurons.threshold, ceiling)
        np.testing.assert_allclose(neurons.initial_potential, ceiling / 2)


def test_as_many_steps_as_levels_give_the_first_layer_exactly(model, x):
    """Its input is constant. Later layers may differ, since their input does not arrive evenly."""
    graph = snntoolbox.parse(model)
    spiking = snntoolbox.convert(graph, x)
    rates = snntoolbox.simulate(spiking, x, backend="reference", num_steps=4).rates("first")
    activations = snntoolbox.evaluate(graph, x, nodes=["first"])["first"] / 1.5
    np.testing.assert_allclose(rates, activations, atol=1e-6)


@pytest.mark.parametrize("numbers", [(0, 1.0), (4, 0.0)])
def test_limits(numbers):
    with pytest.raises(ValueError, match="levels"):
        QuantizedReLU(*numbers)
