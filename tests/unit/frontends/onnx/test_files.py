"""Files: external data, damage, versions; and what answers for a model."""

import numpy as np
import onnx
import pytest

from snntoolbox.errors import DataError, UnsupportedError
from snntoolbox.frontends.base import find_frontend
from snntoolbox.frontends.onnx import OnnxFrontend


@pytest.fixture
def dense(model, rng):
    """A small network of the given opset."""

    def make(**settings):
        weights = {"w": rng.normal(size=(4, 3)).astype(np.float32)}
        return model([("MatMul", "x w", "y", {})], ["N", 4], weights, **settings)

    return make


def test_a_file_is_found_with_and_without_its_suffix(dense, tmp_path, assert_same):
    onnx.save(dense(), tmp_path / "net.onnx")
    for path in (tmp_path / "net.onnx", tmp_path / "net"):
        assert isinstance(find_frontend(path), OnnxFrontend)
    assert_same(tmp_path / "net.onnx")


def test_a_model_object_is_known(dense):
    assert isinstance(find_frontend(dense(), input_layout="channels_last"), OnnxFrontend)
    assert not OnnxFrontend.accepts(np.zeros(3))


def test_weights_in_another_file(dense, tmp_path, assert_same):
    path = tmp_path / "net.onnx"
    onnx.save(dense(), path, save_as_external_data=True, location="net.data", size_threshold=0)
    assert (tmp_path / "net.data").stat().st_size >= 48
    assert_same(path)
    (tmp_path / "net.data").unlink()
    with pytest.raises(DataError, match=r"keeps its weights in another file, which cannot be read(.|\n)*net\.data"):
        OnnxFrontend().parse(path)


def test_damaged_and_missing_files(tmp_path):
    with pytest.raises(DataError, match="no model file at"):
        OnnxFrontend().load(tmp_path / "net.onnx")
    for content in (b"", b"no network", b"\x08\x08"):
        (tmp_path / "net.onnx").write_bytes(content)
        with pytest.raises(DataError, match="is not an ONNX file, or is damaged"):
            OnnxFrontend().load(tmp_path / "net.onnx")


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".PT2"])
def test_a_checkpoint_of_pytorch_is_no_network(tmp_path, suffix):
    path = tmp_path / f"net{suffix}"
    path.write_bytes(b"weights")
    with pytest.raises(UnsupportedError, match="is a checkpoint of PyTorch, which holds weights but not how"):
        find_frontend(path).parse(path)


@pytest.mark.parametrize("opset", [7, 8, 13, 18, onnx.defs.onnx_opset_version()])
def test_opsets(dense, assert_same, opset):
    """The newest may be newer than what onnxruntime knows."""
    assert_same(dense(opset=opset, ir_version=onnx.IR_VERSION if opset > 18 else 8))


def test_an_opset_that_nobody_knows(dense):
    newest = onnx.defs.onnx_opset_version()
    with pytest.raises(
        UnsupportedError, match=f"written for opset {newest + 1}, but onnx .* knows ops up to opset {newest}"
    ):
        OnnxFrontend().parse(dense(opset=newest + 1))


def test_an_opset_that_meant_something_else(model):
    made = model([("Add", "x b", "y", {"broadcast": 1, "axis": 1})], ["N", 3, 4, 5], {"b": np.zeros(3)}, opset=6)
    with pytest.raises(UnsupportedError, match=r"written for opset 6 of 2017.* Export it again for opset 7 or newer"):
        OnnxFrontend().parse(made)


def test_shapes_that_contradict_each_other(model):
    weights = {"w": np.zeros((3, 2), np.float32)}
    with pytest.raises(UnsupportedError, match=r"node 'y' \(MatMul\): does not fit: expected an input of 3 features"):
        OnnxFrontend().parse(model([("MatMul", "x w", "y", {})], ["N", 4], weights))


def test_onnxruntime_cannot_run_everything(model):
    made = model([("Relu", "x", "y", {})], ["N", 3])
    made.graph.node[0].op_type = "NoSuchOp"
    from snntoolbox.frontends.onnx.runtime import session

    with pytest.raises(UnsupportedError, match=r"onnxruntime .* cannot run the model: "):
        session(made)


def test_reference_outputs_of_no_samples(dense):
    assert OnnxFrontend().reference_outputs(dense(), np.zeros((0, 4))).shape == (0, 3)


def test_reference_outputs_want_the_right_samples(dense):
    with pytest.raises(DataError, match="expected numbers of shape"):
        OnnxFrontend().reference_outputs(dense(), np.zeros((2, 5)))


def test_reference_outputs_do_not_depend_on_the_batch(dense, rng):
    x, made = rng.normal(size=(7, 4)), dense()
    whole = OnnxFrontend().reference_outputs(made, x)
    assert np.allclose(whole, OnnxFrontend().reference_outputs(made, x, batch_size=3), atol=1e-6)


def test_a_reference_is_loaded_once(dense, rng, monkeypatch):
    made = dense()
    reference = OnnxFrontend().reference(made)
    x = rng.normal(size=(7, 4))
    whole = reference(x)
    monkeypatch.delattr("onnxruntime.InferenceSession")
    assert np.allclose(whole[:3], reference(x[:3]), atol=1e-6)


def test_an_output_without_batch_is_computed_sample_by_sample(model, assert_same):
    nodes = [("GlobalAveragePool", "x", "g", {}), ("Squeeze", "g", "y", {})]
    graph = assert_same(model(nodes, [1, 3, 4, 5]))
    assert graph.shapes[graph.outputs[0]] == (3,)


@pytest.mark.parametrize("kind", [onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16])
def test_inputs_of_other_types(dense, assert_same, kind):
    made = dense()
    made.graph.input[0].type.tensor_type.elem_type = kind
    made.graph.node.insert(0, onnx.helper.make_node("Cast", ["x"], ["f"], to=onnx.TensorProto.FLOAT))
    made.graph.node[1].input[0] = "f"
    assert_same(made, tolerance=1e-2 if kind == onnx.TensorProto.FLOAT16 else 1e-5)


def test_models_larger_than_a_message_are_given_as_files(dense, rng, monkeypatch):
    """A protobuf message ends at 2 GB."""
    from snntoolbox.frontends.onnx import runtime

    made, x = dense(), rng.normal(size=(2, 4))
    expected = OnnxFrontend().reference_outputs(made, x)
    monkeypatch.setattr(runtime, "_LARGEST_MESSAGE", 10)
    assert np.array_equal(OnnxFrontend().reference_outputs(made, x), expected)
