"""One converted network on several backends: spike counts layer by layer, accuracy and time, against the reference."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
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
from snntoolbox.testing.comparison import MARGIN

__all__ = ["BackendParity", "LayerParity", "Parity", "compare_backends"]

Array = NDArray[Any]
Samples = Array | Mapping[str, Array]
PROBES = Probes(outputs_over_time=False)
TITLES = (
    "backend",
    "spikes",
    "differing",
    "no ties",
    "accuracy",
    "agreement",
    "output",
    "start s",
    "run s",
    "µs / sample step",
    "of processor",
)
"""What a row says of a backend: spikes of all layers; neurons whose counts differ, and those that are no ties; share of
samples with the right class and with the reference's; largest difference of an output; times, the last one summed over
threads."""


@dataclass(frozen=True)
class LayerParity:
    """Spike counts of one layer.

    Attributes:
        layer: Its name.
        spikes: Number of spikes of all samples.
        expected: The same in the reference.
        different: Number of neurons, over all samples, whose counts differ.
        unexplained: Those of them that are neither ties nor consequences of one: in the first layer of a sample that
            differs, the potential stayed further from the threshold than float32 rounds.
    """

    layer: str
    spikes: int
    expected: int
    different: int
    unexplained: int


@dataclass(frozen=True)
class BackendParity:
    """What one backend did.

    Attributes:
        backend: Its name.
        problem: Why it could not run; empty if it did. The rest is empty then.
        rule: Why its spikes may differ from the reference's by more than ties, as it declares; empty if they may not.
        layers: Spike counts.
        accuracy: Share of samples with the right class; None without labels.
        agreement: Share of samples with the reference's class, or largest output.
        output_difference: Largest difference of an output from the reference's.
        start_seconds: Time to compile the network and simulate one step of the first batch.
        run_seconds: Time to simulate all samples after that.
        processor_seconds: What that took of the processor, in all threads of this process.
        num_values: Number of samples times steps.
    """

    backend: str
    problem: str = ""
    rule: str = ""
    layers: tuple[LayerParity, ...] = ()
    accuracy: float | None = None
    agreement: float | None = None
    output_difference: float | None = None
    start_seconds: float = 0.0
    run_seconds: float = 0.0
    processor_seconds: float = 0.0
    num_values: int = 1

    @property
    def different(self) -> int:
        """Number of neurons whose counts differ, over all layers and samples."""
        return sum(layer.different for layer in self.layers)

    @property
    def unexplained(self) -> int:
        """Those that are no ties."""
        return sum(layer.unexplained for layer in self.layers)

    @property
    def passed(self) -> bool:
        """Whether it ran, and every difference is a tie or follows from what it declares."""
        return not self.problem and (self.unexplained == 0 or bool(self.rule))

    @property
    def microseconds(self) -> float:
        """Time of a sample and step, in microseconds."""
        return 1e6 * self.run_seconds / self.num_values


@dataclass(frozen=True)
class Parity:
    """What all backends did; the reference is the first.

    Attributes:
        num_samples, num_steps: Size of the comparison.
        backends: One for each backend, in the order asked for after the reference.
    """

    num_samples: int
    num_steps: int
    backends: tuple[BackendParity, ...]

    @property
    def passed(self) -> bool:
        """Whether every backend ran, and every difference is a tie or follows from what a backend declares."""
        return all(one.passed for one in self.backends)

    def table(self) -> list[list[str]]:
        """Return rows of text, the first with the titles, one for each backend that ran."""
        return [list(TITLES), *(_row(one) for one in self.backends if not one.problem)]

    def layer_table(self) -> list[list[str]]:
        """Return rows of text, the first with the titles, one for each layer.

        A cell says how many spikes more or fewer than the reference a backend has, and in how many neurons the number
        differs, over all samples.
        """
        reference, *others = [one for one in self.backends if not one.problem]
        rows = [["layer", f"spikes of {reference.backend}", *(one.backend for one in others)]]
        for number, layer in enumerate(reference.layers):
            rows.append([layer.layer, f"{layer.spikes:,}", *(_cell(one.layers[number]) for one in others)])
        return rows

    def to_dict(self) -> dict[str, Any]:
        """Return everything as values that JSON has."""
        derived = ("different", "unexplained", "microseconds", "passed")
        rows = [asdict(one) | {name: getattr(one, name) for name in derived} for one in self.backends]
        return {"num_samples": self.num_samples, "num_steps": self.num_steps, "backends": rows}


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
    results = [_judge(expected, expected, labels, ReferenceBackend(), num_steps)]
    for one in others:
        name = one if isinstance(one, str) else one.name
        on_start(name)
        try:
            backend = load_backend(one)
            results.append(_judge(expected, job.run(backend), labels, backend, num_steps))
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

    def run(self, backend: Backend) -> _Outcome:
        """Simulate all samples."""
        size = min(self.batch_size, len(next(iter(self.samples.values()))))
        start = time.perf_counter()
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


def _judge(expected: _Outcome, got: _Outcome, labels: Array | None, backend: Backend, num_steps: int) -> BackendParity:
    record = got.record
    outputs, wanted_outputs = (one.output.reshape(len(record), -1) for one in (record, expected.record))
    classes, wanted = outputs.argmax(axis=1), wanted_outputs.argmax(axis=1)
    return BackendParity(
        backend.name,
        rule=backend.capabilities.deviations.get("equals_reference_up_to_ties", ""),
        layers=tuple(_compare(expected, record)),
        accuracy=None if labels is None else float(np.mean(classes == labels)),
        agreement=float(np.mean(classes == wanted)),
        output_difference=float(np.abs(outputs - wanted_outputs).max()),
        start_seconds=got.start_seconds,
        run_seconds=got.run_seconds,
        processor_seconds=got.processor_seconds,
        num_values=len(record) * num_steps,
    )


def _compare(expected: _Outcome, record: Record) -> Iterator[LayerParity]:
    """Compare layer by layer; what follows the first difference of a sample is a consequence of it."""
    clean = np.ones(len(record), bool)
    for name, counts in expected.record.spike_counts.items():
        differs = counts != record.spike_counts[name]
        margin = expected.margins.get(name, np.full(counts.shape, np.inf))
        first = differs & clean.reshape(-1, *(1,) * (differs.ndim - 1))
        unexplained = int((first & (margin > MARGIN)).sum())
        total, wanted = int(record.spike_counts[name].sum()), int(counts.sum())
        yield LayerParity(name, total, wanted, int(differs.sum()), unexplained)
        clean &= ~differs.reshape(len(differs), -1).any(axis=1)


def _row(one: BackendParity) -> list[str]:
    shares = ["" if share is None else f"{share:.1%}" for share in (one.accuracy, one.agreement)]
    spikes = sum(layer.spikes for layer in one.layers)
    counts = [f"{value:,}" for value in (spikes, one.different, one.unexplained)]
    return [one.backend, *counts, *shares, f"{one.output_difference:.1e}", *_times(one)]


def _times(one: BackendParity) -> list[str]:
    used = 1e6 * one.processor_seconds / one.num_values
    return [f"{one.start_seconds:.1f}", f"{one.run_seconds:.1f}", f"{one.microseconds:.1f}", f"{used:.1f}"]


def _cell(layer: LayerParity) -> str:
    if layer.different == 0:
        return "equal"
    more, unexplained = layer.spikes - layer.expected, f", {layer.unexplained} no tie" if layer.unexplained else ""
    return f"{more:+,} in {layer.different:,} neurons{unexplained}"
