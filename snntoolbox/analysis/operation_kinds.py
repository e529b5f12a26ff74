"""Operations sorted by what they do, so that each kind can be given its own price (Rueckauer 2020, eq. 2.32).

The kinds do not overlap: the energy of a network is the scalar product of these counts with the prices of a cost
profile (`snntoolbox.analysis.energy`). Memory is counted in words, a number each, as if nothing were kept in a cache:

* A network without spikes reads every weight once, and once the values that enter an op with weights; it writes the
  values that come out.
* A synaptic operation reads its weight, and reads and writes the state of the neuron behind it. A neuron that is
  updated reads and writes its state.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.analysis.adjacency import WEIGHTED, pull_back
from snntoolbox.analysis.operations import connections
from snntoolbox.backends.kernels import apply_op
from snntoolbox.ir import Graph, Node
from snntoolbox.ir.ops import Add, Affine, AveragePool, Input, MaxPool, Spiking, SpikingMaxPool

__all__ = ["ANN_KINDS", "KINDS", "Kind", "ann_counts", "input_counts", "snn_counts", "synapse_kinds"]

Array = NDArray[Any]
Kind = str
"""One of `KINDS`."""
KINDS: dict[Kind, str] = {
    "mac": "multiplication and addition, once a sample",
    "multiply": "multiplication alone, of an op that scales single elements",
    "add": "addition alone, of a bias",
    "synaptic_add": "addition of a weight to the state of a neuron because of a spike",
    "synaptic_mac": "the same with the weight multiplied by what the spike carries",
    "synaptic_shift": "shift of a weight by the place of a spike in its pattern",
    "spike": "spike sent",
    "neuron_update": "state of a neuron brought forward by a time step",
    "threshold_update": "synapse told that a threshold changes",
    "weight_read": "weight read from memory",
    "state_read": "activation, or state of a neuron, read from memory",
    "state_write": "activation, or state of a neuron, written to memory",
}
"""Kind of operation -> what it is."""
ANN_KINDS: tuple[Kind, ...] = ("mac", "multiply", "add", "weight_read", "state_read", "state_write")
"""Kinds that a network without spikes consists of."""

_SYNAPSES: Mapping[str, tuple[Kind, ...]] = {
    "temporal_pattern": ("synaptic_add", "synaptic_shift"),
    "few_spike": ("synaptic_add", "synaptic_shift"),
    "payload": ("synaptic_mac",),
}


def synapse_kinds(spike_code: str) -> tuple[Kind, ...]:
    """Return what a synapse does for a spike of this code: an addition, unless spikes differ in size."""
    return next((kinds for name, kinds in _SYNAPSES.items() if name in spike_code), ("synaptic_add",))


def ann_counts(graph: Graph) -> dict[Kind, float]:
    """Return the operations of one forward pass by kind; 2 ``mac`` + ``multiply`` + ``add`` is eq. 2.21."""
    return _dense_counts(graph, {node.name: 1.0 for node in graph.nodes})


def input_counts(graph: Graph, constant: Collection[str]) -> dict[Kind, float]:
    """Return the operations that turn constant inputs into currents, once a sample.

    These are the connections, in front of the first neurons, of elements that constant inputs reach. Biases are not
    among them: they are part of a neuron's update.

    Args:
        graph: A converted graph.
        constant: Inputs that are constant currents.
    """
    reached = _reached(graph, constant)
    counts = _dense_counts(graph, reached)
    return {kind: 0.0 if kind == "add" else count for kind, count in counts.items()}


def _dense_counts(graph: Graph, reached: Mapping[str, float | Array]) -> dict[Kind, float]:
    counts: dict[Kind, float] = dict.fromkeys(ANN_KINDS, 0.0)
    for node in graph.nodes:
        if not isinstance(node.op, WEIGHTED):
            continue
        (source,) = node.inputs
        arriving = reached.get(source, 0.0)
        if not np.any(arriving):
            continue
        if isinstance(node.op, Affine):
            counts["multiply"] += graph.size(node.name) * float(np.mean(arriving))
            counts["add"] += graph.size(node.name) if node.op.shift is not None else 0
        else:
            counts["mac"] += _connections(graph, node, arriving)
            counts["add"] += graph.size(node.name) if "bias" in node.op.parameters() else 0
        counts["weight_read"] += graph.num_parameters(node.name)
        counts["state_read"] += graph.size(source) * float(np.mean(arriving))
        counts["state_write"] += graph.size(node.name)
    return counts


def _connections(graph: Graph, node: Node, arriving: float | Array) -> float:
    if np.all(arriving):
        return connections(graph, node.name)
    (back,) = pull_back(node.op, np.ones(graph.shapes[node.name], np.int64), graph.input_shapes(node.name))
    return float((back * arriving).sum())


def _reached(graph: Graph, constant: Collection[str]) -> dict[str, Array]:
    """Return where constant inputs arrive, before they meet neurons: node -> 0 or 1 for each element."""
    reached: dict[str, Array] = {}
    for node in graph.nodes:
        shape = graph.shapes[node.name]
        inputs = [reached[source][None] for source in node.inputs]
        if isinstance(node.op, Input):
            reached[node.name] = np.full(shape, float(node.name in constant))
        elif isinstance(node.op, Spiking) or not any(one.any() for one in inputs):
            reached[node.name] = np.zeros(shape)
        elif isinstance(node.op, WEIGHTED):
            reached[node.name] = inputs[0][0] if isinstance(node.op, Affine) else np.ones(shape)
        elif isinstance(node.op, Add):
            reached[node.name] = np.max(inputs, axis=0)[0]
        elif isinstance(node.op, MaxPool | SpikingMaxPool | AveragePool):
            pool = MaxPool(node.op.pool, node.op.strides, node.op.padding)
            reached[node.name] = np.maximum(apply_op(pool, inputs[0])[0], 0.0)
        else:
            reached[node.name] = apply_op(node.op, *inputs)[0] if node.op.linear else inputs[0][0]
    return reached


def snn_counts(
    once: Mapping[Kind, float],
    *,
    synaptic: float,
    spikes: float,
    neuron_updates: float,
    threshold_updates: float = 0.0,
    synapse: Collection[Kind] = ("synaptic_add",),
) -> dict[Kind, float]:
    """Return the operations of a simulation by kind, for one sample.

    Args:
        once: What constant inputs need once a sample, from `input_counts`.
        synaptic: Synaptic operations.
        spikes: Spikes sent.
        neuron_updates: States brought forward by a step.
        threshold_updates: Synapses told that a threshold changes.
        synapse: What a synapse does for a spike.
    """
    counts: dict[Kind, float] = dict.fromkeys(KINDS, 0.0)
    counts.update(once)
    for kind in synapse:
        counts[kind] += synaptic
    counts["spike"] += spikes
    counts["neuron_update"] += neuron_updates
    counts["threshold_update"] += threshold_updates
    counts["weight_read"] += synaptic
    counts["state_read"] += synaptic + neuron_updates
    counts["state_write"] += synaptic + neuron_updates
    return counts
