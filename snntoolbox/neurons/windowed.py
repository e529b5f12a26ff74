"""The base of neurons that send one after the other, layer by layer, each in a window of its own.

Source: Rueckauer 2020, section 2.3.2: a threshold on time takes the place of the one on the potential.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Literal

import numpy as np

from snntoolbox.neurons.base import Array, Clock, Emission, NeuronModel, State

__all__ = ["WindowedNeuron"]


class WindowedNeuron(NeuronModel):
    """Integrate the input, then send what was integrated as a pattern of spikes.

    With input z(t), the window of the steps start + 1 to start + window, and k = t - start::

        V(t) = V(t-1) + z(t),  V(0) = 0               up to the window
        u = open(V(t))                                k = 1: from then on in units of the pattern
        s, message, V(t) = fire(u, k)                 1 <= k <= window

    Nothing is sent outside the window, and the first step of a run begins afresh: there is nothing to remember from one
    sample to the next. All input has to arrive up to the first step of the window; `schedule_windows` sees to that.

    Attributes:
        start: Number of steps before the window.
    """

    emits: ClassVar[Literal["spikes", "signed", "graded"]] = "graded"

    start: int

    @property
    @abstractmethod
    def window(self) -> int:
        """Number of steps in which the pattern is sent."""

    @abstractmethod
    def open(self, u: Array) -> Array:
        """Return what is to be sent, in units of the pattern, for the integrated input u, (batch, *shape)."""

    @abstractmethod
    def threshold_at(self, place: int) -> float:
        """Return the threshold of step ``place`` (from 1) of the window, in units of the pattern."""

    @abstractmethod
    def fire(self, u: Array, place: int) -> tuple[Array, Array, Array]:
        """Return spikes, messages and what is left to send, all (batch, *shape), at step ``place`` of the window."""

    @property
    def size(self) -> Any:
        """What one unit of the pattern is in units of the message: a scalar, or an array that fits the layer."""
        return 1.0

    def init_state(self, shape: tuple[int, ...], dtype: Any = np.float64) -> State:
        """Return ``potential`` = 0, and ``elapsed``, the number of steps so far."""
        return {"potential": np.zeros(shape, dtype), "elapsed": np.zeros(shape, dtype)}

    def step(self, state: State, current: Array, clock: Clock) -> tuple[Emission, State]:
        """Advance by one time step; see the class for the equations."""
        before = self.init_state(current.shape, current.dtype) if clock.step == 1 else state
        u, place = self._integrate(before, current, clock.step)
        elapsed = before["elapsed"] + 1
        if not 1 <= place <= self.window:
            nothing = np.zeros_like(u)
            return Emission(message=nothing, spikes=nothing), {"potential": u, "elapsed": elapsed}
        signs, message, left = self.fire(u, place)
        return Emission(message=message, spikes=np.abs(signs)), {"potential": left, "elapsed": elapsed}

    def margin(self, state: State, current: Array) -> Array | None:
        """Return how far a neuron is from its threshold."""
        u, place = self._integrate(state, current, int(state["elapsed"].flat[0]) + 1)
        if not 1 <= place <= self.window:
            return None
        return np.asarray(self.distance(u, place) * self.size)

    def distance(self, u: Array, place: int) -> Array:
        """Return how far u, what is left to send, is from the threshold of step ``place``."""
        return np.asarray(np.abs(np.abs(u) - self.threshold_at(place)))

    def _integrate(self, state: State, current: Array, step: int) -> tuple[Array, int]:
        u, place = state["potential"] + current, step - self.start
        return (self.open(u) if place == 1 else u), place
