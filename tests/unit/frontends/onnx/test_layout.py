"""Channels-last once: what moves, and what does not have to."""

import numpy as np
import pytest

from snntoolbox.errors import GraphError
from snntoolbox.frontends.onnx.layout import Builder, Tensor, blocks, with_axes
from snntoolbox.ir.ops import Input

IMAGE = ["N", 3, 4, 5]


@pytest.fixture
def weights(rng):
    """Arrays by name, of the given shapes; arrays of integers as they are."""

    def make(**values):
        return {
            name: rng.normal(size=value).astype(np.float32) if isinstance(value, tuple) else np.array(value)
            for name, value in values.items()
        }

    return make


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ((1, 12), (1, 3, 4), [([1], [1, 2])]),
        ((1, 3, 4, 5), (1, 60), [([1, 2, 3], [1])]),
        ((1, 6, 4, 5), (1, 2, 3, 4, 5), [([1], [1, 2]), ([2], [3]), ([3], [4])]),
        ((1, 6, 1, 1), (6,), [([1], [0])]),
        ((1, 4, 6), (1, 6, 4), [([1, 2], [1, 2])]),
    ],
)
def test_blocks_of_axes(old, new, expected):
    assert blocks(old, new) == expected


def test_new_axes_stand_after_the_axis_before_them_but_never_last():
    assert with_axes((2, 4, 1), [3]) == (2, 3, 4, 1)
    assert with_axes((2, 3, 1), [4]) == (2, 3, 4, 1)
    assert with_axes((1,), [2]) == (2, 1)


def test_a_tensor_knows_its_transpose_and_its_constants():
    tensor = Tensor("n", (2, 3, 1), (1, 3, 4, 5))
    assert tensor.transposed((0, 2, 3, 1)) == Tensor("n", (1, 2, 3), (1, 4, 5, 3))
    constant = np.arange(3.0).reshape(3, 1, 1)
    assert tensor.stored_constant(constant).tolist() == [0, 1, 2]
    assert tensor.stored_constant(np.float32(2)).shape == ()
    with pytest.raises(GraphError, match="broadcasts against"):
        tensor.stored_constant(np.zeros((7, 1, 1)))


def test_aligning_to_a_layout_that_lacks_an_axis_is_an_error():
    builder = Builder()
    tensor = Tensor(builder.add(Input((4, 5, 3)), origin="x"), (2, 3, 1), (1, 3, 4, 5))
    with pytest.raises(GraphError, match="do not fit into"):
        builder.align(tensor, (2, 1), "x")


CONV = ("Conv", "x k", "c", {})
FLATTEN = ("Flatten", "c", "f", {})


@pytest.mark.parametrize(
    ("nodes", "arrays", "expected"),
    [
        pytest.param([FLATTEN, ("MatMul", "f w", "y", {})], {"w": (80, 2)}, ["Reshape", "Dense"], id="dense"),
        pytest.param(
            [
                FLATTEN,
                ("BatchNormalization", "f a b m v", "n", {}),
                ("PRelu", "n s", "p", {}),
                ("Dropout", "p", "d", {}),
                ("Gemm", "d w", "y", {}),
            ],
            {"a": (80,), "b": (80,), "m": (80,), "v": np.arange(1.0, 81.0, dtype=np.float32), "s": (80,), "w": (80, 2)},
            ["Reshape", "Affine", "Relu", "Dense"],
            id="through normalisation and rectifier",
        ),
        pytest.param(
            [
                FLATTEN,
                ("MatMul", "f w", "a", {}),
                ("MatMul", "f u", "b", {}),
                ("Add", "a b", "y", {}),
            ],
            {"w": (80, 2), "u": (80, 2)},
            ["Reshape", "Dense", "Dense", "Add"],
            id="two dense layers",
        ),
        pytest.param(
            [
                FLATTEN,
                ("MaxPool", "c", "p", {"kernel_shape": [2, 2]}),
                ("Flatten", "p", "g", {}),
                ("Concat", "f g", "h", {"axis": 1}),
                ("MatMul", "h w", "y", {}),
            ],
            {"w": (128, 2)},
            ["Reshape", "MaxPool", "Reshape", "Concat", "Dense"],
            id="through a concatenation",
        ),
        pytest.param(
            [
                FLATTEN,
                ("Conv", "x k2", "e", {}),
                ("Flatten", "e", "g", {}),
                ("Add", "f g", "h", {}),
                ("MatMul", "h w", "y", {}),
            ],
            {"k2": (4, 3, 1, 1), "w": (80, 2)},
            ["Reshape", "Conv", "Reshape", "Add", "Dense"],
            id="through a sum",
        ),
        pytest.param([("Flatten", "c", "y", {})], {}, ["Permute", "Reshape"], id="output: must move"),
        pytest.param(
            [FLATTEN, ("MatMul", "f w", "d", {}), ("Concat", "f d", "y", {"axis": 1})],
            {"w": (80, 2)},
            ["Permute", "Reshape", "Dense", "Concat"],
            id="output and dense: must move",
        ),
        pytest.param(
            [
                FLATTEN,
                ("Flatten", "x", "g", {}),
                ("Concat", "f g", "h", {"axis": 1}),
                ("Slice", "h s e a", "y", {}),
            ],
            {"s": [3], "e": [99], "a": [1]},
            ["Permute", "Reshape", "Permute", "Reshape", "Concat", "Slice"],
            id="slice: must move",
        ),
        pytest.param(
            [("Reshape", "c s", "f", {}), ("MatMul", "f w", "y", {})],
            {"s": [0, 4, -1], "w": (20, 2)},
            ["Reshape", "Permute", "Dense"],
            id="pixels as features: must move",
        ),
    ],
)
def test_flattening(model, assert_same, kinds, weights, nodes, arrays, expected):
    graph = assert_same(model([CONV, *nodes], IMAGE, weights(k=(4, 3, 1, 1), **arrays)))
    assert kinds(graph) == ["Conv", *expected]


def test_unflattening_moves_into_the_columns_before_it(model, assert_same, kinds, weights):
    nodes = [
        ("Gemm", "x w b", "g", {}),
        ("Relu", "g", "r", {}),
        ("Mul", "r m", "s", {}),
        ("Reshape", "s shape", "u", {}),
        ("ConvTranspose", "u k", "y", {"strides": [2, 2]}),
    ]
    arrays = weights(w=(6, 24), b=(24,), m=(24,), shape=[-1, 2, 3, 4], k=(2, 3, 3, 3))
    graph = assert_same(model(nodes, ["N", 6], arrays))
    assert kinds(graph) == ["Dense", "Relu", "Affine", "Reshape", "ConvTranspose"]


def test_unflattening_values_that_others_take_too_moves_them(model, assert_same, kinds, weights):
    nodes = [("Gemm", "x w", "g", {}), ("Reshape", "g s", "u", {}), ("Conv", "u k", "c", {}), ("Relu", "g", "z", {})]
    arrays = weights(w=(6, 24), s=[-1, 2, 3, 4], k=(2, 2, 1, 1))
    graph = assert_same(model(nodes, ["N", 6], arrays, ("c", "z")))
    assert kinds(graph) == ["Dense", "Reshape", "Permute", "Conv", "Relu"]


def test_transposes_around_convolutions_cancel(model, assert_same, kinds, weights):
    nodes = [
        ("Transpose", "x", "a", {"perm": [0, 3, 1, 2]}),
        ("Conv", "a k", "b", {}),
        ("Transpose", "b", "c", {"perm": [0, 2, 3, 1]}),
        ("Add", "c bias", "d", {}),
        ("Relu", "d", "e", {}),
        ("Transpose", "e", "f", {"perm": [0, 3, 1, 2]}),
        ("MaxPool", "f", "g", {"kernel_shape": [2, 2]}),
        ("Transpose", "g", "h", {"perm": [0, 2, 3, 1]}),
        ("Reshape", "h flat", "i", {}),
        ("MatMul", "i w", "y", {}),
    ]
    arrays = weights(k=(4, 3, 1, 1), bias=(4,), flat=[-1, 48], w=(48, 2))
    graph = assert_same(model(nodes, ["N", 4, 5, 3], arrays))
    assert kinds(graph) == ["Conv", "Relu", "MaxPool", "Reshape", "Dense"]


def test_channels_mixed_among_groups_stay_where_they_are(model, assert_same, kinds, weights):
    nodes = [
        CONV,
        ("Reshape", "c split", "r", {}),
        ("Transpose", "r", "t", {"perm": [0, 2, 1, 3, 4]}),
        ("Reshape", "t join", "s", {}),
        ("Conv", "s k2", "y", {"group": 2}),
    ]
    arrays = weights(k=(4, 3, 1, 1), split=[0, 2, 2, 4, 5], join=[0, -1, 4, 5], k2=(4, 2, 1, 1))
    graph = assert_same(model(nodes, IMAGE, arrays))
    assert kinds(graph) == ["Conv", "Reshape", "Permute", "Reshape", "Conv"]
    assert [node.op.perm for node in graph.nodes if node.op.kind == "Permute"] == [(0, 1, 3, 2)]


@pytest.mark.parametrize(
    ("perm", "shape", "expected"),
    [
        ([0, 1, 2, 3], (4, 5, 2), []),
        ([0, 1, 3, 2], (5, 4, 2), ["Permute"]),
        ([0, 2, 3, 1], (4, 5, 2), []),
        ([0, 3, 1, 2], (5, 2, 4), ["Permute"]),
        ([0, 3, 2, 1], (5, 4, 2), ["Permute"]),
    ],
    ids=str,
)
def test_outputs_are_in_the_files_order_or_have_their_channels_last(
    model, assert_same, kinds, weights, perm, shape, expected
):
    nodes = [("Conv", "x k", "c", {}), ("Transpose", "c", "y", {"perm": perm})]
    graph = assert_same(model(nodes, IMAGE, weights(k=(2, 3, 1, 1))))
    assert kinds(graph)[1:] == expected and graph.shapes[graph.outputs[0]] == shape


def test_reshapes_in_a_row_are_one(model, assert_same, kinds, weights):
    nodes = [("Reshape", "x a", "r", {}), ("Relu", "x", "z", {}), ("Reshape", "r b", "s", {}), ("Relu", "s", "y", {})]
    graph = assert_same(model(nodes, ["N", 12], weights(a=[-1, 3, 4], b=[-1, 2, 6])))
    assert kinds(graph) == ["Reshape", "Relu"]
