"""Take out what does nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from snntoolbox.ir import Graph, Node, ops
from snntoolbox.ir.edit import bypass
from snntoolbox.passes.base import Pass, Preserves

__all__ = ["RemoveIdentities"]

_KEEP_SIGN = (ops.AveragePool, ops.MaxPool, ops.Pad, ops.Permute, ops.Reshape, ops.Slice, ops.Upsample)


@dataclass(frozen=True)
class RemoveIdentities(Pass):
    """Remove ops that return their input unchanged, and nodes that no output depends on.

    Before: Affine with scale 1 and no shift, Reshape to the same shape, Permute without effect, Pad by nothing,
    Upsample by 1, Slice of everything, pooling of single elements, a rectifier of what is rectified already. After:
    their consumers take their input; an output keeps its name. Why: they would stand between ops that other passes
    join, and cost time in every simulated step; a second rectifier would be a second layer of neurons.
    """

    name: ClassVar[str] = "remove_identities"
    preserves: ClassVar[Preserves | None] = "function"

    def __call__(self, graph: Graph) -> Graph:
        """Return the graph without them."""
        graph = _without_dead_ends(graph)
        for name in [node.name for node in graph.nodes if _is_identity(graph, node)]:
            graph = bypass(graph, name)
        return graph


def _without_dead_ends(graph: Graph) -> Graph:
    """Return the graph without nodes that no output depends on. Entrances stay: samples come for each of them."""
    needed = {*graph.outputs, *graph.inputs}
    for node in reversed(graph.nodes):
        if node.name in needed:
            needed.update(node.inputs)
    return graph.with_nodes(node for node in graph.nodes if node.name in needed)


def _is_identity(graph: Graph, node: Node) -> bool:
    op, shape = node.op, graph.shapes[node.name]
    if len(node.inputs) != 1 or graph.shapes[node.inputs[0]] != shape:
        return False
    match op:
        case ops.Reshape() | ops.Slice():
            return True  # the only reshape or block of the same shape
        case ops.Affine():
            return bool(np.all(op.scale == 1)) and (op.shift is None or not np.any(op.shift))
        case ops.Permute():
            return op.perm == tuple(range(len(shape)))
        case ops.Pad():
            return not np.any(op.padding)
        case ops.Upsample():
            return set(op.factors) == {1}
        case ops.MaxPool() | ops.AveragePool():
            return set(op.pool) | set(op.strides) == {1} and not np.any(op.padding)
        case ops.Relu():
            return op.max_value is None and not op.clamps and _is_rectified(graph, node.inputs[0])
        case _:
            return False


def _is_rectified(graph: Graph, name: str) -> bool:
    """Whether a value is that of a rectifier, moved or pooled perhaps, and so never negative."""
    node = graph[name]
    if isinstance(node.op, ops.Relu):
        return not node.op.leaky
    return isinstance(node.op, _KEEP_SIGN) and _is_rectified(graph, node.inputs[0])
