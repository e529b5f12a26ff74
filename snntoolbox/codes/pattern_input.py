"""Input as patterns of spikes: each value as a binary number, bit by bit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from snntoolbox.codes.stimulus import Array, Stimulus, frozen_values, sample_numbers
from snntoolbox.neurons import Clock, WindowedNeuron

__all__ = ["PatternSpikes"]


@dataclass(frozen=True, eq=False)
class PatternSpikes(Stimulus):
    """Values that neurons send in a window of the first steps; afterwards nothing comes in (Rueckauer 2020, eq. 2.31).

    Attributes:
        values: Shape (batch, *sample shape). Negative values send spikes of negative sign.
        neuron: How a value is sent; its threshold is the largest value.
        sample_ids: Index of each sample in the data set; 0, 1, ... unless given.
    """

    values: Array
    neuron: WindowedNeuron
    sample_ids: Any = None

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "values", frozen_values(self.values))
        object.__setattr__(self, "sample_ids", sample_numbers(self.sample_ids, len(self.values)))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape (batch, *sample shape)."""
        return self.values.shape

    def frames(self, num_steps: int, seed: int = 0) -> Iterator[Array]:
        """Yield the messages of each step, in float64, in which they are exact."""
        del seed  # nothing is random
        silence = np.zeros(self.shape)
        state = self.neuron.init_state(self.shape)
        for step in range(1, num_steps + 1):
            if step > self.neuron.start + self.neuron.window:
                yield silence
            else:
                current = self.values.astype(np.float64) if step == 1 else silence
                emission, state = self.neuron.step(state, current, Clock(step))
                yield emission.message
