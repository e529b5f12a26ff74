"""Passes that change the function, and the place of an op behind an output."""

from __future__ import annotations

import numpy as np

from snntoolbox.ir import Graph, Node, ops
from snntoolbox.passes.append import append_op
from snntoolbox.passes.rectify_outputs import RectifyOutputs
from snntoolbox.passes.replace_max_pooling import ReplaceMaxPooling
from snntoolbox.passes.replace_softmax import ReplaceSoftmax
from snntoolbox.testing.evaluation import node_values

FC = ops.Dense(np.eye(3))


def test_max_pooling_becomes_average_pooling(chain, rng):
    graph = chain((5, 6, 2), p=ops.MaxPool((3, 2), (2, 1), ((1, 0), (0, 1))))
    after = ReplaceMaxPooling()(graph)
    assert after.shapes == graph.shapes
    assert dict(after["p"].op.fields()) == {
        "pool": (3, 2),
        "strides": (2, 1),
        "padding": ((1, 0), (0, 1)),
        "count_padding": False,
    }
    constant = np.full((1, 5, 6, 2), 3.0)
    np.testing.assert_allclose(node_values(after, {"x": constant})["p"], 3.0)


def test_softmax_of_the_output_becomes_a_rectifier(chain):
    after = ReplaceSoftmax()(chain((3,), inside=ops.Softmax(), fc=FC, out=ops.Softmax()))
    assert isinstance(after["out"].op, ops.Relu) and isinstance(after["inside"].op, ops.Softmax)


def test_linear_outputs_are_rectified(chain, kinds):
    after = RectifyOutputs()(chain((3,), fc=FC))
    assert kinds(after) == ["Dense", "Relu"]
    assert after.outputs == ("fc",) and after["fc"].inputs == ("fc_current",)


def test_other_outputs_are_left(chain):
    for tail in (ops.Relu(), ops.Softmax(), ops.Activation("tanh")):
        graph = chain((3,), fc=FC, out=tail, column=ops.Reshape((3, 1)))
        assert RectifyOutputs()(graph).equals(graph)


def test_an_output_that_is_used_inside_is_rectified_for_the_output_alone(chain):
    graph = chain((3,), outputs=("inner", "fc"), inner=FC, fc=FC)
    after = RectifyOutputs()(graph)
    x = np.array([[1.0, -2.0, 3.0]])
    values = node_values(after, {"x": x})
    np.testing.assert_array_equal(values[after.outputs[0]], [[1, 0, 3]])
    np.testing.assert_array_equal(values["fc_current"], x)


def two_consumers():
    nodes = (
        Node("x", ops.Input((3,))),
        Node("a", FC, ("x",)),
        Node("b", FC, ("a",)),
        Node("c", ops.Add(), ("a", "b")),
    )
    return Graph(nodes, ("c",))


def test_an_op_behind_a_node_is_for_all_its_consumers():
    after = append_op(two_consumers(), "a", ops.Relu(), suffix="r")
    assert after["b"].inputs == ("a_r",) and after["c"].inputs == ("a_r", "b")


def test_or_for_some_of_them():
    after = append_op(two_consumers(), "a", ops.Relu(), suffix="r", consumers={"c"})
    assert after["b"].inputs == ("a",) and after["c"].inputs == ("a_r", "b")


def test_an_entrance_keeps_its_name():
    graph = Graph((Node("x", ops.Input((3,))),), ("x",))
    after = append_op(graph, "x", ops.Relu(), suffix="r")
    assert after.inputs == ("x",) and after.outputs == ("x_r",)


def test_taken_names_are_avoided(chain):
    graph = chain((3,), fc=FC, fc_r=ops.Relu(), fc_r_current=FC)
    after = append_op(graph, "fc", ops.Relu(), suffix="r")
    assert after["fc_r"].inputs == ("fc_r_2",)
