"""Neurons that fire once: the time to the first spike stands for the activation.

Source: Rueckauer 2020, section 2.2 (eq. 2.24-2.27), and eq. 2.29 for a latest time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from snntoolbox.errors import GraphError
from snntoolbox.neurons.base import Array, Clock, Emission, NeuronModel, Parameter, State, read_only

__all__ = ["FirstSpike", "FirstSpikeReadout", "held_activation"]


def held_activation(time: Array, steps: Any, threshold: Any) -> Array:
    """Return the activation θ / t that a spike at step t stands for, 0 without a spike.

    Args:
        time: Step of the spike, 0 without one, negative for a negative spike; shape (batch, *shape).
        steps: Number of steps up to which spikes count.
        threshold: θ, in steps.
    """
    counts = (time != 0) & (np.abs(time) <= steps)
    return np.asarray(np.where(counts, threshold / np.where(counts, time, 1.0), 0.0))


@dataclass(frozen=True, eq=False)
class FirstSpike(NeuronModel):
    """Integrate the input and fire once, at the threshold.

    With input z(t), the slope of the potential (eq. 2.26), and threshold θ in steps, in this order in each step::

        u(t) = u(t-1) + z(t),  u(0) = 0
        Θ(t) = 1 if u(t) >= θ and nothing was sent before, else 0       (within the first and the last step)
        message = 1 from the spike on

    A spike adds its weight to the slope of what it reaches, from its time on: that is the linear kernel of eq. 2.24. So
    a message is held, and what flows between neurons is the slope. A constant input of 1 makes a neuron fire after θ
    steps, one of a after θ / a: θ is the resolution of time.

    Attributes:
        threshold: θ > 0, a scalar or one value a channel.
        first_step: Step before which nothing fires; the ceiling c of a rectifier is a latency of θ / c.
        last_step: Step after which nothing fires; the lower limit β of a clamped rectifier (eq. 2.29) is a latency of
            θ / β.
        signed: Whether u <= -θ makes a neuron fire as well, with a message of -1, for inputs of both signs.
    """

    emits: ClassVar[Literal["spikes", "signed", "graded", "held"]] = "held"

    threshold: Parameter = 10.0
    first_step: Parameter = 0.0
    last_step: Parameter = np.inf
    signed: bool = False
    message_size: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        """Check limits and make array parameters read-only.

        Raises:
            GraphError: A parameter is outside its limits.
        """
        for name in ("threshold", "first_step", "last_step"):
            object.__setattr__(self, name, read_only(getattr(self, name)))
        if not np.all(np.asarray(self.threshold) > 0):
            raise GraphError(f"FirstSpike: threshold must be > 0 steps, got {np.min(self.threshold)}")

    def init_state(self, shape: tuple[int, ...], dtype: Any = np.float64) -> State:
        """Return ``potential`` (u) and ``time``, the step of the spike times its sign, both 0."""
        return {"potential": np.zeros(shape, dtype), "time": np.zeros(shape, dtype)}

    def step(self, state: State, current: Array, clock: Clock) -> tuple[Emission, State]:
        """Advance by one time step; see the class for the equations."""
        u, time = state["potential"] + current, state["time"]
        ready = (time == 0) & (clock.step >= self.first_step) & (clock.step <= self.last_step)
        signs = (u >= self.threshold).astype(u.dtype)
        if self.signed:
            signs -= u <= -self.threshold
        spikes = signs * ready
        time = time + spikes * clock.step
        return Emission(message=np.sign(time), spikes=np.abs(spikes)), {"potential": u, "time": time}

    def margin(self, state: State, current: Array) -> Array | None:
        """Return the distance of the potential from the threshold, infinite where a neuron has fired."""
        u = state["potential"] + current
        size = np.abs(u) if self.signed else u
        return np.where(state["time"] == 0, np.abs(size - self.threshold), np.inf)

    def activation(self, sent: Array, steps: Any) -> Array:
        """Return θ / t for each neuron that fired at step t, and 0 for the others; ``sent`` is the state ``time``."""
        return held_activation(sent, steps, self.threshold)

    def limited(self, lower: Any, upper: Any) -> FirstSpike:
        """Return neurons that stand for a rectifier with a ceiling and a lower limit, each None if there is none."""
        first = self.first_step if upper is None else np.ceil(self.threshold / np.asarray(upper, np.float64))
        last = self.last_step
        if lower is not None:
            last = np.minimum(last, np.floor(self.threshold / np.asarray(lower, np.float64)))
        return replace(self, first_step=_number(first), last_step=_number(last))


def _number(value: Any) -> Any:
    return float(value) if np.ndim(value) == 0 else value


@dataclass(frozen=True, eq=False)
class FirstSpikeReadout(NeuronModel):
    """The output layer: the first neuron that fires decides, and the simulation of its sample is over.

    With input z(t) and threshold θ in steps, as long as none of the last axis has fired::

        u(t) = u(t-1) + z(t),  u(0) = 0
        Θ(t) = 1 if u(t) >= θ

    From the first spike on, potentials stay as they are. The potential over the time of the decision is the decoded
    output: θ / t for the neuron that fired at t. If two fire in one step, the one with the higher potential passed the
    threshold before the other; without any spike, potentials still tell the classes apart.

    Attributes:
        threshold: θ > 0, a scalar or one value a channel.
    """

    readout: ClassVar[Literal["potential", "message"]] = "potential"
    decides: ClassVar[bool] = True

    threshold: Parameter = 10.0

    def __post_init__(self) -> None:
        """Check limits and make array parameters read-only.

        Raises:
            GraphError: A parameter is outside its limits.
        """
        object.__setattr__(self, "threshold", read_only(self.threshold))
        if not np.all(np.asarray(self.threshold) > 0):
            raise GraphError(f"FirstSpikeReadout: threshold must be > 0 steps, got {np.min(self.threshold)}")

    def init_state(self, shape: tuple[int, ...], dtype: Any = np.float64) -> State:
        """Return ``potential`` and ``decision``: the step of the first spike, 0 before it, shape (..., 1)."""
        return {"potential": np.zeros(shape, dtype), "decision": np.zeros((*shape[:-1], 1), dtype)}

    def step(self, state: State, current: Array, clock: Clock) -> tuple[Emission, State]:
        """Advance by one time step; see the class for the equations."""
        is_open = state["decision"] == 0
        u = state["potential"] + np.where(is_open, current, 0)
        spikes = ((u >= self.threshold) & is_open).astype(u.dtype)
        decided = spikes.max(axis=-1, keepdims=True) * clock.step
        return Emission(message=spikes, spikes=spikes), {"potential": u, "decision": state["decision"] + decided}

    def margin(self, state: State, current: Array) -> Array | None:
        """Return the distance of the potential from the threshold, infinite after the decision."""
        u = state["potential"] + current
        return np.where(state["decision"] == 0, np.abs(u - self.threshold), np.inf)
