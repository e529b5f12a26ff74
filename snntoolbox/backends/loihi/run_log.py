"""What a run records, layer by layer: spikes, messages, potentials and readouts, each layer in steps of its own."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from snntoolbox.backends.base import RawRecord
from snntoolbox.backends.loihi.emulator import StepResult
from snntoolbox.backends.loihi.limits import UNIT_SHIFT
from snntoolbox.backends.loihi.mapping import LayerMap
from snntoolbox.backends.record import Array, Probes

__all__ = ["RunLog"]


class RunLog:
    """Collects what a run records, each layer in steps of its own."""

    def __init__(
        self, layers: list[LayerMap], readouts: tuple[str, ...], batch: int, num_steps: int, probes: Probes,
        feedback: Mapping[str, Array | None],
    ) -> None:  # fmt: skip
        self._layers, self._readouts, self._steps, self._probes = layers, readouts, num_steps, probes
        self._feedback = feedback
        self._spikes = {layer.name: np.zeros((batch, len(layer.spiking)), np.int64) for layer in layers}
        self._over_time: dict[tuple[str, str], list[Array]] = {}

    def add(self, step: StepResult) -> None:
        """Record one step of the chip."""
        for layer in self._layers:
            own = step.time - layer.depth
            if 1 <= own <= self._steps:
                spikes = step.spikes[:, layer.spiking]
                self._spikes[layer.name] += spikes
                self._probe(layer, spikes, step)
                if layer.name in self._readouts and (self._probes.outputs_over_time or own == self._steps):
                    self._append("readouts", layer, self._read(layer, step))

    def _read(self, layer: LayerMap, step: StepResult) -> Array:
        if layer.kind == "readout":
            return np.asarray((step.host[layer.name] + step.voltage[:, layer.charged]) * layer.volt)
        return np.asarray(self._spikes[layer.name] * layer.message)

    def _probe(self, layer: LayerMap, spikes: Array, step: StepResult) -> None:
        probes, name = self._probes, layer.name
        if name in probes.spikes:
            self._append("spikes", layer, spikes.astype(np.int8))
        if name in probes.potentials:
            voltage = step.voltage[:, layer.charged] + step.host.get(name, np.zeros((), np.int64))
            feedback = self._feedback[name]
            if feedback is not None:  # it arrives in the next step
                voltage = voltage - spikes * (feedback.astype(np.int64) << UNIT_SHIFT)
            self._append("potentials", layer, voltage * layer.volt)
        if name in probes.totals:
            weight = probes.totals[name]
            weighted = spikes if weight is None else spikes * np.asarray(weight).reshape(-1)
            self._over_time.setdefault(("totals", name), []).append(weighted.sum(axis=1).astype(np.float64))

    def _append(self, kind: str, layer: LayerMap, value: Array) -> None:
        self._over_time.setdefault((kind, layer.name), []).append(value.reshape(-1, *layer.shape))

    def result(self) -> RawRecord:
        """Return all that was recorded."""

        def stack(kind: str) -> dict[str, Array]:
            return {name: np.stack(rows) for (k, name), rows in self._over_time.items() if k == kind}

        shapes = {layer.name: layer.shape for layer in self._layers}
        messages = {layer.name: self._spikes[layer.name] * layer.message for layer in self._layers}
        return RawRecord(
            readouts=stack("readouts"),
            spike_counts={name: counts.reshape(-1, *shapes[name]) for name, counts in self._spikes.items()},
            messages={name: sums.reshape(-1, *shapes[name]) for name, sums in messages.items()},
            spike_trains=stack("spikes"),
            potentials=stack("potentials"),
            totals=stack("totals"),
        )
