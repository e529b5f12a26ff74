"""Batches too large to be one network: simulated in parts, each with its own state.

Simulators of populations hold every synapse of every sample, so a batch of 100 would not fit into memory for all but
small networks.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from snntoolbox.backends.base import RawRecord, Simulation
from snntoolbox.backends.connections import Synapses, connect, is_population
from snntoolbox.backends.record import Array, Probes
from snntoolbox.codes import Stimulus
from snntoolbox.ir import Graph

__all__ = ["MAX_SYNAPSES", "PartedSimulation"]

MAX_SYNAPSES = 10_000_000
"""Synapses of one network; Brian2 and NEST take 50 to 200 bytes for each while they are made."""


class PartedSimulation(Simulation):
    """A simulation whose batches are cut into parts of at most `MAX_SYNAPSES` synapses, or one sample."""

    def __init__(self, graph: Graph, *, batch_size: int, dt_ms: float, seed: int) -> None:
        super().__init__(graph, batch_size=batch_size, dt_ms=dt_ms, seed=seed)
        self._synapses: dict[frozenset[str], Mapping[str, Sequence[Synapses]]] = {}
        self._last = 0

    def reset(self) -> None:
        """Return every neuron to its initial state."""
        self._reset()

    @abstractmethod
    def _reset(self) -> None:
        """Forget the states of all parts."""

    @abstractmethod
    def _run_part(self, part: int, stimuli: Mapping[str, Stimulus], num_steps: int, probes: Probes) -> RawRecord:
        """Simulate a part of a batch, from the state in which the part of this number was left."""

    def _run(self, stimuli: Mapping[str, Stimulus], num_steps: int, probes: Probes) -> RawRecord:
        batch = len(next(iter(stimuli.values())))
        if batch != self._last:
            self._reset()
            self._last = batch
        constant = frozenset(name for name, one in stimuli.items() if one.constant)
        per_sample = sum(len(one) for some in self._connections(constant).values() for one in some)
        parts = _cut(batch, max(1, MAX_SYNAPSES // max(per_sample, 1)))
        records = [
            self._run_part(number, {name: _Part(one, a, b) for name, one in stimuli.items()}, num_steps, probes)
            for number, (a, b) in enumerate(parts)
        ]
        return records[0] if len(records) == 1 else _join(records)

    def _connections(self, constant: frozenset[str]) -> Mapping[str, Sequence[Synapses]]:
        """Return the synapses onto each population, for one sample; they are found once."""
        if constant not in self._synapses:
            body = self.head.body
            targets = [node.name for node in body.nodes if is_population(node) and node.inputs]
            self._synapses[constant] = {name: connect(body, name, constant) for name in targets}
        return self._synapses[constant]


def _cut(batch: int, largest: int) -> list[tuple[int, int]]:
    """Return begin and end of the parts of a batch, as equal in size as can be."""
    number = -(-batch // largest)
    size = -(-batch // number)
    return [(start, min(start + size, batch)) for start in range(0, batch, size)]


@dataclass(frozen=True, eq=False)
class _Part(Stimulus):
    """Some samples of a stimulus."""

    whole: Stimulus
    begin: int
    end: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "constant", self.whole.constant)
        object.__setattr__(self, "sample_ids", self.whole.sample_ids[self.begin : self.end])

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.end - self.begin, *self.whole.shape[1:])

    def frames(self, num_steps: int, seed: int = 0) -> Iterator[Array]:
        for frame in self.whole.frames(num_steps, seed):
            yield frame[self.begin : self.end]


def _join(records: Sequence[RawRecord]) -> RawRecord:
    """Return the record of a batch from those of its parts."""

    def join(attribute: str, axis: int) -> dict[str, Array]:
        names = getattr(records[0], attribute)
        return {name: np.concatenate([getattr(one, attribute)[name] for one in records], axis) for name in names}

    return RawRecord(
        readouts=join("readouts", 1),
        spike_counts=join("spike_counts", 0),
        messages=join("messages", 0),
        spike_trains=join("spike_trains", 1),
        potentials=join("potentials", 1),
        totals=join("totals", 1),
    )
