"""NEST: neurons and synapses by NEST's own calls on arrays; pyNN sets up and runs the kernel.

pyNN makes a Python object for each cell and takes synapses as a list of tuples, which is 10 to 50 times slower.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.pynn.driver import Driver, Handle, Neurons, Spikes
from snntoolbox.backends.record import Array
from snntoolbox.errors import SimulationError

os.environ.setdefault("PYNEST_QUIET", "1")  # Before the import: NEST greets on standard output.

with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)  # pyNN misses a compiler for extensions that are not needed here.
    import nest
    from pyNN import nest as sim

__all__ = ["NestDriver"]

NEVER = 1e300
"""Threshold of neurons that do not fire."""

NO_LEAK = 1e17
"""Membrane time constant in ms at which the decay of a step rounds to 1. A current I_e would then do nothing."""


class NestDriver(Driver):
    """Neurons of type ``eprop_iaf``, which subtracts its threshold, or ``iaf_psc_delta``, which resets to zero."""

    def __init__(self, dt_ms: float, max_delay: int, settings: Any) -> None:
        super().__init__(dt_ms, max_delay, settings)
        if _num_processes() > 1:
            raise SimulationError(
                f"NEST runs on {_num_processes()} MPI processes, but every process would simulate and write all "
                "results; start without mpirun and set [nest] threads"
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # pyNN calls functions of NEST by names that NEST deprecates.
            sim.setup(
                timestep=dt_ms,
                min_delay=dt_ms,
                max_delay=max_delay * dt_ms,
                threads=settings.threads,
                spike_precision="on_grid",
                verbosity="error",
            )
        self._spikes: dict[int, Any] = {}
        self._curves: dict[int, Any] = {}

    def neurons(self, neurons: Neurons) -> Handle:
        """Make a population of neurons."""
        leak = neurons.leak_factor
        parameters = {
            "V_th": np.minimum(neurons.threshold, NEVER),
            "V_m": 0.0,
            "E_L": 0.0,
            "t_ref": neurons.refractory_steps * self.dt_ms,
            "tau_m": NO_LEAK if leak == 1 else -self.dt_ms / np.log(leak),
        }
        if neurons.reset == "zero":
            return nest.Create("iaf_psc_delta", len(neurons), parameters | {"V_reset": 0.0})
        return nest.Create("eprop_iaf", len(neurons), parameters)

    def sources(self, times: list[NDArray[np.int64]]) -> Handle:
        """Make a population that fires at given times."""
        return nest.Create(
            "spike_train_injector", len(times), params=[{"spike_times": one * self.dt_ms} for one in times]
        )

    def connect(
        self, source: Handle, target: Handle, pre: NDArray[np.int64], post: NDArray[np.int64], weight: Array, delay: int
    ) -> None:
        """Make synapses."""
        synapses = {
            "synapse_model": "static_synapse",
            "weight": np.asarray(weight, np.float64),
            "delay": np.full(len(weight), delay * self.dt_ms),
        }
        nest.Connect(_first(source) + pre, _first(target) + post, "one_to_one", synapses)

    def record_spikes(self, target: Handle) -> None:
        """Ask for spikes."""
        self._spikes[id(target)] = recorder = nest.Create("spike_recorder")
        nest.Connect(target, recorder)

    def record_potentials(self, target: Handle) -> None:
        """Ask for potentials."""
        self._curves[id(target)] = self._multimeter(target)

    def _multimeter(self, target: Handle, **window: float) -> Any:
        meter = nest.Create("multimeter", {"record_from": ["V_m"], "interval": self.dt_ms, **window})
        nest.Connect(meter, target)
        return meter

    def run(self, duration: int, stops: Mapping[int, list[Handle]]) -> list[tuple[Handle, Array]]:
        """Simulate."""
        meters = [
            (target, self._multimeter(target, start=(time - 1) * self.dt_ms, stop=time * self.dt_ms))
            for time, targets in stops.items()
            for target in targets
        ]
        sim.run(duration * self.dt_ms)
        return [(target, self._values(target, meter)[0]) for target, meter in meters]

    def _values(self, target: Handle, meter: Any) -> Array:
        """Return what a multimeter has recorded, shape (times, neurons)."""
        events = meter.events
        times, neurons = self._steps(events["times"]), np.asarray(events["senders"]) - _first(target)
        values = np.empty((len(times) // len(target), len(target)))
        values[times - times.min(), neurons] = events["V_m"]
        return values

    def _steps(self, times: Array) -> NDArray[np.int64]:
        return np.rint(np.asarray(times) / self.dt_ms).astype(np.int64)

    def spikes(self, target: Handle) -> Spikes:
        """Return recorded spikes."""
        events = self._spikes[id(target)].events
        return Spikes(self._steps(events["times"]), np.asarray(events["senders"], np.int64) - _first(target))

    def potentials(self, target: Handle) -> Array:
        """Return recorded potentials."""
        return self._values(target, self._curves[id(target)])

    def close(self) -> None:
        """Let go of the network."""
        sim.end()
        nest.ResetKernel()


def _first(population: Handle) -> int:
    """Return the lowest identifier of a population; the others follow it."""
    return int(population[0].global_id)


def _num_processes() -> int:
    return int(nest.num_processes)
