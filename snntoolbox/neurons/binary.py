"""Neurons of binary networks: activations in {0, 1} or {-1, 1}.

Source: Rueckauer 2020, section 2.1.3.4, which converts BinaryNet (Courbariaux et al. 2016) with spikes of both signs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from snntoolbox.neurons.base import Array, Clock, Emission, NeuronModel, State

__all__ = ["BinaryNeuron"]


@dataclass(frozen=True, eq=False)
class BinaryNeuron(NeuronModel):
    """Integrate the input, and in each step send on which side of 0 the sum is.

    With input z(t)::

        S(t) = S(t-1) + z(t)
        s = 1 if S(t) > 0, else 0                     heaviside
        s = sign(S(t))                                signed
        message = s

    An integrate-and-fire neuron would need the more steps the smaller its input is, while the activation is 1 all the
    same. The sum, in place of the input of a step, averages over input that fluctuates: as soon as it has the sign of
    the mean input, the neuron sends the activation of the network in every step.

    Attributes:
        signed: Whether the activation is the sign, in spikes of either sign, or the step function.
    """

    emits: ClassVar[Literal["spikes", "signed", "graded"]] = "signed"
    message_size: ClassVar[float] = 1.0

    signed: bool = False

    def init_state(self, shape: tuple[int, ...], dtype: Any = np.float64) -> State:
        """Return ``potential`` (S) = 0."""
        return {"potential": np.zeros(shape, dtype)}

    def step(self, state: State, current: Array, clock: Clock) -> tuple[Emission, State]:
        """Advance by one time step; see the class for the equations."""
        del clock
        total = state["potential"] + current
        signs = np.sign(total) if self.signed else (total > 0).astype(total.dtype)
        return Emission(message=signs, spikes=np.abs(signs)), {"potential": total}

    def margin(self, state: State, current: Array) -> Array | None:
        """Return the distance of the sum from 0."""
        return np.asarray(np.abs(state["potential"] + current))
