"""What enters the network over time: a frozen description, and its reference realisation.

A backend realises a stimulus natively (one current computed once, a compiled loop, a simulator's own generators) and
must equal `Stimulus.frames`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from snntoolbox.errors import SimulationError
from snntoolbox.neurons.noise import stream_key, uniform

__all__ = [
    "INPUT_STREAM",
    "ConstantCurrent",
    "PoissonSpikes",
    "SpikeTrains",
    "Stimulus",
    "frozen_values",
    "sample_numbers",
]

Array = NDArray[np.floating[Any]]
INPUT_STREAM = "input"
"""Name under which input noise is keyed; see `snntoolbox.neurons.noise.stream_key`."""


def frozen_values(value: Any) -> Any:
    """Return a read-only view of values as floating-point numbers."""
    array = np.asarray(value)
    array = array if array.dtype.kind == "f" else array.astype(np.float32)
    view = array.view()
    view.flags.writeable = False
    return view


class Stimulus(ABC):
    """Input of a batch of samples over time."""

    constant: ClassVar[bool] = False
    """Whether every step is the same, so that what depends on it alone can be computed once."""

    sample_ids: NDArray[np.integer[Any]]

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Shape (batch, *sample shape)."""

    @abstractmethod
    def frames(self, num_steps: int, seed: int = 0) -> Iterator[Array]:
        """Yield the input of each step, shape (batch, *sample shape).

        Args:
            num_steps: Number of steps.
            seed: Seed of stochastic input; the same seed gives the same trains for a sample in any batch.
        """

    def __len__(self) -> int:
        """Return the number of samples."""
        return self.shape[0]


def sample_numbers(given: Any, batch: int) -> NDArray[np.integer[Any]]:
    """Return the index of each sample in the data set: as given, or 0, 1, ...

    Raises:
        SimulationError: There is not one for each sample.
    """
    ids = np.arange(batch) if given is None else np.asarray(given)
    if ids.shape != (batch,):
        raise SimulationError(f"expected one sample index for each of the {batch} samples, got shape {ids.shape}")
    return ids


@dataclass(frozen=True, eq=False)
class ConstantCurrent(Stimulus):
    """Analog input: the value itself flows in at every step (Rueckauer 2020, eq. 2.20).

    Attributes:
        values: Shape (batch, *sample shape).
        sample_ids: Index of each sample in the data set; 0, 1, ... unless given.
    """

    values: Array
    sample_ids: Any = None
    constant: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "values", frozen_values(self.values))
        object.__setattr__(self, "sample_ids", sample_numbers(self.sample_ids, len(self.values)))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape (batch, *sample shape)."""
        return self.values.shape

    def frames(self, num_steps: int, seed: int = 0) -> Iterator[Array]:
        """Yield the values ``num_steps`` times."""
        del seed  # nothing is random
        for _ in range(num_steps):
            yield self.values


@dataclass(frozen=True, eq=False)
class PoissonSpikes(Stimulus):
    """Spikes with a probability in proportion to the value; negative values send negative spikes.

    In each step an element spikes with probability ``rate * min(|x| / peak, 1)`` and sends ``sign(x) * peak / rate``,
    so the mean input is x wherever |x| <= peak.

    Attributes:
        values: x, shape (batch, *sample shape).
        rate: Probability of a spike at |x| = peak, in (0, 1].
        peak: The value that is sent at the full rate; larger ones saturate.
        max_events: A sample sends no more once it has sent this many spikes in all; None for no limit.
        sample_ids: Index of each sample in the data set; 0, 1, ... unless given.
    """

    values: Array
    rate: float = 1.0
    peak: float = 1.0
    max_events: int | None = None
    sample_ids: Any = None

    def __post_init__(self) -> None:
        """Freeze the arrays and check limits.

        Raises:
            SimulationError: A parameter is outside its limits.
        """
        object.__setattr__(self, "values", frozen_values(self.values))
        object.__setattr__(self, "sample_ids", sample_numbers(self.sample_ids, len(self.values)))
        if not 0 < self.rate <= 1 or self.peak <= 0:
            raise SimulationError(
                f"Poisson input: expected a rate in (0, 1] spikes per step and a peak > 0, got {self.rate} and "
                f"{self.peak}; an input_rate above 1000 / dt Hz needs a smaller dt"
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape (batch, *sample shape)."""
        return self.values.shape

    @property
    def probability(self) -> NDArray[np.float32]:
        """Probability of a spike in a step, in float32 so that every backend compares the same numbers."""
        share = np.minimum(np.abs(self.values.astype(np.float32)) / np.float32(self.peak), np.float32(1))
        return (share * np.float32(self.rate)).astype(np.float32)

    @property
    def message(self) -> NDArray[np.float32]:
        """What a spike of each element carries."""
        return (np.sign(self.values) * (self.peak / self.rate)).astype(np.float32)

    def frames(self, num_steps: int, seed: int = 0) -> Iterator[Array]:
        """Yield the spikes of each step, times their message."""
        key, probability, message = stream_key(seed, INPUT_STREAM), self.probability, self.message
        sent = np.zeros(len(self), np.int64)
        axes = tuple(range(1, message.ndim))
        for step in range(1, num_steps + 1):
            spikes = uniform(key, self.sample_ids, step, self.shape[1:]) < probability
            if self.max_events is not None:
                spikes &= (sent < self.max_events).reshape(-1, *(1,) * len(axes))
                sent += spikes.sum(axis=axes)
            yield np.where(spikes, message, np.float32(0))


@dataclass(frozen=True, eq=False)
class SpikeTrains(Stimulus):
    """Given input, step by step.

    Attributes:
        trains: Shape (steps, batch, *sample shape): value of the spike, 0 where there is none.
        sample_ids: Index of each sample in the data set; 0, 1, ... unless given.
    """

    trains: Array
    sample_ids: Any = None

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "trains", frozen_values(self.trains))
        object.__setattr__(self, "sample_ids", sample_numbers(self.sample_ids, self.trains.shape[1]))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape (batch, *sample shape)."""
        return self.trains.shape[1:]

    def frames(self, num_steps: int, seed: int = 0) -> Iterator[Array]:
        """Yield the first ``num_steps`` steps.

        Raises:
            SimulationError: The trains are shorter.
        """
        del seed  # nothing is random
        if num_steps > len(self.trains):
            raise SimulationError(f"expected spike trains of at least {num_steps} steps, got {len(self.trains)}")
        yield from self.trains[:num_steps]
