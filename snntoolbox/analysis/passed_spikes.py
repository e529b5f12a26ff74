"""Operations behind max-pooling, which passes some spikes on and discards the others.

A cumulative max-pool sends the rise of the largest running sum in each window (`snntoolbox.ir.ops.SpikingMaxPool`). A
neuron spikes at most once in a step, so between neurons of one amplitude the pool sends as many messages as the most
active neuron of the window sent spikes: the maximum of the spike counts. So operations up to the end of a run are known
exactly from the counts; their course over time is taken in proportion to the spikes in front of the pool. Behind pools
of other methods, or that neurons of several layers feed, every spike counts as passed on: an upper bound.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.analysis.operations import operation_costs
from snntoolbox.backends.head import split_head
from snntoolbox.backends.kernels import apply_op
from snntoolbox.backends.record import Record
from snntoolbox.ir import Graph, Node
from snntoolbox.ir.ops import Concat, MaxPool, Pad, Permute, Reshape, Slice, Spiking, SpikingMaxPool, Upsample
from snntoolbox.neurons import IntegrateAndFire

__all__ = ["PassedSpikes"]

Array = NDArray[Any]
_MOVES = (Concat, Pad, Permute, Reshape, Slice, Upsample)
_CHUNK = 1 << 22  # neurons looked at at a time


class PassedSpikes:
    """Counts the operations that the spikes of each layer cause.

    Attributes:
        upper_bound: Whether counts include operations of spikes that a max-pool discards.
    """

    def __init__(self, graph: Graph) -> None:
        self._body = split_head(graph).body
        self._sources = _sources(self._body)
        pools = {node.name for node in self._body.nodes if isinstance(node.op, SpikingMaxPool)}
        exact = frozenset(pools.intersection(self._sources))
        self._costs = operation_costs(self._body, exact)
        self._pooled = frozenset(self._sources[name] for name in exact if self._costs[name].any())
        through = operation_costs(self._body, frozenset(pools))
        self.upper_bound = any(through[name].any() for name in pools - exact)

    def totals(self, record: Record) -> dict[str, NDArray[np.float64]]:
        """Return operations that the spikes of each layer cause, shape (steps, batch).

        Args:
            record: Recorded with `snntoolbox.analysis.operations.operation_weights` as ``Probes.totals``.
        """
        found = {}
        for name, passed_by_all in record.totals.items():
            total = passed_by_all.astype(np.float64)
            if name in self._pooled:
                every = total.sum(axis=0)
                total *= self.operations(name, record.spike_counts[name]) / np.where(every > 0, every, 1.0)
            found[name] = total
        return found

    def operations(self, layer: str, counts: Array) -> NDArray[np.float64]:
        """Return the operations that spikes of one layer cause in a run.

        Args:
            layer: Layer of neurons.
            counts: Spikes of each neuron, shape (batch, *shape).

        Returns:
            One number a sample, shape (batch,).
        """
        size = max(1, _CHUNK // max(counts[0].size, 1))
        parts = [counts[start : start + size] for start in range(0, len(counts), size)]
        return np.concatenate([self._operations(layer, part) for part in parts])

    def _operations(self, layer: str, counts: Array) -> NDArray[np.float64]:
        total = _weigh(counts, self._costs[layer])
        for name, messages in self._follow(layer, counts):
            if isinstance(self._body[name].op, SpikingMaxPool):
                total += _weigh(messages, self._costs[name])
        return total

    def _follow(self, layer: str, counts: Array) -> Iterator[tuple[str, Array]]:
        """Yield the nodes that the layer's spikes reach as they are, with the number of messages there."""
        known: dict[str, Array] = {layer: counts.astype(np.float64)}
        for node in self._body.nodes:
            if self._sources.get(node.name) == layer and node.name != layer:
                op = node.op
                if isinstance(op, SpikingMaxPool):
                    op = MaxPool(op.pool, op.strides, op.padding)
                known[node.name] = apply_op(op, *(known[name] for name in node.inputs))
                yield node.name, known[node.name]


def _weigh(counts: Array, costs: Array) -> NDArray[np.float64]:
    return counts.reshape(len(counts), -1).astype(np.float64) @ costs.reshape(-1).astype(np.float64)


def _sources(body: Graph) -> dict[str, str]:
    """Return, for each node whose messages are single spikes of one layer, that layer."""
    sources: dict[str, str] = {}
    for node in body.nodes:
        layers = {sources.get(name) for name in node.inputs}
        if isinstance(node.op, Spiking):
            if isinstance(node.op.model, IntegrateAndFire):
                sources[node.name] = node.name
        elif len(layers) == 1 and None not in layers:
            (layer,) = layers
            if layer is not None and _passes(node, body[layer]):
                sources[node.name] = layer
    return sources


def _passes(node: Node, layer: Node) -> bool:
    """Whether a node passes spikes on one by one, and knows how many if it pools them."""
    if isinstance(node.op, SpikingMaxPool):
        return node.op.method == "cumulative"
    model = layer.op.model if isinstance(layer.op, Spiking) else None
    one_size = isinstance(model, IntegrateAndFire) and np.size(model.message_size) == 1
    # Without mixing of the axes, amplitudes that differ between channels stay equal within a window.
    return isinstance(node.op, _MOVES if one_size else (Pad, Slice, Upsample))
