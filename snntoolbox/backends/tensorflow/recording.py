"""What a run records, gathered call by call in NumPy arrays, without the samples that only fill up the batch."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
import tensorflow as tf

from snntoolbox.backends.base import RawRecord, decided_at
from snntoolbox.backends.record import Array
from snntoolbox.backends.tensorflow.segment import Rows, States, row_specs
from snntoolbox.backends.tensorflow.setup import Setup
from snntoolbox.neurons import NeuronModel

__all__ = ["Recording"]


class Recording:
    """Arrays of a run.

    Attributes:
        bytes_per_step: Size of what a step adds.
    """

    def __init__(self, setup: Setup, batch: int, num_steps: int) -> None:
        """Allocate arrays.

        Args:
            setup: What the network is.
            batch: Number of samples without those that only fill up.
            num_steps: Number of steps.
        """
        self._setup, self._batch = setup, batch
        specs = row_specs(setup, setup.plan.body.nodes)
        self.bytes_per_step = sum(
            prod(spec.shape) * spec.dtype.size for kind in specs.values() for spec in kind.values()
        )
        self._rows = {
            kind: {n: np.empty((num_steps, batch, *s.shape[1:]), s.dtype.as_numpy_dtype) for n, s in entries.items()}
            for kind, entries in specs.items()
        }

    def add(self, rows: Rows, done: int) -> None:
        """Copy what a call recorded after ``done`` steps."""
        for kind, entries in rows.items():
            for name, values in entries.items():
                self._rows[kind][name][done : done + len(values)] = values.numpy()[:, : self._batch]

    def decided(self, states: States) -> bool:
        """Return whether the outputs of all samples have decided."""
        return bool(decided_at(self._decisions(states)).all())

    def fill(self, done: int) -> None:
        """Record the steps after ``done``, in which outputs stay and nothing is sent."""
        for kind, entries in self._rows.items():
            for values in entries.values():
                values[done:] = values[done - 1] if kind == "readouts" else 0

    def readouts(self, done: int) -> dict[str, Array]:
        """Return what was read of the output layers in the first ``done`` steps."""
        return {name: values[:done] for name, values in self._rows["readouts"].items()}

    def end(self, done: int) -> None:
        """Take the run for one of ``done`` steps."""
        self._rows = {kind: {n: rows[:done] for n, rows in entries.items()} for kind, entries in self._rows.items()}

    def _decisions(self, states: States) -> dict[str, Array]:
        return {name: states[name]["decision"].numpy()[: self._batch] for name in self._setup.plan.deciding}

    def result(self, states: States, regular_counts: Mapping[str, tf.Tensor]) -> RawRecord:
        """Return the record of the run.

        Args:
            states: After the last step.
            regular_counts: Spike counts of layers without state.
        """
        body, spikes, messages = self._setup.plan.body, {}, {}
        for name in body.neurons:
            count = regular_counts[name] if name in regular_counts else states[name].get("count")
            spikes[name] = self._trim(name, count)
            sent = states[name].get("net") if name in states else None  # not the count, with negative spikes
            net = spikes[name] if sent is None else self._trim(name, sent)
            messages[name] = net * _message_size(body[name].op, self._setup.dtype)
        if not self._setup.wanted.curve:
            self._rows["readouts"] = {n: self._read(n, states, messages)[None] for n in body.outputs}
        return RawRecord(
            spike_counts={name: count.astype(np.int32) for name, count in spikes.items()},
            messages=messages,
            decisions=self._decisions(states),
            times={n: self._trim(n, states[n]["time"]) for n in body.neurons if _model(body[n].op).emits == "held"},
            **self._rows,
        )

    def _read(self, name: str, states: States, messages: Mapping[str, Array]) -> Array:
        if _model(self._setup.plan.body[name].op).readout == "message":
            return messages[name]
        return self._trim(name, states[name]["potential"])

    def _trim(self, name: str, values: tf.Tensor | None) -> Array:
        if values is None:
            return np.zeros((self._batch, *self._setup.plan.body.shapes[name]), self._setup.dtype)
        return np.asarray(values.numpy()[: self._batch])


def _model(op: Any) -> NeuronModel:
    model: NeuronModel = op.model
    return model


def _message_size(op: Any, dtype: str) -> Array:
    return np.asarray(getattr(op.model, "message_size", 1.0), dtype)
