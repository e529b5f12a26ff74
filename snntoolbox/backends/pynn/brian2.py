"""Brian2 through pyNN, with a cell type of its own: those of pyNN compare with > and lose input in a spike's step."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from typing import Any

import brian2 as b2
import numpy as np
from numpy.typing import NDArray
from pyNN import brian2 as sim
from pyNN.brian2.cells import BaseNeuronGroup
from pyNN.models import BaseCellType

from snntoolbox.backends.pynn.driver import Driver, Handle, Neurons, Spikes
from snntoolbox.backends.record import Array

__all__ = ["PyNNBrian2Driver"]

_RESETS = {"subtract": "v -= theta", "zero": "v = 0", "modulo": "v = v % theta"}


class PyNNBrian2Driver(Driver):
    """Populations by pyNN; synapses by Brian2's own call on arrays, since pyNN's takes 100 times as long."""

    def __init__(self, dt_ms: float, max_delay: int, settings: Any) -> None:
        super().__init__(dt_ms, max_delay, settings)
        self._target, b2.prefs["codegen.target"] = b2.prefs["codegen.target"], "numpy"
        sim.setup(timestep=dt_ms, min_delay=dt_ms, max_delay=max_delay * dt_ms)
        self._network = sim.simulator.state.network
        self._spikes: dict[int, Any] = {}
        self._curves: dict[int, Any] = {}

    def neurons(self, neurons: Neurons) -> Handle:
        """Make a population of neurons."""
        group = sim.Population(len(neurons), _cell_type(neurons)(theta=neurons.threshold)).brian2_group
        group.theta = neurons.threshold
        return group

    def sources(self, times: list[NDArray[np.int64]]) -> Handle:
        """Make a population that fires at given times."""
        neurons = np.repeat(np.arange(len(times)), [len(one) for one in times])
        group = b2.SpikeGeneratorGroup(
            len(times), neurons, np.concatenate(times) * self.dt_ms * b2.ms, clock=self._network.clock
        )
        self._network.add(group)
        return group

    def connect(
        self, source: Handle, target: Handle, pre: NDArray[np.int64], post: NDArray[np.int64], weight: Array, delay: int
    ) -> None:
        """Make synapses. Brian2 delivers after the update of a step, so one step of the delay has passed already."""
        synapses = b2.Synapses(source, target, "w : 1 (constant)", on_pre="z_post += w", clock=self._network.clock)
        synapses.connect(i=pre, j=post)
        synapses.w = weight
        synapses.pre.delay = (delay - 1) * self.dt_ms * b2.ms
        self._network.add(synapses)

    def record_spikes(self, target: Handle) -> None:
        """Ask for spikes."""
        self._spikes[id(target)] = monitor = b2.SpikeMonitor(target)
        self._network.add(monitor)

    def record_potentials(self, target: Handle) -> None:
        """Ask for potentials."""
        monitor = b2.StateMonitor(target, "v", record=True, when="end", clock=self._network.clock)
        self._curves[id(target)] = monitor
        self._network.add(monitor)

    def run(self, duration: int, stops: Mapping[int, list[Handle]]) -> list[tuple[Handle, Array]]:
        """Simulate, with a halt wherever potentials are wanted. Brian2's first step is at time 0."""
        reached = []
        for time in sorted({*stops, duration}):
            sim.run_until((time + 1) * self.dt_ms)
            reached += [(target, np.array(target.v[:])) for target in stops.get(time, ())]
        return reached

    def spikes(self, target: Handle) -> Spikes:
        """Return recorded spikes."""
        monitor = self._spikes[id(target)]
        times = np.rint(np.asarray(monitor.t_[:]) * 1000 / self.dt_ms).astype(np.int64)
        return Spikes(times, np.asarray(monitor.i[:], np.int64))

    def potentials(self, target: Handle) -> Array:
        """Return recorded potentials."""
        return np.asarray(self._curves[id(target)].v[:]).T[1:]

    def close(self) -> None:
        """Let go of the network, and put back what the user had."""
        b2.prefs["codegen.target"] = self._target
        sim.end()
        sim.simulator.state.clear()
        self._network = None
        self._spikes.clear()
        self._curves.clear()
        gc.collect()  # Brian2's objects know each other in circles, and synapses are large.


class _Group(BaseNeuronGroup):  # type: ignore[misc]
    """A Brian2 group as pyNN makes it, with the update of the rate code's neurons."""

    neurons: Neurons

    def __init__(self, size: int, equations: str, **parameters: Any) -> None:
        neurons = self.neurons
        reset, threshold, before, current = _RESETS[neurons.reset], "v >= theta", "", "z"
        if neurons.refractory_steps:
            reset += f"\nleft = {neurons.refractory_steps}"
            threshold += " and active > 0"
            before = f"active = int(left <= 0)\nleft = clip(left - 1, 0, {neurons.refractory_steps})\n"
            current = "active * z"
        b2.NeuronGroup.__init__(
            self, size, equations, threshold=threshold, reset=reset, clock=sim.simulator.state.network.clock
        )
        self.add_attribute("initial_values")
        self.initial_values: dict[str, Array] = {}
        self.run_regularly(f"{before}v = {neurons.leak_factor!r} * v + {current}\nz = 0", when="groups")


def _cell_type(neurons: Neurons) -> type[BaseCellType]:
    """Return the pyNN cell type of a population; its resets and periods are part of its equations."""

    class Cell(BaseCellType):  # type: ignore[misc]
        default_parameters = {"theta": 1.0}  # noqa: RUF012 (pyNN declares it so)
        default_initial_values: dict[str, float] = {}  # noqa: RUF012
        recordable = ("spikes", "v")
        eqs = "v : 1\nz : 1\ntheta : 1\nleft : 1\nactive : 1"
        brian2_model = type("Group", (_Group,), {"neurons": neurons})

    return Cell
