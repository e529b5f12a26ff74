"""Put an op behind a node without taking an output's name away."""

from __future__ import annotations

from snntoolbox.ir import Graph, Node
from snntoolbox.ir.edit import fresh_name, insert_after, rename
from snntoolbox.ir.ops import Op

__all__ = ["append_op"]


def append_op(graph: Graph, name: str, op: Op, *, suffix: str, renamed: str = "current") -> Graph:
    """Return the graph with ``op`` between a node and all its consumers.

    Args:
        graph: The graph.
        name: The node.
        op: What comes after it.
        suffix: The new node is called ``<name>_<suffix>``, unless ``name`` is an output: outputs keep their names.
        renamed: Then the new node takes over ``name``, and the old one is called ``<name>_<renamed>``. An entrance is
            never renamed, since samples are given by its name.
    """
    new = fresh_name(graph, f"{name}_{suffix}")
    longer = insert_after(graph, name, Node(new, op))
    if name not in graph.outputs or name in graph.inputs:
        return longer
    return rename(longer, {name: fresh_name(longer, f"{name}_{renamed}"), new: name})
