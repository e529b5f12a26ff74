"""One converted network on several backends: spike counts layer by layer, accuracy and time, against the reference."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.api import load_backend
from snntoolbox.backends.base import Backend, Simulation
from snntoolbox.backends.record import Probes, Record
from snntoolbox.backends.reference import ReferenceBackend, ReferenceSimulation
from snntoolbox.codes.base import SpikeCode
from snntoolbox.conversion import code_of
from snntoolbox.errors import SNNToolboxError
from snntoolbox.ir.graph import Graph
from snntoolbox.ir.ops import Spiking
from snntoolbox.testing.comparison import MARGIN
from snntoolbox.testing.parity_results import BackendParity, LayerParity, Parity

__all__ = ["BackendParity", "LayerParity", "Parity", "compare_backends"]

Array = NDArray[Any]
Samples = Array | Mapping[str, Array]
PROBES = Probes(outputs_over_time=False)
MAX_TRACED = 3
"""Batches that are run again to see in which step spikes were sent."""


def compare_backends(
    graph: Graph,
    x: Samples,
    backends: Sequence[str | Backend],
    *,
    num_steps: int,
    labels: Array | None = None,
    batch_size: int = 10,
    seed: int = 0,
    dt_ms: float = 1.0,
    code: SpikeCode | None = None,
    on_start: Callable[[str], None] = lambda name: None,
) -> Parity:
    """Simulate the same samples on the reference and on other backends.

    Args:
        graph: A converted graph.
        x: Samples, shape (num_samples, *sample shape); for several inputs a mapping from input node to samples.
        backends: Registered names, or backends with their own settings. One that is not installed or refuses the
            graph is reported with its reason.
        num_steps: Number of time steps.
        labels: Integer classes, shape (num_samples,), for the accuracy.
        batch_size: Samples simulated at a time.
        seed: Seed of stochastic input.
        dt_ms: Length of a time step in ms.
        code: Encodes the samples; the code that the graph was converted with, unless given.
        on_start: Called with the name of each backend before it runs.
    """
    samples: Mapping[str, Array] = x if isinstance(x, Mapping) else {graph.inputs[0]: x}
    others = [one for one in backends if one != "reference"]
    job = _Job(graph, samples, num_steps, batch_size, seed, dt_ms, code or code_of(graph))
    on_start("reference")
    expected = job.run(ReferenceBackend())
    none = np.zeros(len(expected.record), bool)
    results = [_judge(expected, expected, labels, ReferenceBackend(), num_steps, none)]
    for one in others:
        name = one if isinstance(one, str) else one.name
        on_start(name)
        try:
            backend = load_backend(one)
            outcome = job.run(backend)
            shifted = job.shifted(backend, outcome, expected)
            results.append(_judge(expected, outcome, labels, backend, num_steps, shifted))
        except SNNToolboxError as error:
            results.append(BackendParity(name, problem=str(error)))
    return Parity(len(expected.record), num_steps, tuple(results))


@dataclass(frozen=True, eq=False)
class _Outcome:
    record: Record
    margins: Mapping[str, Array]
    start_seconds: float
    run_seconds: float
    processor_seconds: float


@dataclass(frozen=True, eq=False)
class _Job:
    """The same work for each backend."""

    graph: Graph
    samples: Mapping[str, Array]
    num_steps: int
    batch_size: int
    seed: int
    dt_ms: float
    code: SpikeCode

    @property
    def size(self) -> int:
        """Number of samples of a batch."""
        return min(self.batch_size, len(next(iter(self.samples.values()))))

    def run(self, backend: Backend) -> _Outcome:
        """Simulate all samples."""
        size, start = self.size, time.perf_counter()
        with backend.compile(self.graph, batch_size=size, dt_ms=self.dt_ms, seed=self.seed) as simulation:
            simulation.run(next(self._stimuli(size)), 1, PROBES)
            ready, used = time.perf_counter(), time.process_time()
            records, margins = zip(*self._batches(simulation, size), strict=True)
        joined = {name: np.concatenate([m[name] for m in margins]) for name in margins[0]}
        end, used = time.perf_counter(), time.process_time() - used
        return _Outcome(Record.concatenate(records), joined, ready - start, end - ready, used)

    def _stimuli(self, size: int) -> Iterator[Any]:
        for start in range(0, len(next(iter(self.samples.values()))), size):
            batch = {name: values[start : start + size] for name, values in self.samples.items()}
            ids = np.arange(start, start + len(next(iter(batch.values()))))
            yield {name: self.code.encode(np.asarray(values), ids) for name, values in batch.items()}

    def _batches(self, simulation: Simulation, size: int) -> Iterator[tuple[Record, Mapping[str, Array]]]:
        for stimulus in self._stimuli(size):
            simulation.reset()
            record = simulation.run(stimulus, self.num_steps, PROBES)
            yield record, dict(simulation.margins) if isinstance(simulation, ReferenceSimulation) else {}

    def shifted(self, backend: Backend, got: _Outcome, expected: _Outcome) -> Array:
        """Return the samples in which a tie moved a spike to another step before counts differ, shape (num_samples,).

        Batches with differences that are no ties are run again with their trains recorded; not more than a few, since
        a fault has many.
        """
        found = np.zeros(len(got.record), bool)
        suspects = np.unique([place[0] for one in _differences(expected, got, ~found) for place in np.argwhere(one[2])])
        for number in np.unique(suspects // self.size).astype(int)[:MAX_TRACED]:
            wanted, trains = (self._trains(one, number) for one in (ReferenceBackend(), backend))
            for sample in suspects[suspects // self.size == number].astype(int):
                found[sample] = _begins_with_a_tie(
                    wanted, trains, expected.margins, sample, sample - number * self.size
                )
        return found

    def _trains(self, backend: Backend, number: int) -> Mapping[str, Array]:
        """Return the spike trains of a batch."""
        ops = {name: self.graph[name].op for name in self.graph.neurons}
        firing = tuple(name for name, op in ops.items() if isinstance(op, Spiking) and op.model.spiking)
        stimulus = next(itertools.islice(self._stimuli(self.size), number, None))
        with backend.compile(self.graph, batch_size=self.size, dt_ms=self.dt_ms, seed=self.seed) as simulation:
            return simulation.run(stimulus, self.num_steps, replace(PROBES, spikes=firing)).spike_trains


def _begins_with_a_tie(
    expected: Mapping[str, Array], got: Mapping[str, Array], margins: Mapping[str, Array], sample: int, place: int
) -> bool:
    """Whether the first layer whose trains differ in a sample does so only where potentials came near a threshold."""
    for name, trains in expected.items():
        differs = (trains[:, place] != got[name][:, place]).any(axis=0)
        if differs.any():
            return bool((margins[name][sample][differs] <= MARGIN).all())
    return False


def _judge(
    expected: _Outcome, got: _Outcome, labels: Array | None, backend: Backend, num_steps: int, shifted: Array
) -> BackendParity:
    record = got.record
    outputs, wanted_outputs = (one.output.reshape(len(record), -1) for one in (record, expected.record))
    classes, wanted = outputs.argmax(axis=1), wanted_outputs.argmax(axis=1)
    return BackendParity(
        backend.name,
        rule=backend.capabilities.deviations.get("equals_reference_up_to_ties", ""),
        layers=tuple(_compare(expected, got, shifted)),
        accuracy=None if labels is None else float(np.mean(classes == labels)),
        agreement=float(np.mean(classes == wanted)),
        output_difference=float(np.abs(outputs - wanted_outputs).max()),
        start_seconds=got.start_seconds,
        run_seconds=got.run_seconds,
        processor_seconds=got.processor_seconds,
        num_values=len(record) * num_steps,
    )


def _compare(expected: _Outcome, got: _Outcome, shifted: Array) -> Iterator[LayerParity]:
    """Compare layer by layer; samples in which a tie has already moved a spike have nothing unexplained."""
    for name, differs, unexplained in _differences(expected, got, ~shifted):
        spikes, wanted = (int(one.record.spike_counts[name].sum()) for one in (got, expected))
        yield LayerParity(name, spikes, wanted, int(differs.sum()), int(unexplained.sum()))


def _differences(expected: _Outcome, got: _Outcome, clean: Array) -> Iterator[tuple[str, Array, Array]]:
    """Yield layers, where their counts differ, and where that is no tie.

    What follows the first difference of a sample is a consequence of it; samples that are not clean have had it.
    """
    for name, counts in expected.record.spike_counts.items():
        differs = counts != got.record.spike_counts[name]
        margin = expected.margins.get(name, np.full(counts.shape, np.inf))
        yield name, differs, differs & clean.reshape(-1, *(1,) * (differs.ndim - 1)) & (margin > MARGIN)
        clean = clean & ~differs.reshape(len(differs), -1).any(axis=1)
