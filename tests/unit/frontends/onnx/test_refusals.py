"""Everything that cannot be taken, at once, with what to do."""

import numpy as np
import pytest
from onnx import helper

from snntoolbox.errors import UnsupportedError
from snntoolbox.frontends.onnx import OnnxFrontend
from snntoolbox.frontends.onnx.table import TRANSLATORS, advice


def test_all_nodes_are_listed(model):
    """What follows a refused node is checked all the same, and dead nodes are not."""
    nodes = [
        ("LRN", "x", "l", {"size": 3}),
        ("Conv", "l k", "c", {"dilations": [1, 1]}),
        ("HardSwish", "c", "h", {}),
        ("Flatten", "h", "f", {}),
        ("MatMul", "f f2", "m", {}),
        ("Flatten", "x", "f2", {}),
        ("MaxPool", "x", "p q", {"kernel_shape": [2, 2]}),
        ("ArgMax", "f", "y", {"axis": 1}),
        ("TopK", "x x", "dead", {}),
    ]
    nodes = [nodes[i] for i in (0, 1, 2, 3, 5, 6, 7, 8)]
    made = model(nodes, ["N", 3, 4, 4], {"k": np.ones((3, 3, 1, 1), np.float32)}, ("y", "p"))
    made.graph.node[0].name = "norm1"
    with pytest.raises(UnsupportedError) as caught:
        OnnxFrontend().parse(made)
    assert str(caught.value).splitlines() == [
        "model 'net': 4 nodes cannot be taken",
        "  - node 'norm1' (LRN): cannot be converted. Train the network without it, or with batch normalisation.",
        "  - node 'h' (HardSwish): cannot be converted. "
        "Train the network with a rectifier (ReLU, ReLU6, LeakyReLU, PReLU).",
        "  - node 'p' (MaxPool): gives the places of its maxima too. "
        "Unpooling has no counterpart: use Upsample or ConvTranspose.",
        "  - node 'y' (ArgMax): cannot be converted. Let the network end before it, at the scores; "
        "the decision is taken from the decoded output.",
    ]


def test_what_could_be_read_is_kept(model):
    nodes = [
        ("Conv", "x k", "c", {}),
        ("Tanh", "c", "t", {}),
        ("LRN", "t", "l", {"size": 3}),
        ("Conv", "l k", "d", {}),
        ("Relu", "d", "y", {}),
    ]
    with pytest.raises(UnsupportedError) as caught:
        OnnxFrontend().parse(model(nodes, ["N", 3, 4, 4], {"k": np.ones((3, 3, 1, 1), np.float32)}))
    partial = caught.value.partial
    assert [(node.name, node.op.kind) for node in partial.nodes] == [
        ("x", "Input"),
        ("l", "Input"),
        ("d", "Conv"),
        ("y", "Relu"),
        ("c", "Conv"),
        ("t", "Activation"),
    ]
    assert partial.attributes["refused"] == "l" and partial.outputs == ("y",)


def test_nothing_is_kept_if_an_output_is_not_known(model):
    made = model([("LRN", "x", "l", {"size": 3}), ("Relu", "l", "y", {})], ["N", 3, 4, 4])
    made.graph.node[0].domain = made.opset_import.add(domain="mine", version=1).domain
    with pytest.raises(UnsupportedError) as caught:
        OnnxFrontend().parse(made)
    assert caught.value.partial is None


def test_ops_of_other_domains_are_refused(model):
    made = model([("Relu", "x", "y", {})], ["N", 4])
    made.graph.node.append(helper.make_node("FusedConv", ["x"], ["z"], domain="com.microsoft"))
    made.graph.output.append(helper.make_tensor_value_info("z", 1, None))
    made.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    with pytest.raises(UnsupportedError) as caught:
        OnnxFrontend().parse(made)
    assert "node 'z' (com.microsoft.FusedConv): cannot be converted. Export the model with standard ops alone" in str(
        caught.value
    )


def test_an_output_that_is_a_constant_is_refused(model):
    made = model([("Relu", "x", "y", {}), ("Identity", "w", "z", {})], ["N", 4], {"w": np.ones(3)}, ("y", "z"))
    with pytest.raises(UnsupportedError, match=r"output 'z': does not depend on the input\. Drop it"):
        OnnxFrontend().parse(made)


def test_a_second_output_as_an_output_is_refused(model):
    made = model([("Dropout", "x", "y mask", {})], ["N", 4], {}, ("y", "mask"))
    with pytest.raises(UnsupportedError, match="output 'mask': does not depend on the input"):
        OnnxFrontend().parse(made)


def test_what_follows_a_node_of_unknown_shape_is_listed_too(model):
    nodes = [("NoSuchOp", "x", "n", {}), ("Relu", "n", "r", {}), ("HardSwish", "r", "h", {}), ("Relu", "h", "y", {})]
    with pytest.raises(UnsupportedError) as caught:
        OnnxFrontend().parse(model(nodes, ["N", 4]))
    assert [problem.where for problem in caught.value.problems] == ["node 'n' (NoSuchOp)", "node 'h' (HardSwish)"]


def test_a_shape_that_depends_on_the_values_is_refused(model):
    nodes = [("NonZero", "x", "n", {}), ("Relu", "x", "r", {}), ("Reshape", "r n", "y", {})]
    with pytest.raises(UnsupportedError, match=r"node 'n' \(NonZero\): cannot be converted"):
        OnnxFrontend().parse(model(nodes, ["N", 4]))


def test_several_images_in_a_sample_are_refused(model):
    """As a network that is applied to every frame of a film."""
    nodes = [("Reshape", "x s", "r", {}), ("Conv", "r k", "y", {})]
    arrays = {"s": np.array([-1, 3, 4, 4]), "k": np.ones((3, 3, 1, 1), np.float32)}
    with pytest.raises(
        UnsupportedError, match=r"node 'y' \(Conv\): works on 5 images of each sample. Give every image"
    ):
        OnnxFrontend().parse(model(nodes, ["N", 5, 3, 4, 4], arrays))


@pytest.mark.parametrize("name", ["mask", "nowhere"])
def test_what_nothing_is_known_of_is_refused(model, name):
    """A second output that has no counterpart, and a name that the file does not define."""
    nodes = [("Dropout", "x", "d mask", {}), ("Neg", "d", "n", {})]
    nodes += [("Sum", f"n {name}", "s", {}), ("Relu", "s", "y", {})]
    with pytest.raises(UnsupportedError) as caught:
        OnnxFrontend().parse(model(nodes, ["N", 4]))
    assert str(caught.value).splitlines()[1:] == [
        f"  - node 's' (Sum): takes '{name}', of which nothing is known. "
        "It may be a second output, or sparse weights; or the file is damaged."
    ]


def test_a_constant_in_the_place_of_a_tensor_is_refused(model):
    nodes = [("RandomNormal", "", "n", {"shape": [1, 4]}), ("Add", "x n", "y", {})]
    with pytest.raises(UnsupportedError, match=r"node 'n' \(RandomNormal\): cannot be converted"):
        OnnxFrontend().parse(model(nodes, ["N", 4]))


@pytest.mark.parametrize("op", ["LSTM", "LayerNormalization", "QuantizeLinear", "TopK", "Mish", "Einsum", "NoSuchOp"])
def test_every_other_op_has_advice(op):
    assert op not in TRANSLATORS
    assert advice(op, "").endswith((".", "extract_model."))
