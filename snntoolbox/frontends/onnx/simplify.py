"""The graph in as few nodes as it needs, in the form and order in which other frontends write it.

Every step is exact: the graph computes the same function, up to the rounding of constants that are combined.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from snntoolbox.frontends.onnx.permutations import move_permutations
from snntoolbox.frontends.onnx.rewriting import View
from snntoolbox.frontends.onnx.rules import RULES
from snntoolbox.ir import Graph, Node
from snntoolbox.ir.ops import Input, Op, Permute, Reshape, Shape

__all__ = ["simplify"]


def simplify(graph: Graph, origins: dict[str, str]) -> tuple[Graph, dict[str, str]]:
    """Return the graph in canonical form, and for each node where it comes from.

    Args:
        graph: A graph without neurons.
        origins: An identifier for each node; nodes of other frontends may name themselves.
    """
    for _ in range(len(graph.nodes)):
        view, before = View(graph), graph
        for node in graph.nodes:
            rewrite = next(filter(None, (rule(view, node) for rule in RULES)), None)
            if rewrite and view.is_used(node.name):
                view.replace(node, rewrite)
                origins = {**origins, node.name: origins[rewrite.named_after]}
        graph = _without_idle_nodes(graph.with_nodes(view.nodes.values()))
        if [n.op for n in graph.nodes] == [n.op for n in before.nodes]:
            break
    return _branch_by_branch(move_permutations(graph)), origins


def _branch_by_branch(graph: Graph) -> Graph:
    """Order nodes depth first from the outputs, so that each branch stays together, whatever order the file has."""
    ordered = {name: graph[name] for name in graph.inputs}
    stack = [(name, False) for name in reversed(graph.outputs)]
    while stack:
        name, inputs_done = stack.pop()
        if name in ordered:
            continue
        if inputs_done:
            ordered[name] = graph[name]
        else:
            stack += [(name, True), *((source, False) for source in reversed(graph[name].inputs))]
    return graph.with_nodes(ordered.values())


def _without_idle_nodes(graph: Graph) -> Graph:
    """Drop nodes that change nothing, and those that no output depends on."""
    instead: dict[str, str] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        inputs = tuple(instead.get(name, name) for name in node.inputs)
        if _is_idle(node.op, graph.input_shapes(node.name)):
            instead[node.name] = inputs[0]
        else:
            nodes.append(replace(node, inputs=inputs))
    outputs = [instead.get(name, name) for name in graph.outputs]
    return graph.with_nodes(_needed(nodes, outputs), outputs)


def _needed(nodes: Iterable[Node], outputs: Iterable[str]) -> list[Node]:
    wanted, kept = set(outputs), []
    for node in reversed(list(nodes)):
        if node.name in wanted or isinstance(node.op, Input):
            kept.append(node)
            wanted.update(node.inputs)
    return kept[::-1]


def _is_idle(op: Op, shapes: tuple[Shape, ...]) -> bool:
    if isinstance(op, Reshape):
        return shapes[0] == op.shape
    return isinstance(op, Permute) and op.perm == tuple(range(len(op.perm)))
