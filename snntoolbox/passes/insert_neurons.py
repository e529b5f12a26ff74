"""Spiking neurons where the network has its rectifiers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar

from snntoolbox.codes import SpikeCode
from snntoolbox.errors import ConversionError, Problem, UnsupportedError
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.ir.edit import fresh_name, insert_after, replace_ops
from snntoolbox.ir.ops import Op, PoolGate
from snntoolbox.passes.base import Pass, Preserves
from snntoolbox.passes.head import head_nodes, inner_activations
from snntoolbox.passes.neuron_parameters import neuron_for, why_not
from snntoolbox.passes.output_neurons import place_output_neurons
from snntoolbox.registry import suggest

__all__ = ["InsertNeurons"]


@dataclass(frozen=True, eq=False)
class InsertNeurons(Pass):
    """Turn a normalised graph into a spiking one.

    Before: rectifiers between linear ops. After: at each rectifier, under its name, the code's neurons; max-pooling of
    messages in place of MaxPool. The output is read from the code's output neurons:

    * from a potential: behind the last linear op of each path to an output stands an accumulator, called as the output
      (the op is ``<output>_current`` then), or ``<linear op>_potential`` if softmax or other activations follow; these
      stay as the head, which is applied to the decoded value. Linear outputs keep their sign: negative logits classify.
    * from spikes: neurons take the place of a rectifier or softmax of the output, or stand behind a linear one.
    * from a spiking softmax: it takes the place of the softmax.
    * from the first spike: neurons that decide take the place of a rectifier or softmax of the output.

    A code whose neurons encode the input puts some behind each entrance, ``<input>_spikes``.

    Why there: what flows between rectifiers is linear, so spikes sum up to what the ANN computes (Rueckauer 2020,
    section 2.1.2.1). A ceiling of a rectifier below the threshold becomes the layer's threshold, and so its largest
    rate. A slope for negative inputs becomes a second threshold, at which neurons send negative spikes. Another
    activation becomes neurons where the code has some for it.

    Attributes:
        code: What spikes mean; names the neurons.
        max_pool: How spiking max-pooling finds the maximum; see `snntoolbox.ir.ops.SpikingMaxPool`.
        clamp: Name of a rectifier -> number of first steps in which its potentials are held (Rueckauer 2020, section
            2.1.3.3).
        scales: Name of a rectifier -> scale of its activations, where weights have not been normalised: the layer's
            thresholds and messages are multiplied by it.

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
    scales: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Freeze the mappings."""
        object.__setattr__(self, "clamp", MappingProxyType(dict(self.clamp)))
        object.__setattr__(self, "scales", MappingProxyType(dict(self.scales)))

    def __call__(self, graph: Graph) -> Graph:
        """Return the spiking graph."""
        output = self.code.output_neuron()
        head = head_nodes(graph, rectifiers=output.readout == "potential" and not output.decides)
        rectifiers = [node for node in graph.nodes if isinstance(node.op, ops.Relu) and node.name not in head]
        self._check(graph, rectifiers)
        spiking = replace_ops(graph, {n.name: self._convert(n) for n in graph.nodes if n.name not in head})
        encoding = self._place_input_neurons(spiking)
        return place_output_neurons(encoding, head, output).with_attributes(spike_code=self.code.name)

    def _place_input_neurons(self, graph: Graph) -> Graph:
        """Put the code's input neurons, if it has any, behind each entrance."""
        model = self.code.input_neuron()
        if model is None:
            return graph
        for name in graph.inputs:
            graph = insert_after(graph, name, Node(fresh_name(graph, f"{name}_spikes"), ops.Spiking(model), (name,)))
        return graph

    def _convert(self, node: Node) -> Op:
        """Return what takes the place of an op that is not of the head."""
        op = node.op
        if isinstance(op, ops.Relu):
            clamp, scale = self.clamp.get(node.name, 0), self.scales.get(node.name, 1.0)
            return ops.Spiking(neuron_for(self.code.layer_neuron(node.name), op, clamp, scale))
        if isinstance(op, ops.Activation):
            other = self.code.activation_neuron(op.function)
            return op if other is None else ops.Spiking(other)
        if isinstance(op, ops.MaxPool):
            return ops.SpikingMaxPool(op.pool, op.strides, op.padding, self.max_pool)
        return op

    def _has_neuron(self, op: Op) -> bool:
        return isinstance(op, ops.Activation) and self.code.activation_neuron(op.function) is not None

    def _check(self, graph: Graph, rectifiers: list[Node]) -> None:
        """Refuse what cannot be converted, all of it in one message."""
        if graph.neurons:
            raise ConversionError(f"the graph has neurons already: {', '.join(graph.neurons)}; convert the ANN's graph")
        if self.code.needs_clamped and not any(isinstance(n.op, ops.Relu) and n.op.clamps for n in rectifiers):
            raise ConversionError(
                f"spike code '{self.code.name}' is for networks with clamped rectifiers (ReLU with a threshold), which "
                "this one does not have: set [conversion] finetune_clamped, or call "
                "snntoolbox.training.clamped_relu.finetune_clamped"
            )
        layers = [node.name for node in rectifiers]
        unknown = [f"'{name}'.{suggest(name, layers)}" for name in self.clamp if name not in layers]
        if unknown:
            raise ConversionError(
                f"cannot clamp {' '.join(unknown)} The rectifiers that become neurons are: {', '.join(layers)}"
            )
        problems = [
            Problem(f"node {graph[name]}", "has no spiking counterpart inside a network.", _what_to_do(graph[name].op))
            for name in inner_activations(graph)
            if not self._has_neuron(graph[name].op)
        ]
        for node in rectifiers:
            model, clamp = self.code.layer_neuron(node.name), self.clamp.get(node.name, 0)
            reason = why_not(model, node, clamp, scaled=node.name in self.scales)
            problems += [Problem(f"node {node}", reason)] if reason else []
        if problems:
            raise UnsupportedError("cannot insert neurons:", problems)


def _what_to_do(op: Op) -> str:
    if isinstance(op, ops.Softmax):
        return "A softmax can stand behind the last layer with weights only; move or remove it."
    function = getattr(op, "function", op.kind)
    return f"Train the network with a ReLU in place of {function}, or see docs/codes.md for codes that know others."
