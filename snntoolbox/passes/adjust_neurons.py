"""Other parameters for the neurons of some layers: where their potentials start, and what a spike carries."""

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

__all__ = ["CompensateRates", "SetPotentials", "compensated", "started"]

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
        wrong = [f"{name}: {factor}" for name, factor in self.factors.items() if not 0 < factor < np.inf]
        if wrong:
            raise ConversionError(f"expected compensation factors > 0, got {', '.join(wrong)}")
        return _adjusted(graph, self.factors, "amplitude", compensated)


def started(model: NeuronModel, start: Any) -> NeuronModel:
    """Return neurons whose potentials start elsewhere."""
    return _with(model, initial_potential=start)


def compensated(model: NeuronModel, factor: Any) -> NeuronModel:
    """Return neurons whose messages are larger by a factor."""
    size: Any = getattr(model, "message_size", 1.0)
    return _with(model, amplitude=size * factor)


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
