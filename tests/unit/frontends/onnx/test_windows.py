"""Convolutions and pooling: every setting against onnxruntime."""

import itertools

import numpy as np
import pytest

from snntoolbox.errors import UnsupportedError

IMAGE = ["N", 3, 8, 9]


@pytest.fixture
def kernel(rng):
    """A kernel of the given shape."""
    return lambda *shape: rng.normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("auto_pad", ["SAME_UPPER", "SAME_LOWER", "VALID"])
@pytest.mark.parametrize("strides", [[1, 1], [2, 2], [2, 3]])
def test_conv_pads_by_itself(model, assert_same, kernel, kinds, auto_pad, strides):
    nodes = [("Conv", "x w b", "y", {"auto_pad": auto_pad, "strides": strides})]
    graph = assert_same(model(nodes, IMAGE, {"w": kernel(4, 3, 3, 3), "b": kernel(4)}))
    assert kinds(graph) == ["Conv"]


@pytest.mark.parametrize(
    ("shape", "weight", "settings"),
    [
        pytest.param(IMAGE, (4, 3, 3, 2), {"pads": [0, 1, 2, 3], "dilations": [2, 1]}, id="asymmetric, dilated"),
        pytest.param(IMAGE, (6, 1, 3, 3), {"group": 3}, id="depthwise with a multiplier"),
        pytest.param(["N", 4, 6, 6], (6, 2, 3, 3), {"group": 2}, id="groups"),
        pytest.param(["N", 3, 9], (4, 3, 4), {"pads": [2, 1], "strides": [2]}, id="1-D, even kernel"),
        pytest.param(["N", 2, 5, 6, 4], (3, 2, 3, 2, 3), {}, id="3-D"),
    ],
)
def test_conv(model, assert_same, kernel, kinds, shape, weight, settings):
    assert kinds(assert_same(model([("Conv", "x w", "y", settings)], shape, {"w": kernel(*weight)}))) == ["Conv"]


@pytest.mark.parametrize(
    "settings",
    [
        {"auto_pad": "SAME_UPPER"},
        {"auto_pad": "SAME_LOWER"},
        {"auto_pad": "VALID"},
        {"output_padding": [1, 0], "pads": [1, 0, 1, 1]},
        {"dilations": [2, 1]},
        *(
            {"output_shape": list(size), **auto}
            for size in [(16, 18), (15, 17), (18, 20)]
            for auto in [{}, {"auto_pad": "SAME_UPPER"}, {"auto_pad": "SAME_LOWER"}]
        ),
    ],
    ids=str,
)
def test_conv_transpose(model, assert_same, kernel, settings):
    nodes = [("ConvTranspose", "x w b", "y", {"strides": [2, 2], **settings})]
    assert_same(model(nodes, IMAGE, {"w": kernel(3, 4, 3, 3), "b": kernel(4)}))


def test_conv_transpose_in_groups_and_one_dimension(model, assert_same, kernel):
    nodes = [("ConvTranspose", "x w b", "y", {"group": 2, "strides": [3], "output_padding": [2]})]
    assert_same(model(nodes, ["N", 4, 5], {"w": kernel(4, 3, 4), "b": kernel(6)}))


PADS = [[0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 1, 0], [1, 0, 0, 1]]
POOLS = list(itertools.product([0, 1], [0, 1], PADS, [[2, 2], [3, 3]], [18, 19]))


@pytest.mark.parametrize(("ceil_mode", "count_include_pad", "pads", "strides", "opset"), POOLS)
def test_average_pool(model, assert_same, ceil_mode, count_include_pad, pads, strides, opset):
    settings = {"ceil_mode": ceil_mode, "count_include_pad": count_include_pad, "pads": pads, "strides": strides}
    assert_same(model([("AveragePool", "x", "y", {"kernel_shape": [3, 2], **settings})], IMAGE, opset=opset))


@pytest.mark.parametrize("ceil_mode", [0, 1])
@pytest.mark.parametrize("settings", [{"pads": [1, 0, 1, 1]}, {"strides": [1, 1]}, {"auto_pad": "SAME_LOWER"}], ids=str)
def test_max_pool(model, assert_same, kinds, ceil_mode, settings):
    settings = {"kernel_shape": [3, 3], "strides": [2, 3], "ceil_mode": ceil_mode, **settings}
    assert kinds(assert_same(model([("MaxPool", "x", "y", settings)], IMAGE))) == ["MaxPool"]


def test_a_last_window_beyond_the_input_does_not_count(model, assert_same):
    """onnx's own inference counts it; what follows a pooling must have the right shape too."""
    settings = {"kernel_shape": [3, 3], "strides": [3, 3], "pads": [0, 0, 1, 1], "ceil_mode": 1}
    nodes = [("MaxPool", "x", "p", settings), ("MaxPool", "p", "q", settings), ("Flatten", "q", "y", {})]
    graph = assert_same(model(nodes, ["N", 2, 9, 9]))
    assert graph.shapes["p"] == (3, 3, 2) and graph.shapes["q"] == (1, 1, 2)


@pytest.mark.parametrize("op", ["GlobalAveragePool", "GlobalMaxPool"])
@pytest.mark.parametrize("after", [("Flatten", {}), ("Squeeze", {"axes": [2, 3]})], ids=str)
def test_global_pooling(model, assert_same, kinds, op, after):
    pool = op.removeprefix("Global")
    graph = assert_same(model([(op, "x", "g", {}), (after[0], "g", "y", after[1])], IMAGE, opset=11))
    assert kinds(graph) == [pool, "Reshape"]
    assert graph.shapes[graph.outputs[0]] == (3,)


@pytest.mark.parametrize("op", ["ReduceMean", "ReduceMax", "ReduceSum"])
@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize("axes", [[2, 3], [-1, -2], [2], [1]], ids=str)
def test_reductions(model, assert_same, kernel, op, keepdims, axes):
    nodes = [("Conv", "x w", "c", {}), (op, "c axes", "y", {"keepdims": keepdims})]
    assert_same(model(nodes, IMAGE, {"w": kernel(4, 3, 3, 3), "axes": np.array(axes)}))


def test_space_of_global_pooling_is_that_of_reduce_mean(model, assert_same, kinds, kernel):
    nodes = [("Conv", "x w", "c", {}), ("ReduceMean", "c", "y", {"axes": [2, 3], "keepdims": 0})]
    graph = assert_same(model(nodes, IMAGE, {"w": kernel(4, 3, 3, 3)}, opset=11))
    assert kinds(graph) == ["Conv", "AveragePool", "Reshape"]


def test_one_dimensional_networks_written_in_two_are_one_dimensional(model, assert_same, kinds, kernel):
    """TensorFlow has no one-dimensional convolution of its own, so its exports add an axis around each."""
    nodes = [
        ("Unsqueeze", "x axis", "u", {}),
        ("Conv", "u w", "c", {"pads": [0, 1, 0, 1]}),
        ("MaxPool", "c", "p", {"kernel_shape": [1, 2], "strides": [1, 2]}),
        ("Squeeze", "p axis", "y", {}),
    ]
    weights = {"axis": np.array([2]), "w": kernel(4, 3, 1, 3)}
    graph = assert_same(model(nodes, ["N", 3, 9], weights), input_layout="channels_first")
    assert kinds(graph) == ["Conv", "MaxPool"]
    assert graph.shapes["c"] == (9, 4)


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (("MaxPool", "x", "y z", {"kernel_shape": [2, 2]}), "gives the places of its maxima too"),
        (("MaxPool", "x", "y", {"kernel_shape": [2, 2], "dilations": [2, 2]}), "pools with dilation (2, 2)"),
        (("AveragePool", "x", "y", {"kernel_shape": [2, 2], "dilations": [2, 1]}), "pools with dilation (2, 1)"),
        (("ReduceMean", "x", "y", {"keepdims": 0}), "reduces the axes [0, 1, 2, 3] of (1, 3, 8, 9)"),
        (("Conv", "x x", "y", {}), "takes its kernel from what the network computes"),
    ],
    ids=str,
)
def test_refusals(model, assert_same, node, words):
    with pytest.raises(UnsupportedError) as caught:
        assert_same(model([node], IMAGE, opset=19))
    assert f"node 'y' ({node[0]}): {words}" in str(caught.value)
