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
from snntoolbox.backends.pynn.processes import arrange
from snntoolbox.backends.record import Array
from snntoolbox.errors import SimulationError

os.environ.setdefault("PYNEST_QUIET", "1")  # Before the import: NEST greets on standard output.

with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)  # pyNN misses a compiler for extensions that are not needed here.
    import nest
    from pyNN import nest as sim

__all__ = ["NestDriver", "process_number"]

NEVER = 1e300
"""Threshold of neurons that do not fire."""

NO_LEAK = 1e17
"""Membrane time constant in ms at which the decay of a step rounds to 1. A current I_e would then do nothing."""


class NestDriver(Driver):
    """Neurons of type ``eprop_iaf``, which subtracts its threshold, or ``iaf_psc_delta``, which resets to zero."""

    def __init__(self, dt_ms: float, max_delay: int, settings: Any) -> None:
        super().__init__(dt_ms, max_delay, settings)
        _check_processes(settings.processes)
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
        leak, thresholds = neurons.leak_factor, np.minimum(neurons.threshold, NEVER)
        parameters = {
            "V_th": float(thresholds.max()),
            "V_m": 0.0,
            "E_L": 0.0,
            "t_ref": neurons.refractory_steps * self.dt_ms,
            "tau_m": NO_LEAK if leak == 1 else -self.dt_ms / np.log(leak),
        }
        model = "eprop_iaf"
        if neurons.reset == "zero":
            model, parameters = "iaf_psc_delta", parameters | {"V_reset": 0.0}
        made = nest.Create(model, len(neurons), parameters)
        if np.any(thresholds != parameters["V_th"]):
            # One by one: of several MPI processes, only the one that has the first neuron would take an array.
            made.set([{"V_th": float(value)} for value in thresholds])
        return made

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
        return [(target, self._values(target, meter)[0]) for target, meter in self.simulate(duration, stops)]

    def simulate(self, duration: int, stops: Mapping[int, list[Handle]]) -> list[tuple[Handle, Any]]:
        """Simulate; return each population of ``stops`` with the multimeter that measured it."""
        meters = [
            (target, self._multimeter(target, start=(time - 1) * self.dt_ms, stop=time * self.dt_ms))
            for time, targets in stops.items()
            for target in targets
        ]
        sim.run(duration * self.dt_ms)
        return meters

    def measured(self, target: Handle, meter: Any) -> tuple[Array, Array, Array]:
        """Return what a multimeter has recorded in this process: times, neurons and their potentials."""
        events = meter.events
        neurons = np.asarray(events["senders"], np.int64) - _first(target)
        return self._steps(events["times"]), neurons, np.asarray(events["V_m"])

    def curve(self, target: Handle) -> tuple[Array, Array, Array]:
        """Return the recorded potentials of the neurons in this process, as `measured` does."""
        return self.measured(target, self._curves[id(target)])

    def _values(self, target: Handle, meter: Any) -> Array:
        return arrange(*self.measured(target, meter), len(target))

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


def process_number() -> int:
    """Return the number of this MPI process, from 0."""
    return int(nest.Rank())


def _num_processes() -> int:
    return int(nest.num_processes)


def _check_processes(expected: int) -> None:
    """Refuse to run on another number of processes than the settings say.

    Raises:
        SimulationError: The toolbox was started by ``mpirun``, or NEST cannot use MPI.
    """
    number = _num_processes()
    if number > expected:
        raise SimulationError(
            f"NEST runs on {number} MPI processes, but each of them would do and write everything; start without "
            f"mpirun and set [nest] processes = {number}, which starts them for NEST alone"
        )
    if number < expected:
        why = "" if nest.build_info["have_mpi"] else " This NEST was built without MPI, as all that pip installs are."
        raise SimulationError(
            f"NEST was to run on {expected} MPI processes, but knows of {number}.{why} Set [nest] processes = 1 and "
            "use threads, or use a NEST that was built with the MPI of [nest] launcher"
        )
