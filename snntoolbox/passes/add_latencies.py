"""Latest spikes of layers that fire one after the other, where each neuron fires once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from snntoolbox.ir import Graph, ops
from snntoolbox.ir.edit import replace_ops
from snntoolbox.neurons import FirstSpike
from snntoolbox.passes.base import Pass, Preserves

__all__ = ["AddLatencies"]


@dataclass(frozen=True)
class AddLatencies(Pass):
    """Count the latest step of a layer from the latest of the layers before it.

    Before: `FirstSpike` neurons whose ``last_step`` is the latency of their smallest activation. After: that of all
    layers on the longest path from the input is added, the neurons of the input left aside. Why: a layer receives its
    input later than the one before it, and so fires later for the same activation; limits from the start of the run
    would cut deep layers short. Layers without a limit stay without one, and so do those behind them.
    """

    name: ClassVar[str] = "add_latencies"
    preserves: ClassVar[Preserves | None] = "rate"

    def __call__(self, graph: Graph) -> Graph:
        """Return the graph with later limits; one without limits stays as it is."""
        latest: dict[str, float] = {}
        changed = {}
        for node in graph.nodes:
            latest[node.name] = max((latest[name] for name in node.inputs), default=0.0)
            model = node.op.model if isinstance(node.op, ops.Spiking) else None
            if isinstance(model, FirstSpike) and graph[node.inputs[0]].op.kind != "Input":
                last = model.last_step + latest[node.name]
                latest[node.name] = float(np.max(last))
                if np.isfinite(last).any():
                    changed[node.name] = ops.Spiking(replace(model, last_step=last))
        return replace_ops(graph, changed) if changed else graph
