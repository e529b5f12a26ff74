"""What a file computes from constants and shapes."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from snntoolbox.frontends.onnx import OnnxFrontend
from snntoolbox.frontends.onnx.constants import static_model

IMAGE = ["N", 3, 4, 5]


@pytest.fixture
def kernel(rng):
    """A random array."""
    return lambda *shape: rng.normal(size=shape).astype(np.float32)


def test_flattening_as_keras_exports_it(model, assert_same, kinds, kernel):
    """The number of samples is read off the input, and the shape put together from it."""
    nodes = [
        ("Conv", "x k", "c", {}),
        ("Shape", "c", "s", {}),
        ("Cast", "s", "i", {"to": TensorProto.INT32}),
        ("Slice", "i zero one zero", "batch", {}),
        ("Concat", "batch rest", "target", {"axis": 0}),
        ("Cast", "target", "t", {"to": TensorProto.INT64}),
        ("Transpose", "c", "last", {"perm": [0, 2, 3, 1]}),
        ("Reshape", "last t", "f", {}),
        ("MatMul", "f w", "y", {}),
    ]
    arrays = {"k": kernel(2, 3, 1, 1), "w": kernel(40, 3), "zero": np.array([0]), "one": np.array([1])}
    graph = assert_same(model(nodes, IMAGE, {**arrays, "rest": np.array([40], np.int32)}))
    assert kinds(graph) == ["Conv", "Reshape", "Dense"]


def test_flattening_as_pytorch_exported_it(model, assert_same, kinds, kernel):
    nodes = [
        ("Conv", "x k", "c", {}),
        ("Shape", "c", "s", {}),
        ("Gather", "s zero", "batch", {"axis": 0}),
        ("Unsqueeze", "batch first", "b", {}),
        ("Concat", "b open", "t", {"axis": 0}),
        ("Reshape", "c t", "f", {}),
        ("Gemm", "f w", "y", {}),
    ]
    arrays = {"k": kernel(2, 3, 1, 1), "w": kernel(40, 3), "zero": np.array(0), "first": np.array([0])}
    graph = assert_same(model(nodes, IMAGE, {**arrays, "open": np.array([-1])}))
    assert kinds(graph) == ["Conv", "Reshape", "Dense"]


def test_weights_that_are_computed(model, assert_same, kinds, kernel):
    nodes = [
        ("Transpose", "w", "t", {}),
        ("Identity", "t", "u", {}),
        ("MatMul", "x u", "m", {}),
        ("Add", "m b", "y", {}),
    ]
    nodes.insert(0, ("Constant", "", "b", {"value": numpy_helper.from_array(kernel(5), "b")}))
    graph = assert_same(model(nodes, ["N", 4], {"w": kernel(5, 4)}))
    assert kinds(graph) == ["Dense"]


def test_weights_that_the_file_keeps_in_eight_bits(model, assert_same, rng):
    arrays = {"q": rng.integers(-127, 127, size=(4, 3), dtype=np.int8), "s": np.float32(0.02)}
    assert_same(model([("DequantizeLinear", "q s", "w", {}), ("MatMul", "x w", "y", {})], ["N", 4], arrays))


def test_weights_among_the_inputs(model, assert_same, kernel):
    """As in files of ONNX's first years."""
    made = model([("MatMul", "x w", "y", {})], ["N", 4], {"w": kernel(4, 3)}, opset=8, ir_version=3)
    made.graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, [4, 3]))
    assert assert_same(made).inputs == ("x",)


def test_a_fixed_batch_may_be_in_the_shapes(model, assert_same, kinds, kernel):
    """Samples are given as many at a time as the file wants."""
    nodes = [("Conv", "x k", "c", {}), ("Reshape", "c s", "f", {}), ("MatMul", "f w", "y", {})]
    arrays = {"k": kernel(2, 3, 1, 1), "s": np.array([4, 40]), "w": kernel(40, 3)}
    assert kinds(assert_same(model(nodes, [4, 3, 4, 5], arrays), count=6)) == ["Conv", "Reshape", "Dense"]


@pytest.mark.parametrize("condition", [True, False])
def test_a_branch_that_is_known_is_taken(model, assert_same, kinds, kernel, condition):
    """PyTorch's older exporter leaves such branches behind for squeeze and adaptive pooling."""

    def branch(name, node, weights):
        output = helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
        return helper.make_graph([node], name, [], [output], weights)

    weight = numpy_helper.from_array(kernel(4, 4), "w")
    made = model([("Relu", "x", "r", {}), ("Relu", "z", "y", {})], ["N", 4], {"condition": np.array(condition)})
    branches = {
        "then_branch": branch("then", helper.make_node("MatMul", ["r", "w"], ["then"]), [weight]),
        "else_branch": branch("else", helper.make_node("Neg", ["r"], ["else"]), []),
    }
    made.graph.node.insert(1, helper.make_node("If", ["condition"], ["z"], **branches))
    assert kinds(assert_same(made)) == ["Relu", "Dense" if condition else "Affine", "Relu"]


def test_local_functions_are_opened(model, assert_same, kinds, kernel):
    """As PyTorch's newer exporter and onnxscript may write them."""
    made = model([], ["N", 4], {"w": kernel(4, 3)})
    body = [helper.make_node("MatMul", ["a", "b"], ["m"]), helper.make_node("Relu", ["m"], ["c"])]
    opsets = [helper.make_opsetid("", 18)]
    made.functions.append(helper.make_function("own", "Layer", ["a", "b"], ["c"], body, opsets))
    made.opset_import.append(helper.make_opsetid("own", 1))
    made.graph.node.append(helper.make_node("Layer", ["x", "w"], ["y"], domain="own"))
    assert kinds(assert_same(made)) == ["Dense", "Relu"]


def test_nodes_that_no_output_needs_are_left_out(model, assert_same, kinds):
    nodes = [("Relu", "x", "y", {}), ("LRN", "x", "z", {"size": 3})]
    assert kinds(assert_same(model(nodes, IMAGE))) == ["Relu"]


def test_random_numbers_are_not_constants(model):
    made = model([("RandomNormal", "", "n", {"shape": [1, 4]}), ("Add", "x n", "y", {})], [1, 4])
    assert [node.op_type for node in static_model(made).nodes] == ["RandomNormal", "Add"]


def test_large_weights_are_not_copied_for_shape_inference(model, assert_same, kernel):
    graph = assert_same(model([("MatMul", "x w", "y", {})], ["N", 100], {"w": kernel(100, 90)}))
    assert graph.shapes["y"] == (90,)


def test_the_model_is_not_changed(model, kernel):
    made = model([("Conv", "x k", "c", {}), ("Flatten", "c", "y", {})], [2, 3, 4, 5], {"k": kernel(2, 3, 1, 1)})
    before = made.SerializeToString()
    OnnxFrontend().parse(made)
    OnnxFrontend().reference_outputs(made, np.zeros((3, 4, 5, 3)))
    assert made.SerializeToString() == before
