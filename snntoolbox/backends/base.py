"""The contract between the toolbox and a simulator: a backend compiles a graph, a simulation runs it.

A third party writes one `Backend` and one `Simulation`, registers the backend under the entry point
``snntoolbox.backends``, and runs `snntoolbox.testing.check_backend` on it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.head import Head, split_head
from snntoolbox.backends.readout import EarlyExit, first_read_step, since
from snntoolbox.backends.record import Array, Probes, Record
from snntoolbox.codes import SpikeCode, Stimulus
from snntoolbox.errors import Problem, SimulationError, UnsupportedError
from snntoolbox.ir import Graph
from snntoolbox.ir.ops import OPS, Input, Spiking
from snntoolbox.neurons import MODELS, WindowedNeuron
from snntoolbox.passes.base import Pass
from snntoolbox.registry import CODES

__all__ = ["Backend", "Capabilities", "CompileProgress", "RawRecord", "Simulation", "decided_at"]

CompileProgress = Callable[[str, int, int], None]
"""Called with what comes next, its number from 1, and how many there are."""


@dataclass(frozen=True)
class Capabilities:
    """What a backend can run. The defaults are everything the package defines.

    Attributes:
        codes: Spike codes, by registered name.
        ops: Ops, by class name; neurons and input are always needed.
        neurons: Neuron models, by class name.
        potentials: Whether membrane potentials can be probed.
        exact: Whether spike counts equal the reference's bit for bit (float64 or integer arithmetic), or up to ties of
            float32.
        deviations: Check of `snntoolbox.testing.check_backend` -> reason why it is known to fail here.
    """

    codes: frozenset[str] = frozenset({"rate"})
    ops: frozenset[str] = frozenset(OPS)
    neurons: frozenset[str] = frozenset(MODELS)
    potentials: bool = True
    exact: bool = False
    deviations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class RawRecord:
    """What a simulator measured, before decoding; shapes as in `Record`.

    Attributes:
        readouts: Readout layer -> potential or sum of messages after each step, shape (steps, batch, *shape); only the
            last step (steps = 1) if outputs over time are not asked for.
        spike_counts, messages, spike_trains, potentials, totals: As in `Record`.
        decisions: Readout layer whose model ``decides`` -> its state ``decision`` at the end, shape (batch, ..., 1).
        times: Layer whose messages are ``held`` -> its state ``time`` at the end, shape (batch, *shape).
    """

    readouts: Mapping[str, Array]
    spike_counts: Mapping[str, Array]
    messages: Mapping[str, Array]
    spike_trains: Mapping[str, Array] = field(default_factory=dict)
    potentials: Mapping[str, Array] = field(default_factory=dict)
    totals: Mapping[str, Array] = field(default_factory=dict)
    decisions: Mapping[str, Array] = field(default_factory=dict)
    times: Mapping[str, Array] = field(default_factory=dict)


class Backend(ABC):
    """A simulator. Concrete backends set the class attributes and implement `compile`.

    Attributes:
        name: Registered name, which is also the name of the backend's section in the INI file.
        capabilities: What it can run.
        settings_type: Pydantic model of the backend's own INI section, or None if it has none.
        settings: An instance of it.
        wants_samples: How many samples of the input `prepare` can use.
    """

    name: ClassVar[str]
    wants_samples: ClassVar[int] = 0
    capabilities: ClassVar[Capabilities] = Capabilities()
    settings_type: ClassVar[type[Any] | None] = None

    def __init__(self, settings: Any = None) -> None:
        if settings is None and self.settings_type is not None:
            settings = self.settings_type()
        self.settings = settings

    @classmethod
    def why_unavailable(cls) -> str | None:
        """Return what is missing and how to get it, or None if the backend can be used."""
        return None

    def passes(self) -> tuple[Pass, ...]:
        """Return rewrites for this target, run after all others."""
        return ()

    def prepare(self, samples: Mapping[str, Array] | None = None, progress: CompileProgress | None = None) -> None:
        """Take what helps to compile; by default nothing is done with it.

        Args:
            samples: Input -> values of normalisation samples, shape (num_samples, *shape), if `wants_samples`.
            progress: Told how far a compilation is, if it takes long.
        """
        del samples, progress

    def check(self, graph: Graph) -> list[Problem]:
        """Return every node of a converted graph that this backend refuses."""
        can = self.capabilities
        problems = []
        code = graph.attributes.get("spike_code")
        if code is None:
            return [Problem("graph", "it has no neurons: it has not been converted.", "Call convert() first.")]
        if CODES.canonical(code) not in can.codes:
            runs = f"This backend runs: {', '.join(sorted(can.codes))}."
            problems.append(Problem(f"backend {self.name}", f"spike code '{code}' is not supported.", runs))
        head = split_head(graph)
        unread = [graph[name] for name in head.readouts if not isinstance(graph[name].op, Spiking)]
        problems += [Problem(f"node {n}", "an output is read from it, but it is no layer of neurons.") for n in unread]
        for node in head.body.nodes:
            where = f"node {node}"
            if isinstance(node.op, Spiking):
                model = type(node.op.model).__name__
                if model not in can.neurons:
                    problems.append(Problem(where, f"neuron model {model} is not supported by {self.name}."))
            elif not isinstance(node.op, Input) and node.op.kind not in can.ops:
                problems.append(Problem(where, f"op {node.op.kind} is not supported by {self.name}."))
        return problems

    def compile(self, graph: Graph, *, batch_size: int, dt_ms: float = 1.0, seed: int = 0) -> Simulation:
        """Prepare a converted graph for simulation.

        Args:
            graph: A converted graph.
            batch_size: Largest number of samples in one run.
            dt_ms: Length of a time step in ms.
            seed: Seed of stochastic input and neurons.

        Raises:
            UnsupportedError: The backend refuses nodes of the graph; all are listed.
            SimulationError: A number is out of range.
        """
        problems = self.check(graph)
        if problems:
            raise UnsupportedError(f"backend '{self.name}' cannot simulate this graph:", problems)
        if batch_size < 1 or dt_ms <= 0:
            raise SimulationError(f"expected batch_size >= 1 and dt_ms > 0, got {batch_size} and {dt_ms}")
        return self._compile(graph, batch_size=batch_size, dt_ms=dt_ms, seed=seed)

    @abstractmethod
    def _compile(self, graph: Graph, *, batch_size: int, dt_ms: float, seed: int) -> Simulation:
        """Return the simulation of a graph that passed `check`."""


class Simulation(ABC):
    """A compiled network with its state. Use as a context manager, or call `close`.

    A run starts output layers, spike counts and max-pooling afresh; other neurons go on from where they are, so
    `reset` comes before a run that must not remember the sample before.
    """

    def __init__(self, graph: Graph, *, batch_size: int, dt_ms: float, seed: int) -> None:
        self.graph, self.batch_size, self.dt_ms, self.seed = graph, batch_size, dt_ms, seed
        self.head: Head = split_head(graph)
        self.code: type[SpikeCode] = CODES.load(graph.attributes["spike_code"])
        self.closed = False
        self._exit: EarlyExit | None = None
        self._read_after = 0

    def __enter__(self) -> Self:
        """Return the simulation."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the simulation."""
        self.close()

    def close(self) -> None:
        """Release what the simulator holds; nothing can be run afterwards."""
        self.closed = True

    @abstractmethod
    def reset(self) -> None:
        """Return every neuron to its initial state."""

    def details(self) -> Any:
        """Return what only this simulator knows of all runs so far, for its part of the report; None if nothing."""
        return None

    @abstractmethod
    def _run(self, stimuli: Mapping[str, Stimulus], num_steps: int, probes: Probes) -> RawRecord:
        """Simulate ``num_steps`` steps of a batch of at most `batch_size` samples."""

    def run(
        self,
        stimulus: Stimulus | Mapping[str, Stimulus],
        num_steps: int,
        probes: Probes | None = None,
        early_exit: EarlyExit | None = None,
    ) -> Record:
        """Simulate one batch.

        Args:
            stimulus: Input of the batch; for several inputs, a mapping from input node to stimulus.
            num_steps: Number of steps, >= 1.
            probes: What to record beyond counts and outputs.
            early_exit: Lets the run end once all samples are decided, if the backend can; the record has fewer steps
                then.

        Raises:
            SimulationError: The simulation is closed, or the input does not fit the network.
        """
        probes, self._exit = probes or Probes(), early_exit
        stimuli = self._check_run(stimulus, num_steps, probes)
        raw, num_steps = self._run_until_decided(stimuli, num_steps, probes)
        over_time = self._decode(raw, num_steps)
        decisions = decided_at(raw.decisions)
        return Record(
            num_steps=num_steps,
            dt_ms=self.dt_ms,
            outputs={name: values[-1] for name, values in over_time.items()},
            outputs_over_time=over_time if probes.outputs_over_time else {},
            spike_counts=raw.spike_counts,
            messages=raw.messages,
            spike_trains=raw.spike_trains,
            potentials=raw.potentials,
            totals=raw.totals,
            decisions=decisions,
            activations=self._activations(raw, decisions, num_steps) | self._sent(raw.messages),
        )

    @property
    def may_stop(self) -> bool:
        """Whether the run may end before its last step; see `decided`."""
        return self._exit is not None and self._exit.stop

    def decided(self, readouts: Mapping[str, Array]) -> bool:
        """Return whether all samples of the batch are decided, so that the run may end here.

        A backend that can end a run asks every few steps, and then returns a record of fewer steps.

        Args:
            readouts: As in `RawRecord`, of every step so far.
        """
        if self._exit is None or not self.may_stop:
            return False
        start, first = self._read_after, self.graph.outputs[0]
        delayed = {name: since(raw, start) for name, raw in readouts.items()}
        steps = range(1, len(next(iter(delayed.values()))) + 1)
        decoded = ({name: self.code.decode(raw[t - 1], t) for name, raw in delayed.items()} for t in steps)
        outputs = np.stack([self.head.apply(values)[first] for values in decoded])
        return bool(self._exit.steps(self.graph, outputs, start).all())

    def _run_until_decided(
        self, stimuli: Mapping[str, Stimulus], num_steps: int, probes: Probes
    ) -> tuple[RawRecord, int]:
        """Return what was measured, with outputs read from the start that the graph asks for, and the steps it took."""
        self._read_after = first_read_step(self.graph, num_steps)
        if not self._read_after and self._exit is None:
            return self._run(stimuli, num_steps, probes), num_steps
        raw = self._run(stimuli, num_steps, replace(probes, outputs_over_time=True))
        readouts = {name: since(one, self._read_after) for name, one in raw.readouts.items()}
        return replace(raw, readouts=readouts), len(next(iter(readouts.values())))

    def _check_run(
        self, stimulus: Stimulus | Mapping[str, Stimulus], num_steps: int, probes: Probes
    ) -> Mapping[str, Stimulus]:
        names = self.graph.inputs
        if self.closed:
            raise SimulationError("this simulation is closed; compile the graph again")
        if num_steps < 1:
            raise SimulationError(f"expected num_steps >= 1, got {num_steps}")
        stimuli = {names[0]: stimulus} if isinstance(stimulus, Stimulus) else stimulus
        if set(stimuli) != set(names):
            raise SimulationError(f"expected a stimulus for each of the inputs {names}, got {sorted(stimuli)}")
        for name, one in stimuli.items():
            if one.shape[1:] != self.graph.shapes[name] or not 1 <= len(one) <= self.batch_size:
                expected = f"1 to {self.batch_size} samples of shape {self.graph.shapes[name]}"
                raise SimulationError(f"input '{name}': expected {expected}, got an array of shape {one.shape}")
        if len({len(one) for one in stimuli.values()}) > 1:
            samples = {name: len(one) for name, one in stimuli.items()}
            raise SimulationError(f"expected as many samples for every input, got {samples}")
        probes.check(self.graph.neurons)
        return stimuli

    def _decode(self, raw: RawRecord, num_steps: int) -> dict[str, Array]:
        """Turn what was read from the output layers into outputs, shape (steps, batch, *shape)."""
        kept = len(next(iter(raw.readouts.values())))
        decoded = [
            self.head.apply({name: self._decode_layer(name, raw, i, step) for name in raw.readouts})
            for i, step in enumerate(range(num_steps - kept + 1, num_steps + 1))
        ]
        return {name: np.stack([values[name] for values in decoded]) for name in self.graph.outputs}

    def _decode_layer(self, name: str, raw: RawRecord, i: int, step: int) -> Array:
        """Return the values of an output layer after a step; where it has decided, they stay as they are."""
        until = raw.decisions.get(name)
        if until is None:
            return self.code.decode(raw.readouts[name][i], step)
        return self.code.decode(raw.readouts[name][i], np.where((until > 0) & (until < step), until, step))

    def _activations(self, raw: RawRecord, decisions: Array, num_steps: int) -> dict[str, Array]:
        """Return what the times of spikes stand for; what came after the decision does not count."""
        found = {}
        for name, until in raw.decisions.items():
            op = self.graph[name].op
            if isinstance(op, Spiking):
                found[name] = op.model.activation(raw.readouts[name][-1], np.where(until > 0, until, num_steps))
        for name, time in raw.times.items():
            op = self.graph[name].op
            if isinstance(op, Spiking):
                known = decisions if len(decisions) else np.zeros(len(time), np.int64)
                last = np.where(known > 0, known, num_steps)
                found[name] = op.model.activation(time, last.reshape(-1, *(1,) * (time.ndim - 1)))
        return found

    def _sent(self, messages: Mapping[str, Array]) -> dict[str, Array]:
        """Return the activations of layers that send one value in a window: the sum of its messages, not their mean."""
        ops = {name: self.graph[name].op for name in messages}
        windowed = [n for n, op in ops.items() if isinstance(op, Spiking) and isinstance(op.model, WindowedNeuron)]
        return {name: messages[name] for name in windowed}


def decided_at(decisions: Mapping[str, Array]) -> NDArray[np.int64]:
    """Return the step in which the last output of each sample decided, 0 where outputs have not all done so.

    Args:
        decisions: As in `RawRecord`.

    Returns:
        Shape (batch,); empty if no output decides.
    """
    if not decisions:
        return np.zeros(0, np.int64)
    every = np.concatenate([steps.reshape(len(steps), -1) for steps in decisions.values()], axis=1)
    return np.where(every.min(axis=1) > 0, every.max(axis=1), 0).astype(np.int64)
