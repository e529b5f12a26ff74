"""Other parameters for the neurons of some layers: thresholds, clamps, where potentials start, what a spike carries."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from snntoolbox.errors import ConversionError
from snntoolbox.ir import Graph, ops
from snntoolbox.ir.edit import replace_ops
from snntoolbox.neurons import NeuronModel
from snntoolbox.passes.base import Pass, Preserves

__all__ = ["AdjustNeurons", "CompensateRates", "HoldLayers", "ScaleThresholds", "SetPotentials"]

Values = Mapping[str, float | NDArray[np.floating[Any]]]


@dataclass(frozen=True, eq=False)
class AdjustNeurons(Pass):
    """Change one parameter of the neurons of some layers; the base of what is below.

    Attributes:
        parameter: Field that neurons must have.
        factors: What the values are called if they have to be positive; None if they may be anything.
        values: Name of each layer -> value.

    Raises:
        ConversionError: When called: a name is none of a layer's, its neurons lack the parameter, or a factor is not
            positive.
    """

    parameter: ClassVar[str]
    factors: ClassVar[str | None] = None

    values: Values

    def __post_init__(self) -> None:
        """Freeze the mapping."""
        object.__setattr__(self, "values", MappingProxyType(dict(self.values)))

    def __call__(self, graph: Graph) -> Graph:
        """Return the graph with changed neurons."""
        wrong = [f"{name}: {value}" for name, value in self.values.items() if self.factors and not 0 < value < np.inf]
        if wrong:
            raise ConversionError(f"expected {self.factors} > 0, got {', '.join(wrong)}")
        changed = {}
        for name, value in self.values.items():
            op = graph[name].op if name in graph else None
            if not isinstance(op, ops.Spiking):
                raise ConversionError(f"'{name}' is no layer of neurons; there are {', '.join(graph.neurons)}")
            if self.parameter not in {field.name for field in fields(op.model)}:  # type: ignore[arg-type]
                raise ConversionError(f"layer '{name}': neurons {type(op.model).__name__} have no {self.parameter}")
            changed[name] = ops.Spiking(self.changed(op.model, value))
        return replace_ops(graph, changed)

    @staticmethod
    @abstractmethod
    def changed(model: NeuronModel, value: Any) -> NeuronModel:
        """Return neurons with the value of their layer."""


@dataclass(frozen=True, eq=False)
class SetPotentials(AdjustNeurons):
    """Start the potentials of some layers elsewhere.

    Before: layers of neurons. After: the same layers with other initial potentials. Why: a neuron whose spikes come a
    little too late in every sample starts with what it lacked (Li et al. 2021, potential calibration). The function
    changes for a given number of steps, and less the more there are. It costs one number a neuron in memory, and
    initial potentials that a chip may have to be told one by one.

    Attributes:
        values: Name of each layer -> initial potentials, a scalar or an array that broadcasts against the layer.
    """

    name: ClassVar[str] = "set_potentials"
    preserves: ClassVar[Preserves | None] = None
    parameter: ClassVar[str] = "initial_potential"

    @staticmethod
    def changed(model: NeuronModel, value: Any) -> NeuronModel:
        """Return neurons whose potentials start elsewhere."""
        return _with(model, initial_potential=value)


@dataclass(frozen=True, eq=False)
class CompensateRates(AdjustNeurons):
    """Let every spike of some layers count for more.

    Before: layers of neurons. After: the same layers, with messages larger by the factor, which is the same as to
    multiply all weights behind them (W' = W ζ, Hu et al. 2018, eq. 14). Biases and thresholds stay. Why: deep in a
    network rates fall short of their activations, by an error that grows with depth. The function changes. It costs
    nothing in simulation, as the factor is in weights; rates that were right become too large.

    Attributes:
        values: Name of each layer -> factor > 0.
    """

    name: ClassVar[str] = "compensate_rates"
    preserves: ClassVar[Preserves | None] = None
    parameter: ClassVar[str] = "amplitude"
    factors: ClassVar[str | None] = "compensation factors"

    @staticmethod
    def changed(model: NeuronModel, value: Any) -> NeuronModel:
        """Return neurons whose messages are larger by a factor."""
        return _with(model, amplitude=_amplitude(model) * value)


@dataclass(frozen=True, eq=False)
class ScaleThresholds(AdjustNeurons):
    """Multiply thresholds of some layers, and with them what a spike carries and where potentials start.

    Before: layers of neurons. After: the same layers with values that are rounded more finely and clipped earlier, for
    factors below 1, or the other way round. Why: the scales of activations that normalisation finds know nothing of
    spikes that arrive unevenly. Rates stay the same but for rounding and clipping. It costs a size of messages, which
    can be multiplied into the weights behind the layer.

    Attributes:
        values: Name of each layer -> factor > 0.
    """

    name: ClassVar[str] = "scale_thresholds"
    preserves: ClassVar[Preserves | None] = "rate"
    parameter: ClassVar[str] = "amplitude"
    factors: ClassVar[str | None] = "factors of thresholds"

    @staticmethod
    def changed(model: NeuronModel, value: Any) -> NeuronModel:
        """Return neurons whose thresholds, messages and potentials at the start are larger by a factor."""
        sizes: dict[str, Any] = {name: getattr(model, name) for name in ("threshold", "initial_potential")}
        sizes["amplitude"] = _amplitude(model)
        return _with(model, **{name: np.asarray(size * np.float32(value), np.float32) for name, size in sizes.items()})


@dataclass(frozen=True, eq=False)
class HoldLayers(AdjustNeurons):
    """Hold the potentials of some layers for some first steps.

    Before: layers of neurons. After: the same layers with a voltage clamp of their own length (Rueckauer 2020, section
    2.1.3.3). Why: as for `ClampLayers`, where the length is known for each layer. It costs these steps.

    Attributes:
        values: Name of each layer -> number of steps.
    """

    name: ClassVar[str] = "hold_layers"
    preserves: ClassVar[Preserves | None] = "rate"
    parameter: ClassVar[str] = "clamp_steps"

    @staticmethod
    def changed(model: NeuronModel, value: Any) -> NeuronModel:
        """Return neurons whose potentials are held for so many first steps."""
        return _with(model, clamp_steps=int(value))


def _amplitude(model: Any) -> Any:
    """Return the size of a message; of the largest one if there are several."""
    return model.threshold if model.amplitude is None else model.amplitude


def _with(model: NeuronModel, **values: Any) -> NeuronModel:
    changed: NeuronModel = replace(model, **values)  # type: ignore[type-var]
    return changed
