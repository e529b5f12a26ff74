"""Tools for tests of the ONNX frontend: small models, and a comparison with onnxruntime through the NumPy kernels."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from snntoolbox.frontends.onnx import OnnxFrontend
from snntoolbox.ir.evaluate import max_relative_deviation
from snntoolbox.testing.evaluation import node_values


def build(nodes, inputs, weights=(), outputs=("y",), *, opset=18, ir_version=8, **attributes):
    """Return a model.

    Args:
        nodes: Tuples of op, inputs and outputs (names divided by spaces, ``-`` for one left out), and attributes.
        inputs: Shape by name, batch included; a shape alone for the input ``x``.
        weights: Arrays by name.
        outputs: Names.
        opset, ir_version: Versions.
        attributes: Fields of the model, such as ``producer_name``.
    """
    inputs = inputs if isinstance(inputs, dict) else {"x": inputs}
    made = [
        helper.make_node(op, *(["" if n == "-" else n for n in names.split()] for names in (given, made)), **settings)
        for op, given, made, settings in nodes
    ]
    graph = helper.make_graph(
        made,
        "net",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in dict(weights).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)
    for name, value in attributes.items():
        setattr(model, name, value)
    return model


@pytest.fixture
def model():
    """Return a function that builds a model; see `build`."""
    return build


@pytest.fixture
def assert_same(rng):
    """Return a function that parses a model and compares it with its own answers; it returns the graph.

    The tolerance is some float32 roundings: onnxruntime sums in another order.
    """

    def check(model, *, tolerance=1e-5, count=3, **options):
        frontend = OnnxFrontend(**options)
        graph = frontend.parse(model)
        x = {name: rng.normal(size=(count, *graph.shapes[name])).astype(np.float32) for name in graph.inputs}
        expected = frontend.reference_outputs(model, x)
        values = node_values(graph, x)
        assert max_relative_deviation(expected, [values[name] for name in graph.outputs]) <= tolerance
        return graph

    return check


@pytest.fixture
def kinds():
    """Return a function that lists the kinds of a graph's ops, inputs left out."""
    return lambda graph: [node.op.kind for node in graph.nodes if node.inputs]
