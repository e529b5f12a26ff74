"""Time to the first spike, of neurons that wait for input that was announced (Rueckauer 2020, section 2.2.2.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from snntoolbox.codes.ttfs import TTFSCode
from snntoolbox.neurons import ExpectantFirstSpike, ExpectantReadout, NeuronModel

if TYPE_CHECKING:
    from snntoolbox.config.settings import Settings

__all__ = ["DynamicThresholdCode"]


@dataclass(frozen=True)
class DynamicThresholdCode(TTFSCode):
    """Neurons announce that they will fire, and raise their threshold by the input that is still missing (eq. 2.28).

    Attributes:
        time_resolution: Number of steps after which a value of 1 fires if no input is missing.
        decision_threshold: Normalised output at which the first spike decides if no input is missing.
        patience: How much missing input raises the threshold: at 1 by what it adds in ``time_resolution`` steps.
    """

    name: ClassVar[str] = "ttfs_dyn_thresh"
    announces: ClassVar[bool] = True

    patience: float = 0.1

    @classmethod
    def from_settings(cls, settings: Settings, peak: float = 1.0) -> Self:
        """Return the code that ``[conversion]`` asks for."""
        del peak  # values above 1 fire earlier
        conversion = settings.conversion
        return cls(conversion.time_resolution, conversion.decision_threshold, conversion.patience)

    def neuron(self) -> NeuronModel:
        """Return a neuron that announces its spike."""
        return ExpectantFirstSpike(self.time_resolution, self.patience)

    def input_neuron(self) -> NeuronModel:
        """Return the same for inputs of both signs."""
        return ExpectantFirstSpike(self.time_resolution, self.patience, signed=True)

    def output_neuron(self) -> NeuronModel:
        """Return neurons of which the first spike decides."""
        return ExpectantReadout(self.patience * self.time_resolution, self.decision_threshold * self.time_resolution)
