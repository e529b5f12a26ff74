"""Threshold updates, where neurons announce their spikes: synapses that are told to expect one, or no longer to.

An announcement, and a spike that makes up for it, changes the threshold of every neuron behind it (Rueckauer 2020,
section 2.2.2.2): one update for each synapse. Max-pooling passes on the first announcement of a window, as it does with
spikes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.analysis.operations import announcement_costs
from snntoolbox.backends.head import split_head
from snntoolbox.backends.kernels import apply_op
from snntoolbox.backends.record import Record
from snntoolbox.ir import Graph, Node
from snntoolbox.ir.ops import Concat, MaxPool, Pad, Permute, Reshape, Slice, Spiking, SpikingMaxPool, Upsample

__all__ = ["ThresholdUpdates"]

Array = NDArray[Any]
_MOVES = (Concat, MaxPool, Pad, Permute, Reshape, Slice, SpikingMaxPool, Upsample)


class ThresholdUpdates:
    """Counts the threshold updates of a simulated graph.

    Attributes:
        layers: Layers of neurons whose spike trains make the count exact; none without max-pools.
        upper_bound: Whether a count so far includes announcements that a max-pool may have held back.
    """

    def __init__(self, graph: Graph) -> None:
        self._body = body = split_head(graph).body
        self._through = announcement_costs(body)
        pools = [
            n.name for n in body.nodes if isinstance(n.op, MaxPool | SpikingMaxPool) and self._through[n.name].any()
        ]
        self._costs = announcement_costs(body, pools)
        self._sources = tuple(name for name in body.neurons if self._through[name].any())
        self._moved = _moved(body, self._sources)
        self._pools = tuple(name for name in pools if name in self._moved)
        self._known = len(self._pools) == len(pools)
        self.layers = self._sources if pools else ()
        self.upper_bound = bool(pools) and not self._known

    def count(self, record: Record) -> NDArray[np.float64]:
        """Return the number of threshold updates of each sample, shape (batch,).

        Args:
            record: With the spike trains of `layers`, to be exact.
        """
        total = np.zeros(len(record))
        replayed = self._known and all(name in record.spike_trains for name in self.layers)
        self.upper_bound |= not replayed and bool(self.layers)
        costs = self._costs if replayed else self._through
        for name in self._sources:
            total += _weigh(record.spike_counts[name], costs[name])
        return total + self._behind_pools(record) if replayed and self._pools else total

    def _behind_pools(self, record: Record) -> NDArray[np.float64]:
        """Return the updates that the changes of what pools pass on cause."""
        counts = {name: np.zeros(record.spike_counts[name].shape, np.int32) for name in self._sources}
        before: dict[str, Array] = {}
        total = np.zeros(len(record))
        for step in range(record.num_steps):
            events: dict[str, Array] = {name: record.spike_trains[name][step] for name in self._sources}
            if not any(one.any() for one in events.values()):
                continue
            for name, spikes in events.items():
                counts[name] += spikes
            held = {name: _held(count) for name, count in counts.items()}
            for node in self._moved.values():
                held[node.name] = _pass(node, held)
                events[node.name] = _pass(node, events)
            for name in self._pools:
                changed = held[name] != before.get(name, np.zeros_like(held[name]))
                total += _weigh(changed & (events[name] > 0), self._costs[name])
            before = {name: held[name] for name in self._pools}
        return total


def _held(counts: Array) -> Array:
    """Return what neurons hold: in the first half whether they have fired, in the second that or an announcement.

    An announcement is an event when it begins and when it ends, so an odd number of events leaves it standing.
    """
    middle = counts.shape[-1] // 2
    fired, announced = counts[..., :middle] > 0, counts[..., middle:] % 2 > 0
    return np.concatenate([fired, fired | announced], axis=-1).astype(np.int8)


def _pass(node: Node, values: dict[str, Array]) -> Array:
    op = node.op
    if isinstance(op, SpikingMaxPool):
        op = MaxPool(op.pool, op.strides, op.padding)
    return np.asarray(apply_op(op, *(values[source] for source in node.inputs)))


def _moved(body: Graph, sources: tuple[str, ...]) -> dict[str, Node]:
    """Return the nodes that what neurons send reaches as it is."""
    known, moved = set(sources), {}
    for node in body.nodes:
        if isinstance(node.op, _MOVES) and not isinstance(node.op, Spiking) and known.issuperset(node.inputs):
            known.add(node.name)
            moved[node.name] = node
    return moved


def _weigh(counts: Array, costs: Array) -> NDArray[np.float64]:
    return np.asarray(counts.reshape(len(counts), -1).astype(np.float64) @ costs.reshape(-1).astype(np.float64))
