"""Neurons that announce that they will fire, and wait for input that was announced to them.

Source: Rueckauer 2020, section 2.2.2.2 (eq. 2.28).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from snntoolbox.errors import GraphError
from snntoolbox.neurons.base import Array, Clock, Emission, NeuronModel, State
from snntoolbox.neurons.first_spike import held_activation

__all__ = ["ExpectantFirstSpike", "ExpectantReadout"]


def _halves(x: Array) -> tuple[Array, Array]:
    """Return the two halves of the last axis."""
    middle = x.shape[-1] // 2
    return x[..., :middle], x[..., middle:]


def _joined(first: Array, second: Array) -> Array:
    return np.concatenate([first, second], axis=-1)


@dataclass(frozen=True, eq=False)
class ExpectantFirstSpike(NeuronModel):
    """Fire once, at a threshold that is raised by the input that is still missing.

    The last axis has two halves. Of the input, the first is z(t), as of `FirstSpike`; the second is the missing input
    m(t), the sum of the sizes of the weights from neurons that have announced a spike and not fired yet. Of what is
    sent, the first half is the spike, held; the second the announcement, which ends with the spike::

        u(t) = u(t-1) + z(t),  u(0) = 0
        v(t) = u(t) - γ θ m(t)
        Θ(t) = 1 if v(t) >= θ and nothing was sent before, else 0       (u >= θ + γ θ m: eq. 2.28)
        a(t) = 1 if z(t) > ζ and nothing was sent up to now, else 0
        message = (1 from the spike on, 1 from the spike on or else a(t))

    The missing input is what the second half of the messages adds up to, less the first half, both with the sizes of
    the weights. An announcement is an event when it begins and when it is taken back; a spike ends it without an event
    of its own.

    Attributes:
        threshold: θ > 0 without missing input, a scalar, in steps.
        patience: γ >= 0, how much missing input raises the threshold: at 1 by what it adds in the latency of 1.
        least_slope: ζ > 0, slope of the potential from which on a spike is expected; it would come after θ / ζ steps.
        first_step: Step before which nothing fires, a scalar; see `FirstSpike`.
        signed: Whether inputs of both signs are sent; z < 0 announces a message of -1 then.
    """

    emits: ClassVar[Literal["spikes", "signed", "graded", "held"]] = "held"

    threshold: float = 10.0
    patience: float = 0.1
    least_slope: float = 1 / 64
    first_step: float = 0.0
    signed: bool = False
    message_size: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        """Check limits and make array parameters read-only.

        Raises:
            GraphError: A parameter is outside its limits.
        """
        if not min(self.threshold, self.least_slope) > 0 or self.patience < 0:
            raise GraphError(
                f"ExpectantFirstSpike: expected threshold and least_slope > 0 and patience >= 0, got {self.threshold}, "
                f"{self.least_slope} and {self.patience}"
            )

    def init_state(self, shape: tuple[int, ...], dtype: Any = np.float64) -> State:
        """Return ``charge`` (u) and ``potential`` (v), whose second halves stay 0, and ``time``.

        That is the step of the spike times its sign, and in the second half whether the neuron has fired or announces.
        """
        return {name: np.zeros(shape, dtype) for name in ("charge", "potential", "time")}

    def step(self, state: State, current: Array, clock: Clock) -> tuple[Emission, State]:
        """Advance by one time step; see the class for the equations."""
        charge, v, slope = self._integrate(state, current)
        time, announced = _halves(state["time"])
        ready = (time == 0) & (clock.step >= self.first_step)
        signs = (v >= self.threshold).astype(v.dtype)
        if self.signed:
            signs, slope = signs * np.sign(charge), np.abs(slope)
        expected = (slope > self.least_slope).astype(v.dtype)
        spikes = signs * ready
        time = time + spikes * clock.step
        announces = np.where(time != 0, 1.0, expected).astype(v.dtype)
        changes = np.abs(announces - announced) * (spikes == 0)
        nothing = np.zeros_like(v)
        after = {
            "charge": _joined(charge, nothing),
            "potential": _joined(v, nothing),
            "time": _joined(time, announces),
        }
        return Emission(message=np.sign(after["time"]), spikes=_joined(np.abs(spikes), changes)), after

    def margin(self, state: State, current: Array) -> Array | None:
        """Return the distance from the threshold, or of the slope from 0 where that decides on an announcement."""
        _, v, slope = self._integrate(state, current)
        silent, size = _halves(state["time"])[0] == 0, np.abs(slope) if self.signed else slope
        distance = np.where(silent, np.abs(v - self.threshold), np.inf)
        return _joined(distance, np.where(silent, np.minimum(np.abs(size - self.least_slope), distance), np.inf))

    def activation(self, sent: Array, steps: Any) -> Array:
        """Return θ / t for each neuron that fired at step t, and 0 for the others, from the first half of ``time``."""
        return held_activation(_halves(sent)[0], steps, self.threshold)

    def limited(self, lower: Any, upper: Any) -> ExpectantFirstSpike:
        """Return neurons that stand for a rectifier with a ceiling; None if there is none, or if it is not one number.

        Raises:
            GraphError: There is a lower limit, which contradicts waiting for late spikes.
        """
        if lower is not None:
            raise GraphError("ExpectantFirstSpike: neurons that wait for late spikes have no latest time to fire")
        return self if upper is None else replace(self, first_step=float(np.ceil(self.threshold / np.min(upper))))

    def _integrate(self, state: State, current: Array) -> tuple[Array, Array, Array]:
        """Return u, v and z."""
        slope, missing = _halves(current)
        charge = _halves(state["charge"])[0] + slope
        size = np.abs(charge) if self.signed else charge
        return charge, size - self.patience * self.threshold * missing, slope


@dataclass(frozen=True, eq=False)
class ExpectantReadout(NeuronModel):
    """The output layer behind `ExpectantFirstSpike`: the first neuron that fires decides.

    As `FirstSpikeReadout`, with a threshold that is raised by the missing input: v(t) = u(t) - r m(t) is compared with
    θ. The last axis has two halves, z and m; the first half of the potential is v, the second stays 0.

    Attributes:
        raised_by: r >= 0, what missing input of 1 raises the threshold by, in steps.
        threshold: θ > 0 without missing input, a scalar, in steps.
    """

    readout: ClassVar[Literal["potential", "message"]] = "potential"
    decides: ClassVar[bool] = True

    raised_by: float = 2.5
    threshold: float = 10.0

    def __post_init__(self) -> None:
        """Check limits.

        Raises:
            GraphError: A parameter is outside its limits.
        """
        if not self.threshold > 0 or self.raised_by < 0:
            raise GraphError(
                f"ExpectantReadout: expected threshold > 0 and raised_by >= 0 steps, got {self.threshold} and "
                f"{self.raised_by}"
            )

    def init_state(self, shape: tuple[int, ...], dtype: Any = np.float64) -> State:
        """Return ``charge`` (u) and ``potential`` (v), and ``decision``: the step of the first spike, 0 before it."""
        state = {name: np.zeros(shape, dtype) for name in ("charge", "potential")}
        return {**state, "decision": np.zeros((*shape[:-1], 1), dtype)}

    def step(self, state: State, current: Array, clock: Clock) -> tuple[Emission, State]:
        """Advance by one time step; see the class for the equations."""
        is_open = state["decision"] == 0
        charge, v = self._integrate(state, current)
        nothing = np.zeros_like(v)
        spikes = _joined(((v >= self.threshold) & is_open).astype(v.dtype), nothing)
        decided = spikes.max(axis=-1, keepdims=True) * clock.step
        after = {
            "charge": np.where(is_open, _joined(charge, nothing), state["charge"]),
            "potential": np.where(is_open, _joined(v, nothing), state["potential"]),
            "decision": state["decision"] + decided,
        }
        return Emission(message=spikes, spikes=spikes), after

    def margin(self, state: State, current: Array) -> Array | None:
        """Return the distance of the potential from the threshold, infinite after the decision."""
        _, v = self._integrate(state, current)
        distance = np.where(state["decision"] == 0, np.abs(v - self.threshold), np.inf)
        return _joined(distance, np.full_like(distance, np.inf))

    def activation(self, sent: Array, steps: Any) -> Array:
        """Return the first half of the potentials over the time of the decision."""
        return np.asarray(_halves(sent)[0] / steps)

    def _integrate(self, state: State, current: Array) -> tuple[Array, Array]:
        """Return u and v."""
        slope, missing = _halves(current)
        charge = _halves(state["charge"])[0] + slope
        return charge, charge - self.raised_by * missing
