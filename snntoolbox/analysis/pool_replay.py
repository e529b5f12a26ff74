"""Spiking max-pools at work once more: which messages they sent, from recorded spike trains.

What a pool passes on depends on the order in which spikes arrive, or on several layers at once, or on messages of
different sizes. Where spike counts do not tell it, the pool is given the recorded spikes again, step by step.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.kernels import apply_op
from snntoolbox.backends.record import Record
from snntoolbox.backends.reference.pooling import MaxPoolState
from snntoolbox.ir import Graph, Node
from snntoolbox.ir.ops import Input, Spiking, SpikingMaxPool

__all__ = ["PoolReplay", "one_message_size", "spike_values"]

Array = NDArray[Any]
_ROUNDING = 1e-6
"""Share of the smallest message below which a message is what is left of rounding."""


def one_message_size(body: Graph, record: Record, layer: str, costs: Array) -> bool:
    """Return whether every spike of a layer carried the message of its model's ``message_size`` in a run.

    Spikes of either sign or with a payload show in sums of messages that are not the number of spikes times the size.
    Neurons whose spikes cost nothing are not looked at.
    """
    size = np.asarray(getattr(_model(body, layer), "message_size", np.nan), np.float64)
    expected = np.where(costs > 0, record.spike_counts[layer] * size, 0.0)
    received = np.where(costs > 0, record.messages[layer], 0.0)
    return bool(np.allclose(received, expected, rtol=1e-4, atol=1e-6 * float(np.max(size))))


def spike_values(body: Graph, record: Record, layer: str) -> Array | None:
    """Return what a spike of a layer carried in each step, shape (steps, ...), to broadcast to (steps, batch, *shape).

    A size that is always the same, or one that hangs on the place in a pattern. None if that is not known, or if
    the sum over the recorded spike train is not what the neurons sent, such as with spikes of either sign.
    """
    model, steps = _model(body, layer), range(1, record.num_steps + 1)
    if hasattr(model, "message_size"):
        values = np.asarray(model.message_size, np.float64)[None]
    elif hasattr(model, "value_at") and hasattr(model, "start"):
        places = [step - model.start for step in steps]
        values = np.stack([_value_at(model, place) * np.asarray(model.size, np.float64) for place in places])
    else:
        return None
    values = np.broadcast_to(values, (record.num_steps, *values.shape[1:]))
    sent = np.zeros(record.messages[layer].shape)
    for spikes, value in zip(record.spike_trains[layer], values, strict=True):
        sent += spikes * value
    tolerance = 1e-6 * float(np.max(np.abs(record.messages[layer]), initial=0.0))
    return values if np.allclose(record.messages[layer], sent, rtol=1e-4, atol=tolerance) else None


def _value_at(model: Any, place: int) -> float:
    """Return the value of a spike at a place of the window in which neurons send; nothing is sent outside it."""
    return float(model.value_at(place)) if 1 <= place <= model.window else 0.0


def _model(body: Graph, layer: str) -> Any:
    op = body[layer].op
    return op.model if isinstance(op, Spiking) else None


class PoolReplay:
    """Pools the messages of a run again.

    Attributes:
        layers: Layers of neurons whose spikes reach the pools; their spike trains are needed.
        inputs: Inputs of the network that reach the pools; with any, what the pools send cannot be told from spikes.
    """

    def __init__(self, body: Graph, pools: Collection[str], costs: Mapping[str, Array]) -> None:
        """Find what lies between neurons and pools.

        Args:
            body: The part of a graph that is simulated.
            pools: Spiking max-pools.
            costs: Node -> operations that a message of each element causes before it meets neurons or one of the pools.
        """
        self._body, self._pools, self._costs = body, tuple(pools), costs
        needed = _ancestors(body, self._pools)
        self.layers = tuple(name for name in body.neurons if name in needed)
        self.inputs = tuple(name for name in body.inputs if name in needed)
        self._between = [n for n in body.nodes if n.name in needed and not isinstance(n.op, Input | Spiking)]

    def run(self, record: Record) -> dict[str, NDArray[np.float64]] | None:
        """Return the operations that the messages of each pool cause, shape (steps, batch).

        None if they cannot be told from spikes: trains are missing, or messages differed in size.
        """
        if self.inputs or not all(layer in record.spike_trains for layer in self.layers):
            return None
        values = {layer: spike_values(self._body, record, layer) for layer in self.layers}
        known = {layer: value for layer, value in values.items() if value is not None}
        if len(known) < len(values):
            return None
        steps = list(self._replay(record, known))
        return {pool: np.stack([row[pool] for row in steps]) for pool in self._pools}

    def _replay(self, record: Record, sizes: Mapping[str, Array]) -> Iterator[dict[str, NDArray[np.float64]]]:
        states = {n.name: MaxPoolState(n.op) for n in self._between if isinstance(n.op, SpikingMaxPool)}
        smallest = _ROUNDING * min(float(np.min(size[size > 0], initial=1.0)) for size in sizes.values())
        for step in range(1, record.num_steps + 1):
            values: dict[str, Array] = {n: record.spike_trains[n][step - 1] * v[step - 1] for n, v in sizes.items()}
            for node in self._between:
                values[node.name] = _value(node, values, states, step)
            yield {pool: _weigh(np.abs(values[pool]) > smallest, self._costs[pool]) for pool in self._pools}


def _value(node: Node, values: Mapping[str, Array], states: Mapping[str, MaxPoolState], step: int) -> Array:
    if node.name in states:
        return states[node.name].step(values[node.inputs[0]], step)
    return apply_op(node.op, *(values[source] for source in node.inputs))


def _weigh(sent: Array, costs: Array) -> NDArray[np.float64]:
    return sent.reshape(len(sent), -1) @ costs.reshape(-1).astype(np.float64)


def _ancestors(body: Graph, names: Collection[str]) -> set[str]:
    """Return the nodes and all that they depend on, up to the layers of neurons in front of them."""
    needed = set(names)
    for node in reversed(body.nodes):
        if node.name in needed and not isinstance(node.op, Spiking):
            needed.update(node.inputs)
    return needed
