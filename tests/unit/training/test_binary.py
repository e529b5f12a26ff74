"""Binary layers: what they compute, how gradients pass, and what is saved of them."""

from __future__ import annotations

import numpy as np
import pytest

import snntoolbox
from snntoolbox.ir import ops
from snntoolbox.neurons import BinaryNeuron


@pytest.fixture(scope="module")
def binary():
    from snntoolbox.training import binary

    return binary


def test_activations_are_rounded_and_pass_gradients_near_zero(binary):
    import tensorflow as tf

    x = tf.constant([-2.0, -0.5, 0.5, 2.0])
    for function, expected in ((binary.sign, [-1, -1, 1, 1]), (binary.heaviside, [0, 0, 1, 1])):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        assert y.numpy().tolist() == expected
        assert tape.gradient(y, x).numpy().tolist() == [0, 1, 1, 0]


def test_a_binary_model_becomes_a_plain_one_that_can_be_converted(binary):
    import keras

    keras.utils.set_random_seed(0)
    parts = [
        keras.Input((6, 6, 1)),
        binary.BinaryConv2D(3, 3, activation=binary.sign, name="conv"),
        keras.layers.Flatten(),
        binary.BinaryDense(5, activation=binary.heaviside, name="dense"),
        binary.BinaryDense(2, name="out"),
    ]
    model = keras.Sequential(parts)
    x = np.random.default_rng(0).normal(size=(8, 6, 6, 1)).astype(np.float32)
    plain = binary.with_binary_weights(model)
    np.testing.assert_allclose(plain.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-5)
    assert set(np.unique(plain.get_layer("conv").get_weights()[0])) <= {-1.0, 1.0}
    graph = snntoolbox.parse(plain)
    assert [n.op.function for n in graph.nodes if isinstance(n.op, ops.Activation)] == ["sign", "heaviside"]
    spiking = snntoolbox.convert(graph)
    models = [spiking[name].op.model for name in spiking.neurons]
    assert [m.signed for m in models if isinstance(m, BinaryNeuron)] == [True, False]
