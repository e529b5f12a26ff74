"""What each layer of neurons is, and what it did over all batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.analysis.adjacency import WEIGHTED
from snntoolbox.analysis.correlation import RateComparison, SpikeCounter
from snntoolbox.analysis.free_rates import free_rates, free_steps
from snntoolbox.analysis.results import LayerResults
from snntoolbox.backends.record import Record
from snntoolbox.ir import Graph
from snntoolbox.ir.ops import Spiking
from snntoolbox.neurons import NeuronModel

__all__ = ["LayerCollector", "layer_kind"]

Array = NDArray[Any]


def layer_kind(graph: Graph, name: str) -> str:
    """Return the kind of op that a layer of neurons belongs to: the nearest one before it that has weights.

    Where branches meet, that is the op where they do (``Add``); without weights in between, the nearest op.
    """
    node = graph[name]
    nearest = node
    while node.inputs:
        node = graph[node.inputs[0]]
        nearest = node if isinstance(nearest.op, Spiking) else nearest
        if len(node.inputs) > 1 or isinstance(node.op, WEIGHTED):
            return node.op.kind
        if isinstance(node.op, Spiking) or not node.inputs:
            break
    return nearest.op.kind


class LayerCollector:
    """Collects spike statistics and the comparison with activations for every layer of a converted graph."""

    def __init__(self, graph: Graph, fan_outs: Mapping[str, Array], num_points: int, seed: int) -> None:
        self._graph, self._fan_outs = graph, fan_outs
        self._num_points, self._seed = num_points, seed
        self._spikes: dict[str, SpikeCounter] = {}
        self._rates: dict[str, RateComparison] = {}

    def add(self, record: Record, activations: Mapping[str, Array]) -> None:
        """Add a batch: its record, and the normalised activations (batch, *shape) of layers where they are known."""
        for number, name in enumerate(self._graph.neurons):
            model = self._model(name)
            if not model.spiking:
                continue
            refractory = getattr(model, "refractory_steps", 0)
            self._spikes.setdefault(name, SpikeCounter(record.num_steps, refractory)).add(record.spike_counts[name])
            if name in activations:
                if name not in self._rates:
                    steps = free_steps(self._graph, name, record.num_steps)
                    self._rates[name] = self._comparison(model, steps, number)
                self._rates[name].add(activations[name], free_rates(self._graph, record, name))

    def _comparison(self, model: NeuronModel, num_steps: int, number: int) -> RateComparison:
        amplitude = float(np.mean(getattr(model, "message_size", 1.0)))
        return RateComparison(num_steps, amplitude, self._num_points, self._seed + number)

    def _model(self, name: str) -> NeuronModel:
        op = self._graph[name].op
        if not isinstance(op, Spiking):
            raise TypeError(name)
        return op.model

    def result(self) -> dict[str, LayerResults]:
        """Return what each layer did, in the order of the network."""
        return {name: self._result(name) for name in self._graph.neurons}

    def _result(self, name: str) -> LayerResults:
        spikes, rates = self._spikes.get(name), self._rates.get(name)
        return LayerResults(
            kind=layer_kind(self._graph, name),
            shape=self._graph.shapes[name],
            neurons=self._graph.size(name),
            fan_out=float(self._fan_outs[name].mean()),
            spikes=spikes.result() if spikes else None,
            comparison=rates.result() if rates else None,
        )
