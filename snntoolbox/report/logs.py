"""Recordings of single neurons, batch by batch, for a user's own analysis: what ``log_vars`` selects.

The letters in the names say over what a variable extends: n layers, b samples, l neurons, t time steps.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.analysis.accumulate import Batch
from snntoolbox.analysis.operation_counter import named_stimuli
from snntoolbox.analysis.operations import fan_out, input_operations, neuron_updates
from snntoolbox.analysis.passed_spikes import PassedSpikes
from snntoolbox.backends.record import Probes, Record
from snntoolbox.codes import Stimulus
from snntoolbox.ir import Graph
from snntoolbox.ir.ops import Spiking

__all__ = ["LogWriter"]

Array = NDArray[Any]


class LogWriter:
    """Writes one ``.npz`` file for each batch.

    Args:
        folder: Where to; made when something is written.
        log_vars: Names of the variables; none writes nothing.
        graph: The graph that is simulated.
        seed: Seed of the simulation, from which random input is replayed.
    """

    def __init__(self, folder: Path, log_vars: Collection[str], graph: Graph, seed: int = 0) -> None:
        self._folder, self._names, self._graph, self._seed = folder, frozenset(log_vars), graph, seed
        self._fan_outs = fan_out(graph) if "synaptic_operations_b_t" in self._names else {}
        self._passed = PassedSpikes(graph)
        self._batches = 0

    def probes(self, probes: Probes) -> Probes:
        """Return ``probes`` with what the variables need added."""
        ops = ((name, self._graph[name].op) for name in self._graph.neurons)
        firing = tuple(name for name, op in ops if isinstance(op, Spiking) and op.model.spiking)
        if "spiketrains_n_b_l_t" in self._names:
            probes = replace(probes, spikes=tuple(dict.fromkeys([*probes.spikes, *firing])))
        if "mem_n_b_l_t" in self._names:
            probes = replace(probes, potentials=tuple(dict.fromkeys([*probes.potentials, *self._graph.neurons])))
        return probes

    def write(self, batch: Batch) -> Path | None:
        """Write the file of a batch and return its path; None if nothing is logged."""
        if not self._names or batch.record is None:
            return None
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{self._batches}.npz"
        self._batches += 1
        # Arrays by keyword; a key with a slash is fine in the archive.
        np.savez_compressed(path, **self._arrays(batch, batch.record))
        return path

    def _arrays(self, batch: Batch, record: Record) -> dict[str, Any]:
        stimuli = named_stimuli(self._graph, batch.stimulus)
        arrays: dict[str, Any] = {"output_b_l": record.output}
        if batch.labels is not None:
            arrays["label_b"] = batch.labels
        if stimuli:
            arrays["sample_id_b"] = next(iter(stimuli.values())).sample_ids
        per_layer = {
            "activations_n_b_l": batch.activations,
            "spiketrains_n_b_l_t": {name: _time_last(values) for name, values in record.spike_trains.items()},
            "mem_n_b_l_t": {name: _time_last(values) for name, values in record.potentials.items()},
        }
        for variable, layers in per_layer.items():
            if variable in self._names:
                arrays.update({f"{variable}/{name}": values for name, values in layers.items()})
        if "input_b_l_t" in self._names:
            arrays.update(self._inputs(stimuli, record.num_steps))
        if "synaptic_operations_b_t" in self._names:
            arrays["synaptic_operations_b_t"] = self._operations(record, stimuli)
        if "neuron_operations_b_t" in self._names:
            arrays["neuron_operations_b_t"] = np.full((len(record), record.num_steps), neuron_updates(self._graph))
        return arrays

    def _inputs(self, stimuli: Mapping[str, Stimulus], num_steps: int) -> dict[str, Array]:
        """Return what entered: under the plain name for a single input, else one array for each."""
        found = {}
        for name, one in stimuli.items():
            steps = 1 if one.constant else num_steps  # a constant current is the same in every step
            key = "input_b_l_t" if len(stimuli) == 1 else f"input_b_l_t/{name}"
            found[key] = np.stack(list(one.frames(steps, self._seed)), axis=-1)
        return found

    def _operations(self, record: Record, stimuli: Mapping[str, Stimulus]) -> Array:
        """Return synaptic operations of all layers and spiking inputs, shape (batch, steps)."""
        total = np.zeros((record.num_steps, len(record)))
        for values in self._passed.totals(record).values():
            total += values
        for name, one in stimuli.items():
            total += input_operations(one, self._fan_outs[name], record.num_steps, self._seed)
        return total.T


def _time_last(values: Array) -> Array:
    """(steps, batch, *shape) -> (batch, *shape, steps)."""
    return np.moveaxis(values, 0, -1)
