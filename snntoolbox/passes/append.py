"""Put an op behind a node without taking an output's name away."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace

from snntoolbox.ir import Graph, Node
from snntoolbox.ir.edit import fresh_name, rename
from snntoolbox.ir.ops import Op

__all__ = ["append_op"]


def append_op(graph: Graph, name: str, op: Op, *, suffix: str, consumers: Container[str] | None = None) -> Graph:
    """Return the graph with ``op`` behind a node.

    Args:
        graph: The graph.
        name: The node. If it is an output, the new one is the output in its place.
        op: What comes after it.
        suffix: The new node is called ``<name>_<suffix>``, unless ``name`` is an output: outputs keep their names, so
            the old node is called ``<name>_current`` then. An entrance is never renamed, since samples are given by
            its name.
        consumers: Names of the nodes that take the new node's value from then on; all of them unless given.
    """
    new = fresh_name(graph, f"{name}_{suffix}")
    nodes: list[Node] = []
    for node in graph.nodes:
        takes = consumers is None or node.name in consumers
        nodes.append(replace(node, inputs=tuple(new if takes and i == name else i for i in node.inputs)))
        if node.name == name:
            nodes.append(Node(new, op, (name,)))
    longer = graph.with_nodes(nodes, (new if out == name else out for out in graph.outputs))
    if name not in graph.outputs or name in graph.inputs:
        return longer
    return rename(longer, {name: fresh_name(longer, f"{name}_current"), new: name})
