"""Neurons that take spikes back by negative ones.

They stand for rectifiers with a slope for negative inputs (leaky, parametric), and for plain ones where spikes that
were sent too early are to be corrected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from snntoolbox.errors import GraphError
from snntoolbox.neurons.base import Array, Clock, Emission, NeuronModel, Parameter, State, read_only

__all__ = ["SignedIntegrateAndFire"]


@dataclass(frozen=True, eq=False)
class SignedIntegrateAndFire(NeuronModel):
    """Integrate the rectified running sum of the input, emit a spike of either sign at one of two thresholds.

    With input z(t), slope α, f(x) = x for x >= 0 and α x for x < 0, threshold θ, lower threshold θ₋ = 2 V(0) - θ::

        S(t) = S(t-1) + z(t)                          (S(t-1) while clamped)
        u = V(t-1) + f(S(t)) - f(S(t-1))              (V(0) while clamped)
        s = 1 if u >= θ, -1 if u < θ₋, else 0         (0 while clamped)
        V(t) = u - θ s
        message = amplitude s

    With α = 0 and V(0) = θ / 2 this is the signed neuron with a memory of what it sent (Wang et al. 2022, "Signed
    neuron with memory"): s = -1 if the potential is negative and more spikes were sent than taken back. All spikes are
    of one size. What was sent up to step T, in units of θ / amplitude, is f(S(T)) + V(0) - V(T), and V stays between
    the thresholds unless charge arrives faster than one spike a step takes away: so the mean message is
    within (θ - V(0)) / T of the leaky rectifier of the mean input, however the input fluctuates. The running sum is
    what makes that so. A neuron that let go of its negative charge at a lower threshold -θ / α (Kim et al. 2020,
    "Spiking-YOLO", section 3.3) could not take back what it sent when the input rises again; its error does not fall
    with the number of steps. For the same reason there is no leak, refractory period or reset other than by
    subtraction.

    Attributes:
        threshold: θ > 0, a scalar or one value a channel, in the units of the normalised activations.
        amplitude: Size of the message of one spike; None takes the threshold.
        negative_slope: α, a scalar for a leaky rectifier, one value a channel for a parametric one.
        initial_potential: V(0) < θ. With half the threshold the number of spikes is rounded, not cut off.
        clamp_steps: Number of first steps in which input is discarded.
    """

    emits: ClassVar[Literal["spikes", "signed", "graded"]] = "signed"

    threshold: Parameter = 1.0
    amplitude: Parameter | None = None
    negative_slope: Parameter = 0.0
    initial_potential: Parameter = 0.0
    clamp_steps: int = 0

    def __post_init__(self) -> None:
        """Check limits and make array parameters read-only.

        Raises:
            GraphError: A parameter is outside its limits.
        """
        for name in ("threshold", "amplitude", "negative_slope", "initial_potential"):
            object.__setattr__(self, name, read_only(getattr(self, name)))
        if not np.all(np.asarray(self.threshold) > 0):
            raise GraphError(f"SignedIntegrateAndFire: threshold must be > 0, got {np.min(self.threshold)}")
        if not np.all(np.isfinite(self.negative_slope)):
            raise GraphError("SignedIntegrateAndFire: negative_slope must be finite, got NaN or infinity")
        if not np.all(np.asarray(self.initial_potential) < self.threshold):
            raise GraphError("SignedIntegrateAndFire: initial_potential must be below the threshold")
        if self.clamp_steps < 0:
            raise GraphError(f"SignedIntegrateAndFire: clamp_steps must be >= 0, got {self.clamp_steps}")

    @property
    def message_size(self) -> Parameter:
        """Size of the message of one spike."""
        return self.threshold if self.amplitude is None else self.amplitude

    @property
    def lower_threshold(self) -> Parameter:
        """θ₋, below which a neuron sends a negative spike."""
        return 2 * self.initial_potential - self.threshold

    def init_state(self, shape: tuple[int, ...], dtype: Any = np.float64) -> State:
        """Return ``potential`` (V) and ``charge`` (S)."""
        potential = np.broadcast_to(np.asarray(self.initial_potential, dtype), shape).copy()
        return {"potential": potential, "charge": np.zeros(shape, dtype)}

    def step(self, state: State, current: Array, clock: Clock) -> tuple[Emission, State]:
        """Advance by one time step; see the class for the equations."""
        if clock.step <= self.clamp_steps:
            nothing = np.zeros_like(state["potential"])
            return Emission(message=nothing, spikes=nothing), self.init_state(nothing.shape, nothing.dtype)
        charge, u = self._integrate(state, current)
        signs = (u >= self.threshold).astype(u.dtype) - (u < self.lower_threshold)
        after = {"potential": u - self.threshold * signs, "charge": charge}
        return Emission(message=signs * self.message_size, spikes=np.abs(signs)), after

    def margin(self, state: State, current: Array) -> Array | None:
        """Return how far u is from the nearer threshold."""
        _, u = self._integrate(state, current)
        return np.asarray(np.minimum(np.abs(u - self.threshold), np.abs(u - self.lower_threshold)))

    def _integrate(self, state: State, current: Array) -> tuple[Array, Array]:
        charge = state["charge"] + current
        return charge, state["potential"] + (self._rectify(charge) - self._rectify(state["charge"]))

    def _rectify(self, x: Array) -> Array:
        return np.asarray(np.maximum(x, 0) + self.negative_slope * np.minimum(x, 0))
