"""Average-pooling in place of max-pooling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from snntoolbox.ir import Graph, ops
from snntoolbox.ir.edit import replace_ops
from snntoolbox.passes.base import Pass, Preserves

__all__ = ["ReplaceMaxPooling"]


@dataclass(frozen=True)
class ReplaceMaxPooling(Pass):
    """Replace every max-pooling by average-pooling.

    Before: MaxPool. After: AveragePool of the same windows, in which padding does not count. Why: an average is a
    linear map, which any spiking hardware can do; a maximum of rates is not. The function changes: train the network
    with average-pooling, or measure what is lost (Rueckauer 2020, section 2.1.2.4).
    """

    name: ClassVar[str] = "replace_max_pooling"
    preserves: ClassVar[Preserves | None] = None

    def __call__(self, graph: Graph) -> Graph:
        """Return the graph without MaxPool."""
        return replace_ops(
            graph,
            {
                node.name: ops.AveragePool(node.op.pool, node.op.strides, node.op.padding)
                for node in graph.nodes
                if isinstance(node.op, ops.MaxPool)
            },
        )
