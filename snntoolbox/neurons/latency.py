"""Neurons that send an integer as the time of one spike within a window of their layer.

Source: Stanojevic et al. 2023, "An exact mapping from ReLU networks to spiking neural networks".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snntoolbox.errors import GraphError
from snntoolbox.neurons.base import Array, Parameter, read_only
from snntoolbox.neurons.windowed import WindowedNeuron

__all__ = ["LatencyNeuron"]


@dataclass(frozen=True, eq=False)
class LatencyNeuron(WindowedNeuron):
    """Send the rectified input as the time of one spike: the earlier, the larger.

    With n steps, f(x) = x for x >= 0 and α x for x < 0, threshold θ, unit q = θ / n, rounding r::

        u = f(V) / q + r sign(f(V))                  when the window opens
        T(k) = n - k + 1                             step k of the window
        s = sign(u) if |u| >= T(k) and nothing was sent before, else 0
        message = q T(k) s

    The threshold falls by a constant slope, so the spike comes at the step t = n - a / q + 1 for an activation a, and
    what it adds to a potential until the window ends, with the linear kernel of `FirstSpike`, is in proportion to the
    steps that are left: that is the message. So it stands for q floor(|f(V)| / q + r), with its sign, and at most θ:
    with n steps activations are exact to half a step, and nothing depends on the order of spikes.

    Attributes:
        steps: n >= 1, the length of the window.
        threshold: θ > 0, the largest value that can be sent, a scalar or one value a channel.
        rounding: r in [0, 1): at 1/2 values are rounded, at 0 cut off.
        negative_slope: α; what is below 0 is sent as a spike of negative sign.
        start: Number of steps before the window.
    """

    steps: int = 64
    threshold: Parameter = 1.0
    rounding: float = 0.5
    negative_slope: Parameter = 0.0
    start: int = 0

    def __post_init__(self) -> None:
        """Check limits and make array parameters read-only.

        Raises:
            GraphError: A parameter is outside its limits.
        """
        for name in ("threshold", "negative_slope"):
            object.__setattr__(self, name, read_only(getattr(self, name)))
        if not np.all(np.asarray(self.threshold) > 0):
            raise GraphError(f"LatencyNeuron: threshold must be > 0, got {np.min(self.threshold)}")
        if self.steps < 1 or self.start < 0 or not 0 <= self.rounding < 1:
            raise GraphError(
                f"LatencyNeuron: expected steps >= 1, start >= 0 and rounding in [0, 1), got {self.steps}, "
                f"{self.start} and {self.rounding}"
            )

    @property
    def window(self) -> int:
        """Number of steps."""
        return self.steps

    @property
    def size(self) -> Parameter:
        """q, the value of a spike in the last step."""
        return self.threshold / float(self.steps)

    def value_at(self, place: int) -> float:
        """Return T(k), the value of a spike in units of the last one's."""
        return float(self.steps - place + 1)

    def threshold_at(self, place: int) -> float:
        """Return the threshold of a step, which is the value of its spike."""
        return self.value_at(place)

    def open(self, u: Array) -> Array:
        """Return the rectified input in units of the last spike's value, moved for rounding."""
        rectified = (np.maximum(u, 0) + self.negative_slope * np.minimum(u, 0)) / self.size
        return np.asarray(rectified + self.rounding * np.sign(rectified))

    def fire(self, u: Array, place: int) -> tuple[Array, Array, Array]:
        """Return the spike of a step, its value, and what is left: nothing once a neuron has fired."""
        value = self.value_at(place)
        signs = np.sign(u) * (np.abs(u) >= value)
        return signs, signs * (value * self.size), np.where(signs != 0, 0.0, u)
