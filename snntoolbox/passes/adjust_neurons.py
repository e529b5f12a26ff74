"""Other parameters for the neurons of some layers: thresholds, clamps, where potentials start, what a spike carries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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

__all__ = [
    "CompensateRates",
    "HoldLayers",
    "ScaleThresholds",
    "SetPotentials",
    "compensated",
    "held",
    "scaled",
    "started",
]

Values = Mapping[str, float | NDArray[np.floating[Any]]]


@dataclass(frozen=True, eq=False)
class SetPotentials(Pass):
    """Start the potentials of some layers elsewhere.

    Before: layers of neurons. After: the same layers with other initial potentials. Why: a neuron whose spikes come a
    little too late in every sample starts with what it lacked (Li et al. 2021, potential calibration). The function
    changes for a given number of steps, and less the more there are. It costs one number a neuron in memory, and
    initial potentials that a chip may have to be told one by one.

    Attributes:
        potentials: Name of each layer -> initial potentials, a scalar or an array that broadcasts against the layer.

    Raises:
        ConversionError: When called: a name is none of a layer's, or its neurons have no initial potential.
    """

    name: ClassVar[str] = "set_potentials"
    preserves: ClassVar[Preserves | None] = None

    potentials: Values

    def __post_init__(self) -> None:
        """Freeze the mapping."""
        object.__setattr__(self, "potentials", MappingProxyType(dict(self.potentials)))

    def __call__(self, graph: Graph) -> Graph:
        """Return the graph with other initial potentials."""
        return _adjusted(graph, self.potentials, "initial_potential", started)


@dataclass(frozen=True, eq=False)
class CompensateRates(Pass):
    """Let every spike of some layers count for more.

    Before: layers of neurons. After: the same layers, with messages larger by the factor, which is the same as to
    multiply all weights behind them (W' = W ζ, Hu et al. 2018, eq. 14). Biases and thresholds stay. Why: deep in a
    network rates fall short of their activations, by an error that grows with depth. The function changes. It costs
    nothing in simulation, as the factor is in weights; rates that were right become too large.

    Attributes:
        factors: Name of each layer -> factor > 0.

    Raises:
        ConversionError: When called: a name is none of a layer's, its neurons send no messages, or a factor is not
            positive.
    """

    name: ClassVar[str] = "compensate_rates"
    preserves: ClassVar[Preserves | None] = None

    factors: Mapping[str, float]

    def __post_init__(self) -> None:
        """Freeze the mapping."""
        object.__setattr__(self, "factors", MappingProxyType(dict(self.factors)))

    def __call__(self, graph: Graph) -> Graph:
        """Return the graph with larger messages."""
        _check_factors("compensation factors", self.factors)
        return _adjusted(graph, self.factors, "amplitude", compensated)


@dataclass(frozen=True, eq=False)
class ScaleThresholds(Pass):
    """Multiply thresholds of some layers, and with them what a spike carries and where potentials start.

    Before: layers of neurons. After: the same layers with values that are rounded more finely and clipped earlier, for
    factors below 1, or the other way round. Why: the scales of activations that normalisation finds know nothing of
    spikes that arrive unevenly. Rates stay the same but for rounding and clipping. It costs a size of messages, which
    can be multiplied into the weights behind the layer.

    Attributes:
        factors: Name of each layer -> factor > 0.

    Raises:
        ConversionError: When called: a name is none of a layer's, its neurons have no threshold, or a factor is not
            positive.
    """

    name: ClassVar[str] = "scale_thresholds"
    preserves: ClassVar[Preserves | None] = "rate"

    factors: Mapping[str, float]

    def __post_init__(self) -> None:
        """Freeze the mapping."""
        object.__setattr__(self, "factors", MappingProxyType(dict(self.factors)))

    def __call__(self, graph: Graph) -> Graph:
        """Return the graph with other thresholds."""
        _check_factors("factors of thresholds", self.factors)
        return _adjusted(graph, self.factors, "amplitude", scaled)


@dataclass(frozen=True, eq=False)
class HoldLayers(Pass):
    """Hold the potentials of some layers for some first steps.

    Before: layers of neurons. After: the same layers with a voltage clamp of their own length (Rueckauer 2020, section
    2.1.3.3). Why: as for `ClampLayers`, where the length is known for each layer. It costs these steps.

    Attributes:
        steps: Name of each layer -> number of steps.

    Raises:
        ConversionError: When called: a name is none of a layer's, or its neurons cannot be clamped.
    """

    name: ClassVar[str] = "hold_layers"
    preserves: ClassVar[Preserves | None] = "rate"

    steps: Mapping[str, int]

    def __post_init__(self) -> None:
        """Freeze the mapping."""
        object.__setattr__(self, "steps", MappingProxyType(dict(self.steps)))

    def __call__(self, graph: Graph) -> Graph:
        """Return the graph with clamped neurons."""
        return _adjusted(graph, self.steps, "clamp_steps", held)


def started(model: NeuronModel, start: Any) -> NeuronModel:
    """Return neurons whose potentials start elsewhere."""
    return _with(model, initial_potential=start)


def compensated(model: NeuronModel, factor: Any) -> NeuronModel:
    """Return neurons whose messages are larger by a factor."""
    return _with(model, amplitude=_amplitude(model) * factor)


def scaled(model: NeuronModel, factor: Any) -> NeuronModel:
    """Return neurons whose thresholds, messages and potentials at the start are larger by a factor."""
    values: dict[str, Any] = {name: getattr(model, name) for name in ("threshold", "initial_potential")}
    values["amplitude"] = _amplitude(model)
    return _with(model, **{name: np.asarray(value * np.float32(factor), np.float32) for name, value in values.items()})


def _amplitude(model: Any) -> Any:
    """Return the size of a message; of the largest one if there are several."""
    return model.threshold if model.amplitude is None else model.amplitude


def held(model: NeuronModel, steps: Any) -> NeuronModel:
    """Return neurons whose potentials are held for so many first steps."""
    return _with(model, clamp_steps=int(steps))


def _check_factors(what: str, factors: Mapping[str, float]) -> None:
    wrong = [f"{name}: {factor}" for name, factor in factors.items() if not 0 < factor < np.inf]
    if wrong:
        raise ConversionError(f"expected {what} > 0, got {', '.join(wrong)}")


def _adjusted(graph: Graph, values: Values, parameter: str, change: Callable[[NeuronModel, Any], NeuronModel]) -> Graph:
    changed = {}
    for name, value in values.items():
        op = graph[name].op if name in graph else None
        if not isinstance(op, ops.Spiking):
            raise ConversionError(f"'{name}' is no layer of neurons; there are {', '.join(graph.neurons)}")
        if parameter not in {field.name for field in fields(op.model)}:  # type: ignore[arg-type]
            raise ConversionError(f"layer '{name}': neurons {type(op.model).__name__} have no {parameter}")
        changed[name] = ops.Spiking(change(op.model, value))
    return replace_ops(graph, changed)


def _with(model: NeuronModel, **values: Any) -> NeuronModel:
    changed: NeuronModel = replace(model, **values)  # type: ignore[type-var]
    return changed
