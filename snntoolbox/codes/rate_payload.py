"""Rate code whose spikes carry a payload (Rueckauer 2020, section 2.1.2.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from snntoolbox.codes.rate import RateCode
from snntoolbox.errors import ConversionError
from snntoolbox.neurons import NeuronModel, PayloadIntegrateAndFire

__all__ = ["PayloadRateCode"]


@dataclass(frozen=True)
class PayloadRateCode(RateCode):
    """The rate code with neurons that send the charge since their last spike along with each spike.

    Options are those of the rate code. Only reset by subtraction goes together with payloads.
    """

    name: ClassVar[str] = "rate_payload"

    def __post_init__(self) -> None:
        """Refuse options of neurons that do not go together with payloads.

        Raises:
            ConversionError: One is asked for.
        """
        super().__post_init__()
        refused = {
            f"neurons '{self.neuron_model}'": self.neuron_model != "integrate_and_fire",
            f"reset '{self.reset}'": self.reset != "subtract",
            "a refractory period": self.refractory_steps > 0,
            "a leak": self.leak_factor != 1,
            "spike counts at the output": self.output == "spikes",
        }
        found = [what for what, is_asked in refused.items() if is_asked]
        if found:
            raise ConversionError(
                f"spike code '{self.name}': payloads do not go together with {', '.join(found)}; use spike_code = rate"
            )

    def neuron(self) -> NeuronModel:
        """Return an integrate-and-fire neuron with payload."""
        return PayloadIntegrateAndFire(self.threshold, self.initial_potential * self.threshold)
