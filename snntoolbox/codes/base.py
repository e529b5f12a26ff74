"""The contract of a spike code: what goes in, what the neurons are, and how the output is read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from snntoolbox.codes.rounding import Rounding
from snntoolbox.codes.stimulus import Stimulus
from snntoolbox.errors import ConversionError
from snntoolbox.neurons import NeuronModel

if TYPE_CHECKING:
    from snntoolbox.config.settings import Settings

__all__ = ["SpikeCode"]

Array = NDArray[np.floating[Any]]


class SpikeCode(ABC):
    """How values become spikes and spikes become values again. Concrete codes are frozen dataclasses of options."""

    name: ClassVar[str]

    @classmethod
    @abstractmethod
    def from_settings(cls, settings: Settings, peak: float = 1.0) -> Self:
        """Return the code with the options of a config file.

        Args:
            settings: The whole configuration; ``[cell]``, ``[conversion]``, ``[input]`` and the time step matter.
            peak: Largest input value, which stochastic input sends at its full rate.
        """

    @abstractmethod
    def neuron(self) -> NeuronModel:
        """Return the neuron that stands for a rectifier."""

    @abstractmethod
    def output_neuron(self) -> NeuronModel:
        """Return the neuron of the output layer."""

    @abstractmethod
    def encode(self, values: Array, sample_ids: Any = None) -> Stimulus:
        """Turn samples of shape (batch, *sample shape) into input over time.

        Args:
            values: The samples.
            sample_ids: Index of each in the data set, shape (batch,); keys the noise of stochastic input.
        """

    def rounding(self, num_steps: int) -> Rounding:
        """Return what becomes of a normalised activation in ``num_steps`` time steps, on average over its course.

        Raises:
            ConversionError: Messages of this code are no multiples of a unit.
        """
        raise ConversionError(f"spike code '{self.name}': values are not rounded to a number of spikes")

    @staticmethod
    @abstractmethod
    def decode(raw: Array, step: int) -> Array:
        """Turn what was read from the output layer up to ``step`` (from 1) into values in units of the ANN's output.

        Args:
            raw: Potential, or sum of messages (the neuron's ``readout``), of shape (batch, *layer shape).
            step: Number of steps simulated so far.
        """
