"""Nodes that move, cut, join and repeat, and those that do nothing."""

import numpy as np
import pytest
from onnx import TensorProto

from snntoolbox.errors import UnsupportedError

IMAGE = ["N", 3, 8, 9]
FAR = 2**62


@pytest.fixture
def weights(rng):
    """Arrays by name: integers as they are, tuples as shapes of random ones."""

    def make(**values):
        return {
            name: rng.normal(size=value).astype(np.float32) if isinstance(value, tuple) else np.array(value)
            for name, value in values.items()
        }

    return make


CONV = ("Conv", "x w", "c", {})


@pytest.mark.parametrize(
    ("node", "arrays", "expected"),
    [
        pytest.param(("Pad", "c p", "y", {}), {"p": [0, 0, 1, 2, 0, 0, 0, 3]}, ["Pad"], id="zeros"),
        pytest.param(("Pad", "c p", "y", {}), {"p": [0, 1, 0, 0, 0, 2, 0, 0]}, ["Pad"], id="channels"),
        pytest.param(("Pad", "c p", "y", {}), {"p": [0, 0, 1, -2, 0, -1, 0, 3]}, ["Slice", "Pad"], id="negative"),
        pytest.param(("Pad", "c p - a", "y", {}), {"p": [1, 2, 3, 4], "a": [2, -1]}, ["Pad"], id="axes"),
        pytest.param(("Slice", "c s e", "y", {}), {"s": [0, 1], "e": [FAR, 3]}, ["Slice"], id="slice, first axes"),
        pytest.param(
            ("Slice", "c s e a t", "y", {}),
            {"s": [-3, 1], "e": [FAR, -1], "a": [-1, 2], "t": [2, 3]},
            ["Slice"],
            id="slice, from the end",
        ),
        pytest.param(("Slice", "c s e", "y", {}), {"s": [0], "e": [FAR]}, [], id="slice, everything"),
        pytest.param(("Gather", "c i", "y", {"axis": 1}), {"i": 1}, ["Slice", "Reshape"], id="one channel"),
        pytest.param(("Gather", "c i", "y", {"axis": -2}), {"i": [1, 3, 5]}, ["Slice"], id="every second row"),
        pytest.param(("Identity", "c", "y", {}), {}, [], id="identity"),
        pytest.param(("Dropout", "c", "y", {}), {}, [], id="dropout"),
        pytest.param(("Cast", "c", "y", {"to": TensorProto.FLOAT}), {}, [], id="cast"),
        pytest.param(("Transpose", "c", "y", {"perm": [0, 2, 3, 1]}), {}, [], id="transpose"),
        pytest.param(("Unsqueeze", "c a", "y", {}), {"a": [4]}, [], id="unsqueeze"),
    ],
)
def test_after_a_convolution(model, assert_same, kinds, weights, node, arrays, expected):
    """What is said of the file's axes is done to the channels-last ones."""
    graph = assert_same(model([CONV, node], IMAGE, weights(w=(4, 3, 1, 2), **arrays)))
    assert kinds(graph) == ["Conv", *expected]


def test_settings_of_old_opsets_are_attributes(model, assert_same, kinds):
    nodes = [
        ("Pad", "x", "a", {"pads": [0, 0, 1, 0, 0, 0, 0, 1]}),
        ("Slice", "a", "b", {"axes": [2, 3], "starts": [1, -5], "ends": [100, 100]}),
        ("Split", "b", "c d", {"axis": 3, "split": [2, 3]}),
        ("Unsqueeze", "c", "e", {"axes": [1]}),
        ("Squeeze", "e", "f", {"axes": [1]}),
        ("Concat", "d f", "g", {"axis": 3}),
        ("Dropout", "g", "y", {"ratio": 0.5}),
    ]
    graph = assert_same(model(nodes, IMAGE, opset=7))
    assert kinds(graph) == ["Pad", "Slice", "Slice", "Slice", "Concat"]


@pytest.mark.parametrize("sizes", [{"s": np.array([1, 3])}, {}], ids=["given", "equal"])
def test_split(model, assert_same, kinds, weights, sizes):
    settings = {} if sizes else {"num_outputs": 2}
    nodes = [CONV, ("Split", "c s" if sizes else "c", "a b", {"axis": 1, **settings})]
    nodes += [("Concat", "b a", "y", {"axis": 1})]
    graph = assert_same(model(nodes, IMAGE, {**weights(w=(4, 3, 1, 1)), **sizes}))
    assert kinds(graph) == ["Conv", "Slice", "Slice", "Concat"]
    assert graph["y"].op.axis == -1


@pytest.mark.parametrize("axis", [1, 2, -1])
def test_concat(model, assert_same, weights, axis):
    nodes = [CONV, ("Relu", "c", "r", {}), ("Concat", "c r", "y", {"axis": axis})]
    assert_same(model(nodes, IMAGE, weights(w=(4, 3, 1, 1))))


def test_concat_along_an_axis_that_was_just_added(model, assert_same, weights):
    nodes = [CONV, ("Unsqueeze", "c a", "u", {}), ("Concat", "u u u", "y", {"axis": 2})]
    assert_same(model(nodes, IMAGE, weights(w=(4, 3, 1, 1), a=[2])))


def test_padding_is_a_part_of_the_convolution_after_it(model, assert_same, kinds, weights):
    nodes = [("Pad", "x p", "q", {}), ("Conv", "q w", "y", {"pads": [1, 0, 0, 1]})]
    graph = assert_same(model(nodes, IMAGE, weights(p=[0, 0, 1, 2, 0, 0, 0, 3], w=(4, 3, 3, 3))))
    assert kinds(graph) == ["Conv"] and graph["y"].op.padding == ((2, 0), (2, 4))


def test_padding_of_an_average_counts(model, assert_same, kinds, weights):
    nodes = [("Pad", "x p", "q", {}), ("AveragePool", "q", "y", {"kernel_shape": [2, 2]})]
    assert kinds(assert_same(model(nodes, IMAGE, weights(p=[0, 0, 1, 0, 0, 0, 0, 1])))) == ["AveragePool"]


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_depth_to_space(model, assert_same, mode):
    assert_same(model([("DepthToSpace", "x", "y", {"blocksize": 2, "mode": mode})], ["N", 8, 3, 4]))


def test_space_to_depth(model, assert_same):
    assert_same(model([("SpaceToDepth", "x", "y", {"blocksize": 2})], ["N", 2, 4, 6]))


def test_repetition_as_keras_exports_it_is_upsampling(model, assert_same, kinds, weights):
    nodes = [CONV]
    arrays = {}
    for axis, (before, after) in enumerate([("c", "d"), ("d", "y")], start=2):
        nodes += [
            ("Unsqueeze", f"{before} a{axis}", f"{after}u", {}),
            ("Tile", f"{after}u r{axis}", f"{after}t", {}),
            ("Reshape", f"{after}t s{axis}", after, {}),
        ]
        repeats = [1, 1, 1, 1, 1]
        repeats[axis + 1] = 2
        arrays |= {f"a{axis}": [axis + 1], f"r{axis}": repeats, f"s{axis}": [-1, 4, 16, 9 if axis == 2 else 18]}
    graph = assert_same(model(nodes, IMAGE, weights(w=(4, 3, 1, 1), **arrays)))
    assert kinds(graph) == ["Conv", "Upsample"]
    assert graph[graph.outputs[0]].op.factors == (2, 2)


def test_expand_repeats_along_space(model, assert_same, kinds, weights):
    nodes = [("GlobalMaxPool", "x", "g", {}), ("Expand", "g s", "y", {})]
    assert kinds(assert_same(model(nodes, IMAGE, weights(s=[1, 3, 4, 4])))) == ["MaxPool", "Upsample"]


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (("Pad", "x p", "y", {"mode": "reflect"}), "pads by 'reflect'"),
        (("Pad", "x p one", "y", {}), "pads with the constant 1"),
        (("Pad", "x batch", "y", {}), "pads the batch"),
        (("Slice", "x zero far two minus", "y", {}), "takes elements in steps of -1"),
        (("Slice", "x zero zero", "y", {}), "cuts nothing out of (1, 3, 8, 9)"),
        (("Gather", "x order", "y", {"axis": 1}), "picks elements in an order of its own"),
        (("Gather", "table i", "y", {}), "looks up rows of a table"),
        (("Concat", "x x", "y", {"axis": 0}), "joins along the batch (axis = 0)"),
        (("Concat", "x k", "y", {"axis": 1}), "joins a tensor with a constant"),
        (("Tile", "x twice", "y", {}), "repeats (1, 3, 8, 9) to (1, 3, 16, 9)"),
        (("Cast", "x", "y", {"to": TensorProto.INT32}), "rounds to int32"),
    ],
    ids=str,
)
def test_refusals(model, assert_same, weights, node, words):
    arrays = {
        **weights(p=[0, 0, 1, 1, 0, 0, 1, 1], batch=[1, 0, 0, 0, 0, 0, 0, 0], zero=[0], far=[FAR], two=[2], minus=[-1]),
        **weights(order=[2, 0, 1], twice=[1, 1, 2, 1], table=(4, 3), k=(1, 3, 8, 9)),
        "one": np.float32(1),
    }
    nodes = [node]
    if "table" in node[1]:
        nodes = [("Cast", "x", "i", {"to": TensorProto.INT64}), node]
    with pytest.raises(UnsupportedError) as caught:
        assert_same(model(nodes, IMAGE, arrays))
    assert f"node 'y' ({node[0]}): {words}" in str(caught.value)
