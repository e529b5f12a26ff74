"""A run of a graph in a simulator whose spikes take at least one step to arrive.

A layer of depth d (the longest way to it has d synapses) runs d steps late: what the reference does in step k, it does
at time k + d. Synapses that skip layers have longer delays, so that all branches of a sum meet. Constant currents are
spikes of a source that fires in every step, with a delay of d; the potential at the start is a spike of a source that
fires once. So nothing happens in a layer before its first step, and its last step is at time num_steps + d.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from snntoolbox.backends.base import RawRecord
from snntoolbox.backends.connections import Synapses, constant_current, depths
from snntoolbox.backends.events import SpikeEvents, spread
from snntoolbox.backends.parts import PartedSimulation
from snntoolbox.backends.pynn.driver import Driver, Handle, Neurons
from snntoolbox.backends.pynn.inputs import InputSpikes, read_spikes
from snntoolbox.backends.record import Array, Probes
from snntoolbox.codes import Stimulus
from snntoolbox.ir import Graph
from snntoolbox.ir.ops import Spiking
from snntoolbox.neurons import IntegrateAndFire, NeuronModel

__all__ = ["PyNNSimulation"]


class PyNNSimulation(PartedSimulation):
    """A graph, with the potentials of its neurons between runs. Each run makes a network of its own."""

    def __init__(
        self, graph: Graph, *, batch_size: int, dt_ms: float, seed: int, driver: type[Driver], settings: object
    ) -> None:
        super().__init__(graph, batch_size=batch_size, dt_ms=dt_ms, seed=seed)
        self._driver_type, self._settings = driver, settings
        self._body = self.head.body
        self._depths = depths(self._body)
        self._models: dict[str, NeuronModel] = {
            node.name: node.op.model for node in self._body.nodes if isinstance(node.op, Spiking)
        }
        self._potentials: dict[int, Mapping[str, Array]] = {}

    def _reset(self) -> None:
        self._potentials = {}

    def _run_part(self, part: int, stimuli: Mapping[str, Stimulus], num_steps: int, probes: Probes) -> RawRecord:
        batch = len(next(iter(stimuli.values())))
        constant = {name: next(one.frames(1)) for name, one in stimuli.items() if one.constant}
        spikes = {name: read_spikes(s.frames(num_steps, self.seed)) for name, s in stimuli.items() if not s.constant}
        deepest = max(self._depths.values())
        driver = self._driver_type(self.dt_ms, deepest, self._settings)
        try:
            run = _Run(self._body, self._models, self._depths, batch, driver)
            run.connect_layers(spikes, self._connections(frozenset(constant)))
            run.connect_currents({n: self._currents(n, batch, constant) for n in run.layers}, num_steps)
            run.connect_starts({n: self._start(part, n, batch) for n in run.layers})
            curves = {*probes.potentials, *(self._potential_outputs() if probes.outputs_over_time else ())}
            run.record(curves)
            self._potentials[part] = run.go(num_steps, num_steps + deepest)
            return self._result(run, self._potentials[part], probes, num_steps)
        finally:
            driver.close()

    def _currents(self, name: str, batch: int, constant: Mapping[str, Array]) -> Array:
        current = constant_current(self._body, name, constant)
        return np.broadcast_to(current, (batch, *current.shape[1:])).ravel()

    def _start(self, part: int, name: str, batch: int) -> Array:
        """Return the potential that each neuron starts from."""
        shape, model = (batch, *self._body.shapes[name]), self._models[name]
        if part in self._potentials and name not in self.head.readouts:
            return self._potentials[part][name].ravel()
        return model.init_state(shape)["potential"].ravel()

    def _potential_outputs(self) -> list[str]:
        return [name for name in self.head.readouts if self._models[name].readout == "potential"]

    def _result(self, run: _Run, potentials: Mapping[str, Array], probes: Probes, num_steps: int) -> RawRecord:
        events = {name: run.events(name, num_steps) for name in self._models}
        counts = {name: one.counts() for name, one in events.items()}
        sizes = {name: getattr(model, "message_size", 0.0) for name, model in self._models.items()}
        readouts = {}
        for name in self.head.readouts:
            if self._models[name].readout == "potential":
                curve = run.curve(name, num_steps) if probes.outputs_over_time else potentials[name][None]
            elif probes.outputs_over_time:
                curve = np.asarray(events[name].sent() * sizes[name])
            else:
                curve = np.asarray(counts[name][None] * sizes[name])
            readouts[name] = curve
        return RawRecord(
            readouts=readouts,
            spike_counts=counts,
            messages={name: counts[name] * sizes[name] for name in counts},
            spike_trains={name: events[name].trains() for name in probes.spikes},
            potentials={name: run.curve(name, num_steps) for name in probes.potentials},
            totals={name: events[name].totals(weight) for name, weight in probes.totals.items()},
        )


class _Run:
    """One network for a batch: sample b has the neurons from b * N to (b + 1) * N of each layer."""

    def __init__(
        self, body: Graph, models: Mapping[str, NeuronModel], depths: Mapping[str, int], batch: int, driver: Driver
    ) -> None:
        self._body, self._models, self._depths, self._batch, self._driver = body, models, depths, batch, driver
        self.layers: dict[str, Handle] = {n: driver.neurons(_neurons(m, self.shape(n))) for n, m in models.items()}

    def shape(self, name: str) -> tuple[int, ...]:
        """Return (batch, *layer shape)."""
        return (self._batch, *self._body.shapes[name])

    def connect_layers(self, spikes: Mapping[str, InputSpikes], connections: Mapping[str, Sequence[Synapses]]) -> None:
        """Make the synapses between layers, and from input that spikes."""
        inputs = {name: self._driver.sources(one.times) for name, one in spikes.items() if one.times}
        for name, handle in self.layers.items():
            for one in connections[name]:
                many = one.repeat(self._batch, self._body.size(one.source), self._body.size(name))
                if one.source in spikes:
                    many, source = spikes[one.source].synapses(many), inputs.get(one.source)
                    weight = many.weight
                else:
                    source = self.layers[one.source]
                    size = getattr(self._models[one.source], "message_size", 0.0)
                    weight = many.weight * spread(size, self.shape(one.source))[many.pre]
                delay = self._depths[name] - self._depths[one.source]
                if len(many):
                    self._driver.connect(source, handle, many.pre, many.post, weight, delay)

    def connect_currents(self, currents: Mapping[str, Array], num_steps: int) -> None:
        """Give each neuron its constant current, as spikes of a source that fires in every step."""
        self._connect_clock(np.arange(1, num_steps + 1), currents)

    def connect_starts(self, starts: Mapping[str, Array]) -> None:
        """Give each neuron what its potential at the start leaves in the first step."""
        self._connect_clock(
            np.ones(1, np.int64), {n: v * getattr(self._models[n], "leak_factor", 1.0) for n, v in starts.items()}
        )

    def _connect_clock(self, times: Array, charges: Mapping[str, Array]) -> None:
        clock = self._driver.sources([times])
        for name, charge in charges.items():
            (post,) = np.nonzero(charge)
            if len(post):
                pre = np.zeros(len(post), np.int64)
                self._driver.connect(clock, self.layers[name], pre, post, charge[post], self._depths[name])

    def record(self, curves: set[str]) -> None:
        """Ask for the spikes of all layers that fire, and for the potentials of some."""
        for name, handle in self.layers.items():
            if self._models[name].spiking:
                self._driver.record_spikes(handle)
            if name in curves:
                self._driver.record_potentials(handle)

    def go(self, num_steps: int, duration: int) -> dict[str, Array]:
        """Simulate; return the potential of each layer after its last step, shape (batch, *layer shape)."""
        stops: dict[int, list[str]] = {}
        for name in self.layers:
            stops.setdefault(num_steps + self._depths[name], []).append(name)
        reached = self._driver.run(duration, {t: [self.layers[n] for n in names] for t, names in stops.items()})
        names = {id(handle): name for name, handle in self.layers.items()}
        found = {names[id(handle)]: values for handle, values in reached}
        return {name: values.reshape(self.shape(name)) for name, values in found.items()}

    def events(self, name: str, num_steps: int) -> SpikeEvents:
        """Return the spikes of a layer in its own steps."""
        if not self._models[name].spiking:
            none = np.zeros(0, np.int64)
            return SpikeEvents(none, none, num_steps, self.shape(name))
        spikes = self._driver.spikes(self.layers[name])
        steps = spikes.times - self._depths[name]
        inside = (steps >= 1) & (steps <= num_steps)
        return SpikeEvents(steps[inside], spikes.neurons[inside], num_steps, self.shape(name))

    def curve(self, name: str, num_steps: int) -> Array:
        """Return the potential of a layer after each of its steps, shape (steps, batch, *layer shape)."""
        start = self._depths[name]
        values = self._driver.potentials(self.layers[name])[start : start + num_steps]
        return values.reshape(num_steps, *self.shape(name))


def _neurons(model: NeuronModel, shape: tuple[int, ...]) -> Neurons:
    if isinstance(model, IntegrateAndFire):
        return Neurons(spread(model.threshold, shape), model.reset, model.refractory_steps, model.leak_factor)
    return Neurons(spread(np.inf, shape))
