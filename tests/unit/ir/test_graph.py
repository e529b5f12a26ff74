"""A graph is checked when it is built, cannot be changed, and answers questions about itself."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from snntoolbox.errors import GraphError
from snntoolbox.ir import Graph, Node
from snntoolbox.ir.ops import Add, Affine, Concat, Dense, Input, Relu, Spiking
from snntoolbox.neurons import IntegrateAndFire


def test_shapes_are_derived(branching):
    assert branching.shapes == {
        "in": (4, 4, 2),
        "conv": (4, 4, 3),
        "relu": (4, 4, 3),
        "half": (4, 4, 3),
        "sum": (4, 4, 3),
        "flat": (48,),
        "fc": (5,),
    }
    assert branching.size("conv") == 48
    assert branching.input_shapes("sum") == ((4, 4, 3), (4, 4, 3))


def test_questions(branching):
    assert branching.inputs == ("in",)
    assert branching.neurons == ()
    assert [node.name for node in branching.consumers("relu")] == ["half", "sum"]
    assert branching.consumers("fc") == ()
    assert "half" in branching
    assert "third" not in branching
    assert branching.num_parameters("conv") == 3 * 3 * 2 * 3 + 3
    assert branching.num_parameters() == 57 + 1 + 240


def test_neurons_are_found():
    graph = Graph((Node("in", Input((3,))), Node("n", Spiking(IntegrateAndFire()), ("in",))), ("n",))
    assert graph.neurons == ("n",)


def test_unknown_node_is_named(branching):
    with pytest.raises(GraphError, match=r"no node 'conv2' in the graph; it has in, conv, relu"):
        branching["conv2"]


@pytest.mark.parametrize(
    ("nodes", "outputs", "message"),
    [
        ([Node("a", Input((3,))), Node("a", Relu(), ("a",))], ["a"], r"node 'a' \(Relu\): the name is taken twice"),
        ([Node("a", Relu(), ("b",)), Node("b", Input((3,)))], ["a"], r"node 'a' \(Relu\): input \['b'\] is not a node"),
        ([Node("a", Input((3,)))], ["b"], r"expected outputs to name nodes of the graph, got \['b'\]"),
        ([Node("a", Input((3,)))], [], "expected outputs to name nodes of the graph, got none"),
        ([Node("a", Input((3,))), Node("b", Relu())], ["b"], "expected 1 inputs, got 0"),
        ([Node("a", Input((3,))), Node("b", Relu(), ("a", "a"))], ["b"], "expected 1 inputs, got 2"),
        ([Node("a", Input((3,))), Node("b", Add(), ("a",))], ["b"], "expected 2 or more inputs, got 1"),
        ([Node("a", Input((3,))), Node("b", Concat(), ("a",))], ["b"], "expected 2 or more inputs, got 1"),
        (
            [Node("a", Input((2,))), Node("fc", Dense(np.ones((3, 4))), ("a",))],
            ["fc"],
            r"node 'fc' \(Dense\): expected an input of 3 features on the last axis, got \(2,\)",
        ),
    ],
)
def test_invalid_graph_is_refused(nodes, outputs, message):
    with pytest.raises(GraphError, match=message):
        Graph(tuple(nodes), tuple(outputs))


def test_nothing_can_be_changed(branching):
    with pytest.raises(FrozenInstanceError):
        branching.outputs = ("relu",)
    with pytest.raises(FrozenInstanceError):
        branching["conv"].op.groups = 2
    with pytest.raises(TypeError):
        branching.shapes["conv"] = (1,)
    with pytest.raises(TypeError):
        branching.attributes["model"] = "other"
    with pytest.raises(ValueError, match="read-only"):
        branching["conv"].op.kernel[:] = 0


def test_parameters_do_not_follow_the_callers_array():
    weight = np.ones((2, 2))
    op = Dense(weight)
    weight[:] = 5
    np.testing.assert_array_equal(op.weight, np.ones((2, 2)))
    assert Dense(op.weight).weight is op.weight


def test_attributes(branching):
    changed = branching.with_attributes(spike_code="rate", model="snn")
    assert dict(changed.attributes) == {"model": "snn", "spike_code": "rate"}
    assert dict(branching.attributes) == {"model": "net"}


def test_with_nodes_keeps_the_rest(branching):
    shorter = branching.with_nodes(branching.nodes[:3], ["relu"])
    assert shorter.outputs == ("relu",)
    assert shorter.attributes == branching.attributes


def variant(weight=((1.0, 0.0),), name="fc", slope=0.0, threshold=1.0, attributes=None):
    nodes = (
        Node("in", Input((1,))),
        Node(name, Dense(np.array(weight)), ("in",)),
        Node("relu", Relu(negative_slope=slope), (name,)),
        Node("n", Spiking(IntegrateAndFire(threshold=threshold)), ("relu",)),
    )
    return Graph(nodes, ("n",), attributes or {})


@pytest.mark.parametrize(
    "other",
    [
        {"weight": ((1.0, -0.0),)},
        {"weight": ((1, 0),)},
        {"weight": ((1.0, np.nextafter(0, 1)),)},
        {"name": "other"},
        {"slope": 0.1},
        {"slope": np.array([0.0])},
        {"threshold": 2.0},
        {"threshold": np.array([1.0, 1.0])},
        {"attributes": {"a": "b"}},
    ],
)
def test_graphs_that_differ_in_one_thing_are_not_equal(other):
    assert variant().equals(variant())
    assert not variant().equals(variant(**other))


def test_graphs_of_other_wiring_are_not_equal(branching):
    turned = [Node(n.name, n.op, n.inputs[::-1]) for n in branching.nodes]
    assert not branching.equals(branching.with_nodes(turned))
    assert not branching.equals(branching.with_nodes(branching.nodes[:-1], ["flat"]))
    assert not branching.equals(branching.with_nodes(branching.nodes, ["fc", "sum"]))
    other_op = [Node(n.name, Affine(np.array(1.0)) if n.name == "relu" else n.op, n.inputs) for n in branching.nodes]
    assert not branching.equals(branching.with_nodes(other_op))
