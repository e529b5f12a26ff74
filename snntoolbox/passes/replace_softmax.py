"""Rectifiers in place of a softmax at the output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from snntoolbox.ir import Graph, ops
from snntoolbox.ir.edit import replace_ops
from snntoolbox.passes.base import Pass, Preserves
from snntoolbox.passes.head import head_nodes

__all__ = ["ReplaceSoftmax"]


@dataclass(frozen=True)
class ReplaceSoftmax(Pass):
    """Replace a Softmax at the output by a Relu.

    Before: Softmax behind the last linear op. After: Relu of the same name. Why: rectifiers can be spiking neurons. The
    function changes; the largest output stays the same one wherever it is positive.
    """

    name: ClassVar[str] = "replace_softmax"
    preserves: ClassVar[Preserves | None] = None

    def __call__(self, graph: Graph) -> Graph:
        """Return the graph with rectifiers; a Softmax inside the network stays."""
        head = head_nodes(graph)
        found = [node.name for node in graph.nodes if isinstance(node.op, ops.Softmax) and node.name in head]
        return replace_ops(graph, dict.fromkeys(found, ops.Relu()))
