"""Time to the first spike: a value is one over the latency of the only spike (Rueckauer 2020, section 2.2.2.1)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from snntoolbox.codes.base import Array, SpikeCode
from snntoolbox.codes.stimulus import ConstantCurrent, Stimulus
from snntoolbox.errors import ConversionError
from snntoolbox.neurons import FirstSpike, FirstSpikeReadout, NeuronModel

if TYPE_CHECKING:
    from snntoolbox.config.settings import Settings

__all__ = ["TTFSCode"]


@dataclass(frozen=True)
class TTFSCode(SpikeCode):
    """Neurons that fire once, input included; the first spike of the output decides.

    Attributes:
        time_resolution: Number of steps after which a value of 1 fires.
        decision_threshold: Normalised output at which the first spike decides. A higher one waits for more of
            the late spikes.
        spiking_input: Whether inputs are sent as spikes, too; otherwise they are constant currents.
        latest_spike: Latest time at which a neuron fires, in units of ``time_resolution`` and counted from the latest
            time of the layer before; 0 for no limit. A value of 1 / ``latest_spike`` is the least that is sent.
    """

    name: ClassVar[str] = "ttfs"

    time_resolution: float = 4.0
    decision_threshold: float = 1.5
    spiking_input: bool = True
    latest_spike: float = 0.0

    def __post_init__(self) -> None:
        """Check the options.

        Raises:
            ConversionError: One is out of range.
        """
        if not min(self.time_resolution, self.decision_threshold) > 0:
            raise ConversionError(
                f"spike code '{self.name}': expected time_resolution and decision_threshold > 0, got "
                f"{self.time_resolution} and {self.decision_threshold}"
            )
        if self.latest_spike != 0 and not self.latest_spike >= 1:
            raise ConversionError(
                f"spike code '{self.name}': expected latest_spike >= 1, which the largest value takes, or 0 for no "
                f"limit, got {self.latest_spike}"
            )

    @classmethod
    def from_settings(cls, settings: Settings, peak: float = 1.0) -> Self:
        """Return the code that ``[conversion]`` asks for."""
        del peak  # values above 1 fire earlier
        return cls(**{field.name: getattr(settings.conversion, field.name) for field in fields(cls)})

    def neuron(self) -> NeuronModel:
        """Return a neuron that fires once."""
        last = self.latest_spike * self.time_resolution if self.latest_spike else np.inf
        return FirstSpike(self.time_resolution, last_step=last)

    def input_neuron(self) -> NeuronModel | None:
        """Return a neuron that fires once, for inputs of both signs; None where inputs are constant currents."""
        return FirstSpike(self.time_resolution, signed=True) if self.spiking_input else None

    def output_neuron(self) -> NeuronModel:
        """Return neurons of which the first spike decides."""
        return FirstSpikeReadout(self.time_resolution * self.decision_threshold)

    def encode(self, values: Array, sample_ids: Any = None) -> Stimulus:
        """Return a constant current, which the input neurons, if there are any, turn into spikes."""
        return ConstantCurrent(values, sample_ids)

    @staticmethod
    def decode(raw: Array, step: Any) -> Array:
        """Return the potential over the time of the decision: one over the latency of the neuron that decided."""
        return np.asarray(raw / step)
