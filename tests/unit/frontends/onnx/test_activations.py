"""Rectifiers, softmax, and other activations."""

import numpy as np
import pytest

from snntoolbox.errors import UnsupportedError
from snntoolbox.ir.ops import Activation, Relu

IMAGE = ["N", 3, 4, 5]


@pytest.mark.parametrize(
    ("op", "settings", "opset", "name"),
    [
        ("Elu", {}, 18, "elu"),
        ("Exp", {}, 18, "exponential"),
        ("Gelu", {}, 20, "gelu"),
        ("HardSigmoid", {"alpha": 1 / 6}, 18, "hard_sigmoid"),
        ("LogSoftmax", {}, 18, "log_softmax"),
        ("Selu", {}, 18, "selu"),
        ("Sigmoid", {}, 18, "sigmoid"),
        ("Softplus", {}, 18, "softplus"),
        ("Softsign", {}, 18, "softsign"),
        ("Swish", {}, 24, "silu"),
        ("Tanh", {}, 18, "tanh"),
    ],
)
def test_functions(model, assert_same, op, settings, opset, name):
    graph = assert_same(model([(op, "x", "y", settings)], ["N", 6], opset=opset))
    assert isinstance(graph["y"].op, Activation) and graph["y"].op.function == name


def test_a_gate_of_its_own_is_an_activation(model, assert_same, kinds):
    graph = assert_same(model([("Sigmoid", "x", "s", {}), ("Mul", "s x", "y", {})], ["N", 6]))
    assert kinds(graph) == ["Activation"]


@pytest.mark.parametrize(
    ("nodes", "arrays", "expected"),
    [
        ([("Relu", "x", "y", {})], {}, Relu()),
        ([("LeakyRelu", "x", "y", {})], {}, Relu(negative_slope=0.01)),
        ([("LeakyRelu", "x", "y", {"alpha": 0.25})], {}, Relu(negative_slope=0.25)),
        ([("PRelu", "x s", "y", {})], {"s": np.float32([0.25])}, Relu(negative_slope=0.25)),
        ([("Clip", "x low high", "y", {})], {"low": np.float32(0), "high": np.float32(6)}, Relu(6.0)),
        ([("Clip", "x low", "y", {})], {"low": np.float32(0)}, Relu()),
        ([("Max", "zero x", "y", {})], {"zero": np.float32(0)}, Relu()),
        ([("Relu", "x", "r", {}), ("Min", "r c", "y", {})], {"c": np.float32(0.5)}, Relu(0.5)),
        ([("Relu", "x", "r", {}), ("Clip", "r - c", "y", {})], {"c": np.float32(0.5)}, Relu(0.5)),
        ([("LeakyRelu", "x", "r", {"alpha": 0.5}), ("Min", "r c", "y", {})], {"c": np.float32(2)}, Relu(2.0, 0.5)),
        ([("Relu", "x", "r", {}), ("Relu", "r", "y", {})], {}, Relu()),
        ([("Clip", "x a b", "r", {}), ("Min", "r c", "y", {})], {"a": 0.0, "b": 6.0, "c": 2.0}, Relu(2.0)),
    ],
    ids=str,
)
def test_rectifiers(model, assert_same, nodes, arrays, expected):
    graph = assert_same(model(nodes, IMAGE, {name: np.float32(value) for name, value in arrays.items()}))
    assert [node.op.kind for node in graph.nodes] == ["Input", "Relu"]
    op = graph[graph.outputs[0]].op
    assert (op.max_value, op.negative_slope) == (expected.max_value, expected.negative_slope)


def test_clip_of_old_opsets_has_its_bounds_as_attributes(model, assert_same):
    graph = assert_same(model([("Clip", "x", "y", {"min": 0.0, "max": 6.0})], IMAGE, opset=7))
    assert graph["y"].op.max_value == 6


def test_clip_without_bounds_does_nothing(model, assert_same, kinds):
    assert kinds(assert_same(model([("Clip", "x", "c", {}), ("Relu", "c", "y", {})], IMAGE))) == ["Relu"]


@pytest.mark.parametrize("shape", [(3, 1, 1), (3, 4, 5), (1, 1, 5)], ids=str)
def test_slopes_of_channels_and_elements(model, assert_same, rng, shape):
    """Slopes are reordered with the channels."""
    nodes = [("Conv", "x k", "c", {}), ("PRelu", "c s", "y", {})]
    arrays = {"k": rng.normal(size=(3, 3, 1, 1)).astype(np.float32), "s": rng.normal(size=shape).astype(np.float32)}
    assert_same(model(nodes, IMAGE, arrays))


def test_slopes_as_keras_exports_them(model, assert_same, rng):
    nodes = [
        ("Relu", "x", "r", {}),
        ("Neg", "x", "n", {}),
        ("Relu", "n", "m", {}),
        ("Mul", "m s", "l", {}),
        ("Add", "r l", "y", {}),
    ]
    slopes = rng.normal(size=(1, 4)).astype(np.float32)
    graph = assert_same(model(nodes, ["N", 4], {"s": slopes}))
    assert [node.op.kind for node in graph.nodes] == ["Input", "Relu"]
    assert np.array_equal(graph[graph.outputs[0]].op.negative_slope, -slopes[0])


@pytest.mark.parametrize("axis", [1, -1, 2])
@pytest.mark.parametrize("opset", [9, 13])
@pytest.mark.parametrize("op", ["Softmax", "LogSoftmax"])
def test_softmax_along_an_axis(model, assert_same, rng, op, opset, axis):
    """Before opset 13 the axes from the given one on are taken together."""
    nodes = [("Conv", "x k", "c", {}), (op, "c", "y", {"axis": axis})]
    assert_same(model(nodes, IMAGE, {"k": rng.normal(size=(3, 3, 1, 1)).astype(np.float32)}, opset=opset))


def test_softmax_after_global_pooling_needs_no_reshape(model, assert_same, kinds):
    graph = assert_same(model([("GlobalAveragePool", "x", "g", {}), ("Softmax", "g", "y", {})], IMAGE, opset=9))
    assert kinds(graph) == ["AveragePool", "Softmax"]


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (("Clip", "x", "y", {"min": -1.0, "max": 1.0}), "clips to [-1, 1]"),
        (("Clip", "x", "y", {"min": 0.0, "max": 0.0}), "clips to [0, 0]"),
        (("Max", "x one", "y", {}), "takes the larger of x and a constant"),
        (("Max", "x x", "y", {}), "compares 2 tensors of the network"),
        (("Min", "x one", "y", {}), "takes the smaller of x and a constant"),
        (("Elu", "x", "y", {"alpha": 0.5}), "has alpha = 0.5"),
        (("HardSigmoid", "x", "y", {}), "has alpha = 0.2"),
        (("Selu", "x", "y", {"gamma": 1.0}), "has gamma = 1"),
        (("Softmax", "x", "y", {"axis": 0}), "normalises along the batch"),
    ],
    ids=str,
)
def test_refusals(model, assert_same, node, words):
    opset = 10 if node[0] == "Clip" else 13
    with pytest.raises(UnsupportedError) as caught:
        assert_same(model([node], IMAGE, {"one": np.float32(1)}, opset=opset))
    assert f"node 'y' ({node[0]}): {words}" in str(caught.value)


def test_the_approximate_gelu_is_refused(model, assert_same):
    with pytest.raises(UnsupportedError, match="is the approximate GELU"):
        assert_same(model([("Gelu", "x", "y", {"approximate": "tanh"})], IMAGE, opset=20))
