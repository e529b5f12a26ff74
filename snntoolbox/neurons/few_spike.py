"""Few-spike neurons: an activation function as a table of thresholds, resets and messages.

Source: Stoeckl and Maass 2021, "Optimized spiking neurons can classify images with high accuracy through temporal
coding with two spikes", eq. 1-4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from snntoolbox.errors import GraphError
from snntoolbox.neurons.base import Array, Parameter, read_only
from snntoolbox.neurons.windowed import WindowedNeuron

__all__ = ["FewSpikeNeuron"]


@dataclass(frozen=True, eq=False)
class FewSpikeNeuron(WindowedNeuron):
    """Send f(V) in at most K spikes, for the function f that the tables T, h, d approximate.

    With threshold θ, and offset c::

        u = V / θ + c                                when the window opens
        s = 1 if u >= T(k), else 0                   step k of the window
        u -> u - h(k) s,   message = θ d(k) s

    Exponentially decreasing T(k) = h(k) = d(k) = 2^-k make a rectifier with a ceiling; other tables are fitted to other
    functions (`snntoolbox.codes.few_spike_tables`). There θ is 1, unless the function is to be stretched.

    Attributes:
        thresholds, resets, messages: T, h and d, one number for each step.
        threshold: θ > 0, a scalar or one value a channel.
        offset: c.
        start: Number of steps before the window.
    """

    thresholds: tuple[float, ...]
    resets: tuple[float, ...]
    messages: tuple[float, ...]
    threshold: Parameter = 1.0
    offset: float = 0.0
    start: int = 0

    def __post_init__(self) -> None:
        """Check the tables.

        Raises:
            GraphError: They are empty or not of one length, or another parameter is outside its limits.
        """
        for name in ("thresholds", "resets", "messages"):
            object.__setattr__(self, name, tuple(float(value) for value in getattr(self, name)))
        object.__setattr__(self, "threshold", read_only(self.threshold))
        lengths = {len(self.thresholds), len(self.resets), len(self.messages)}
        if len(lengths) != 1 or not self.thresholds:
            raise GraphError(f"FewSpikeNeuron: expected three tables of one length, got lengths {sorted(lengths)}")
        if not np.all(np.asarray(self.threshold) > 0) or self.start < 0:
            raise GraphError(
                f"FewSpikeNeuron: expected threshold > 0 and start >= 0, got {np.min(self.threshold)} and {self.start}"
            )

    @classmethod
    def rectifier(cls, num_spikes: int, rounding: float = 0.5, threshold: Parameter = 1.0) -> FewSpikeNeuron:
        """Return neurons that send a rectified value up to ``threshold`` in at most ``num_spikes`` spikes.

        Args:
            num_spikes: K.
            rounding: Of the last spike's value, which is added at the start: at 1/2 values are rounded.
            threshold: The largest value.
        """
        unit = 1 / (2**num_spikes - 1)
        table = tuple(unit * 2 ** (num_spikes - place) for place in range(1, num_spikes + 1))
        return cls(table, table, table, threshold, rounding * unit)

    @property
    def window(self) -> int:
        """K, the most spikes."""
        return len(self.thresholds)

    @property
    def size(self) -> Any:
        """θ."""
        return self.threshold

    def value_at(self, place: int) -> float:
        """Return d(k), the value of a spike before it is stretched by θ; 0 outside the window."""
        return self.messages[place - 1] if 1 <= place <= self.window else 0.0

    def threshold_at(self, place: int) -> float:
        """Return T(k)."""
        return self.thresholds[place - 1]

    def distance(self, u: Array, place: int) -> Array:
        """Return how far u is from the threshold, which may be negative here."""
        return np.asarray(np.abs(u - self.threshold_at(place)))

    def open(self, u: Array) -> Array:
        """Return V / θ + c."""
        return np.asarray(u / self.size + self.offset)

    def fire(self, u: Array, place: int) -> tuple[Array, Array, Array]:
        """Return the spikes of a step, what they carry, and what is left."""
        spikes = (u >= self.thresholds[place - 1]).astype(u.dtype)
        return spikes, spikes * (self.value_at(place) * self.size), u - spikes * self.resets[place - 1]
