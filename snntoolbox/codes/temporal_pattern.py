"""Temporal pattern code: an activation is a binary number, sent bit by bit (Rueckauer 2020, section 2.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

from snntoolbox.codes.base import Array, SpikeCode
from snntoolbox.codes.fixed_point import FixedPoint
from snntoolbox.codes.pattern_input import PatternSpikes
from snntoolbox.codes.rounding import Rounding
from snntoolbox.codes.stimulus import Stimulus
from snntoolbox.errors import ConversionError
from snntoolbox.neurons import Accumulator, NeuronModel, PatternNeuron

if TYPE_CHECKING:
    from snntoolbox.config.settings import Settings

__all__ = ["TemporalPatternCode"]


@dataclass(frozen=True)
class TemporalPatternCode(SpikeCode):
    """Layers that send one after the other, a bit a step, the most significant one first.

    Attributes:
        num_bits: Bits of an activation, in 1 to 32.
        layer_bits: Bits of single layers, by the name of their rectifier.
        input_bits: Bits of an input value; 0 takes ``num_bits``.
        dropped_bits: Least significant bits that are computed but not sent: each saves a step a layer.
        one_hot: Send the nearest power of two, in one spike, instead of all bits.
        threshold: Largest activation that can be sent, in units of the normalised activations.
        initial_potential: What is added before the bits are cut off, in units of the last one: 0.5 rounds.
        peak: Largest input value that can be sent.
        activation_format: Qm.f, such as ``Q2.6``: activations in units of the ANN, with m bits before and f bits behind
            the point, for all layers, in place of ``num_bits``, ``threshold`` and normalised activations. Empty: none.
    """

    name: ClassVar[str] = "temporal_pattern"
    layered: ClassVar[bool] = True
    needs_peak: ClassVar[bool] = True

    num_bits: int = 8
    layer_bits: Mapping[str, int] = field(default_factory=dict)
    input_bits: int = 0
    dropped_bits: int = 0
    one_hot: bool = False
    threshold: float = 1.0
    initial_potential: float = 0.5
    peak: float = 1.0
    activation_format: str = ""

    def __post_init__(self) -> None:
        """Check the numbers of bits.

        Raises:
            ConversionError: One is out of range, or the format is none.
        """
        bits = {"num_bits": self.num_bits, "input_bits": self.input_bits or self.num_bits, **self.layer_bits}
        wrong = [f"{name} = {n}" for name, n in bits.items() if not 1 <= n <= 32 or not 0 <= self.dropped_bits < n]
        if wrong:
            raise ConversionError(
                f"spike code '{self.name}': expected 1 to 32 bits, more than the {self.dropped_bits} that are dropped, "
                f"got {', '.join(wrong)}"
            )
        if self.activation_format:
            number = FixedPoint.parse(self.activation_format)
            if self.layer_bits or not self.dropped_bits < number.bits <= 32:
                raise ConversionError(
                    f"spike code '{self.name}': activation_format = {self.activation_format} gives every layer "
                    f"{number.bits} bits; expected at most 32, more than are dropped, and no layer_bits"
                )

    @classmethod
    def from_settings(cls, settings: Settings, peak: float = 1.0) -> Self:
        """Return the code that ``[conversion]`` and ``[cell]`` ask for."""
        conversion, cell = settings.conversion, settings.cell
        return cls(
            num_bits=conversion.num_bits,
            layer_bits=dict(conversion.layer_bits),
            input_bits=conversion.input_bits,
            dropped_bits=conversion.dropped_bits,
            one_hot=conversion.one_hot,
            threshold=cell.v_thresh,
            initial_potential=cell.initial_potential,
            peak=peak,
            activation_format=conversion.activation_format,
        )

    @property
    def named_layers(self) -> tuple[str, ...]:
        """Layers that have numbers of bits of their own."""
        return tuple(self.layer_bits)

    @property
    def keeps_units(self) -> bool:
        """Whether activations are sent in the units of the ANN."""
        return bool(self.activation_format)

    def neuron(self) -> NeuronModel:
        """Return a pattern neuron."""
        if self.activation_format:
            number = FixedPoint.parse(self.activation_format)
            return self._neuron(number.bits, number.largest)
        return self._neuron(self.num_bits, self.threshold)

    def layer_neuron(self, layer: str) -> NeuronModel:
        """Return a pattern neuron with the bits of a layer."""
        return self._neuron(self.layer_bits[layer], self.threshold) if layer in self.layer_bits else self.neuron()

    def _neuron(self, bits: int, threshold: float, **more: Any) -> PatternNeuron:
        return PatternNeuron(bits, threshold, self.dropped_bits, self.one_hot, self.initial_potential, **more)

    def output_neuron(self) -> NeuronModel:
        """Return an accumulator."""
        return Accumulator()

    def rounding(self, num_steps: int) -> Rounding:
        """Return the staircase of the bits that are sent; it does not depend on the number of steps."""
        del num_steps
        if self.one_hot:
            return super().rounding(0)
        unit = self.threshold / (2**self.num_bits - 1)
        return Rounding(unit * 2**self.dropped_bits, self.threshold, self.initial_potential * 2.0**-self.dropped_bits)

    @property
    def input_window(self) -> int:
        """Number of steps in which an input is sent."""
        return self._input_neuron.window

    @property
    def _input_neuron(self) -> PatternNeuron:
        return self._neuron(self.input_bits or self.num_bits, self.peak, negative_slope=1.0)

    def encode(self, values: Array, sample_ids: Any = None) -> Stimulus:
        """Return the bits of the values, with their sign."""
        return PatternSpikes(values, self._input_neuron, sample_ids)

    @staticmethod
    def decode(raw: Array, step: int) -> Array:
        """Return the potential, which is complete after the last layer's window."""
        del step
        return raw
