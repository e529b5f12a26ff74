"""Other weights for the neurons of some layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snntoolbox.errors import ConversionError
from snntoolbox.ir import Graph, ops
from snntoolbox.ir.edit import replace_ops
from snntoolbox.passes.base import Pass, Preserves
from snntoolbox.passes.shift_biases import weighted_before

__all__ = ["ChangeWeights", "op_to_change", "weights_of"]


@dataclass(frozen=True, eq=False)
class ChangeWeights(Pass):
    """Add to the weights and biases in front of some layers.

    Before: layers of neurons behind ops with weights. After: the same with other weights, in the op right before the
    layer, or in that of the branch with the most weights of the sum before it. Why: weights that suit activations are
    not the best ones for rates, which are activations with errors (Li et al. 2021, "A free lunch from ANN", weights
    calibration). The function changes. It costs nothing in simulation.

    Attributes:
        changes: Name of each layer -> what is added to the weights, in their shape, and to the bias, (channels,).

    Raises:
        ConversionError: When called: there is no Dense or Conv that feeds only this layer.
    """

    name: ClassVar[str] = "change_weights"
    preserves: ClassVar[Preserves | None] = None

    changes: Mapping[str, tuple[NDArray[Any], NDArray[Any]]]

    def __post_init__(self) -> None:
        """Freeze the mapping."""
        object.__setattr__(self, "changes", MappingProxyType(dict(self.changes)))

    def __call__(self, graph: Graph) -> Graph:
        """Return the graph with changed weights."""
        for name, (weight, bias) in self.changes.items():
            place = op_to_change(graph, name)
            if place is None:
                raise ConversionError(f"cannot change the weights of '{name}': no Dense or Conv feeds it alone")
            graph = replace_ops(graph, {place: self.changed(graph[place].op, weight, bias)})
        return graph

    @staticmethod
    def changed(op: ops.Op, weight: ArrayLike, bias: ArrayLike) -> ops.Op:
        """Return an op with something added to its weights and bias, in their dtype."""
        old, old_bias = weights_of(op)
        name = "weight" if isinstance(op, ops.Dense) else "kernel"
        return op.replace(**{name: (old + weight).astype(old.dtype), "bias": (old_bias + bias).astype(old.dtype)})  # type: ignore[no-any-return]


def weights_of(op: ops.Op) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the weights of a Dense or Conv, and its bias, zeros if it has none."""
    values = op.parameters()
    weight = values["weight" if isinstance(op, ops.Dense) else "kernel"]
    return weight, values.get("bias", np.zeros(weight.shape[-1], weight.dtype))


def op_to_change(graph: Graph, name: str) -> str | None:
    """Return the Dense or Conv whose weights belong to a layer alone, the largest of several; None if there is none."""
    if name not in graph or not isinstance(graph[name].op, ops.Spiking):
        return None
    places = [one for one in weighted_before(graph, name) if isinstance(graph[one].op, ops.Dense | ops.Conv)]
    return max(places, key=lambda one: weights_of(graph[one].op)[0].size, default=None)
