"""Rate code: a value is the mean of the messages over time (Rueckauer 2020, section 2.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from snntoolbox.codes.base import Array, SpikeCode
from snntoolbox.codes.stimulus import ConstantCurrent, PoissonSpikes, Stimulus
from snntoolbox.neurons import Accumulator, IntegrateAndFire, NeuronModel, SoftmaxNeuron
from snntoolbox.neurons.integrate_and_fire import Reset

if TYPE_CHECKING:
    from snntoolbox.config.settings import Settings

__all__ = ["OutputMode", "RateCode"]

OutputMode = Literal["potential", "spikes", "softmax_clock", "softmax_poisson"]


@dataclass(frozen=True)
class RateCode(SpikeCode):
    """Integrate-and-fire neurons whose rates stand for activations.

    Attributes:
        threshold: In units of the normalised activations. A spike's message is as large as the threshold.
        reset: What happens to the potential at a spike.
        refractory_steps: Steps after a spike without input and output.
        leak_factor: What is left of the potential after a step without input, in (0, 1].
        initial_potential: Start of the potential as a fraction of the threshold.
        poisson_rate: Probability in (0, 1] of an input spike at the peak value; None for constant current.
        peak: Input value that is sent at the full Poisson rate.
        max_events: Input spikes a sample may send; None for no limit.
        output: What the output layer is: its potential without spikes, spike counts, or spiking softmax.
    """

    name: ClassVar[str] = "rate"

    threshold: float = 1.0
    reset: Reset = "subtract"
    refractory_steps: int = 0
    leak_factor: float = 1.0
    initial_potential: float = 0.5
    poisson_rate: float | None = None
    peak: float = 1.0
    max_events: int | None = None
    output: OutputMode = "potential"

    @classmethod
    def from_settings(cls, settings: Settings, peak: float = 1.0) -> Self:
        """Return the rate code that ``[cell]``, ``[conversion]`` and ``[input]`` ask for."""
        cell, inputs = settings.cell, settings.input
        rate = min(inputs.input_rate * settings.simulation.dt / 1000, 1.0)  # loading has refused more than rounding
        events = inputs.num_poisson_events_per_sample
        return cls(
            threshold=cell.v_thresh,
            reset=cell.reset,
            refractory_steps=settings.refractory_steps,
            leak_factor=settings.leak_factor,
            initial_potential=cell.initial_potential,
            poisson_rate=rate if inputs.poisson_input else None,
            peak=peak,
            max_events=events if events >= 0 else None,
            output=settings.conversion.output,
        )

    def neuron(self) -> NeuronModel:
        """Return an integrate-and-fire neuron."""
        return IntegrateAndFire(
            threshold=self.threshold,
            reset=self.reset,
            refractory_steps=self.refractory_steps,
            leak_factor=self.leak_factor,
            initial_potential=self.initial_potential * self.threshold,
        )

    def output_neuron(self) -> NeuronModel:
        """Return an accumulator, an integrate-and-fire neuron, or a spiking softmax."""
        if self.output == "potential":
            return Accumulator()
        if self.output == "spikes":
            return self.neuron()
        return SoftmaxNeuron(trigger="clock" if self.output == "softmax_clock" else "poisson")

    def encode(self, values: Array, sample_ids: Any = None) -> Stimulus:
        """Return a constant current, or Poisson spikes."""
        if self.poisson_rate is None:
            return ConstantCurrent(values, sample_ids)
        return PoissonSpikes(values, self.poisson_rate, self.peak, self.max_events, sample_ids)

    @staticmethod
    def decode(raw: Array, step: int) -> Array:
        """Return the mean over the steps."""
        return raw / step
