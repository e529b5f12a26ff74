"""Neurons that send an integer bit by bit (temporal pattern code).

Source: Rueckauer 2020, section 2.3.2 (eq. 2.31) and section 2.3.3.2 (one-hot encoding).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snntoolbox.errors import GraphError
from snntoolbox.neurons.base import Array, Parameter, read_only
from snntoolbox.neurons.windowed import WindowedNeuron

__all__ = ["PatternNeuron"]


@dataclass(frozen=True, eq=False)
class PatternNeuron(WindowedNeuron):
    """Send the rectified input as a binary number, the most significant bit first.

    With n bits, f(x) = x for x >= 0 and α x for x < 0, threshold θ, unit q = θ / (2^n - 1), rounding r::

        u = f(V) / q + r sign(f(V))                  when the window opens
        T(k) = 2^(n-k)                               step k of the window
        s = sign(u) if |u| >= T(k), else 0
        u -> u - T(k) s,   message = q T(k) s

    so the sum of the messages is q floor(|f(V)| / q + r), with its sign, and at most θ (eq. 2.31, with the kernel of a
    spike's time as the size of its message). Bits that are dropped at the end are cut off, not rounded, and shorten the
    window.

    One-hot: only one spike is sent, for the power of two next to the value. Then q = θ / 2^(n-1), nothing is added, the
    threshold is (1 - r/2) T(k), which at r = 1/2 is half-way between two powers, and a spike takes away all that u is.

    Attributes:
        bits: n, in 1 to 32.
        threshold: θ > 0, the largest value that can be sent, a scalar or one value a channel.
        dropped_bits: Number of least significant bits that are not sent, below ``bits``.
        one_hot: Whether a value is sent as a power of two.
        rounding: r in [0, 1): at 1/2 values are rounded, at 0 cut off.
        negative_slope: α; what is below 0 is sent as spikes of negative sign.
        start: Number of steps before the window.
    """

    bits: int = 8
    threshold: Parameter = 1.0
    dropped_bits: int = 0
    one_hot: bool = False
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
        if not 1 <= self.bits <= 32 or not 0 <= self.dropped_bits < self.bits:
            raise GraphError(
                f"PatternNeuron: expected 1 to 32 bits, of which fewer are dropped, got {self.bits} and "
                f"{self.dropped_bits}"
            )
        if not np.all(np.asarray(self.threshold) > 0):
            raise GraphError(f"PatternNeuron: threshold must be > 0, got {np.min(self.threshold)}")
        if not 0 <= self.rounding < 1 or self.start < 0:
            raise GraphError(
                f"PatternNeuron: expected rounding in [0, 1) and start >= 0, got {self.rounding} and {self.start}"
            )

    @property
    def window(self) -> int:
        """Number of bits that are sent."""
        return self.bits - self.dropped_bits

    @property
    def size(self) -> Parameter:
        """q, the value of the least significant bit."""
        return self.threshold / float(2 ** (self.bits - 1) if self.one_hot else 2**self.bits - 1)

    def value_at(self, place: int) -> float:
        """Return T(k), the value of a spike in units of the least significant bit."""
        return float(2 ** (self.bits - place))

    def threshold_at(self, place: int) -> float:
        """Return the threshold of a step."""
        return self.value_at(place) * (1 - self.rounding / 2 if self.one_hot else 1)

    def open(self, u: Array) -> Array:
        """Return the rectified input in units of the least significant bit, moved for rounding."""
        rectified = (np.maximum(u, 0) + self.negative_slope * np.minimum(u, 0)) / self.size
        return np.asarray(rectified if self.one_hot else rectified + self.rounding * np.sign(rectified))

    def fire(self, u: Array, place: int) -> tuple[Array, Array, Array]:
        """Return the bit of a step, with its sign, its value, and what is left."""
        signs = np.sign(u) * (np.abs(u) >= self.threshold_at(place))
        value = self.value_at(place)
        left = np.where(signs != 0, 0.0, u) if self.one_hot else u - signs * value
        return signs, signs * (value * self.size), left
