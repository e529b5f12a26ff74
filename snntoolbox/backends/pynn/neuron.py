"""NEURON, by its own calls: artificial cells that look at their input once a step, and connections between them.

pyNN would wrap each cell in a section and needs a compilation of all its mechanisms. Here time is counted in steps;
what arrives at a whole number is due half a step earlier, so the order of events in NEURON's queue does not matter.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.pynn.driver import Driver, Handle, Neurons, Spikes
from snntoolbox.backends.pynn.mechanisms import compile_mechanisms
from snntoolbox.backends.record import Array

os.environ.setdefault("NEURON_MODULE_OPTIONS", "-nogui")  # Before the import: NEURON looks for a display.

from neuron import h

__all__ = ["NeuronDriver"]

NEVER = 1e300
"""Threshold of neurons that do not fire."""

_KINDS = {"subtract": 0, "zero": 1, "modulo": 2}


class NeuronDriver(Driver):
    """Populations are lists of cells."""

    def __init__(self, dt_ms: float, max_delay: int, settings: Any) -> None:
        super().__init__(dt_ms, max_delay, settings)
        if not hasattr(h, "SNNToolboxNeuron"):
            h.nrn_load_dll(str(compile_mechanisms()))
        h.load_file("stdrun.hoc")
        h.cvode_active(1)
        self._kept: list[Handle] = []  # NEURON removes a cell that Python has forgotten.
        self._connections: list[Any] = []
        self._events: list[tuple[Any, Array]] = []
        self._spikes: dict[int, tuple[Any, Any]] = {}
        self._curves: dict[int, tuple[Handle, list[Array]]] = {}
        self._start = h.FInitializeHandler(self._queue)

    def neurons(self, neurons: Neurons) -> Handle:
        """Make a population of neurons."""
        cells = [h.SNNToolboxNeuron() for _ in range(len(neurons))]
        self._kept.append(cells)
        for cell, threshold in zip(cells, np.minimum(neurons.threshold, NEVER), strict=True):
            cell.theta, cell.leak = threshold, neurons.leak_factor
            cell.kind, cell.refractory = _KINDS[neurons.reset], neurons.refractory_steps
        return cells

    def sources(self, times: list[NDArray[np.int64]]) -> Handle:
        """Make a population that fires at given times."""
        cells = [h.SNNToolboxSource() for _ in times]
        self._kept.append(cells)
        self._events += [(h.NetCon(None, cell), one) for cell, one in zip(cells, times, strict=True)]
        return cells

    def _queue(self) -> None:
        """Put the events of the sources into NEURON's queue, once it has been emptied."""
        for connection, times in self._events:
            for time in times:
                connection.event(float(time))

    def connect(
        self, source: Handle, target: Handle, pre: NDArray[np.int64], post: NDArray[np.int64], weight: Array, delay: int
    ) -> None:
        """Make synapses."""
        for i, j, w in zip(pre.tolist(), post.tolist(), weight.tolist(), strict=True):
            connection = h.NetCon(source[i], target[j])
            connection.delay = delay - 0.5
            connection.weight[0] = w
            self._connections.append(connection)

    def record_spikes(self, target: Handle) -> None:
        """Ask for spikes."""
        times, neurons = h.Vector(), h.Vector()
        for number, cell in enumerate(target):
            connection = h.NetCon(cell, None)
            connection.record(times, neurons, number)
            self._connections.append(connection)
        self._spikes[id(target)] = times, neurons

    def record_potentials(self, target: Handle) -> None:
        """Ask for potentials."""
        self._curves[id(target)] = target, []

    def run(self, duration: int, stops: Mapping[int, list[Handle]]) -> list[tuple[Handle, Array]]:
        """Simulate, with a halt wherever potentials are wanted."""
        reached = []
        h.finitialize()
        for time in range(1, duration + 1) if self._curves else sorted({*stops, duration}):
            h.continuerun(time + 0.25)
            reached += [(target, _potentials(target)) for target in stops.get(time, ())]
            for target, rows in self._curves.values():
                rows.append(_potentials(target))
        return reached

    def spikes(self, target: Handle) -> Spikes:
        """Return recorded spikes."""
        times, neurons = self._spikes[id(target)]
        return Spikes(*(np.rint(np.asarray(one.to_python(), np.float64)).astype(np.int64) for one in (times, neurons)))

    def potentials(self, target: Handle) -> Array:
        """Return recorded potentials."""
        return np.stack(self._curves[id(target)][1])

    def close(self) -> None:
        """Let go of the network."""
        self._connections.clear()
        self._kept.clear()
        self._events.clear()
        self._spikes.clear()
        self._curves.clear()
        self._start = None
        h.cvode_active(0)


def _potentials(target: Handle) -> Array:
    return np.array([cell.potential for cell in target])
