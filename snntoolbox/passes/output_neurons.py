"""Neurons that the output is read from: accumulators, spiking neurons or a spiking softmax."""

from __future__ import annotations

import logging
from typing import Any

from snntoolbox.errors import ConversionError
from snntoolbox.ir import Graph, ops
from snntoolbox.ir.edit import replace_ops
from snntoolbox.ir.ops import Op
from snntoolbox.neurons import NeuronModel, SoftmaxNeuron
from snntoolbox.passes.append import append_op

__all__ = ["place_output_neurons"]

_LOG = logging.getLogger(__name__)
_MOVES = (ops.Affine, ops.Pad, ops.Permute, ops.Reshape, ops.Slice, ops.Upsample)


def place_output_neurons(graph: Graph, head: frozenset[str], model: NeuronModel) -> Graph:
    """Return the graph with neurons wherever the head or an output reads a value that no neuron sends.

    Args:
        graph: A graph whose inner rectifiers are neurons already.
        head: Names of the nodes that are applied to the decoded output.
        model: The code's output neuron. A spiking softmax takes the place of each softmax of the head; other neurons
            that are read from spikes do so too, or stand behind a linear output; accumulators stand behind it.

    Raises:
        ConversionError: The outputs do not suit the model.
    """
    if isinstance(model, SoftmaxNeuron):
        return _spiking_softmax(graph, head, model)
    if model.readout == "message":
        return _spikes(graph, head, model)
    if model.decides:
        refused = _activations(graph, head)
        if refused:
            raise ConversionError(
                f"a first spike cannot stand for {', '.join(refused)}; read the output from potentials"
            )
        return _decisions(graph, model)
    return _read(graph, head, model, "potential")[0]


def _decisions(graph: Graph, model: Any) -> Graph:
    """Put neurons that decide in the place of those that nothing but moves and scales come after."""
    final: dict[str, Op] = {}
    reached: set[str] = set()
    for node in reversed(graph.nodes):
        if isinstance(node.op, ops.Spiking) and node.name not in reached:
            final[node.name] = ops.Spiking(model)
        if isinstance(node.op, ops.Spiking) or node.name in reached:
            reached.update(node.inputs)
    inner = [str(graph[name]) for name in graph.outputs if name in reached]
    if inner:
        raise ConversionError(
            f"the first spike of an output ends the simulation: expected outputs that nothing comes after, got "
            f"{', '.join(inner)}"
        )
    return replace_ops(graph, final)


def _spiking_softmax(graph: Graph, head: frozenset[str], model: SoftmaxNeuron) -> Graph:
    graph, replaced = _replace_softmax(graph, head, model)
    unread = _readouts(graph, head - replaced)[0] if replaced else list(graph.outputs)
    if _activations(graph, head) or unread:
        received = ", ".join(_activations(graph, head) or [str(graph[name]) for name in unread])
        raise ConversionError(
            f"a spiking softmax takes the place of a softmax: expected every output to be one, got {received}; "
            "read the output from potentials"
        )
    return graph


def _spikes(graph: Graph, head: frozenset[str], model: NeuronModel) -> Graph:
    refused = _activations(graph, head)
    if refused:
        raise ConversionError(f"spike counts cannot stand for {', '.join(refused)}; read the output from potentials")
    graph, replaced = _replace_softmax(graph, head, model)
    graph, added = _read(graph, head - replaced, model, "spikes")
    if replaced or added:
        _LOG.warning(
            "%s: neurons with negative input never fire, and rates end at one spike a step; read the output from "
            "potentials to keep all values",
            ", ".join((*sorted(replaced), *added)),
        )
    return graph


def _replace_softmax(graph: Graph, head: frozenset[str], model: NeuronModel) -> tuple[Graph, frozenset[str]]:
    """Put neurons in the place of each softmax of the head; return their names, too."""
    found = frozenset(node.name for node in graph.nodes if isinstance(node.op, ops.Softmax) and node.name in head)
    return replace_ops(graph, dict.fromkeys(found, ops.Spiking(model))), found


def _activations(graph: Graph, head: frozenset[str]) -> list[str]:
    return [str(node) for node in graph.nodes if node.name in head and isinstance(node.op, ops.Activation)]


def _read(graph: Graph, head: frozenset[str], model: NeuronModel, suffix: str) -> tuple[Graph, list[str]]:
    """Put neurons behind each node that is read; return the names of these nodes, too."""
    readouts, readers = _readouts(graph, head)
    for name in readouts:
        # Only readers take the new neurons' value: others still need what an accumulator would swallow.
        graph = append_op(graph, name, ops.Spiking(model), suffix=suffix, consumers=readers)
    return graph, readouts


def _readouts(graph: Graph, head: frozenset[str]) -> tuple[list[str], frozenset[str]]:
    """Return the nodes that are no neurons but whose values are read, in order, and the nodes that read."""
    readers = head | _moves_behind_neurons(graph, head)
    read = {source for node in graph.nodes if node.name in readers for source in node.inputs} | set(graph.outputs)
    names = [
        node.name
        for node in graph.nodes
        if node.name in read and node.name not in readers and not isinstance(node.op, ops.Spiking)
    ]
    return names, readers


def _moves_behind_neurons(graph: Graph, head: frozenset[str]) -> frozenset[str]:
    """Return nodes that only scale or move messages on the way to an output: the neurons before them are read."""
    behind: list[str] = []
    for node in graph.nodes:
        if isinstance(node.op, _MOVES):
            (source,) = node.inputs
            if isinstance(graph[source].op, ops.Spiking) or source in behind:
                behind.append(node.name)
    readers = set(head)
    for name in reversed(behind):
        if all(consumer.name in readers for consumer in graph.consumers(name)):
            readers.add(name)
    return frozenset(readers - head)
