"""Whole models: nested, shared, branching, with several inputs and outputs, of open size."""

from __future__ import annotations

import logging

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers as L

from snntoolbox.errors import DataError, UnsupportedError
from snntoolbox.frontends.keras import KerasFrontend
from snntoolbox.ir.evaluate import evaluate, max_relative_deviation


def residual_block(x, name):
    shortcut = x
    x = L.Conv2D(4, 3, padding="same", name=f"{name}_conv")(x)
    x = L.BatchNormalization(name=f"{name}_bn")(x)
    return L.ReLU(name=f"{name}_out")(L.Add(name=f"{name}_add")([x, shortcut]))


def test_printed_graph(assert_same):
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1), name="image"),
            L.Conv2D(2, 3, activation="relu", name="conv"),
            L.BatchNormalization(name="bn"),
            L.Dropout(0.5, name="dropout"),
            L.GlobalAveragePooling2D(name="pool"),
            L.Dense(3, activation="softmax", name="fc"),
        ],
        name="net",
    )
    graph = assert_same(model)
    assert str(graph) == (
        "image: Input(shape=(6,6,1)) -> (6, 6, 1)\n"
        "conv: Conv(kernel=3x3x1x2, bias=2, strides=(1,1)) <- image -> (4, 4, 2)\n"
        "conv_relu: Relu() <- conv -> (4, 4, 2)\n"
        "bn: Affine(scale=2, shift=2) <- conv_relu -> (4, 4, 2)\n"
        "pool: AveragePool(pool=(4,4), strides=(4,4)) <- bn -> (1, 1, 2)\n"
        "pool_flatten: Reshape(shape=(2,)) <- pool -> (2,)\n"
        "fc: Dense(weight=2x3, bias=3) <- pool_flatten -> (3,)\n"
        "fc_softmax: Softmax() <- fc -> (3,)\n"
        "outputs: fc_softmax"
    )
    assert dict(graph.attributes) == {"frontend": "keras", "model": "net", "removed": "dropout"}


def test_removed_layers_are_logged(caplog, assert_same):
    with caplog.at_level(logging.INFO, logger="snntoolbox"):
        assert_same(keras.Sequential([keras.Input((3,)), L.Dropout(0.5, name="a"), L.GaussianNoise(1.0, name="b")]))
    assert "removed layers that do nothing after training: a, b" in caplog.text


def test_residual_network(assert_same):
    x = inputs = keras.Input((6, 6, 3))
    x = L.Conv2D(4, 1)(x)
    for name in "abc":
        x = residual_block(x, name)
    graph = assert_same(keras.Model(inputs, L.Dense(3)(L.Flatten()(x))))
    assert graph["b_add"].inputs == ("b_bn", "a_out")


def test_nested_models_are_flattened(assert_same):
    inner = keras.Sequential([keras.Input((5,)), L.Dense(4, activation="relu", name="inner_fc")], name="inner")
    middle_in = keras.Input((5,))
    middle = keras.Model(middle_in, L.Dense(3, name="middle_fc")(inner(middle_in)), name="middle")
    model = keras.Sequential([keras.Input((5,), name="in"), middle, L.ReLU(name="end")])
    graph = assert_same(model)
    assert [node.name for node in graph.nodes] == ["in", "inner_fc", "inner_fc_relu", "middle_fc", "end"]


def test_layers_of_nested_models_that_share_a_name_get_that_of_their_model(assert_same):
    left, right = (
        keras.Sequential([keras.Input((5,)), L.Dense(4, name="fc")], name=name) for name in ("left", "right")
    )
    inputs = keras.Input((5,), name="in")
    graph = assert_same(keras.Model(inputs, L.Dense(2, name="fc")(L.Add(name="add")([left(inputs), right(inputs)]))))
    assert [node.name for node in graph.nodes] == ["in", "left_fc", "right_fc", "add", "fc"]


def test_nested_model_with_several_inputs_and_outputs(assert_same):
    a, b = keras.Input((3,)), keras.Input((3,))
    inner = keras.Model([a, b], [L.Add(name="sum")([a, b]), L.Subtract(name="difference")([a, b])])
    x, y = keras.Input((3,), name="x"), keras.Input((3,), name="y")
    total, difference = inner([y, x])
    graph = assert_same(keras.Model([x, y], [difference, L.Dense(2, name="fc")(total)]))
    assert graph["sum"].inputs == ("y", "x")
    assert graph.outputs == ("difference", "fc")


def test_shared_layer_appears_once_for_each_call(assert_same):
    layer = L.Dense(4, activation="relu", name="fc")
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    graph = assert_same(keras.Model([a, b], L.Concatenate(name="join")([layer(a), layer(layer(b))])))
    names = [node.name for node in graph.nodes]
    assert names == ["a", "b", "fc", "fc_relu", "fc_2", "fc_2_relu", "fc_3", "fc_3_relu", "join"]
    assert graph["fc"].op.weight.tobytes() == graph["fc_3"].op.weight.tobytes()


def test_shared_model(assert_same):
    tower = keras.Sequential([keras.Input((4,)), L.Dense(3, name="fc")], name="tower")
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    graph = assert_same(keras.Model([a, b], L.Subtract(name="minus")([tower(a), tower(b)])))
    assert [node.name for node in graph.nodes] == ["a", "b", "fc", "fc_2", "minus_negative", "minus"]


def test_part_of_a_model(assert_same):
    x = inputs = keras.Input((5,), name="in")
    middle = L.Dense(4, name="first")(x)
    model = keras.Model(inputs, L.Dense(3, name="second")(middle))
    assert [node.name for node in assert_same(keras.Model(inputs, middle)).nodes] == ["in", "first"]
    assert assert_same(keras.Model(middle, model.output)).outputs == ("second",)


def test_output_that_is_removed_or_an_input(assert_same):
    inputs = keras.Input((3,), name="in")
    x = L.Dense(2, name="fc")(inputs)
    assert assert_same(keras.Model(inputs, L.Dropout(0.5)(x))).outputs == ("fc",)
    assert assert_same(keras.Model(inputs, [x, L.Identity()(inputs)])).outputs == ("fc", "in")


def test_open_size_is_filled_in(assert_same):
    x = inputs = keras.Input((None, None, 3), name="image")
    x = L.Conv2D(4, 3, strides=2, padding="same")(x)
    model = keras.Model(inputs, L.Dense(2)(L.GlobalAveragePooling2D()(x)))
    graph = assert_same(model, input_shape=(8, 8, 3))
    assert graph.shapes["image"] == (8, 8, 3)
    assert graph.equals(assert_same(model, keep_weights=True, input_shape={"image": (8, 8, 3)}))


@pytest.mark.parametrize(
    ("input_shape", "message"),
    [
        (None, r"input 'image': has shape \(None, None, 3\): the size of axis 0, 1 is open, .* Give input_shape"),
        ((8, None, 3), "the size of axis 1 is open"),
        ((8, 8, 1), r"which input_shape=\(8, 8, 1\) does not agree with"),
        ((8, 3), r"which input_shape=\(8, 3\) does not agree with"),
        ({"picture": (8, 8, 3)}, "input_shape for 'picture': the model has no such input, only image"),
    ],
)
def test_open_size_that_is_not_settled(input_shape, message):
    inputs = keras.Input((None, None, 3), name="image")
    model = keras.Model(inputs, L.Conv2D(4, 3)(inputs))
    with pytest.raises(UnsupportedError, match=message):
        KerasFrontend(input_shape=input_shape).parse(model)


def test_one_input_shape_for_two_inputs_is_refused():
    a, b = keras.Input((None, 3), name="a"), keras.Input((None, 3), name="b")
    with pytest.raises(UnsupportedError, match="the model has no such input, only a, b"):
        KerasFrontend(input_shape=(4, 3)).parse(keras.Model([a, b], L.Add()([a, b])))


def test_model_is_not_changed(rng, randomise):
    model = randomise(keras.Sequential([keras.Input((3,)), L.Dense(2), L.BatchNormalization()]))
    model.compile("sgd", "mse")
    weights = [w.copy() for w in model.get_weights()]
    attributes = set(vars(model))
    calls = [len(layer._inbound_nodes) for layer in model.layers]
    x = rng.normal(size=(4, 3)).astype(np.float32)
    before = np.asarray(model(x))
    frontend = KerasFrontend()
    frontend.parse(model)
    frontend.reference_outputs(model, x)
    assert set(vars(model)) == attributes
    assert [len(layer._inbound_nodes) for layer in model.layers] == calls
    for expected, weight in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)
    np.testing.assert_array_equal(np.asarray(model(x)), before)


@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_reference_outputs(batch_size, rng, randomise):
    model = randomise(keras.Sequential([keras.Input((3,)), L.Dense(2, activation="relu")]))
    x = rng.normal(size=(5, 3)).astype(np.float32)
    outputs = KerasFrontend().reference_outputs(model, x, batch_size=batch_size)
    np.testing.assert_allclose(outputs, np.asarray(model(x)), rtol=1e-6)


@pytest.mark.parametrize("form", ["list", "dict"])
def test_reference_outputs_of_several_inputs_and_outputs(form, rng, randomise):
    a, b = keras.Input((3,), name="a"), keras.Input((2,), name="b")
    outputs = [L.Dense(2)(b), L.Dense(4)(a)]
    inputs = {"a": a, "b": b} if form == "dict" else [b, a]
    model = randomise(keras.Model(inputs, outputs))
    x = {"a": rng.normal(size=(5, 3)), "b": rng.normal(size=(5, 2))}
    frontend = KerasFrontend()
    reference = frontend.reference_outputs(model, x, batch_size=3)
    assert [y.shape for y in reference] == [(5, 2), (5, 4)]
    graph = frontend.parse(model)
    assert max_relative_deviation(reference, evaluate(graph, x)) < 1e-6


def test_a_reference_is_compiled_once_and_follows_the_weights(rng):
    calls = []

    class Counted(L.Dense):
        def call(self, inputs):
            calls.append(inputs)
            return super().call(inputs)

    model = keras.Sequential([keras.Input((3,)), Counted(2)])
    reference = KerasFrontend().reference(model)
    traced = len(calls)
    x = rng.normal(size=(5, 3)).astype(np.float32)
    first = reference(x, batch_size=2)
    model.set_weights([2 * w for w in model.get_weights()])
    np.testing.assert_allclose(reference(x), 2 * first, rtol=1e-6)
    assert len(calls) == traced


def test_reference_outputs_check_the_samples(rng):
    model = keras.Sequential([keras.Input((3,), name="in"), L.Dense(2)])
    with pytest.raises(
        DataError, match=r"input 'in': expected numbers of shape \(num_samples, 3\), got float64 \(5, 4\)"
    ):
        KerasFrontend().reference_outputs(model, rng.normal(size=(5, 4)))


@st.composite
def architectures(draw):
    """A list of layer choices; each is applied to the last of the tensors so far, or merges it with an earlier one."""
    kinds = [
        "conv",
        "depthwise",
        "separable",
        "pool",
        "average",
        "norm",
        "relu",
        "leaky",
        "pad",
        "crop",
        "up",
        "add",
        "join",
    ]
    return draw(st.lists(st.tuples(st.sampled_from(kinds), st.integers(0, 3), st.booleans()), min_size=1, max_size=8))


def build(choices):
    x = inputs = keras.Input((8, 8, 2))
    seen = [x]
    for kind, number, flag in choices:
        padding, size = "same" if flag else "valid", min(x.shape[1:3])
        window = min(1 + number, size)
        partners = [t for t in seen if t.shape == x.shape]
        if kind == "conv":
            x = L.Conv2D(2 * (1 + number), window, strides=1 + flag, padding=padding, activation="relu")(x)
        elif kind == "depthwise":
            x = L.DepthwiseConv2D(window, padding=padding, depth_multiplier=1 + flag)(x)
        elif kind == "separable":
            x = L.SeparableConv2D(2, window, padding=padding)(x)
        elif kind == "pool":
            x = L.MaxPooling2D(window, strides=2, padding=padding)(x)
        elif kind == "average":
            x = L.AveragePooling2D(window, strides=1 + flag, padding=padding)(x)
        elif kind == "up" and size <= 8:
            x = L.UpSampling2D(1 + flag)(x)
        elif kind == "crop" and size > 2:
            x = L.Cropping2D(((1, 0), (0, 1)))(x)
        elif kind == "add":
            x = L.Add()([x, partners[number % len(partners)]])
        elif kind == "join":
            x = L.Concatenate()([partners[number % len(partners)], x])
        else:
            simple = {"norm": L.BatchNormalization(), "relu": L.ReLU(), "leaky": L.LeakyReLU()}
            x = simple.get(kind, L.ZeroPadding2D(((number, 0), (0, 1))))(x)
        seen.append(x)
    return keras.Model(inputs, [seen[len(seen) // 2], L.Dense(3, activation="softmax")(L.Flatten()(x))])


@settings(max_examples=25)
@given(choices=architectures())
def test_random_networks(choices):
    rng = np.random.default_rng(0)
    model = build(choices)
    for weight in model.weights:
        positive = "variance" in weight.path or "gamma" in weight.path
        weight.assign(rng.uniform(0.5, 1.5, weight.shape) if positive else rng.normal(scale=0.5, size=weight.shape))
    frontend = KerasFrontend()
    graph = frontend.parse(model)
    x = rng.normal(size=(2, 8, 8, 2)).astype(np.float32)
    deviation = max_relative_deviation(
        [np.asarray(y) for y in model(x, training=False)], evaluate(graph, x, nodes=graph.outputs)
    )
    assert deviation <= 1e-5
