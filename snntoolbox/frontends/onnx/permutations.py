"""Reordering of elements, moved out of the network into the weights next to it.

A tensor that is channels-first in the file is flattened in another order than here. Where dense layers take the flat
values, possibly through ops that treat each value alone, the rows of their weights are reordered instead of the values;
where a dense layer makes values that are then unflattened, its columns are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.ir import Graph, Node
from snntoolbox.ir.ops import Activation, Add, Affine, Concat, Dense, Op, Permute, Relu, Reshape, Shape, Softmax

__all__ = ["move_permutations"]

Order = NDArray[np.intp]
"""Place in the new order of each element in the old one: old[i] = new[order[i]]."""


def move_permutations(graph: Graph) -> Graph:
    """Return the graph with permutations moved into dense weights where every consumer allows it."""
    return _into_columns(_into_rows(graph))


def _into_rows(graph: Graph) -> Graph:
    """Permute, Reshape to one axis, ..., Dense -> Reshape, ..., Dense with reordered rows."""
    starts = {}
    for node in graph.nodes:
        if isinstance(node.op, Reshape) and len(node.op.shape) == 1:
            before = graph[node.inputs[0]]
            if isinstance(before.op, Permute):
                starts[node.name] = _order(graph.input_shapes(before.name)[0], before.op.perm)
    while starts:
        orders, refused = _propagated(graph, starts)
        if not refused:
            return _reordered(graph, starts, orders)
        starts = {name: order for name, order in starts.items() if name not in refused}
    return graph


def _order(shape: Shape, perm: Shape) -> Order:
    """Place in row-major order of ``shape`` of each element of the permuted array."""
    return np.arange(prod(shape)).reshape(shape).transpose(perm).reshape(-1)


def _propagated(graph: Graph, starts: Mapping[str, Order]) -> tuple[dict[str, Order], set[str]]:
    """The order of every node that would be reordered, and the starts that some consumer stands against."""
    orders: dict[str, Order] = dict(starts)
    causes = {name: {name} for name in starts}
    refused = set()
    for node in graph.nodes:
        reordered = [name for name in node.inputs if name in orders]
        if not reordered or node.name in starts or isinstance(node.op, Dense):
            continue
        cause = set().union(*(causes[name] for name in reordered))
        order = _through(graph, node, orders)
        if order is None:
            refused |= cause
        else:
            orders[node.name], causes[node.name] = order, cause
    for name in graph.outputs:
        refused |= causes.get(name, set())
    return orders, refused


def _through(graph: Graph, node: Node, orders: Mapping[str, Order]) -> Order | None:
    """Order of a node's output, given those of its inputs; None if it cannot take reordered values."""
    given = [orders.get(name, np.arange(graph.size(name))) for name in node.inputs]
    if isinstance(node.op, Relu | Affine | Activation | Softmax):
        return given[0]
    if isinstance(node.op, Add):
        return given[0] if all(np.array_equal(given[0], order) for order in given[1:]) else None
    if isinstance(node.op, Concat) and len(graph.shapes[node.name]) == 1:
        starts = np.cumsum([0, *(order.size for order in given[:-1])])
        return np.asarray(np.concatenate([order + start for order, start in zip(given, starts, strict=True)]))
    return None


def _reordered(graph: Graph, starts: Mapping[str, Order], orders: Mapping[str, Order]) -> Graph:
    nodes = []
    for node in graph.nodes:
        if node.name in starts:
            node = replace(node, inputs=graph[node.inputs[0]].inputs)
        elif node.name in orders:
            node = replace(node, op=_with_parameters(node.op, orders[node.name]))
        elif isinstance(node.op, Dense) and node.inputs[0] in orders:
            node = replace(node, op=node.op.replace(weight=_moved(node.op.weight, orders[node.inputs[0]])))
        nodes.append(node)
    return _without_unused_permutations(graph.with_nodes(nodes))


def _without_unused_permutations(graph: Graph) -> Graph:
    used = {name for node in graph.nodes for name in node.inputs}.union(graph.outputs)
    return graph.with_nodes(n for n in graph.nodes if n.name in used or not isinstance(n.op, Permute))


def _moved(values: NDArray[Any], order: Order) -> NDArray[Any]:
    """Values along the first axis, put in the places that their elements have in the new order."""
    result = np.empty_like(values)
    result[order] = values
    result.flags.writeable = False
    return result


def _with_parameters(op: Op, order: Order) -> Op:
    """An op whose parameters, if there is one for each element, are reordered."""
    arrays = op.parameters()
    return op.replace(  # type: ignore[no-any-return]
        **{name: _moved(value, order) for name, value in arrays.items() if value.shape == order.shape}
    )


def _into_columns(graph: Graph) -> Graph:
    """Dense, ..., Reshape, Permute -> Dense with reordered columns, ..., Reshape."""
    nodes = {node.name: node for node in graph.nodes}
    for node in graph.nodes:
        if not isinstance(node.op, Permute):
            continue
        chain = _up_to_dense(graph, nodes, node)
        if not chain:
            continue
        reshape, *between, dense = chain
        # Element j of the result is element order[j] of what the dense layer makes now.
        order = _order(graph.shapes[reshape.name], node.op.perm)
        op = dense.op
        if isinstance(op, Dense):
            bias = None if op.bias is None else op.bias[order]
            nodes[dense.name] = replace(dense, op=op.replace(weight=op.weight[:, order], bias=bias))
        for inner in between:
            nodes[inner.name] = replace(inner, op=_with_parameters(inner.op, np.argsort(order)))
        nodes[node.name] = Node(node.name, Reshape(graph.shapes[node.name]), reshape.inputs)
        del nodes[reshape.name]
    return graph.with_nodes(nodes.values())


def _up_to_dense(graph: Graph, nodes: Mapping[str, Node], permute: Node) -> list[Node]:
    """Reshape, ops that treat each value alone, Dense: what comes before a permutation and feeds nothing else.

    Empty if it is something else.
    """
    found: list[Node] = []
    node = permute
    while not isinstance(node.op, Dense):
        name = node.inputs[0]
        node = nodes[name]
        kinds: Any = Relu | Affine | Activation | Dense if found else Reshape
        alone = len(graph.consumers(name)) == 1 and name not in graph.outputs
        if not isinstance(node.op, kinds) or not alone or (found and len(graph.shapes[name]) != 1):
            return []
        found.append(node)
    return found
