"""Small edits of a graph, from which passes are built. Each returns a new graph; nothing is changed in place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from snntoolbox.errors import GraphError
from snntoolbox.ir.graph import Graph, Node
from snntoolbox.ir.ops import Op

__all__ = ["bypass", "fresh_name", "insert_after", "insert_before", "rename", "replace_ops"]


def replace_ops(graph: Graph, ops: Mapping[str, Op]) -> Graph:
    """Return the graph with the ops of some nodes exchanged; names and wiring stay."""
    return graph.with_nodes(replace(n, op=ops[n.name]) if n.name in ops else n for n in graph.nodes)


def rename(graph: Graph, names: Mapping[str, str]) -> Graph:
    """Return the graph with nodes renamed, in the wiring and the outputs too."""
    nodes = (
        Node(names.get(n.name, n.name), n.op, tuple(names.get(source, source) for source in n.inputs))
        for n in graph.nodes
    )
    return graph.with_nodes(nodes, (names.get(out, out) for out in graph.outputs))


def bypass(graph: Graph, name: str) -> Graph:
    """Return the graph without node ``name``, whose consumers now take its only input.

    If the node is an output, its input takes over the name, so that outputs keep their names; if that input is an
    output or an entrance itself, it stays what it is and stands for both.

    Raises:
        GraphError: The node does not have exactly one input.
    """
    node = graph[name]
    if len(node.inputs) != 1:
        raise GraphError(f"node {node}: only a node with one input can be bypassed, it has {len(node.inputs)}")
    (source,) = node.inputs
    nodes = [
        replace(n, inputs=tuple(source if i == name else i for i in n.inputs)) for n in graph.nodes if n.name != name
    ]
    short = graph.with_nodes(nodes, (source if out == name else out for out in graph.outputs))
    takes_over = name in graph.outputs and source not in graph.outputs and source not in graph.inputs
    return rename(short, {source: name}) if takes_over else short


def insert_after(graph: Graph, name: str, new: Node) -> Graph:
    """Return the graph with ``new`` (whose input is ``name``) between ``name`` and all its consumers.

    Outputs that were ``name`` become ``new``.
    """
    nodes: list[Node] = []
    for node in graph.nodes:
        inputs = tuple(new.name if source == name else source for source in node.inputs)
        nodes.append(replace(node, inputs=inputs))
        if node.name == name:
            nodes.append(replace(new, inputs=(name,)))
    return graph.with_nodes(nodes, (new.name if out == name else out for out in graph.outputs))


def insert_before(graph: Graph, name: str, position: int, new: Node) -> Graph:
    """Return the graph with ``new`` on one wire only: the input number ``position`` of node ``name``."""
    nodes: list[Node] = []
    for node in graph.nodes:
        if node.name == name:
            nodes.append(replace(new, inputs=(node.inputs[position],)))
            inputs = list(node.inputs)
            inputs[position] = new.name
            node = replace(node, inputs=tuple(inputs))
        nodes.append(node)
    return graph.with_nodes(nodes)


def fresh_name(graph: Graph, wanted: str) -> str:
    """Return ``wanted``, or ``wanted_2``, ``wanted_3``, ... if it is taken."""
    name, number = wanted, 1
    while name in graph:
        number += 1
        name = f"{wanted}_{number}"
    return name
