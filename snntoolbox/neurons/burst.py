"""Neurons that send several spikes in one step, so that charge that arrived late leaves at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from snntoolbox.errors import GraphError
from snntoolbox.neurons.base import Array, Clock, Emission, NeuronModel, Parameter, State, read_only

__all__ = ["BurstIntegrateAndFire"]

LARGEST_BURST = 127
"""What a spike train of one byte a step can hold."""


@dataclass(frozen=True, eq=False)
class BurstIntegrateAndFire(NeuronModel):
    """Integrate the input, and send as many spikes as the potential holds thresholds, up to a limit.

    With input z(t), threshold θ, limit Γ (Li and Zeng 2022, "Efficient and accurate conversion of spiking neural
    network with burst spikes")::

        u = V(t-1) + z(t)                    (V(0) while clamped)
        n = min(max(floor(u / θ), 0), Γ)     (0 while clamped)
        V(t) = u - θ n
        message = amplitude n

    Every spike of a burst is an event of its own. With θ = 1 a burst only makes up for what was held back; a lower
    threshold gives finer values, and activations up to Γ θ.

    Attributes:
        threshold: θ > 0, a scalar or one value a channel, in the units of the normalised activations.
        amplitude: Size of the message of one spike; None takes the threshold.
        max_spikes: Γ, 1 to 127.
        initial_potential: V(0). With half the threshold the number of spikes is rounded, not cut off.
        clamp_steps: Number of first steps in which the potential is held at V(0).
    """

    threshold: Parameter = 1.0
    amplitude: Parameter | None = None
    max_spikes: int = 5
    initial_potential: Parameter = 0.0
    clamp_steps: int = 0

    def __post_init__(self) -> None:
        """Check limits and make array parameters read-only.

        Raises:
            GraphError: A parameter is outside its limits.
        """
        for name in ("threshold", "amplitude", "initial_potential"):
            object.__setattr__(self, name, read_only(getattr(self, name)))
        if not np.all(np.asarray(self.threshold) > 0):
            raise GraphError(f"BurstIntegrateAndFire: threshold must be > 0, got {np.min(self.threshold)}")
        if not 1 <= self.max_spikes <= LARGEST_BURST:
            raise GraphError(f"BurstIntegrateAndFire: max_spikes must be 1 to {LARGEST_BURST}, got {self.max_spikes}")
        if self.clamp_steps < 0:
            raise GraphError(f"BurstIntegrateAndFire: clamp_steps must be >= 0, got {self.clamp_steps}")

    @property
    def message_size(self) -> Parameter:
        """Size of the message of one spike."""
        return self.threshold if self.amplitude is None else self.amplitude

    def init_state(self, shape: tuple[int, ...], dtype: Any = np.float64) -> State:
        """Return ``potential``."""
        return {"potential": np.broadcast_to(np.asarray(self.initial_potential, dtype), shape).copy()}

    def step(self, state: State, current: Array, clock: Clock) -> tuple[Emission, State]:
        """Advance by one time step; see the class for the equations."""
        if clock.step <= self.clamp_steps:
            nothing = np.zeros_like(state["potential"])
            return Emission(message=nothing, spikes=nothing), self.init_state(nothing.shape, nothing.dtype)
        u = state["potential"] + current
        spikes = np.clip(np.floor(u / self.threshold), 0, self.max_spikes)
        return Emission(message=spikes * self.message_size, spikes=spikes), {"potential": u - self.threshold * spikes}

    def margin(self, state: State, current: Array) -> Array | None:
        """Return the distance of the potential before reset from the nearest multiple of θ, 1 to Γ."""
        u = state["potential"] + current
        nearest = np.clip(np.round(u / self.threshold), 1, self.max_spikes) * self.threshold
        return np.asarray(np.abs(u - nearest))
