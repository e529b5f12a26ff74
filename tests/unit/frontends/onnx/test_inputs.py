"""Which axis of an input holds its channels."""

import numpy as np
import pytest

from snntoolbox.errors import UnsupportedError
from snntoolbox.frontends.onnx import OnnxFrontend

KERNEL = {"k": np.ones((4, 3, 1, 1), np.float32)}


def test_an_image_that_a_convolution_takes_is_channels_first(model, assert_same):
    graph = assert_same(model([("Conv", "x k", "y", {})], ["N", 3, 4, 5], KERNEL))
    assert graph.shapes["x"] == (4, 5, 3)


def test_the_way_to_the_convolution_may_be_long(model, assert_same):
    nodes = [("Mul", "x s", "m", {}), ("Pad", "m p", "q", {}), ("Conv", "q k", "y", {})]
    arrays = {**KERNEL, "s": np.float32(2), "p": np.array([0, 0, 1, 1, 0, 0, 1, 1])}
    assert assert_same(model(nodes, ["N", 3, 4, 5], arrays)).shapes["x"] == (4, 5, 3)


def test_an_image_that_is_transposed_first_is_as_it_should_be(model, assert_same):
    nodes = [("Transpose", "x", "t", {"perm": [0, 3, 1, 2]}), ("Conv", "t k", "y", {})]
    assert assert_same(model(nodes, ["N", 4, 5, 3], KERNEL)).shapes["x"] == (4, 5, 3)


def test_sequences_without_convolution_stay_as_they_are(model, assert_same):
    nodes = [("MatMul", "x w", "y", {})]
    assert assert_same(model(nodes, ["N", 7, 3], {"w": np.ones((3, 2), np.float32)})).shapes["x"] == (7, 3)


@pytest.mark.parametrize(("producer", "expected"), [("pytorch", (4, 5, 3)), ("CNTK", (3, 4, 5))])
def test_images_of_pytorch_are_channels_first_even_if_flattened_at_once(model, assert_same, producer, expected):
    nodes = [("Flatten", "x", "f", {}), ("MatMul", "f w", "y", {})]
    weights = {"w": np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)}
    graph = assert_same(model(nodes, ["N", 3, 4, 5], weights, producer_name=producer))
    assert graph.shapes["x"] == expected
    assert [node.op.kind for node in graph.nodes] == ["Input", "Reshape", "Dense"]


@pytest.mark.parametrize(("layout", "expected"), [("channels_first", (4, 5, 3)), ("channels_last", (3, 4, 5))])
def test_the_user_may_say_it(model, assert_same, layout, expected):
    graph = assert_same(model([("Conv", "x k", "y", {})], ["N", 3, 4, 5], KERNEL), input_layout=layout)
    assert graph.shapes["x"] == expected


def test_other_words_are_refused():
    with pytest.raises(UnsupportedError, match="input_layout: expected one of auto, channels_first"):
        OnnxFrontend(input_layout="NCHW")


def test_open_sizes_are_asked_for(model, assert_same):
    made = model([("Conv", "x k", "y", {})], ["N", 3, "height", "width"], KERNEL)
    with pytest.raises(UnsupportedError) as caught:
        OnnxFrontend().parse(made)
    assert "input 'x': has shape (batch, 3, open, open), but every neuron needs a place. Give input_shape" in str(
        caught.value
    )
    assert assert_same(made, input_shape=(3, 4, 5)).shapes["x"] == (4, 5, 3)
    assert assert_same(made, input_shape={"x": (3, 4, 5)}).shapes["x"] == (4, 5, 3)


def test_sizes_must_agree(model):
    made = model([("Conv", "x k", "y", {})], ["N", 3, "height", 5], KERNEL)
    with pytest.raises(UnsupportedError, match=r"has shape \(batch, 3, open, 5\), which input_shape=\(4, 4, 5\)"):
        OnnxFrontend(input_shape=(4, 4, 5)).parse(made)
    with pytest.raises(UnsupportedError, match="input_shape for 'z': the model has no such input, only x"):
        OnnxFrontend(input_shape={"z": (3, 4, 5)}).parse(made)


def test_an_input_without_batch_is_refused(model):
    with pytest.raises(UnsupportedError, match="input 'x': has no axis besides the batch"):
        OnnxFrontend().parse(model([("Relu", "x", "y", {})], ["N"]))


def test_several_inputs_and_outputs(model, assert_same):
    nodes = [("Conv", "image k", "c", {}), ("GlobalAveragePool", "c", "g", {}), ("Flatten", "g", "f", {})]
    nodes += [("Concat", "f vector", "y", {"axis": 1}), ("Relu", "c", "z", {})]
    graph = assert_same(model(nodes, {"vector": ["N", 2], "image": ["N", 3, 4, 5]}, KERNEL, ("y", "z")))
    assert graph.inputs == ("vector", "image")
    assert [graph.shapes[name] for name in graph.outputs] == [(6,), (4, 5, 4)]


def test_an_input_that_nothing_uses_is_left_out(model):
    graph = OnnxFrontend().parse(model([("Relu", "x", "y", {})], {"x": ["N", 2], "z": ["N"]}))
    assert graph.inputs == ("x",)
