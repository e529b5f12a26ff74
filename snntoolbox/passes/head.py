"""Which part of a network is not turned into neurons: what follows its last linear op.

The head is applied to the decoded output, outside the simulator (`snntoolbox.backends.head` runs it).
"""

from __future__ import annotations

from snntoolbox.ir import Graph, ops
from snntoolbox.ir.ops import Op
from snntoolbox.passes.absorb import WEIGHTED

__all__ = ["head_nodes", "inner_activations"]

_SHAPE_ONLY = (ops.Concat, ops.Pad, ops.Permute, ops.Reshape, ops.Slice, ops.Upsample)
_VALUE_ONLY = (ops.Softmax, ops.Activation)


def head_nodes(graph: Graph, *, rectifiers: bool = True) -> frozenset[str]:
    """Return the names of the nodes of the head.

    A Softmax or another Activation is of the head if no op with weights comes after it; with ``rectifiers``, a Relu is
    if nothing but activations and changes of shape come after it. Whatever follows a node of the head is of it, too.

    Args:
        graph: A graph without neurons.
        rectifiers: Whether rectifiers of the output stay what they are. If not, they become neurons.
    """
    after = _ops_after(graph)
    head: set[str] = set()
    for node in graph.nodes:
        later = after[node.name]
        starts = isinstance(node.op, _VALUE_ONLY) and not any(issubclass(kind, WEIGHTED) for kind in later)
        if isinstance(node.op, ops.Relu) and rectifiers:
            starts = all(issubclass(kind, (*_SHAPE_ONLY, *_VALUE_ONLY, ops.Relu)) for kind in later)
        if starts or any(source in head for source in node.inputs):
            head.add(node.name)
    return frozenset(head)


def inner_activations(graph: Graph) -> tuple[str, ...]:
    """Return the names of activations that have no spiking counterpart and are not of the head."""
    head = head_nodes(graph)
    return tuple(n.name for n in graph.nodes if isinstance(n.op, _VALUE_ONLY) and n.name not in head)


def _ops_after(graph: Graph) -> dict[str, set[type[Op]]]:
    """Return for each node the kinds of ops that its value goes into, directly or not."""
    after: dict[str, set[type[Op]]] = {node.name: set() for node in graph.nodes}
    for node in reversed(graph.nodes):
        for source in node.inputs:
            after[source] |= {type(node.op), *after[node.name]}
    return after
