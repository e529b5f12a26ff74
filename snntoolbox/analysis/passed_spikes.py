"""Operations behind max-pooling, which passes some spikes on and discards the others.

A cumulative max-pool sends the rise of the largest running sum in each window (`snntoolbox.ir.ops.SpikingMaxPool`). So
between neurons of one amplitude the pool has sent, after any step, as many messages as the most active neuron of the
window sent spikes: the maximum of the spike counts. Up to the end of a run operations are known exactly from the
counts alone, and after each step from the spike trains of the layers in front of pools. Pools of other methods, or that
several layers feed, are given the spike trains once more (`snntoolbox.analysis.pool_replay`).

Without spike trains, which would take too much memory for large layers, the course over time is taken in proportion to
the spikes in front of the pool. What cannot be known at all, such as what a pool made of spikes with payloads, counts
as if every spike were passed on: an upper bound. `PassedSpikes` says which of these it had to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.analysis.operations import operation_costs
from snntoolbox.analysis.pool_replay import PoolReplay, one_message_size
from snntoolbox.backends.head import split_head
from snntoolbox.backends.kernels import apply_op
from snntoolbox.backends.record import Record
from snntoolbox.ir import Graph, Node
from snntoolbox.ir.ops import Concat, Pad, Permute, Reshape, Slice, Spiking, SpikingMaxPool, Upsample
from snntoolbox.ir.windows import pad_spatial

__all__ = ["TRAINS_LIMIT_BYTES", "PassedSpikes", "wanted_trains"]

Array = NDArray[Any]
_MOVES = (Concat, Pad, Permute, Reshape, Slice, Upsample)
_CHUNK = 1 << 22  # neurons looked at at a time
TRAINS_LIMIT_BYTES = 1 << 28
"""Spike trains of a batch are asked for up to this size."""


def wanted_trains(graph: Graph, layers: Iterable[str], batch_size: int, num_steps: int) -> tuple[str, ...]:
    """Return the layers whose spike trains are to be recorded; none if a batch of them is too large."""
    names = tuple(layers)
    size = sum(graph.size(name) for name in names) * batch_size * num_steps
    return names if size <= TRAINS_LIMIT_BYTES else ()


class PassedSpikes:
    """Counts the operations that the spikes of each layer cause.

    Attributes:
        layers: Layers whose spike trains make the counts exact after each step.
        upper_bound: Whether counts so far include operations of spikes that a max-pool may have discarded.
        inputs: Inputs whose values or spikes reach a max-pool before any neurons.
        proportional: Whether the course over time so far was partly taken in proportion to spikes in front of a pool.
    """

    def __init__(self, graph: Graph) -> None:
        self._body = body = split_head(graph).body
        self._sources = _sources(body)
        pools = {node.name for node in body.nodes if isinstance(node.op, SpikingMaxPool)}
        self._counted = frozenset(pools.intersection(self._sources))
        self._costs = operation_costs(body, pools)
        through = operation_costs(body, self._counted)
        self._bounds = through
        others = [name for name in through if name in pools - self._counted and through[name].any()]
        behind = {name: PoolReplay(body, [name], self._costs) for name in others}
        self.inputs = frozenset(source for replay in behind.values() for source in replay.inputs)
        self._replay = PoolReplay(body, [name for name in others if behind[name].layers], self._costs)
        self._owners = {name: behind[name].layers[0] for name in others if len(behind[name].layers) == 1}
        self._pooled = frozenset(self._sources[name] for name in self._counted if through[name].any())
        self.layers = tuple(name for name in body.neurons if name in self._pooled or name in self._replay.layers)
        self.upper_bound = bool(self._replay.layers and self._replay.inputs)
        self.proportional = False

    def totals(self, record: Record) -> dict[str, NDArray[np.float64]]:
        """Return operations that the spikes of each layer cause, shape (steps, batch).

        What several layers together cause behind a pool stands under the name of the pool.

        Args:
            record: Recorded with `snntoolbox.analysis.operations.operation_weights` as ``Probes.totals`` and, to be
                exact after each step, with the spike trains of `layers`.
        """
        found = {name: values.astype(np.float64) for name, values in record.totals.items()}
        replayed = self._replay.run(record) if self._replay.layers else {}
        costs = self._bounds if replayed is None else self._costs
        self.upper_bound |= replayed is None
        for name in self.layers:
            if name not in found:
                continue
            if name in self._pooled and not one_message_size(self._body, record, name, self._bounds[name]):
                self.upper_bound = True
            elif name in record.spike_trains and (name in self._pooled or replayed):
                found[name] = self._over_time(name, record.spike_trains[name], costs)
            elif name in self._pooled:
                self.proportional = True
                every = found[name].sum(axis=0)
                passed = self.operations(name, record.spike_counts[name], costs)
                found[name] *= passed / np.where(every > 0, every, 1.0)
        for pool, values in (replayed or {}).items():
            owner = self._owners.get(pool, pool)
            found[owner] = found.get(owner, 0.0) + values
        return found

    def _over_time(self, layer: str, trains: Array, costs: Mapping[str, Array]) -> NDArray[np.float64]:
        """Return the operations of each step: how much those of all spikes so far grow."""
        counts, before, rows = np.zeros(trains.shape[1:], np.int32), np.zeros(trains.shape[1]), []
        for spikes in trains:
            counts += spikes
            after = self.operations(layer, counts, costs)
            rows.append(after - before)
            before = after
        return np.stack(rows)

    def operations(self, layer: str, counts: Array, costs: Mapping[str, Array] | None = None) -> NDArray[np.float64]:
        """Return the operations that spikes of one layer have caused.

        Args:
            layer: Layer of neurons.
            counts: Spikes of each neuron so far, shape (batch, *shape).
            costs: Node -> operations of a message before it meets neurons or a pool that is looked at; what passes
                pools that cannot be looked at counts in full unless given.

        Returns:
            One number a sample, shape (batch,).
        """
        size = max(1, _CHUNK // max(counts[0].size, 1))
        parts = [counts[start : start + size] for start in range(0, len(counts), size)]
        return np.concatenate([self._operations(layer, part, costs or self._bounds) for part in parts])

    def _operations(self, layer: str, counts: Array, costs: Mapping[str, Array]) -> NDArray[np.float64]:
        total = _weigh(counts, costs[layer])
        for name, messages in self._follow(layer, counts):
            if name in self._counted:
                total += _weigh(messages, costs[name])
        return total

    def _follow(self, layer: str, counts: Array) -> Iterator[tuple[str, Array]]:
        """Yield the nodes that the layer's spikes reach as they are, with the number of messages there."""
        known: dict[str, Array] = {layer: counts}
        for node in self._body.nodes:
            if self._sources.get(node.name) == layer and node.name != layer:
                inputs = [known[name] for name in node.inputs]
                pool = isinstance(node.op, SpikingMaxPool)
                known[node.name] = _highest(node.op, inputs[0]) if pool else apply_op(node.op, *inputs)
                yield node.name, known[node.name]


def _highest(op: Any, counts: Array) -> Array:
    """Return the largest count of each window; no count is below that of the padding, 0."""
    x = pad_spatial(counts, op.padding)
    spatial = [(n - w) // s + 1 for n, w, s in zip(x.shape[1:-1], op.pool, op.strides, strict=True)]
    highest = np.zeros((len(x), *spatial, x.shape[-1]), x.dtype)
    for place in product(*(range(w) for w in op.pool)):
        axes = zip(place, spatial, op.strides, strict=True)
        window = tuple(slice(k, k + (n - 1) * s + 1, s) for k, n, s in axes)
        np.maximum(highest, x[(slice(None), *window)], out=highest)
    return highest


def _weigh(counts: Array, costs: Array) -> NDArray[np.float64]:
    flat = counts.reshape(len(counts), prod(counts.shape[1:]))
    return np.asarray(flat.astype(np.float64) @ costs.reshape(-1).astype(np.float64))


def _sources(body: Graph) -> dict[str, str]:
    """Return, for each node whose messages are single spikes of one layer, that layer."""
    sources: dict[str, str] = {}
    for node in body.nodes:
        layers = {sources.get(name) for name in node.inputs}
        if isinstance(node.op, Spiking):
            if hasattr(node.op.model, "message_size"):
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
    one_size = np.size(getattr(model, "message_size", ())) == 1
    # Without mixing of the axes, amplitudes that differ between channels stay equal within a window.
    return isinstance(node.op, _MOVES if one_size else (Pad, Slice, Upsample))
