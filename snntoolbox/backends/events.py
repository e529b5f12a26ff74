"""What simulators report as a list of spikes, as the arrays of a record.

For backends whose simulator names each spike by its step and its neuron, with the samples of a batch side by side as
one population.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.record import Array

__all__ = ["SpikeEvents", "spread"]


@dataclass(frozen=True, eq=False)
class SpikeEvents:
    """Spikes of one layer in one run.

    Attributes:
        steps: Step of each spike, from 1.
        neurons: Number of the neuron that fired, counted through all samples.
        num_steps: Number of steps simulated.
        shape: Shape (batch, *layer shape).
        signs: 1 or -1 for each spike; None if all are positive.
    """

    steps: NDArray[np.integer[Any]]
    neurons: NDArray[np.integer[Any]]
    num_steps: int
    shape: tuple[int, ...]
    signs: NDArray[Any] | None = None

    def counts(self) -> Array:
        """Return the number of spikes of each neuron, shape (batch, *layer shape)."""
        return np.bincount(self.neurons, minlength=prod(self.shape)).reshape(self.shape)

    def trains(self) -> Array:
        """Return the spikes of each step, shape (steps, batch, *layer shape), int8; without their signs."""
        return self._spread(1)

    def sent(self) -> Array:
        """Return the signed sum of spikes up to each step, shape (steps, batch, *layer shape), int64."""
        return self._spread(1 if self.signs is None else self.signs).cumsum(axis=0, dtype=np.int64)

    def _spread(self, values: Any) -> Array:
        trains = np.zeros((self.num_steps, prod(self.shape)), np.int8)
        trains[self.steps - 1, self.neurons] = values
        return trains.reshape(self.num_steps, *self.shape)

    def totals(self, weight: Array | None) -> Array:
        """Return the weighted number of spikes of each step and sample, shape (steps, batch).

        Args:
            weight: Weight of each neuron's spikes, of the layer's shape; None for ones.
        """
        batch, size = self.shape[0], prod(self.shape[1:])
        sample, neuron = np.divmod(self.neurons, size)
        weights = np.ones(len(neuron)) if weight is None else np.broadcast_to(weight, self.shape[1:]).ravel()[neuron]
        place = (self.steps - 1) * batch + sample
        return np.bincount(place, weights, self.num_steps * batch).reshape(self.num_steps, batch)


def spread(parameter: Any, shape: tuple[int, ...]) -> Array:
    """Return a neuron's parameter as one float64 value for each neuron of (batch, *layer shape), flattened."""
    return np.broadcast_to(np.asarray(parameter, np.float64), shape).ravel()
