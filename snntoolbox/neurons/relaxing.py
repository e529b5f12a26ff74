"""Integrate-and-fire neurons whose bias sets in slowly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snntoolbox.errors import GraphError
from snntoolbox.neurons.base import Array, Clock, Emission, Parameter, State, read_only
from snntoolbox.neurons.integrate_and_fire import IntegrateAndFire

__all__ = ["RelaxingIntegrateAndFire"]


@dataclass(frozen=True, eq=False)
class RelaxingIntegrateAndFire(IntegrateAndFire):
    """As `IntegrateAndFire`, with a bias b in its input z(t) of which only a part acts in the first N steps.

    ::

        z'(t) = z(t) - b max(0, 1 - t / N)

    Attributes:
        bias: b, what z holds without any spikes; a scalar, or an array that broadcasts against the layer.
        relaxation_steps: N >= 1.
    """

    bias: Parameter = 0.0
    relaxation_steps: int = 1

    def __post_init__(self) -> None:
        """Check limits and make array parameters read-only.

        Raises:
            GraphError: A parameter is outside its limits.
        """
        super().__post_init__()
        object.__setattr__(self, "bias", read_only(self.bias))
        if self.relaxation_steps < 1:
            raise GraphError(f"RelaxingIntegrateAndFire: relaxation_steps must be >= 1, got {self.relaxation_steps}")

    def missing(self, step: int) -> float:
        """Return the share of the bias that does not act in a step, counted from 1."""
        return max(0.0, 1 - step / self.relaxation_steps)

    def step(self, state: State, current: Array, clock: Clock) -> tuple[Emission, State]:
        """Advance by one time step; see the class for the equation."""
        return super().step(state, current - np.asarray(self.bias, current.dtype) * self.missing(clock.step), clock)

    def margin(self, state: State, current: Array) -> Array | None:
        """Return None: what part of the bias acts depends on the step."""
        return None
