"""Time to the first spike without loss: layers fire in windows, one after the other (Stanojevic et al. 2023)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from snntoolbox.codes.base import Array, SpikeCode
from snntoolbox.codes.pattern_input import PatternSpikes
from snntoolbox.codes.stimulus import Stimulus
from snntoolbox.errors import ConversionError
from snntoolbox.neurons import Accumulator, LatencyNeuron, NeuronModel

if TYPE_CHECKING:
    from snntoolbox.config.settings import Settings

__all__ = ["ExactTTFSCode"]


@dataclass(frozen=True)
class ExactTTFSCode(SpikeCode):
    """One spike a neuron at most, at a time in the window of its layer that falls linearly with the activation.

    A layer fires after all of its input has arrived, so no spike comes too early, and the network computes what the ANN
    computes with activations rounded to ``window`` levels. Activations above the scale of their layer saturate, so the
    scale is to be their maximum.

    Attributes:
        window: Number of steps of a layer, and of the input.
        threshold: Largest activation that can be sent, in units of the normalised activations.
        initial_potential: What is added before a value becomes a step, in steps: 0.5 rounds.
        peak: Largest input value that can be sent.
    """

    name: ClassVar[str] = "ttfs_exact"
    layered: ClassVar[bool] = True
    needs_peak: ClassVar[bool] = True

    window: int = 64
    threshold: float = 1.0
    initial_potential: float = 0.5
    peak: float = 1.0

    def __post_init__(self) -> None:
        """Check the window.

        Raises:
            ConversionError: It has no step.
        """
        if self.window < 1:
            raise ConversionError(f"spike code '{self.name}': expected a window of at least 1 step, got {self.window}")

    @classmethod
    def from_settings(cls, settings: Settings, peak: float = 1.0) -> Self:
        """Return the code that ``[conversion]`` and ``[cell]`` ask for."""
        cell = settings.cell
        return cls(settings.conversion.layer_window, cell.v_thresh, cell.initial_potential, peak)

    def neuron(self) -> NeuronModel:
        """Return a neuron that fires once in its window."""
        return LatencyNeuron(self.window, self.threshold, self.initial_potential)

    def output_neuron(self) -> NeuronModel:
        """Return an accumulator, whose potential is complete after the last window."""
        return Accumulator()

    @property
    def input_window(self) -> int:
        """Number of steps in which an input is sent."""
        return self.window

    def encode(self, values: Array, sample_ids: Any = None) -> Stimulus:
        """Return one spike for each value that is not rounded to 0, with its sign."""
        neuron = LatencyNeuron(self.window, self.peak, self.initial_potential, negative_slope=1.0)
        return PatternSpikes(values, neuron, sample_ids)

    @staticmethod
    def decode(raw: Array, step: Any) -> Array:
        """Return the potential."""
        del step
        return raw
