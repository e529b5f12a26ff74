"""Rectifiers at outputs that have none, for spikes to be counted there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from snntoolbox.ir import Graph, ops
from snntoolbox.passes.append import append_op
from snntoolbox.passes.base import Pass, Preserves
from snntoolbox.passes.head import head_nodes

__all__ = ["RectifyOutputs"]


@dataclass(frozen=True)
class RectifyOutputs(Pass):
    """Put a Relu behind every output that ends without an activation.

    Before: a linear op or pooling at the output. After: a Relu of its name behind it; it is called ``<name>_current``.
    Why: where the output is read from spike counts, neurons stand there, and their rates need a scale as those of all
    others do. The function changes: negative outputs become 0.
    """

    name: ClassVar[str] = "rectify_outputs"
    preserves: ClassVar[Preserves | None] = None

    def __call__(self, graph: Graph) -> Graph:
        """Return the graph with rectified outputs."""
        head = head_nodes(graph)
        for name in dict.fromkeys(graph.outputs):
            if name not in head and not isinstance(graph[name].op, ops.Relu):
                graph = append_op(graph, name, ops.Relu(), suffix="rectified", consumers=())
        return graph
