"""Integrate-and-fire neurons with the resets, leak, refractory period and clamp of the rate code.

Source: Rueckauer 2020, eq. 2.2-2.4 (membrane equation), section 2.1.3.3 (voltage clamp).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from snntoolbox.errors import GraphError
from snntoolbox.neurons.base import Array, Clock, Emission, NeuronModel, Parameter, State, read_only

__all__ = ["IntegrateAndFire", "Reset"]

Reset = Literal["subtract", "zero", "modulo"]


@dataclass(frozen=True, eq=False)
class IntegrateAndFire(NeuronModel):
    """Integrate the input, emit a spike at the threshold, reset.

    With input z(t), threshold θ, leak factor λ (1: no leak), in this order in each step::

        u = λ V(t-1) + z(t)                          (λ V(t-1) alone while refractory; V(0) while clamped)
        Θ = 1 if u >= θ and not refractory, else 0
        V(t) = u - θ Θ        reset by subtraction   (Rueckauer 2020, eq. 2.4b)
        V(t) = u (1 - Θ)      reset to zero          (eq. 2.4a)
        V(t) = u mod θ if Θ   reset by modulo        (several thresholds' worth of charge are lost in one spike)
        message = amplitude Θ

    Attributes:
        threshold: θ > 0, a scalar or one value a channel, in the units of the normalised activations.
        amplitude: Size of the message of one spike; None takes the threshold (eq. 2.2: z is in units of the threshold).
        reset: What happens to the potential at a spike.
        refractory_steps: Steps after a spike in which input is discarded and no spike is emitted.
        leak_factor: What is left of the potential after a step without input, in (0, 1].
        initial_potential: V(0). Half the threshold turns the floor of the spike count into rounding.
        clamp_steps: Number of first steps in which the potential is held at V(0).
    """

    threshold: Parameter = 1.0
    amplitude: Parameter | None = None
    reset: Reset = "subtract"
    refractory_steps: int = 0
    leak_factor: float = 1.0
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
            raise GraphError(f"IntegrateAndFire: threshold must be > 0, got {np.min(self.threshold)}")
        if not 0 < self.leak_factor <= 1:
            raise GraphError(f"IntegrateAndFire: leak_factor must be in (0, 1], got {self.leak_factor}")
        if self.refractory_steps < 0 or self.clamp_steps < 0:
            raise GraphError(
                f"IntegrateAndFire: refractory_steps and clamp_steps must be >= 0, got {self.refractory_steps} "
                f"and {self.clamp_steps}"
            )
        if self.reset not in ("subtract", "zero", "modulo"):
            raise GraphError(f"IntegrateAndFire: reset must be 'subtract', 'zero' or 'modulo', got '{self.reset}'")

    @property
    def message_size(self) -> Parameter:
        """Size of the message of one spike."""
        return self.threshold if self.amplitude is None else self.amplitude

    def init_state(self, shape: tuple[int, ...], dtype: Any = np.float64) -> State:
        """Return ``potential`` and, with a refractory period, ``refractory`` (steps left)."""
        state = {"potential": np.broadcast_to(np.asarray(self.initial_potential, dtype), shape).copy()}
        if self.refractory_steps:
            state["refractory"] = np.zeros(shape, dtype)
        return state

    def step(self, state: State, current: Array, clock: Clock) -> tuple[Emission, State]:
        """Advance by one time step; see the class for the equations."""
        potential, dtype = state["potential"], state["potential"].dtype
        active = state["refractory"] == 0 if self.refractory_steps else np.True_
        u = self.leak_factor * potential + np.where(active, current, 0)
        if clock.step <= self.clamp_steps:
            u = np.broadcast_to(np.asarray(self.initial_potential, dtype), u.shape).copy()
            active = np.False_
        spikes = ((u >= self.threshold) & active).astype(dtype)
        new_state = {"potential": self._reset(u, spikes)}
        if self.refractory_steps:
            left = np.maximum(state["refractory"] - 1, 0)
            new_state["refractory"] = np.where(spikes > 0, self.refractory_steps, left).astype(dtype)
        return Emission(message=spikes * self.message_size, spikes=spikes), new_state

    def margin(self, state: State, current: Array) -> Array | None:
        """Return the distance of the potential before reset from the threshold."""
        return np.asarray(np.abs(self.leak_factor * state["potential"] + current - self.threshold))

    def _reset(self, u: Array, spikes: Array) -> Array:
        if self.reset == "subtract":
            return u - self.threshold * spikes
        if self.reset == "zero":
            return u * (1 - spikes)
        return np.where(spikes > 0, np.mod(u, self.threshold), u)
