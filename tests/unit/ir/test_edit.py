"""Small edits: names, wiring and outputs stay right, and the graph edited stays as it was."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from snntoolbox.errors import GraphError
from snntoolbox.ir import Graph, Node
from snntoolbox.ir.edit import bypass, fresh_name, insert_after, insert_before, rename, replace_ops
from snntoolbox.ir.evaluate import evaluate
from snntoolbox.ir.ops import Affine, Input, Relu

TWICE = Affine(np.array(2.0))


def wiring(graph):
    return {node.name: node.inputs for node in graph.nodes}


def chain(*names, outputs):
    nodes = [Node(names[0], Input((3,)))]
    nodes += [Node(name, Affine(np.array(3.0)), (before,)) for before, name in pairwise(names)]
    return Graph(tuple(nodes), outputs)


def test_replace_ops(branching):
    changed = replace_ops(branching, {"half": TWICE})
    assert changed["half"].op is TWICE
    assert wiring(changed) == wiring(branching)
    assert branching["half"].op is not TWICE


def test_replaced_op_has_to_fit(branching):
    with pytest.raises(GraphError, match=r"node 'half' \(Affine\): expected scale to broadcast"):
        replace_ops(branching, {"half": Affine(np.ones(7))})


def test_rename(branching):
    changed = rename(branching, {"relu": "act", "fc": "out"})
    assert wiring(changed)["sum"] == ("act", "half")
    assert changed.outputs == ("out",)
    assert "relu" not in changed


def test_rename_to_a_name_that_is_taken(branching):
    with pytest.raises(GraphError, match="the name is taken twice"):
        rename(branching, {"relu": "half"})


def test_bypass_inside(branching):
    changed = bypass(branching, "relu")
    assert wiring(changed)["half"] == ("conv",)
    assert wiring(changed)["sum"] == ("conv", "half")


def test_bypassed_output_leaves_its_name_to_its_input():
    changed = bypass(chain("in", "a", "b", outputs=("b",)), "b")
    assert wiring(changed) == {"in": (), "b": ("in",)}
    assert changed.outputs == ("b",)


def test_bypassed_output_behind_another_output():
    changed = bypass(chain("in", "a", "b", outputs=("a", "b")), "b")
    assert changed.outputs == ("a", "a")


def test_bypassed_output_behind_an_entrance():
    changed = bypass(chain("in", "a", outputs=("a",)), "a")
    assert wiring(changed) == {"in": ()}
    assert changed.outputs == ("in",)


@pytest.mark.parametrize(("name", "count"), [("sum", 2), ("in", 0)])
def test_bypass_of_a_node_without_exactly_one_input(name, count, branching):
    with pytest.raises(
        GraphError, match=f"node '{name}' .*: only a node with one input can be bypassed, it has {count}"
    ):
        bypass(branching, name)


def test_insert_after_reaches_every_consumer(branching, rng):
    changed = insert_after(branching, "relu", Node("twice", TWICE))
    assert wiring(changed)["twice"] == ("relu",)
    assert wiring(changed)["half"] == ("twice",)
    assert wiring(changed)["sum"] == ("twice", "half")
    x = rng.normal(size=(2, 4, 4, 2))
    np.testing.assert_allclose(evaluate(changed, x), 2 * evaluate(branching, x), rtol=1e-5)


def test_insert_after_an_output_becomes_the_output(branching):
    assert insert_after(branching, "fc", Node("end", Relu())).outputs == ("end",)


def test_insert_before_changes_one_wire(branching):
    changed = insert_before(branching, "sum", 0, Node("twice", TWICE))
    assert wiring(changed)["twice"] == ("relu",)
    assert wiring(changed)["sum"] == ("twice", "half")
    assert wiring(changed)["half"] == ("relu",)


def test_insert_before_a_node_that_takes_one_input_twice(branching):
    double = branching.with_nodes(
        Node(n.name, n.op, ("relu", "relu") if n.name == "sum" else n.inputs) for n in branching.nodes
    )
    assert wiring(insert_before(double, "sum", 1, Node("twice", TWICE)))["sum"] == ("relu", "twice")


def test_fresh_name(branching):
    assert fresh_name(branching, "new") == "new"
    assert fresh_name(branching, "relu") == "relu_2"
    assert fresh_name(rename(branching, {"half": "relu_2"}), "relu") == "relu_3"
