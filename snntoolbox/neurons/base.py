"""The contract of a neuron model: parameters, an initial state, and one NumPy step.

The NumPy step is the definition; every backend's own version is tested against it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from snntoolbox.neurons.noise import uniform

__all__ = ["Array", "Clock", "Emission", "NeuronModel", "Parameter", "State", "parameter_problem", "read_only"]

Array = NDArray[np.floating[Any]]
Parameter = float | NDArray[np.floating[Any]]
"""A scalar, or an array that broadcasts against the shape of the layer (one value a channel: shape (channels,))."""
State = Mapping[str, Array]
"""Named state variables, each of shape (batch, *shape)."""


def read_only(value: Any) -> Any:
    """Return a float as it is and an array as a read-only copy, so that a frozen dataclass is really frozen."""
    if isinstance(value, np.ndarray):
        value = value.copy()
        value.flags.writeable = False
    return value


def parameter_problem(model: NeuronModel, shape: tuple[int, ...]) -> str | None:
    """Return why a parameter array of ``model`` does not fit a layer of ``shape``, or None."""
    for name, value in vars(model).items():
        if isinstance(value, np.ndarray):
            try:
                fits = np.broadcast_shapes(value.shape, shape) == shape
            except ValueError:
                fits = False
            if not fits:
                return f"{name}: expected a scalar or a shape that broadcasts to {shape}, got {value.shape}"
    return None


@dataclass(frozen=True, eq=False)
class Clock:
    """Where a step stands: its number and what is needed to draw noise for it.

    Attributes:
        step: Time step, counted from 1.
        key: Noise key of the layer (`snntoolbox.neurons.noise.stream_key`).
        sample_ids: Index of each sample in the data set, shape (batch,).
    """

    step: int
    key: int = 0
    sample_ids: NDArray[np.integer] | None = None

    def uniform(self, shape: tuple[int, ...], *, per_sample: bool = False) -> Array:
        """Return noise in [0, 1) for a state of shape (batch, *rest).

        With ``per_sample``, one number a sample, in a shape that broadcasts over ``rest``.
        """
        ids: NDArray[np.integer] = np.arange(shape[0]) if self.sample_ids is None else self.sample_ids
        if not per_sample:
            return uniform(self.key, ids, self.step, shape[1:])
        return uniform(self.key, ids, self.step, ()).reshape(-1, *(1,) * (len(shape) - 1))


@dataclass(frozen=True, eq=False)
class Emission:
    """What a layer sends in one step.

    Attributes:
        message: The value that arrives at the synapses, shape (batch, *shape): spike times amplitude.
        spikes: Number of events each neuron emitted, shape (batch, *shape).
    """

    message: Array
    spikes: Array


class NeuronModel(ABC):
    """Parameters of a layer of neurons and one time step in NumPy.

    Concrete models are frozen dataclasses.

    Attributes:
        readout: What an output layer of this model is decoded from: the membrane potential, or the sum of its messages.
        spiking: Whether it ever sends anything.
        emits: How messages and events belong together. A message is a whole multiple of one size; that multiple is the
            number of spikes (``spikes``), a number of spikes of either sign (``signed``), or one event (``graded``).
            Or a message of 1 or -1 stays after the event that began it: the sign of the state ``time`` (``held``).
        decides: Whether an output layer of this model ends the simulation of a sample; the step in which it did is the
            state ``decision``, of shape (batch, ..., 1), 0 before.
    """

    readout: ClassVar[Literal["potential", "message"]] = "message"
    spiking: ClassVar[bool] = True
    emits: ClassVar[Literal["spikes", "signed", "graded", "held"]] = "spikes"
    decides: ClassVar[bool] = False

    @abstractmethod
    def init_state(self, shape: tuple[int, ...], dtype: Any = np.float64) -> State:
        """Return the state before the first step for a layer of ``shape`` = (batch, *layer shape)."""

    @abstractmethod
    def step(self, state: State, current: Array, clock: Clock) -> tuple[Emission, State]:
        """Advance by one time step.

        Args:
            state: As returned by `init_state` or the step before; not changed.
            current: Input charge of this step, shape (batch, *shape).
            clock: Number of the step and source of noise.

        Returns:
            What is sent in this step, and the new state.
        """

    def margin(self, state: State, current: Array) -> Array | None:
        """Return how far a neuron is from deciding otherwise in this step, shape (batch, *shape).

        Where that is tiny, rounding may decide. None if there is nothing to decide.

        Args:
            state: Before the step.
            current: Input charge of this step, shape (batch, *shape).
        """
        return None

    def activation(self, sent: Array, steps: Any) -> Array:
        """Return the normalised activations that messages stand for.

        Args:
            sent: Sums of the messages, or the state ``time`` where they are ``held``, shape (batch, *shape).
            steps: Number of steps that count, a number or one a sample.
        """
        return np.asarray(sent / steps)
