"""Operation counts of the network and of its spiking counterpart (Rueckauer 2020, section 2.1.2.5).

Connections are counted exactly, element by element: borders, strides, dilation, groups and branches included, zero
weights too. Conventions:

* A weighted op (Dense, Conv, ConvTranspose, Affine) costs one operation for each connection that a spike passes.
  Reshaping, adding branches and pooling cost nothing, but a spike that overlapping windows or branches multiply causes
  the operations behind it as many times.
* Counting ends at neurons and at what is applied outside the simulator after the last of them.
* Fan-outs take a spiking max-pool as if it passed every spike on. It discards some: see `passed_spikes`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.analysis.adjacency import WEIGHTED, pull_back
from snntoolbox.backends.head import split_head
from snntoolbox.codes import Stimulus
from snntoolbox.ir import Graph, Node
from snntoolbox.ir.ops import Affine, Concat, Conv, ConvTranspose, Dense, MaxPool, Slice, SpikingMaxPool
from snntoolbox.registry import CODES

__all__ = [
    "ann_operations",
    "announcement_costs",
    "announcing_nodes",
    "connections",
    "fan_out",
    "input_operations",
    "input_spikes",
    "neuron_updates",
    "operation_costs",
    "operation_weights",
]

Array = NDArray[Any]


def fan_out(graph: Graph) -> dict[str, NDArray[np.int64]]:
    """Return how many synaptic operations one spike of each element causes.

    The cost of an element is the sum, over the elements it is connected to, of 1 (weighted ops) or 0 (others) plus the
    cost of that element; neurons and outputs cost nothing themselves.

    Returns:
        Input or layer of neurons -> array of its shape.
    """
    body = split_head(graph).body
    cost = operation_costs(body)
    return {name: cost[name] for name in (*body.inputs, *body.neurons)}


def operation_costs(body: Graph, ends: Collection[str] = ()) -> dict[str, NDArray[np.int64]]:
    """Return how many synaptic operations one message of each element of each node causes.

    Args:
        body: The part of a graph that is simulated.
        ends: Nodes at which counting ends as it does at neurons.

    Returns:
        Node -> array of its shape.
    """
    announcing = announcing_nodes(body)
    weighted = {node.name for node in body.nodes if isinstance(node.op, WEIGHTED)}
    return _costs(body, {*ends, *announcing}, weighted - announcing)


def announcement_costs(body: Graph, ends: Collection[str] = ()) -> dict[str, NDArray[np.int64]]:
    """Return how many synapses one message of each element of each node tells that a threshold changes.

    Args:
        body: The part of a graph that is simulated.
        ends: Nodes at which counting ends.

    Returns:
        Node -> array of its shape.
    """
    announcing = announcing_nodes(body)
    # A scaling of single elements only brings an announcement to the size of the message that it is about.
    return _costs(body, ends, {name for name in announcing if isinstance(body[name].op, Dense | Conv | ConvTranspose)})


def announcing_nodes(body: Graph) -> frozenset[str]:
    """Return the nodes whose values change thresholds alone, in a network whose neurons announce their spikes.

    Neurons of such a code take the current and what is missing of it, joined along the last axis
    (`snntoolbox.passes.add_announcements`).
    """
    if not _announces(body):
        return frozenset()
    missing = set()
    for name in body.neurons:
        joined = body[body[name].inputs[0]]
        if isinstance(joined.op, Concat):
            missing.add(joined.inputs[1])
    readers: dict[str, set[str]] = {}
    for node in body.nodes:
        for source in node.inputs:
            readers.setdefault(source, set()).add(node.name)
    for node in reversed(body.nodes):
        read_by = readers.get(node.name, set())
        if read_by and read_by <= missing and _passes_spikes(node) and not isinstance(node.op, Slice):
            missing.add(node.name)
    return frozenset(missing)


def _announces(graph: Graph) -> bool:
    code = graph.attributes.get("spike_code", "")
    return bool(code) and bool(getattr(CODES.load(code), "announces", False))


def _costs(body: Graph, ends: Collection[str], counted: Collection[str]) -> dict[str, NDArray[np.int64]]:
    cost = {node.name: np.zeros(body.shapes[node.name], np.int64) for node in body.nodes}
    for node in reversed(body.nodes):
        if _passes_spikes(node) and node.name not in ends:
            arriving = cost[node.name] + (node.name in counted)
            parts = pull_back(node.op, arriving, body.input_shapes(node.name))
            for source, part in zip(node.inputs, parts, strict=True):
                cost[source] += part
    return cost


def operation_weights(graph: Graph) -> dict[str, NDArray[np.float64]]:
    """Return the fan-out of the layers whose spikes cause operations, as weights for ``Probes.totals``."""
    layers = fan_out(graph)
    return {name: layers[name].astype(np.float64) for name in graph.neurons if layers[name].any()}


def connections(graph: Graph, name: str) -> int:
    """Return the number of (input element, output element) pairs that a node's weights connect; 0 without weights."""
    node = graph[name]
    if not isinstance(node.op, WEIGHTED):
        return 0
    ones = np.ones(graph.shapes[name], np.int64)
    return int(sum(back.sum() for back in pull_back(node.op, ones, graph.input_shapes(name))))


def ann_operations(graph: Graph) -> int:
    """Return the operations of one forward pass (Rueckauer 2020, eq. 2.21).

    A multiplication and an addition for each connection and an addition for each bias: 2 connections + neurons, the
    second term only for nodes that have a bias. At borders only connections that exist count, so this is below
    (2 fan-in + 1) neurons wherever an op pads. Scaling of single elements (Affine) is one multiplication and, with a
    shift, one addition. Pooling and activations are not counted.
    """
    total = 0
    for node in graph.nodes:
        if isinstance(node.op, Affine):
            total += graph.size(node.name) * (1 if node.op.shift is None else 2)
        elif isinstance(node.op, WEIGHTED):
            biases = graph.size(node.name) if "bias" in node.op.parameters() else 0
            total += 2 * connections(graph, node.name) + biases
    return total


def neuron_updates(graph: Graph, num_steps: int = 1) -> int:
    """Return how many states of neurons a simulator with a clock updates in ``num_steps`` steps.

    Neurons that send in a window of their own are updated there alone: before, they only add up what arrives.
    """
    windows = {name: getattr(getattr(graph[name].op, "model", None), "window", num_steps) for name in graph.neurons}
    total = sum(graph.size(name) * min(num_steps, windows[name]) for name in graph.neurons)
    return total // 2 if _announces(graph) else total  # half of such a layer is what its neurons announce


def input_operations(stimulus: Stimulus, weights: Array, num_steps: int, seed: int = 0) -> NDArray[np.float64]:
    """Return the synaptic operations that input spikes cause, shape (steps, batch).

    Poisson input is replayed from its seed, so the spikes are those that the network received. A constant current
    sends no spikes: its operations are multiplications and additions, done once for a sample, and not part of this.

    Args:
        stimulus: Input of a batch.
        weights: Fan-out of the input, shape of a sample.
        num_steps: Number of steps simulated.
        seed: Seed of the simulation.
    """
    if stimulus.constant:
        return np.zeros((num_steps, len(stimulus)))
    flat = np.asarray(weights, np.float64).reshape(-1)
    frames = stimulus.frames(num_steps, seed)
    return np.stack([(frame != 0).reshape(len(frame), -1) @ flat for frame in frames])


def input_spikes(stimulus: Stimulus, num_steps: int, seed: int = 0) -> NDArray[np.float64]:
    """Return the number of spikes that arrive at an input, shape (steps, batch); none of a constant current."""
    return input_operations(stimulus, np.ones(stimulus.shape[1:]), num_steps, seed)


def _passes_spikes(node: Node) -> bool:
    return node.op.linear or isinstance(node.op, MaxPool | SpikingMaxPool)
