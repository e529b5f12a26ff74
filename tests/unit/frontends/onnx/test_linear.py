"""Dense layers and batch normalisation."""

import numpy as np
import pytest

from snntoolbox.errors import UnsupportedError


@pytest.fixture
def weights(rng):
    """Arrays by name, of the given shapes."""
    return lambda **shapes: {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.mark.parametrize("transposed", [0, 1])
@pytest.mark.parametrize("bias", [(5,), (1, 5), (1,), ()], ids=str)
def test_gemm(model, assert_same, kinds, weights, transposed, bias):
    arrays = weights(w=(5, 4) if transposed else (4, 5), b=bias)
    nodes = [("Gemm", "x w b", "y", {"transB": transposed, "alpha": 0.5, "beta": 2.0})]
    graph = assert_same(model(nodes, ["N", 4], arrays))
    assert kinds(graph) == ["Dense"] and graph["y"].op.bias.shape == (5,)


def test_gemm_without_bias_and_with_its_input_transposed(model, assert_same, weights):
    nodes = [("Transpose", "x", "t", {}), ("Gemm", "t w", "y", {"transA": 1})]
    graph = assert_same(model(nodes, ["N", 4], weights(w=(4, 5))))
    assert graph["y"].op.bias is None


@pytest.mark.parametrize("order", ["m b", "b m"])
def test_matmul_then_add_is_a_dense_layer_with_a_bias(model, assert_same, kinds, weights, order):
    nodes = [("MatMul", "x w", "m", {}), ("Add", order, "y", {})]
    graph = assert_same(model(nodes, ["N", 4], weights(w=(4, 5), b=(5,))))
    assert kinds(graph) == ["Dense"]


def test_a_bias_for_one_of_two_consumers_is_added_there(model, assert_same, kinds, weights):
    nodes = [("MatMul", "x w", "m", {}), ("Add", "m b", "a", {}), ("Relu", "m", "r", {}), ("Add", "a r", "y", {})]
    graph = assert_same(model(nodes, ["N", 4], weights(w=(4, 5), b=(5,))))
    assert kinds(graph) == ["Dense", "Affine", "Relu", "Add"]


def test_matmul_on_the_last_axis_of_sequences(model, assert_same, kinds, weights):
    assert kinds(assert_same(model([("MatMul", "x w", "y", {})], ["N", 4, 5], weights(w=(5, 3))))) == ["Dense"]


def test_matmul_from_the_left(model, assert_same, kinds, weights):
    graph = assert_same(model([("MatMul", "w x", "y", {})], ["N", 4, 5], weights(w=(3, 4))))
    assert kinds(graph) == ["Permute", "Dense"]
    assert graph.shapes["y"] == (5, 3)


def test_a_dense_layer_on_sequences_as_keras_exports_it(model, assert_same, kinds, weights):
    arrays = {**weights(w=(5, 3)), "flat": np.array([-1, 5]), "back": np.array([-1, 4, 3])}
    nodes = [("Reshape", "x flat", "f", {}), ("MatMul", "f w", "m", {}), ("Reshape", "m back", "y", {})]
    assert kinds(assert_same(model(nodes, ["N", 4, 5], arrays))) == ["Dense"]


@pytest.mark.parametrize("shape", [["N", 3], ["N", 3, 7], ["N", 3, 5, 6]], ids=str)
@pytest.mark.parametrize("opset", [7, 9, 14, 15])
def test_batch_normalization(model, assert_same, weights, shape, opset):
    arrays = weights(scale=3, bias=3, mean=3)
    arrays["variance"] = arrays["mean"] ** 2 + 0.1
    nodes = [("BatchNormalization", "x scale bias mean variance", "y", {"epsilon": 1e-3})]
    graph = assert_same(model(nodes, shape, arrays, opset=opset))
    assert graph["y"].op.scale.shape == (3,)


def test_batch_normalization_of_each_element(model, assert_same, weights):
    """Opset 7 still has it; onnxruntime computes it for a fixed batch only."""
    arrays = weights(scale=(3, 4, 5), bias=(3, 4, 5), mean=(3, 4, 5))
    arrays["variance"] = arrays["mean"] ** 2 + 0.1
    nodes = [("BatchNormalization", "x scale bias mean variance", "y", {"spatial": 0})]
    graph = assert_same(model(nodes, [1, 3, 4, 5], arrays, opset=7))
    assert graph["y"].op.scale.shape == (4, 5, 3)


def test_normalization_written_as_product_and_sum_is_one_node(model, assert_same, kinds, weights):
    nodes = [("Conv", "x k", "c", {}), ("Mul", "c a", "m", {}), ("Add", "m b", "y", {})]
    arrays = weights(k=(4, 3, 2, 2), a=(1, 4, 1, 1), b=(4, 1, 1))
    graph = assert_same(model(nodes, ["N", 3, 5, 5], arrays))
    assert kinds(graph) == ["Conv", "Affine"]


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_weights_become_float32(model, weights, dtype):
    from snntoolbox.frontends.onnx import OnnxFrontend

    arrays = {name: value.astype(dtype) for name, value in weights(w=(4, 5), b=(5,)).items()}
    graph = OnnxFrontend().parse(model([("Gemm", "x w b", "y", {})], ["N", 4], arrays))
    assert {value.dtype for value in graph["y"].op.parameters().values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (("MatMul", "x x", "y", {}), "multiplies two tensors, as attention does"),
        (("MatMul", "x w3", "y", {}), "multiplies shapes (1, 4, 4) and (2, 4, 4)"),
        (
            ("BatchNormalization", "x v v v v", "y m s", {"training_mode": 1}),
            "normalises by the statistics of",
        ),
    ],
    ids=str,
)
def test_refusals(model, assert_same, weights, node, words):
    with pytest.raises(UnsupportedError) as caught:
        assert_same(model([node], ["N", 4, 4], weights(w3=(2, 4, 4), v=4)))
    assert f"node 'y' ({node[0]}): {words}" in str(caught.value)


def test_gemm_that_adds_a_tensor_is_refused(model, assert_same, weights):
    with pytest.raises(UnsupportedError, match="adds a tensor to its product"):
        assert_same(model([("Relu", "x", "r", {}), ("Gemm", "x w r", "y", {})], ["N", 4], weights(w=(4, 4))))
