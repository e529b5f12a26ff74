"""What a simulation is asked to record, and what it returns: the one type that everything after simulation reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.errors import SimulationError

__all__ = ["Probes", "Record"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Probes:
    """What to record beyond spike counts and outputs. Names are layers of neurons of the graph.

    Attributes:
        spikes: Layers whose spike trains are kept (memory grows with the steps).
        potentials: Layers whose membrane potentials are kept (memory grows with the steps).
        totals: Layer -> weight of each neuron's spikes (an array of the layer's shape, or None for ones): the weighted
            sum over the layer is kept for each step and sample. With fan-outs as weights: synaptic operations.
        outputs_over_time: Whether the decoded output of every step is kept, not only the last.
    """

    spikes: tuple[str, ...] = ()
    potentials: tuple[str, ...] = ()
    totals: Mapping[str, Array | None] = field(default_factory=dict)
    outputs_over_time: bool = True

    def check(self, layers: Sequence[str]) -> None:
        """Check that every probed layer exists.

        Raises:
            SimulationError: One does not; the message lists the layers of neurons.
        """
        unknown = [name for name in (*self.spikes, *self.potentials, *self.totals) if name not in layers]
        if unknown:
            raise SimulationError(f"cannot probe {unknown}: the layers of neurons are {', '.join(layers)}")


@dataclass(frozen=True, eq=False)
class Record:
    """Result of simulating a batch (or, concatenated, a whole data set).

    Attributes:
        num_steps: Number of steps simulated.
        dt_ms: Length of a step in ms.
        outputs: Output node -> decoded value after the last step, shape (batch, *shape), in units of the ANN's output.
        outputs_over_time: Output node -> decoded value after each step, (steps, batch, *shape); empty if not asked for.
        spike_counts: Layer -> number of spikes of each neuron, shape (batch, *shape), integer.
        messages: Layer -> sum of the messages each neuron sent, shape (batch, *shape).
        spike_trains: Probed layer -> spikes of each step, shape (steps, batch, *shape), int8.
        potentials: Probed layer -> membrane potential after each step, shape (steps, batch, *shape).
        totals: Probed layer -> weighted spikes of each step and sample, shape (steps, batch).
        decisions: Step in which the output of each sample decided, from which on nothing of it is counted, shape
            (batch,); 0 for one that did not. Empty for codes that do not decide.
        activations: Layer -> normalised activations that its messages stand for, shape (batch, *shape), where that is
            not their mean.
    """

    num_steps: int
    dt_ms: float
    outputs: Mapping[str, Array]
    outputs_over_time: Mapping[str, Array]
    spike_counts: Mapping[str, Array]
    messages: Mapping[str, Array]
    spike_trains: Mapping[str, Array] = field(default_factory=dict)
    potentials: Mapping[str, Array] = field(default_factory=dict)
    totals: Mapping[str, Array] = field(default_factory=dict)
    decisions: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    activations: Mapping[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Freeze the mappings."""
        for name, value in vars(self).items():
            if isinstance(value, Mapping):
                object.__setattr__(self, name, MappingProxyType(dict(value)))

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(next(iter(self.outputs.values())))

    @property
    def output(self) -> Array:
        """Decoded value of the first output after the last step, shape (batch, *shape)."""
        return next(iter(self.outputs.values()))

    @property
    def output_over_time(self) -> Array:
        """Decoded value of the first output after each step, shape (steps, batch, *shape)."""
        return next(iter(self.outputs_over_time.values()))

    def rates(self, layer: str) -> Array:
        """Return the estimate of the normalised activation of each neuron: its mean message, unless the code differs.

        Shape (batch, *shape).
        """
        if layer in self.activations:
            return self.activations[layer]
        if layer not in self.messages:
            raise SimulationError(f"no layer of neurons '{layer}' in this record; it has {', '.join(self.messages)}")
        return np.asarray(self.messages[layer] / self.num_steps)

    @staticmethod
    def concatenate(records: Sequence[Record]) -> Record:
        """Join records of several batches into one, sample after sample.

        Raises:
            SimulationError: There are none, or they are not of the same simulation.
        """
        if not records or len({(r.num_steps, r.dt_ms) for r in records}) != 1:
            raise SimulationError("expected at least one record, all with the same number and length of steps")
        first = records[0]

        def join(attribute: str, axis: int) -> dict[str, Array]:
            keys = getattr(first, attribute)
            return {k: np.concatenate([getattr(r, attribute)[k] for r in records], axis=axis) for k in keys}

        joined = {name: join(name, 0) for name in ("outputs", "spike_counts", "messages", "activations")}
        over_time = ("outputs_over_time", "spike_trains", "potentials", "totals")
        joined |= {name: join(name, 1) for name in over_time}
        decisions = np.concatenate([r.decisions for r in records])
        return Record(first.num_steps, first.dt_ms, **joined, decisions=decisions)
