"""Operations summed up over batches: the streaming side of `operations`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.analysis.operation_kinds import ann_counts, input_counts, snn_counts, synapse_kinds
from snntoolbox.analysis.operations import (
    ann_operations,
    fan_out,
    input_operations,
    input_spikes,
    neuron_updates,
    operation_weights,
)
from snntoolbox.analysis.passed_spikes import PassedSpikes, wanted_trains
from snntoolbox.analysis.results import Operations
from snntoolbox.analysis.threshold_updates import ThresholdUpdates
from snntoolbox.backends.record import Probes, Record
from snntoolbox.codes import Stimulus
from snntoolbox.ir import Graph

__all__ = ["OperationCounter", "named_stimuli"]

Array = NDArray[Any]


def named_stimuli(graph: Graph, stimulus: Stimulus | Mapping[str, Stimulus] | None) -> dict[str, Stimulus]:
    """Return the stimulus of each input node, where it is known."""
    if stimulus is None:
        return {}
    return {graph.inputs[0]: stimulus} if isinstance(stimulus, Stimulus) else dict(stimulus)


class OperationCounter:
    """Counts the operations of a simulated graph.

    Args:
        graph: The converted graph.
        ann: The network before conversion, whose operations are counted; None to count those of ``graph``.
        seed: Seed of the simulation, from which random input is replayed.
    """

    def __init__(self, graph: Graph, ann: Graph | None = None, seed: int = 0) -> None:
        self._graph, self._ann, self._seed = graph, ann or graph, seed
        self.fan_outs = fan_out(graph)
        self._passed = PassedSpikes(graph)
        self._thresholds = ThresholdUpdates(graph)
        self._threshold_updates = 0.0
        self._constant = set(graph.inputs)
        self._samples, self._num_steps = 0, 0
        self._over_time: NDArray[np.float64] | None = None
        self._per_layer: dict[str, float] = {}
        self._spikes = 0.0

    def probes(self, batch_size: int, num_steps: int) -> Probes:
        """Return what must be recorded: operations of each step and, as far as memory allows, spikes in front of pools.

        Args:
            batch_size: Number of samples of the largest batch.
            num_steps: Number of steps.
        """
        layers = dict.fromkeys([*self._passed.layers, *self._thresholds.layers])
        trains = wanted_trains(self._graph, layers, batch_size, num_steps)
        return Probes(spikes=trains, totals=operation_weights(self._graph))

    def add(self, record: Record, stimulus: Stimulus | Mapping[str, Stimulus] | None) -> None:
        """Add a batch: a record of what `probes` names, and the input if it may be spikes."""
        self._samples += len(record)
        self._num_steps = record.num_steps
        self._spikes += float(sum(counts.sum(dtype=np.float64) for counts in record.spike_counts.values()))
        self._threshold_updates += float(self._thresholds.count(record).sum())
        for name, totals in self._passed.totals(record).items():
            self._count(name, totals)
        for name, one in named_stimuli(self._graph, stimulus).items():
            if not one.constant:
                self._constant.discard(name)
                self._count(name, input_operations(one, self.fan_outs[name], record.num_steps, self._seed))
                self._spikes += float(input_spikes(one, record.num_steps, self._seed).sum())

    def _count(self, name: str, totals: Array) -> None:
        """Add the operations of one layer or input, shape (steps, batch)."""
        per_step = totals.astype(np.float64).sum(axis=1)
        self._over_time = per_step if self._over_time is None else self._over_time + per_step
        self._per_layer[name] = self._per_layer.get(name, 0.0) + float(per_step.sum())

    def result(self) -> Operations:
        """Return the operations for one sample, the mean of all batches so far."""
        ann = ann_operations(self._ann)
        if self._over_time is None or not self._samples:
            return Operations(ann=ann, ann_counts=ann_counts(self._ann))
        over_time = np.cumsum(self._over_time) / self._samples
        synaptic = float(over_time[-1])
        once = input_counts(self._graph, self._constant)
        updates = neuron_updates(self._graph, self._num_steps)
        total = synaptic + 2 * once["mac"] + once["multiply"]
        return Operations(
            ann=ann,
            snn=synaptic,
            snn_over_time=over_time,
            snn_input_macs=int(once["mac"]),
            snn_total=total,
            ratio=total / ann if ann else None,
            neuron_updates=updates,
            per_layer={name: count / self._samples for name, count in self._per_layer.items()},
            threshold_updates=self._threshold_updates / self._samples,
            upper_bound=self._passed.upper_bound
            or self._thresholds.upper_bound
            or bool(self._passed.inputs - self._constant),
            proportional=self._passed.proportional,
            ann_counts=ann_counts(self._ann),
            snn_counts=snn_counts(
                once,
                synaptic=synaptic,
                spikes=self._spikes / self._samples,
                neuron_updates=updates,
                threshold_updates=self._threshold_updates / self._samples,
                synapse=synapse_kinds(self._graph.attributes.get("spike_code", "")),
            ),
        )
