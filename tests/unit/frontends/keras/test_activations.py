"""Activations inside layers and as layers: what they become, and how their nodes are named."""

from __future__ import annotations

import keras
import pytest
import tensorflow as tf
from keras import layers as L

from snntoolbox.errors import UnsupportedError
from snntoolbox.frontends.keras import KerasFrontend
from snntoolbox.ir.ops import Activation


def model_of(activation):
    return keras.Sequential([keras.Input((4,)), L.Dense(5, name="fc", activation=activation)])


@pytest.mark.parametrize(
    ("activation", "name", "kind"),
    [
        ("relu", "fc_relu", "Relu"),
        ("relu6", "fc_relu6", "Relu"),
        ("leaky_relu", "fc_leaky_relu", "Relu"),
        ("softmax", "fc_softmax", "Softmax"),
        ("swish", "fc_silu", "Activation"),
        *((name, f"fc_{name}", "Activation") for name in Activation.FUNCTIONS),
        (tf.nn.relu, "fc_relu", "Relu"),
        (tf.nn.relu6, "fc_relu6", "Relu"),
        (tf.nn.softmax, "fc_softmax", "Softmax"),
        (tf.nn.leaky_relu, "fc_leaky_relu", "Relu"),
        (tf.tanh, "fc_tanh", "Activation"),
        (tf.nn.gelu, "fc_gelu", "Activation"),
        (keras.ops.relu, "fc_relu", "Relu"),
        (L.ReLU(max_value=0.5, negative_slope=0.1), "fc_relu", "Relu"),
        (L.LeakyReLU(0.1), "fc_leaky_relu", "Relu"),
        (L.Softmax(), "fc_softmax", "Softmax"),
        (L.ELU(), "fc_elu", "Activation"),
    ],
)
def test_activation_inside_a_layer_is_a_node_of_its_own(activation, name, kind, assert_same):
    graph = assert_same(model_of(activation))
    assert graph["fc"].op.kind == "Dense"
    assert graph[name].op.kind == kind
    assert graph.outputs == (name,)


@pytest.mark.parametrize("activation", [None, "linear", tf.identity])
def test_linear_activation_is_no_node(activation, assert_same):
    assert assert_same(model_of(activation)).outputs == ("fc",)


@pytest.mark.parametrize("activation", ["relu", "softmax", "tanh", L.ReLU(6), L.LeakyReLU(0.2)])
def test_activation_layer_keeps_its_name(activation, assert_same):
    graph = assert_same(keras.Sequential([keras.Input((4,)), L.Activation(activation, name="act")]))
    assert graph.outputs == ("act",)


def test_activation_name_that_a_layer_has_already_is_left_to_the_layer(assert_same):
    x = inputs = keras.Input((4,), name="in")
    x = L.Dense(3, activation="relu", name="fc")(x)
    x = L.Dense(3, name="fc_relu")(x)
    graph = assert_same(keras.Model(inputs, x))
    assert [node.name for node in graph.nodes] == ["in", "fc", "fc_relu_2", "fc_relu"]
    assert graph["fc_relu"].op.kind == "Dense"


class LimitedReLU(L.ReLU):
    """As in the original toolbox."""

    def __init__(self, cfg):
        super().__init__(**cfg)
        self.__name__ = f"{self.negative_slope}_{self.max_value}_{self.threshold}_LimitedReLU"


def test_limited_relu_of_the_original_toolbox(assert_same):
    graph = assert_same(model_of(LimitedReLU({"max_value": 0.5, "negative_slope": 0.0, "threshold": 0.0})))
    assert graph["fc_relu"].op.max_value == 0.5


def relu(x):
    return tf.maximum(x, 0)


def clamped_relu(x):
    return tf.where(x < 0.1, 0.0, x)


@pytest.mark.parametrize(
    ("activation", "message"),
    [
        (relu, "layer 'fc' \\(Dense\\): has the activation 'relu' of .*test_activations, which is not known. Use relu"),
        (clamped_relu, "has the activation 'clamped_relu'"),
        (keras.ops.gelu, "has the activation 'gelu' of keras.src.ops.nn, which is not known"),
        ("mish", "has the activation 'mish' of keras"),
        (L.ReLU(threshold=0.5, negative_slope=0.1), "has threshold = 0.5 and negative_slope = 0.1. Only a threshold"),
        (L.ELU(alpha=0.5), "has alpha = 0.5. Only alpha = 1"),
        (L.PReLU(), "has a PReLU inside, which has no weights. Use PReLU as a layer"),
        (L.LayerNormalization(), "has the activation '.*[Ll]ayer_?[Nn]ormalization'"),
    ],
)
def test_unknown_activation_is_refused(activation, message):
    with pytest.raises(UnsupportedError, match=message):
        KerasFrontend().parse(model_of(activation))


@pytest.mark.parametrize("axis", [1, (1, 2), (2, 3), -2])
def test_softmax_along_another_axis_is_refused(axis):
    model = keras.Sequential([keras.Input((3, 4, 5)), L.Softmax(axis=axis, name="probabilities")])
    with pytest.raises(UnsupportedError, match=r"layer 'probabilities' \(Softmax\): has axis = .* use axis=-1"):
        KerasFrontend().parse(model)
