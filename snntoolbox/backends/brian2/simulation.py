"""A network of Brian2 with its state: runs batches, with one network kept for all batches of the same size."""

from __future__ import annotations

import gc
import itertools
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import brian2 as b2
import numpy as np

from snntoolbox.backends.base import RawRecord
from snntoolbox.backends.brian2.backend import Target
from snntoolbox.backends.brian2.network import BatchNetwork, State
from snntoolbox.backends.brian2.populations import Population
from snntoolbox.backends.events import SpikeEvents
from snntoolbox.backends.parts import PartedSimulation
from snntoolbox.backends.record import Array, Probes
from snntoolbox.codes import Stimulus
from snntoolbox.ir import Graph
from snntoolbox.ir.ops import Spiking
from snntoolbox.neurons import NeuronModel

__all__ = ["Brian2Simulation"]

_numbers = itertools.count()


class Brian2Simulation(PartedSimulation):
    """A graph as a Brian2 network, built at the first run, when it is known which inputs are constant currents."""

    def __init__(self, graph: Graph, *, batch_size: int, dt_ms: float, seed: int, target: Target) -> None:
        super().__init__(graph, batch_size=batch_size, dt_ms=dt_ms, seed=seed)
        self._target = target
        self._body = self.head.body
        self._prefix = f"snn{next(_numbers)}"
        self._network: BatchNetwork | None = None
        self._states: dict[int, State] = {}
        self._directory: Any = None

    def close(self) -> None:
        """Let go of the network, and of the folder of a compiled program."""
        self._network = None
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = None
        super().close()

    def _reset(self) -> None:
        self._states = {}

    def _run_part(self, part: int, stimuli: Mapping[str, Stimulus], num_steps: int, probes: Probes) -> RawRecord:
        batch = len(next(iter(stimuli.values())))
        inputs = {name: np.asarray(next(one.frames(1))) for name, one in stimuli.items() if one.constant}
        frames = {name: one.frames(num_steps, self.seed) for name, one in stimuli.items() if not one.constant}
        compiled = self._target == "cpp_standalone"
        with _device(self._target):
            network = self._prepare(batch, frozenset(inputs), self._prefix if compiled else None)
            network.start(self._states.get(part, {}), frozenset(self.head.readouts))
            network.begin_run(inputs)
            monitors = _Monitors(network, self.head.readouts, probes)
            namespace = network.compiled_parts(frames) if compiled else {}
            parts = [*([] if compiled else network.python_parts(frames)), *monitors.objects]
            network.network.add(parts)
            network.network.run(num_steps * network.clock.dt, namespace=namespace)
            if compiled:
                self._build_program()
            else:
                network.network.remove(parts)
            self._states[part] = network.state()
            return monitors.result(self._models(), num_steps)

    def _prepare(self, batch: int, constant: frozenset[str], prefix: str | None) -> BatchNetwork:
        """Return the network for a part: the one that exists if it is of this size, but each program needs its own."""
        network = self._network
        if prefix is None and network is not None and (network.batch, network.constant) == (batch, constant):
            return network
        if network is not None:
            self._network = network = None
            gc.collect()  # Brian2's objects know each other in circles; their names are free only when they are gone.
        prefix = prefix or f"{self._prefix}_{next(_numbers)}"
        made = BatchNetwork(self._body, batch, self.dt_ms, self._connections(constant), constant, prefix)
        self._network = made
        return made

    def _build_program(self) -> None:
        """Write, compile and run a program. What has not changed since the run before is not compiled again."""
        self._directory = self._directory or tempfile.TemporaryDirectory(prefix="snntoolbox-brian2-")
        b2.device.build(directory=self._directory.name, clean=False, with_output=False)

    def _models(self) -> dict[str, NeuronModel]:
        return {node.name: node.op.model for node in self._body.nodes if isinstance(node.op, Spiking)}


class _Monitors:
    """What is recorded in one run, by Brian2's monitors where a probe asks for more than counts."""

    def __init__(self, network: BatchNetwork, readouts: tuple[str, ...], probes: Probes) -> None:
        self._network, self._readouts, self._probes = network, readouts, probes
        self._begin = float(network.network.t_)
        populations = network.populations
        firing = [n for n in (*probes.spikes, *probes.totals, *readouts) if _has(populations[n], "count")]
        over_time = [*probes.potentials, *(readouts if probes.outputs_over_time else ())]
        self._spikes = {
            n: b2.SpikeMonitor(populations[n].group, variables=["x"] if _has(populations[n], "x") else None)
            for n in dict.fromkeys(firing)
        }
        self._potentials = {
            n: b2.StateMonitor(populations[n].group, "v", record=True, when="end", clock=network.clock)
            for n in dict.fromkeys(over_time)
        }

    @property
    def objects(self) -> list[Any]:
        """The monitors."""
        return [*self._spikes.values(), *self._potentials.values()]

    def result(self, models: Mapping[str, NeuronModel], num_steps: int) -> RawRecord:
        """Return everything that was recorded."""
        counts = {name: self._counts(name) for name in models}
        events = {name: self._events(name, num_steps) for name in self._spikes}
        silent = {n: self._silence(n, num_steps) for n in models if n not in events}
        return RawRecord(
            readouts={name: self._readout(name, models[name], events, num_steps) for name in self._readouts},
            spike_counts=counts,
            messages={n: self._sent(n) * getattr(model, "message_size", 0.0) for n, model in models.items()},
            spike_trains={n: (events.get(n) or silent[n]).trains() for n in self._probes.spikes},
            potentials={n: self._potential(n) for n in self._probes.potentials},
            totals={n: (events.get(n) or silent[n]).totals(w) for n, w in self._probes.totals.items()},
        )

    def _counts(self, name: str) -> Array:
        population = self._network.populations[name]
        if _has(population, "count"):
            return population.get("count").astype(np.int64)
        return np.zeros(population.shape, np.int64)

    def _sent(self, name: str) -> Array:
        """Return the signed number of spikes of each neuron."""
        population = self._network.populations[name]
        return population.get("net") if _has(population, "net") else self._counts(name)

    def _events(self, name: str, num_steps: int) -> SpikeEvents:
        monitor, dt = self._spikes[name], float(self._network.clock.dt_)
        population = self._network.populations[name]
        steps = np.rint((np.asarray(monitor.t_[:]) - self._begin) / dt).astype(np.int64) + 1
        signs = np.asarray(monitor.x[:]) if _has(population, "x") else None
        return SpikeEvents(steps, np.asarray(monitor.i[:]), num_steps, population.shape, signs)

    def _silence(self, name: str, num_steps: int) -> SpikeEvents:
        none = np.zeros(0, np.int64)
        return SpikeEvents(none, none, num_steps, self._network.populations[name].shape)

    def _potential(self, name: str) -> Array:
        return np.asarray(self._potentials[name].v[:]).T.reshape(-1, *self._network.populations[name].shape).copy()

    def _readout(self, name: str, model: NeuronModel, events: Mapping[str, SpikeEvents], num_steps: int) -> Array:
        """Return the potential or the sum of messages, of each step or of the last."""
        if model.readout == "potential":
            if self._probes.outputs_over_time:
                return self._potential(name)
            return self._network.populations[name].get("v")[None]
        size = getattr(model, "message_size", 1.0)
        if self._probes.outputs_over_time:
            return np.asarray(events[name].sent() * size)
        return np.asarray(self._sent(name)[None] * size)


def _has(population: Population, variable: str) -> bool:
    return variable in population.group.variables


@contextmanager
def _device(target: Target) -> Iterator[None]:
    """Let Brian2 generate code for a target, and put back what the user had."""
    before = b2.prefs["codegen.target"]
    try:
        if target == "cpp_standalone":
            b2.set_device("cpp_standalone", build_on_run=False)
            b2.device.reinit()
            b2.device.activate(build_on_run=False)
        else:
            b2.prefs["codegen.target"] = target
        yield
    finally:
        b2.prefs["codegen.target"] = before
        if target == "cpp_standalone":
            b2.set_device("runtime")
