"""A second number on every wire, for codes whose neurons announce their spikes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from snntoolbox.ir import Graph, Node, ops
from snntoolbox.ir.ops import Op
from snntoolbox.neurons import ExpectantFirstSpike, ExpectantReadout
from snntoolbox.passes.base import Pass, Preserves

__all__ = ["AddAnnouncements"]


@dataclass(frozen=True)
class AddAnnouncements(Pass):
    """Lead announcements, with the sizes of the weights, to the neurons that wait for what was announced.

    Before: `ExpectantFirstSpike` neurons that are wired like any others. After: each layer of them takes its current
    and the missing input, joined along the last axis, and sends spikes and announcements, which two slices take apart
    (``<layer>_spikes`` and ``<layer>_announced``). Announcements go where spikes go, through ops of the same kind with
    the sizes of the weights and no biases; spikes go there too, with a minus: they make up for their announcement.
    Max-pooling passes on the first announcement of a window, as it does with spikes. What is fed in is not announced:
    the current of neurons right behind an input is joined with zeros.

    Why: so eq. 2.28 of Rueckauer 2020 is part of the graph, any backend that knows the neurons runs it, and threshold
    updates are counted where they arise.
    """

    name: ClassVar[str] = "add_announcements"
    preserves: ClassVar[Preserves | None] = "rate"

    def __call__(self, graph: Graph) -> Graph:
        """Return the graph with announcements; one without such neurons stays as it is."""
        return _Writer(graph).write() if any(_model(node) for node in graph.nodes) else graph


@dataclass(frozen=True)
class _Wire:
    """What carries the value of a node in the new graph.

    Attributes:
        value: The spikes or the current.
        announced: What has been announced, kept or not; for a current, what is missing. None behind the output.
        spikes: Whether the value is spikes, not a current.
    """

    value: str
    announced: str | None = None
    spikes: bool = False


class _Writer:
    """Writes the nodes of the new graph in order."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._nodes: list[Node] = []
        self._taken = set(graph.shapes)
        self._wires: dict[str, _Wire] = {}

    def write(self) -> Graph:
        for node in self._graph.nodes:
            self._wires[node.name] = self._neurons(node) if _model(node) else self._other(node)
        return self._graph.with_nodes(self._nodes, self._graph.outputs)

    def _add(self, wanted: str, op: Op, *inputs: str) -> str:
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            name = f"{wanted}_{number}"
        self._taken.add(name)
        self._nodes.append(Node(name, op, inputs))
        return name

    def _neurons(self, node: Node) -> _Wire:
        """Join current and missing input, and take spikes and announcements apart."""
        name, shape = node.name, self._graph.shapes[node.name]
        wire = self._wires[node.inputs[0]]
        if wire.announced is None:
            nothing = (*((0, 0),) * (len(shape) - 1), (0, shape[-1]))
            pair = self._add(f"{name}_input", ops.Pad(nothing), wire.value)
        else:
            pair = self._add(f"{name}_input", ops.Concat(-1), wire.value, self._missing(wire))
        stride, zeros = (1,) * len(shape), (0,) * (len(shape) - 1)
        first = ops.Slice((*zeros, 0), shape, stride)
        if name in self._graph.outputs:  # outputs keep their names
            self._nodes.append(Node(name, first, (self._add(f"{name}_neurons", node.op, pair),)))
            return _Wire(name)
        self._nodes.append(replace(node, inputs=(pair,)))
        if isinstance(_model(node), ExpectantReadout):
            return _Wire(self._add(f"{name}_first", first, name))
        second = ops.Slice((*zeros, shape[-1]), (*shape[:-1], 2 * shape[-1]), stride)
        spikes = self._add(f"{name}_spikes", first, name)
        return _Wire(spikes, self._add(f"{name}_announced", second, name), True)

    def _missing(self, wire: _Wire) -> str:
        """Return the node with what is missing at a wire."""
        if not wire.spikes:
            return str(wire.announced)
        made_up = self._add(f"{wire.value}_made_up", ops.Affine(np.array(-1.0)), wire.value)
        return self._add(f"{wire.value}_missing", ops.Add(), str(wire.announced), made_up)

    def _other(self, node: Node) -> _Wire:
        """Copy a node, and lead announcements past it."""
        wires = [self._wires[source] for source in node.inputs]
        self._nodes.append(replace(node, inputs=tuple(wire.value for wire in wires)))
        if not wires or any(wire.announced is None for wire in wires):
            return _Wire(node.name)
        if isinstance(node.op, ops.Dense | ops.Conv | ops.ConvTranspose | ops.Affine):
            return self._weighted(node.name, node.op, wires[0])
        op: Op = node.op
        if isinstance(op, ops.SpikingMaxPool):
            op = ops.MaxPool(op.pool, op.strides, op.padding)
        spikes = all(wire.spikes for wire in wires)
        sources = [str(wire.announced) if spikes else self._missing(wire) for wire in wires]
        return _Wire(node.name, self._add(f"{node.name}_announced", op, *sources), spikes)

    def _weighted(self, name: str, op: Op, wire: _Wire) -> _Wire:
        """Announce with the sizes of the weights."""
        announced = self._add(f"{name}_announced", _sizes(op, 1.0), str(wire.announced))
        if not wire.spikes:
            return _Wire(name, announced)
        made_up = self._add(f"{name}_made_up", _sizes(op, -1.0), wire.value)
        return _Wire(name, self._add(f"{name}_missing", ops.Add(), announced, made_up))


def _model(node: Node) -> Any:
    """Return the expectant neurons of a node; None if it is something else."""
    model = node.op.model if isinstance(node.op, ops.Spiking) else None
    return model if isinstance(model, ExpectantFirstSpike | ExpectantReadout) else None


def _sizes(op: Any, sign: float) -> Op:
    """Return the op with the sizes of its weights, times a sign, and without constants."""
    changed = {"Dense": ("weight", "bias"), "Affine": ("scale", "shift")}.get(op.kind, ("kernel", "bias"))
    weights, constant = changed
    new: Op = replace(op, **{weights: sign * np.abs(getattr(op, weights)), constant: None})
    return new
