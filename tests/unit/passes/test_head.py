"""The head: what is applied to the decoded output rather than simulated."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.ir import Graph, Node, ops
from snntoolbox.passes.head import head_nodes, inner_activations

FC = ops.Dense(np.ones((4, 4)))
RELU, SOFTMAX, SIGMOID = ops.Relu(), ops.Softmax(), ops.Activation("sigmoid")


@pytest.mark.parametrize(
    ("named", "head"),
    [
        ({"fc": FC}, ()),
        ({"fc": FC, "s": SOFTMAX}, ("s",)),
        ({"fc": FC, "s": SIGMOID, "f": ops.Reshape((2, 2))}, ("s", "f")),
        ({"fc": FC, "f": ops.Reshape((2, 2)), "s": SOFTMAX}, ("s",)),
        ({"fc": FC, "r": RELU}, ("r",)),
        ({"fc": FC, "r": RELU, "s": SOFTMAX}, ("r", "s")),
        ({"fc": FC, "r": RELU, "a": ops.Affine(np.array(2.0))}, ()),
        ({"fc": FC, "s": SOFTMAX, "a": ops.Affine(np.array(2.0)), "r": RELU}, ("s", "a", "r")),
        ({"r": RELU, "fc": FC}, ()),
        ({"s": SIGMOID, "fc": FC}, ()),
    ],
    ids=str,
)
def test_head_of_a_chain(named, head, chain):
    assert head_nodes(chain((4,), **named)) == set(head)


def test_rectifiers_may_be_left_to_the_neurons(chain):
    graph = chain((4,), fc=FC, r=RELU, s=SOFTMAX)
    assert head_nodes(graph, rectifiers=False) == {"s"}


def test_activations_inside_are_found(chain):
    assert inner_activations(chain((4,), a=SIGMOID, b=SOFTMAX, fc=FC, c=SOFTMAX)) == ("a", "b")


def test_branches():
    nodes = (
        Node("x", ops.Input((4,))),
        Node("a", FC, ("x",)),
        Node("features", RELU, ("a",)),
        Node("b", FC, ("features",)),
        Node("s", SOFTMAX, ("b",)),
        Node("r", RELU, ("b",)),
        Node("out", ops.Concat(-1), ("s", "r")),
    )
    assert head_nodes(Graph(nodes, ("out", "features"))) == {"s", "r", "out"}


def test_a_rectifier_whose_values_are_averaged_is_a_layer_of_neurons(chain):
    graph = chain((2, 2, 4), fc=FC, r=RELU, p=ops.AveragePool((2, 2)), f=ops.Reshape((4,)), s=SOFTMAX)
    assert head_nodes(graph) == {"s"}
