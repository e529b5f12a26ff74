"""Names of the user's layers."""

import numpy as np
import pytest

from snntoolbox.frontends.onnx import OnnxFrontend

WEIGHT = np.ones((4, 4), np.float32)


@pytest.fixture
def names(model):
    """Return a function that parses a chain of named nodes and lists the names in the graph."""

    def parse(*nodes, producer="", weights=("w",), scopes=()):
        made = model(
            [(op, f"t{i} {rest}".strip(), f"t{i + 1}", {}) for i, (_, op, rest) in enumerate(nodes)],
            {"t0": ["N", 4]},
            dict.fromkeys(weights, WEIGHT),
            (f"t{len(nodes)}",),
            producer_name=producer,
        )
        for node, (name, _, _) in zip(made.graph.node, nodes, strict=True):
            node.name = name
        for node, scope in zip(made.graph.node, scopes, strict=False):
            node.metadata_props.add(key="pkg.torch.onnx.name_scopes", value=str(scope))
        return [node.name for node in OnnxFrontend().parse(made).nodes[1:]]

    return parse


def test_pytorchs_older_exporter_keeps_modules_in_paths(names):
    assert names(
        ("/block/block.0/fc/MatMul", "MatMul", "w"),
        ("/block/block.0/relu/Relu", "Relu", ""),
        ("/fc/MatMul", "MatMul", "w"),
        ("/Relu", "Relu", ""),
        ("/Softmax", "Softmax", ""),
        producer="pytorch",
    ) == ["block.0.fc", "block.0.relu", "fc", "fc_relu", "fc_relu_softmax"]


def test_pytorchs_newer_exporter_keeps_modules_in_metadata(names):
    assert names(
        ("node_linear", "MatMul", "w"),
        ("node_relu", "Relu", ""),
        ("node_linear_1", "MatMul", "w"),
        ("node_relu_1", "Relu", ""),
        producer="pytorch",
        scopes=[
            ["", "block", "block.0", "block.0.fc", "linear"],
            ["", "block", "block.0", "relu"],
            ["", "head", "linear_1"],
            ["", "relu_1"],
        ],
    ) == ["block.0.fc", "block.0.fc_relu", "head", "head_relu"]


def test_pytorchs_weights_have_the_names_of_their_modules(names):
    assert names(
        ("MatMul_0", "MatMul", "block.fc.weight"),
        ("Relu_1", "Relu", ""),
        ("MatMul_2", "MatMul", "block.fc.weight"),
        weights=["block.fc.weight"],
    ) == ["block.fc", "block.fc_relu", "block.fc_2"]


def test_keras_keeps_layers_in_paths_behind_the_model(names):
    assert names(
        ("model/fc1/MatMul", "MatMul", "w"),
        ("model/fc1/Relu", "Relu", ""),
        ("StatefulPartitionedCall/model/drop_relu/Relu", "Relu", ""),
        ("model/fc2/Tensordot/MatMul", "MatMul", "w"),
        ("MatMul__12", "MatMul", "model/fc3/kernel"),
        producer="tf2onnx",
        weights=["w", "model/fc3/kernel"],
    ) == ["fc1", "fc1_relu", "fc2", "fc3"]


def test_keras_3_numbers_every_layer(names):
    """The numbers are no part of the names, and nested models only matter for names that occur twice."""
    assert names(
        ("functional_1/dense_1/MatMul", "MatMul", "w"),
        ("functional_1/inner_1/fc_1/MatMul", "MatMul", "w"),
        ("functional_1/dense_1_2/MatMul", "MatMul", "w"),
        ("functional_1/other_1/fc_1/MatMul", "MatMul", "w"),
        producer="tf2onnx",
    ) == ["dense", "inner_fc", "dense_1", "other_fc"]


def test_other_names_are_kept_and_numbers_are_not(names):
    assert names(
        ("hidden/layer one", "MatMul", "w"),
        ("", "Relu", ""),
        ("Gemm_7", "MatMul", "w"),
        ("hidden/layer one", "Relu", ""),
    ) == ["hidden/layer_one", "t2", "Gemm_7", "hidden/layer_one_relu"]


def test_names_of_outputs_stand_in_for_missing_ones(model):
    """As CNTK and Caffe2 write them."""
    made = model(
        [("MatMul", "Input3:0 w", "Times30_Output_0", {}), ("Relu", "Times30_Output_0", "gpu_0/relu", {})],
        {"Input3:0": ["N", 4]},
        {"w": WEIGHT},
        ["gpu_0/relu"],
    )
    graph = OnnxFrontend().parse(made)
    assert [node.name for node in graph.nodes] == ["Input3", "Times30", "gpu_0/relu"]


def test_the_graph_says_where_it_comes_from(model):
    made = model([("Dropout", "x", "d", {}), ("Relu", "d", "y", {})], ["N", 4], producer_name="pytorch")
    made.graph.node[0].name = "/drop/Dropout"
    graph = OnnxFrontend().parse(made)
    assert dict(graph.attributes) == {"frontend": "onnx", "model": "net", "producer": "pytorch", "removed": "drop"}


def test_nodes_stand_branch_by_branch_whatever_the_files_order(model):
    nodes = [
        ("Relu", "x", "a", {}),
        ("Neg", "x", "b", {}),
        ("Neg", "a", "c", {}),
        ("Relu", "b", "d", {}),
        ("Add", "d c", "y", {}),
    ]
    graph = OnnxFrontend().parse(model(nodes, ["N", 4]))
    assert [node.name for node in graph.nodes] == ["x", "b", "d", "a", "c", "y"]
