"""Spiking neurons where the network has its rectifiers, and neurons that the output is read from."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar

from snntoolbox.codes import SpikeCode
from snntoolbox.errors import ConversionError, Problem, UnsupportedError
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.ir.edit import replace_ops
from snntoolbox.ir.ops import Op, PoolGate
from snntoolbox.neurons import NeuronModel, SoftmaxNeuron
from snntoolbox.passes.append import append_op
from snntoolbox.passes.base import Pass, Preserves
from snntoolbox.passes.head import head_nodes, inner_activations
from snntoolbox.passes.neuron_parameters import neuron_for
from snntoolbox.registry import suggest

__all__ = ["InsertNeurons"]

_LOG = logging.getLogger(__name__)
_AFTER_NEURONS = (ops.Affine, ops.Pad, ops.Permute, ops.Reshape, ops.Slice, ops.Upsample)


@dataclass(frozen=True, eq=False)
class InsertNeurons(Pass):
    """Turn a normalised graph into a spiking one.

    Before: rectifiers between linear ops. After: at each rectifier, under its name, the code's neurons; max-pooling of
    messages in place of MaxPool. The output is read from the code's output neurons:

    * from a potential: behind the last linear op of each path to an output stands an accumulator, called as the output,
      or ``<linear op>_potential`` if softmax or other activations follow; these stay as the head, which is applied to
      the decoded value. Linear outputs keep their sign, so negative logits classify.
    * from spikes: neurons take the place of a rectifier or softmax of the output, or stand behind a linear one.
    * from a spiking softmax: it takes the place of the softmax.

    Why there: what flows between rectifiers is linear, so spikes sum up to what the ANN computes (Rueckauer 2020,
    section 2.1.2.1). A ceiling of a rectifier below the threshold becomes the layer's threshold, and so its largest
    rate.

    Attributes:
        code: What spikes mean; names the neurons.
        max_pool: How spiking max-pooling finds the maximum; see `snntoolbox.ir.ops.SpikingMaxPool`.
        clamp: Name of a rectifier -> number of first steps in which its potentials are held (Rueckauer 2020, section
            2.1.3.3).

    Raises:
        UnsupportedError: When called: activations without a spiking counterpart; all are listed.
        ConversionError: When called: the graph has neurons already, the output does not suit the code, or a name to
            clamp is none of a rectifier's.
    """

    name: ClassVar[str] = "insert_neurons"
    preserves: ClassVar[Preserves | None] = "rate"

    code: SpikeCode
    max_pool: PoolGate = "cumulative"
    clamp: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Freeze the mapping."""
        object.__setattr__(self, "clamp", MappingProxyType(dict(self.clamp)))

    def __call__(self, graph: Graph) -> Graph:
        """Return the spiking graph."""
        output = self.code.output_neuron()
        head = head_nodes(graph, rectifiers=output.readout == "potential")
        self._check(graph, head)
        spiking = replace_ops(graph, {n.name: self._convert(graph, n) for n in graph.nodes if n.name not in head})
        if isinstance(output, SoftmaxNeuron):
            spiking = _replace_softmax(spiking, head, output)
        elif output.readout == "message":
            spiking = self._spike_at_outputs(spiking, head, output)
        else:
            spiking = _read(spiking, head, output, "potential")[0]
        return spiking.with_attributes(spike_code=self.code.name)

    def _convert(self, graph: Graph, node: Node) -> Op:
        """Return what takes the place of an op that is not of the head."""
        op = node.op
        if isinstance(op, ops.Relu):
            return ops.Spiking(neuron_for(self.code.neuron(), op, node, self.clamp.get(node.name, 0)))
        if isinstance(op, ops.MaxPool):
            return ops.SpikingMaxPool(op.pool, op.strides, op.padding, self.max_pool)
        return op

    def _check(self, graph: Graph, head: frozenset[str]) -> None:
        """Refuse what cannot be converted, all of it in one message."""
        if graph.neurons:
            raise ConversionError(f"the graph has neurons already: {', '.join(graph.neurons)}; convert the ANN's graph")
        problems = [
            Problem(f"node {graph[name]}", "has no spiking counterpart inside a network.", _what_to_do(graph[name].op))
            for name in inner_activations(graph)
        ]
        if problems:
            raise UnsupportedError("cannot insert neurons:", problems)
        layers = [n.name for n in graph.nodes if isinstance(n.op, ops.Relu) and n.name not in head]
        unknown = [f"'{name}'.{suggest(name, layers)}" for name in self.clamp if name not in layers]
        if unknown:
            raise ConversionError(
                f"cannot clamp {' '.join(unknown)} The rectifiers that become neurons are: {', '.join(layers)}"
            )

    def _spike_at_outputs(self, graph: Graph, head: frozenset[str], model: NeuronModel) -> Graph:
        """Put neurons at the outputs, in place of a softmax or behind a linear op."""
        inside = [n.name for n in graph.nodes if isinstance(n.op, ops.Softmax) and n.name in head]
        refused = [str(graph[name]) for name in head if isinstance(graph[name].op, ops.Activation)]
        if refused:
            raise ConversionError(
                f"spike counts cannot stand for {', '.join(refused)}; read the output from potentials"
            )
        graph = replace_ops(graph, dict.fromkeys(inside, ops.Spiking(model)))
        graph, added = _read(graph, head - set(inside), model, "spikes")
        if inside or added:
            _LOG.warning(
                "%s: neurons with negative input never fire, and rates end at one spike a step; read the output from "
                "potentials to keep all values",
                ", ".join((*inside, *added)),
            )
        return graph


def _what_to_do(op: Op) -> str:
    if isinstance(op, ops.Softmax):
        return "A softmax can stand behind the last layer with weights only; move or remove it."
    return f"Train the network with a ReLU in place of {getattr(op, 'function', op.kind)}."


def _read(graph: Graph, head: frozenset[str], model: NeuronModel, suffix: str) -> tuple[Graph, list[str]]:
    """Put neurons behind each node whose value the head or an output reads; return the names of these nodes, too."""
    readouts, outside = _readouts(graph, head)
    for name in readouts:
        graph = append_op(graph, name, ops.Spiking(model), suffix=suffix, consumers=outside)
    return graph, readouts


def _readouts(graph: Graph, head: frozenset[str]) -> tuple[list[str], frozenset[str]]:
    """Return the nodes that are no neurons and whose values are read, in order, and the nodes that read."""
    outside = head | _moved_after_neurons(graph, head)
    read = {source for node in graph.nodes if node.name in outside for source in node.inputs} | set(graph.outputs)
    names = [
        node.name
        for node in graph.nodes
        if node.name in read and node.name not in outside and not isinstance(node.op, ops.Spiking)
    ]
    return names, outside


def _moved_after_neurons(graph: Graph, head: frozenset[str]) -> frozenset[str]:
    """Return nodes that only scale or move messages on the way to an output: the neurons before them are read."""
    fed: list[Node] = []
    for node in graph.nodes:
        direct = len(node.inputs) == 1 and isinstance(graph[node.inputs[0]].op, ops.Spiking)
        behind = any(source in {n.name for n in fed} for source in node.inputs)
        if isinstance(node.op, _AFTER_NEURONS) and (direct or behind):
            fed.append(node)
    outside = set(head)
    for node in reversed(fed):
        if all(consumer.name in outside for consumer in graph.consumers(node.name)):
            outside.add(node.name)
    return frozenset(outside - head)


def _replace_softmax(graph: Graph, head: frozenset[str], model: SoftmaxNeuron) -> Graph:
    """Replace each output's softmax by a spiking one."""
    found = [node.name for node in graph.nodes if isinstance(node.op, ops.Softmax) and node.name in head]
    graph = replace_ops(graph, dict.fromkeys(found, ops.Spiking(model)))
    others = [str(graph[name]) for name in head if isinstance(graph[name].op, ops.Activation)]
    unread = [str(graph[name]) for name in _readouts(graph, head - set(found))[0]]
    if others or unread or not found:
        received = ", ".join(others or unread or [str(graph[name]) for name in graph.outputs])
        raise ConversionError(
            f"a spiking softmax takes the place of a softmax: expected every output to be one, got {received}; "
            "read the output from potentials"
        )
    return graph
