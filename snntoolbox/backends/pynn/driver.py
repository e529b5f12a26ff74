"""What a simulator must do for a backend here: one driver makes one network, runs it once, and is thrown away.

Time is counted in steps. A spike sent at time n over a synapse of delay d is part of the update at time n + d, and a
neuron that crosses its threshold in that update has fired at time n + d. Delays are at least 1: no simulator here can
deliver a spike in the step in which it is sent. `snntoolbox.backends.pynn.simulation` makes up for that.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.record import Array
from snntoolbox.neurons.integrate_and_fire import Reset

__all__ = ["Driver", "Handle", "Neurons", "Spikes"]

Handle = Any
"""What a driver gives back for a population; only the driver looks into it."""


@dataclass(frozen=True, eq=False)
class Neurons:
    """A population of neurons; every potential starts at 0.

    Attributes:
        threshold: Of each neuron; infinite where it never fires.
        reset, refractory_steps, leak_factor: As in `snntoolbox.neurons.IntegrateAndFire`.
    """

    threshold: Array
    reset: Reset = "subtract"
    refractory_steps: int = 0
    leak_factor: float = 1.0

    def __len__(self) -> int:
        """Return the number of neurons."""
        return len(self.threshold)


@dataclass(frozen=True, eq=False)
class Spikes:
    """Spikes of one population: when, and of which neuron."""

    times: NDArray[np.int64]
    neurons: NDArray[np.int64]


class Driver(ABC):
    """One network in one simulator.

    Attributes:
        dt_ms: Length of a time step in ms.
        max_delay: Longest delay of a synapse, in steps.
    """

    def __init__(self, dt_ms: float, max_delay: int, settings: Any) -> None:
        self.dt_ms, self.max_delay, self.settings = dt_ms, max_delay, settings

    @abstractmethod
    def neurons(self, neurons: Neurons) -> Handle:
        """Make a population of neurons."""

    @abstractmethod
    def sources(self, times: list[NDArray[np.int64]]) -> Handle:
        """Make a population that fires at given times, all >= 1: one sorted array for each of its members."""

    @abstractmethod
    def connect(
        self, source: Handle, target: Handle, pre: NDArray[np.int64], post: NDArray[np.int64], weight: Array, delay: int
    ) -> None:
        """Make synapses of one delay; at least one of them."""

    @abstractmethod
    def record_spikes(self, target: Handle) -> None:
        """Ask for the spikes of a population of neurons."""

    @abstractmethod
    def record_potentials(self, target: Handle) -> None:
        """Ask for the potentials of a population of neurons at each time."""

    @abstractmethod
    def run(self, duration: int, stops: Mapping[int, list[Handle]]) -> list[tuple[Handle, Array]]:
        """Simulate up to time ``duration``.

        Args:
            duration: The last time.
            stops: Time -> populations whose potentials, after reset, are wanted at that time.

        Returns:
            Each population of ``stops`` with its potentials.
        """

    @abstractmethod
    def spikes(self, target: Handle) -> Spikes:
        """Return the spikes of a population that was recorded."""

    @abstractmethod
    def potentials(self, target: Handle) -> Array:
        """Return the potentials of a recorded population, after reset, shape (duration, neurons), from time 1 on."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the network."""
