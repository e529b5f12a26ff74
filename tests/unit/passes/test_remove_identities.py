"""What does nothing goes; what does something stays."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.ir import Graph, Node, ops
from snntoolbox.passes.remove_identities import RemoveIdentities

SHAPE = (4, 4, 2)
ONE, ZERO = np.ones(()), np.zeros(2)

IDENTITIES = [
    ops.Affine(ONE),
    ops.Affine(np.ones(2), ZERO),
    ops.Reshape(SHAPE),
    ops.Permute((0, 1, 2)),
    ops.Pad(((0, 0), (0, 0), (0, 0))),
    ops.Upsample((1, 1)),
    ops.Slice((0, 0, 0), SHAPE, (1, 1, 1)),
    ops.MaxPool((1, 1)),
    ops.AveragePool((1, 1), (1, 1)),
]
OTHERS = [
    ops.Affine(np.array([1.0, 2.0])),
    ops.Affine(ONE, np.array([0.0, 1.0])),
    ops.Reshape((16, 2)),
    ops.Permute((1, 0, 2)),
    ops.Pad(((1, 0), (0, 0), (0, 0))),
    ops.Upsample((1, 2)),
    ops.Slice((0, 0, 0), SHAPE, (1, 2, 1)),
    ops.MaxPool((1, 1), (2, 2)),
    ops.AveragePool((3, 3), (1, 1), ((1, 1), (1, 1))),
    ops.Relu(),
]


@pytest.mark.parametrize("op", IDENTITIES, ids=lambda op: op.kind)
def test_identities_go(op, chain, kinds, same_outputs):
    graph = chain(SHAPE, same=op, relu=ops.Relu())
    after = RemoveIdentities()(graph)
    assert kinds(after) == ["Relu"]
    same_outputs(graph, after, tolerance=0)


@pytest.mark.parametrize("op", OTHERS, ids=lambda op: op.kind)
def test_others_stay(op, chain):
    graph = chain(SHAPE, other=op)
    assert RemoveIdentities()(graph).equals(graph)


@pytest.mark.parametrize(
    "between", [{}, {"p": ops.MaxPool((2, 2))}, {"p": ops.AveragePool((2, 2)), "f": ops.Reshape((8,))}], ids=len
)
def test_a_second_rectifier_goes(between, chain, kinds, same_outputs):
    graph = chain(SHAPE, r=ops.Relu(2.0), **between, s=ops.Relu(negative_slope=0.1), out=ops.Softmax())
    after = RemoveIdentities()(graph)
    assert kinds(after) == ["Relu", *(op.kind for op in between.values()), "Softmax"]
    same_outputs(graph, after, tolerance=0)


@pytest.mark.parametrize(
    "named",
    [
        {"r": ops.Relu(), "s": ops.Relu(2.0)},
        {"r": ops.Relu(negative_slope=0.1), "s": ops.Relu()},
        {"r": ops.Relu(), "a": ops.Affine(-ONE), "s": ops.Relu()},
    ],
    ids=["ceiling", "leaky", "sign"],
)
def test_a_second_rectifier_that_does_something_stays(named, chain):
    graph = chain(SHAPE, **named)
    assert RemoveIdentities()(graph).equals(graph)


def test_an_output_keeps_its_name(chain):
    graph = chain((2,), fc=ops.Dense(np.eye(2)), a=ops.Affine(ONE), b=ops.Reshape((2,)))
    after = RemoveIdentities()(graph)
    assert after.outputs == ("b",)
    assert [node.name for node in after.nodes] == ["x", "b"]


def test_an_identity_between_branches_is_taken_out_for_all(same_outputs):
    nodes = (
        Node("x", ops.Input((2,))),
        Node("same", ops.Affine(ONE), ("x",)),
        Node("twice", ops.Affine(np.array(2.0)), ("same",)),
        Node("sum", ops.Add(), ("same", "twice")),
    )
    graph = Graph(nodes, ("sum", "same"))
    after = RemoveIdentities()(graph)
    assert "same" not in after and after["sum"].inputs == ("x", "twice")
    same_outputs(graph, after, tolerance=0)


def test_nodes_without_influence_go_and_entrances_stay():
    nodes = (
        Node("x", ops.Input((2,))),
        Node("unused", ops.Input((2,))),
        Node("a", ops.Relu(), ("unused",)),
        Node("b", ops.Relu(), ("x",)),
    )
    after = RemoveIdentities()(Graph(nodes, ("b",)))
    assert [node.name for node in after.nodes] == ["x", "unused", "b"]
