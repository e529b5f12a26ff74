"""Rate code: a value is the mean of the messages over time (Rueckauer 2020, section 2.1)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, get_args

from snntoolbox.codes.base import Array, SpikeCode
from snntoolbox.codes.rounding import Rounding
from snntoolbox.codes.stimulus import ConstantCurrent, PoissonSpikes, Stimulus
from snntoolbox.errors import ConversionError
from snntoolbox.neurons import (
    Accumulator,
    BinaryNeuron,
    BurstIntegrateAndFire,
    GradedIntegrateAndFire,
    IntegrateAndFire,
    NeuronModel,
    SignedIntegrateAndFire,
    SoftmaxNeuron,
)
from snntoolbox.neurons.graded import Spacing
from snntoolbox.neurons.integrate_and_fire import Reset

if TYPE_CHECKING:
    from snntoolbox.config.settings import Settings

__all__ = ["NeuronName", "OutputMode", "RateCode"]

NeuronName = Literal["integrate_and_fire", "signed", "burst", "graded"]
OutputMode = Literal["potential", "spikes", "softmax_clock", "softmax_poisson"]


@dataclass(frozen=True)
class RateCode(SpikeCode):
    """Integrate-and-fire neurons whose rates stand for activations.

    Attributes:
        neuron_model: Which neurons: with one spike a step, with negative spikes that take back what was sent too early,
            with several spikes a step, or with spikes of several sizes. The last three are reset by subtraction and
            have neither leak nor refractory period.
        threshold: In units of the normalised activations. A spike's message is as large as the threshold.
        reset: What happens to the potential at a spike.
        refractory_steps: Steps after a spike without input and output.
        leak_factor: What is left of the potential after a step without input, in (0, 1].
        initial_potential: Start of the potential as a fraction of the threshold (of the smallest size if spikes have
            several).
        max_spikes: Largest number of spikes in a step, of ``burst``.
        levels: Number of sizes of a spike, of ``graded``.
        level_spacing: Whether these sizes are powers of two or all multiples of the smallest.
        poisson_rate: Probability in (0, 1] of an input spike at the peak value; None for constant current.
        peak: Input value that is sent at the full Poisson rate.
        max_events: Input spikes a sample may send; None for no limit.
        output: What the output layer is: its potential without spikes, spike counts, or spiking softmax.
    """

    name: ClassVar[str] = "rate"

    neuron_model: NeuronName = "integrate_and_fire"
    threshold: float = 1.0
    reset: Reset = "subtract"
    refractory_steps: int = 0
    leak_factor: float = 1.0
    initial_potential: float = 0.5
    max_spikes: int = 5
    levels: int = 8
    level_spacing: Spacing = "powers"
    poisson_rate: float | None = None
    peak: float = 1.0
    max_events: int | None = None
    output: OutputMode = "potential"

    def __post_init__(self) -> None:
        """Check the name of the neurons; they check the rest.

        Raises:
            ConversionError: There are none of that name.
        """
        if self.neuron_model not in get_args(NeuronName):
            names = ", ".join(get_args(NeuronName))
            raise ConversionError(f"neuron_model: expected one of {names}, got '{self.neuron_model}'")

    @classmethod
    def from_settings(cls, settings: Settings, peak: float = 1.0) -> Self:
        """Return the rate code that ``[cell]``, ``[conversion]`` and ``[input]`` ask for."""
        cell, inputs = settings.cell, settings.input
        rate = min(inputs.input_rate * settings.simulation.dt / 1000, 1.0)  # loading has refused more than rounding
        events = inputs.num_poisson_events_per_sample
        return cls(
            neuron_model=cell.neuron,
            threshold=cell.v_thresh,
            reset=cell.reset,
            refractory_steps=settings.refractory_steps,
            leak_factor=settings.leak_factor,
            initial_potential=cell.initial_potential,
            max_spikes=cell.max_spikes,
            levels=cell.levels,
            level_spacing=cell.level_spacing,
            poisson_rate=rate if inputs.poisson_input else None,
            peak=peak,
            max_events=events if events >= 0 else None,
            output=settings.conversion.output,
        )

    def neuron(self) -> NeuronModel:
        """Return the neuron that is asked for.

        Raises:
            ConversionError: It does not go together with other options.
        """
        start = self.initial_potential * self.threshold
        if self.neuron_model == "integrate_and_fire":
            return IntegrateAndFire(
                threshold=self.threshold,
                reset=self.reset,
                refractory_steps=self.refractory_steps,
                leak_factor=self.leak_factor,
                initial_potential=start,
            )
        self._require_plain()
        if self.neuron_model == "signed":
            return SignedIntegrateAndFire(self.threshold, initial_potential=start)
        if self.neuron_model == "burst":
            return BurstIntegrateAndFire(self.threshold, max_spikes=self.max_spikes, initial_potential=start)
        graded = GradedIntegrateAndFire(self.threshold, levels=self.levels, spacing=self.level_spacing)
        return replace(graded, initial_potential=start / graded.multiple)

    def _require_plain(self) -> None:
        """Refuse options that only neurons with one positive spike a step have."""
        refused = [
            what
            for what, is_asked in (
                (f"reset '{self.reset}'", self.reset != "subtract"),
                ("a leak", self.leak_factor != 1),
                ("a refractory period", self.refractory_steps > 0),
            )
            if is_asked
        ]
        if refused:
            raise ConversionError(
                f"neurons '{self.neuron_model}' do not go together with {', '.join(refused)}: they need reset by "
                "subtraction, no leak and no refractory period. Change these options, or use integrate_and_fire."
            )

    def rounding(self, num_steps: int) -> Rounding:
        """Return what becomes of an activation in ``num_steps`` steps of evenly arriving input."""
        model: Any = self.neuron()
        multiple = {"burst": self.max_spikes, "graded": getattr(model, "multiple", 1)}.get(self.neuron_model, 1)
        size = float(model.message_size)
        return Rounding(size / num_steps, size * multiple, self.initial_potential)

    def activation_neuron(self, function: str) -> NeuronModel | None:
        """Return the neuron of a binary activation, ``heaviside`` or ``sign``; there is none for others."""
        return BinaryNeuron(signed=function == "sign") if function in ("heaviside", "sign") else None

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
