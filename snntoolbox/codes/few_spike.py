"""Few-spike code: thresholds that fall from step to step (Stoeckl and Maass 2021), for any activation function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from snntoolbox.codes.base import Array, SpikeCode
from snntoolbox.codes.few_spike_tables import TABLES
from snntoolbox.codes.pattern_input import PatternSpikes
from snntoolbox.codes.rounding import Rounding
from snntoolbox.codes.stimulus import Stimulus
from snntoolbox.errors import ConversionError
from snntoolbox.neurons import Accumulator, FewSpikeNeuron, NeuronModel, PatternNeuron

if TYPE_CHECKING:
    from snntoolbox.config.settings import Settings

__all__ = ["FewSpikeCode"]


@dataclass(frozen=True)
class FewSpikeCode(SpikeCode):
    """Layers that send one after the other, in at most K spikes a neuron.

    A rectifier takes ``num_bits`` steps. Other activations take as many as their fitted table has, and need inputs
    within the range that it was fitted in (`snntoolbox.codes.few_spike_tables`).

    Attributes:
        num_bits: K for rectifiers and for the input, in 1 to 32.
        threshold: Largest activation that can be sent, in units of the normalised activations.
        initial_potential: What is added before a rectifier sends, in units of its last spike: 0.5 rounds.
        peak: Largest input value that can be sent.
    """

    name: ClassVar[str] = "few_spike"
    layered: ClassVar[bool] = True
    needs_peak: ClassVar[bool] = True

    num_bits: int = 8
    threshold: float = 1.0
    initial_potential: float = 0.5
    peak: float = 1.0

    def __post_init__(self) -> None:
        """Check the number of spikes.

        Raises:
            ConversionError: It is out of range.
        """
        if not 1 <= self.num_bits <= 32:
            raise ConversionError(f"spike code '{self.name}': expected num_bits from 1 to 32, got {self.num_bits}")

    @classmethod
    def from_settings(cls, settings: Settings, peak: float = 1.0) -> Self:
        """Return the code that ``[conversion]`` and ``[cell]`` ask for."""
        cell = settings.cell
        return cls(settings.conversion.num_bits, cell.v_thresh, cell.initial_potential, peak)

    def neuron(self) -> NeuronModel:
        """Return a few-spike neuron that is a rectifier."""
        return FewSpikeNeuron.rectifier(self.num_bits, self.initial_potential, self.threshold)

    def activation_neuron(self, function: str) -> NeuronModel | None:
        """Return a few-spike neuron with the table of a function; None if there is no table."""
        return FewSpikeNeuron(*TABLES[function]) if function in TABLES else None

    def output_neuron(self) -> NeuronModel:
        """Return an accumulator."""
        return Accumulator()

    def rounding(self, num_steps: int) -> Rounding:
        """Return the staircase of the bits that are sent; it does not depend on the number of steps."""
        del num_steps
        return Rounding(self.threshold / (2**self.num_bits - 1), self.threshold, self.initial_potential)

    @property
    def input_window(self) -> int:
        """Number of steps in which an input is sent."""
        return self.num_bits

    def encode(self, values: Array, sample_ids: Any = None) -> Stimulus:
        """Return spikes of exponentially falling size, with the sign of the values."""
        neuron = PatternNeuron(self.num_bits, self.peak, rounding=self.initial_potential, negative_slope=1.0)
        return PatternSpikes(values, neuron, sample_ids)

    @staticmethod
    def decode(raw: Array, step: int) -> Array:
        """Return the potential, which is complete after the last layer's window."""
        del step
        return raw
