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
    needs_clamped: ClassVar[bool] = False
    """Whether the network must have rectifiers that give 0 for small values (eq. 2.29)."""
    announces: ClassVar[bool] = False
    """Whether neurons send announcements beside spikes, so that there are two numbers on each wire."""
    layered: ClassVar[bool] = False
    """Whether layers send one after the other, each in its own window, while biases act once (`WindowedNeuron`)."""
    needs_peak: ClassVar[bool] = False
    """Whether the largest input value matters, also where the input is not random."""

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

    def layer_neuron(self, layer: str) -> NeuronModel:
        """Return the neuron that stands for the rectifier of this name: that of all others unless a code differs."""
        del layer
        return self.neuron()

    def activation_neuron(self, function: str) -> NeuronModel | None:
        """Return the neuron that stands for another activation inside the network; None if there is none.

        Args:
            function: One of `snntoolbox.ir.ops.Activation.FUNCTIONS`.
        """
        del function
        return None

    @property
    def named_layers(self) -> tuple[str, ...]:
        """Layers that have options of their own, by name."""
        return ()

    @property
    def keeps_units(self) -> bool:
        """Whether spikes stand for activations in the units of the ANN, so that nothing is to be normalised."""
        return False

    @property
    def input_window(self) -> int:
        """Number of steps after which the input is complete; matters to codes that are ``layered``."""
        return 0

    def input_neuron(self) -> NeuronModel | None:
        """Return the neuron that stands behind each input and turns its values into spikes; None if `encode` does."""
        return None

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
    def decode(raw: Array, step: Any) -> Array:
        """Turn what was read from the output layer up to ``step`` (from 1) into values in units of the ANN's output.

        Args:
            raw: Potential, or sum of messages (the neuron's ``readout``), of shape (batch, *layer shape).
            step: Number of steps simulated so far: a number, or one a sample where outputs decide, (batch, ..., 1).
        """
