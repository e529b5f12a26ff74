"""Time to the first spike, of neurons that wait for input that was announced (Rueckauer 2020, section 2.2.2.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from snntoolbox.codes.ttfs import TTFSCode
from snntoolbox.errors import ConversionError
from snntoolbox.neurons import ExpectantFirstSpike, ExpectantReadout, NeuronModel

__all__ = ["DynamicThresholdCode"]


@dataclass(frozen=True)
class DynamicThresholdCode(TTFSCode):
    """Neurons announce that they will fire, and raise their threshold by the input that is still missing (eq. 2.28).

    Attributes:
        time_resolution: Number of steps after which a value of 1 fires if no input is missing.
        decision_threshold: Normalised output at which the first spike decides if no input is missing.
        spiking_input: Whether inputs are sent as spikes, too; otherwise they are constant currents.
        latest_spike: 0; neurons that wait for late spikes know no latest time.
        patience: How much missing input raises the threshold: at 1 by what it adds in ``time_resolution`` steps.
        least_expected: Activation above which a neuron announces its spike.
    """

    name: ClassVar[str] = "ttfs_dyn_thresh"
    announces: ClassVar[bool] = True

    patience: float = 0.05
    least_expected: float = 0.25

    def __post_init__(self) -> None:
        """Check the options.

        Raises:
            ConversionError: One is out of range.
        """
        super().__post_init__()
        if self.latest_spike:
            raise ConversionError(
                f"spike code '{self.name}': neurons wait for late spikes, so expected latest_spike = 0, got "
                f"{self.latest_spike}"
            )
        if self.patience < 0 or not self.least_expected > 0:
            raise ConversionError(
                f"spike code '{self.name}': expected patience >= 0 and least_expected > 0, got {self.patience} and "
                f"{self.least_expected}"
            )

    def neuron(self) -> NeuronModel:
        """Return a neuron that announces its spike."""
        return ExpectantFirstSpike(self.time_resolution, self.patience, self.least_expected)

    def input_neuron(self) -> NeuronModel | None:
        """Return the same for inputs of both signs; None where inputs are constant currents."""
        if not self.spiking_input:
            return None
        return ExpectantFirstSpike(self.time_resolution, self.patience, self.least_expected, signed=True)

    def output_neuron(self) -> NeuronModel:
        """Return neurons of which the first spike decides."""
        return ExpectantReadout(self.patience * self.time_resolution, self.decision_threshold * self.time_resolution)
