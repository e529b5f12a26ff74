"""Neurons of the output layer that are not plain integrate-and-fire: accumulators and spiking softmax.

Source: Rueckauer 2020, section 2.1.2.4 "Spiking softmax" (three variants; the third, a softmax of the potentials
without spikes, is `Accumulator` followed by a softmax of the decoded value).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from snntoolbox.errors import GraphError
from snntoolbox.neurons.base import Array, Clock, Emission, NeuronModel, State

__all__ = ["Accumulator", "SoftmaxNeuron"]


@dataclass(frozen=True, eq=False)
class Accumulator(NeuronModel):
    """Sum the input and never fire: V(t) = V(t-1) + z(t).

    The potential over the elapsed steps is the decoded output, negative values included, so negative logits classify.
    """

    readout: ClassVar[Literal["potential", "message"]] = "potential"
    spiking: ClassVar[bool] = False

    def init_state(self, shape: tuple[int, ...], dtype: Any = np.float64) -> State:
        """Return ``potential`` = 0."""
        return {"potential": np.zeros(shape, dtype)}

    def step(self, state: State, current: Array, clock: Clock) -> tuple[Emission, State]:
        """Add the input to the potential; nothing is sent."""
        potential = state["potential"] + current
        nothing = np.zeros_like(potential)
        return Emission(message=nothing, spikes=nothing), {"potential": potential}


@dataclass(frozen=True, eq=False)
class SoftmaxNeuron(NeuronModel):
    """Accumulate the input and emit spikes from a softmax over the potentials of the last axis.

    With p = softmax(V(t)) and noise n(t) in [0, 1):

    * ``clock``: an external generator fires with probability ``rate`` in a step; then exactly one class spikes, chosen
      with probability p (Nessler et al. 2009, as in Rueckauer 2020).
    * ``poisson``: each class spikes on its own with probability p.

    The potential is not reset. The spike count over the elapsed steps is the decoded output.

    Attributes:
        trigger: What makes the layer fire.
        rate: Probability in (0, 1] that the external generator fires in a step (``clock`` only).
    """

    trigger: Literal["clock", "poisson"] = "poisson"
    rate: float = 1.0

    def __post_init__(self) -> None:
        """Check limits.

        Raises:
            GraphError: A parameter is outside its limits.
        """
        if self.trigger not in ("clock", "poisson"):
            raise GraphError(f"SoftmaxNeuron: trigger must be 'clock' or 'poisson', got '{self.trigger}'")
        if not 0 < self.rate <= 1:
            raise GraphError(f"SoftmaxNeuron: rate must be in (0, 1], got {self.rate}")

    def init_state(self, shape: tuple[int, ...], dtype: Any = np.float64) -> State:
        """Return ``potential`` = 0."""
        return {"potential": np.zeros(shape, dtype)}

    def step(self, state: State, current: Array, clock: Clock) -> tuple[Emission, State]:
        """Add the input, then draw spikes; see the class."""
        potential = state["potential"] + current
        exponent = np.exp(potential - potential.max(axis=-1, keepdims=True))
        probability = exponent / exponent.sum(axis=-1, keepdims=True)
        draw = self._draw_clock if self.trigger == "clock" else self._draw_poisson
        spikes = draw(probability, clock).astype(potential.dtype)
        return Emission(message=spikes, spikes=spikes), {"potential": potential}

    def _draw_poisson(self, probability: Array, clock: Clock) -> Array:
        return np.asarray(clock.uniform(probability.shape) < probability, probability.dtype)

    def _draw_clock(self, probability: Array, clock: Clock) -> Array:
        # One number decides both: below the rate the generator fires, and what it is below the rate picks the class.
        noise = clock.uniform((probability.shape[0],)).reshape(-1, *(1,) * (probability.ndim - 1)) / self.rate
        upper = np.cumsum(probability, axis=-1)
        lower = np.concatenate([np.zeros_like(upper[..., :1]), upper[..., :-1]], axis=-1)
        upper[..., -1] = 1.0
        return np.asarray((noise >= lower) & (noise < upper), probability.dtype)
