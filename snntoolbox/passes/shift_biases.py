"""Constant charge for the neurons of a layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from snntoolbox.errors import ConversionError
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.ir.edit import insert_before, replace_ops
from snntoolbox.passes.absorb import WEIGHTED, absorb, parameter_dtype
from snntoolbox.passes.base import Pass, Preserves

__all__ = ["ShiftBiases", "weighted_before"]


@dataclass(frozen=True, eq=False)
class ShiftBiases(Pass):
    """Add a constant to what some layers receive in each step.

    Before: neurons, or rectifiers, behind linear ops. After: the constant is in the bias of the op with weights right
    before the layer, or of a branch of the sum before it; where there is none that feeds this layer alone, it is in an
    Affine ``<layer>_shift``. Why: the mean error of a channel's rates that calibration found is taken back (Li et al.
    2021, "A free lunch from ANN"). The function changes. It costs nothing in simulation.

    Attributes:
        shifts: Name of each layer -> charge in each step, a scalar or one value for each channel.

    Raises:
        ConversionError: When called: a name is none of a layer's.
    """

    name: ClassVar[str] = "shift_biases"
    preserves: ClassVar[Preserves | None] = None

    shifts: Mapping[str, float | NDArray[np.floating[Any]]]

    def __post_init__(self) -> None:
        """Freeze the mapping."""
        object.__setattr__(self, "shifts", MappingProxyType(dict(self.shifts)))

    def __call__(self, graph: Graph) -> Graph:
        """Return the graph with shifted biases."""
        for name, shift in self.shifts.items():
            if name not in graph or not isinstance(graph[name].op, ops.Relu | ops.Spiking):
                raise ConversionError(f"cannot shift the bias of '{name}': it is no layer of neurons and no rectifier")
            if places := weighted_before(graph, name):
                graph = replace_ops(graph, {places[0]: absorb(graph[places[0]].op, shift=shift)})
            else:
                graph = _with_affine(graph, name, shift)
        return graph


def weighted_before(graph: Graph, name: str) -> tuple[str, ...]:
    """Return the ops with weights whose values reach only this layer, directly or through a sum."""
    (before,) = graph[name].inputs
    summed = isinstance(graph[before].op, ops.Add) and _feeds_one(graph, before)
    found = graph[before].inputs if summed else (before,)
    return tuple(
        one for one in found if isinstance(graph[one].op, WEIGHTED) and _feeds_one(graph, one) and found.count(one) == 1
    )


def _feeds_one(graph: Graph, name: str) -> bool:
    return len(graph.consumers(name)) == 1 and name not in graph.outputs


def _with_affine(graph: Graph, name: str, shift: float | NDArray[np.floating[Any]]) -> Graph:
    dtype, number, new = parameter_dtype(graph), 1, f"{name}_shift"
    while new in graph:
        number += 1
        new = f"{name}_shift_{number}"
    return insert_before(graph, name, 0, Node(new, ops.Affine(np.ones((), dtype), np.asarray(shift, dtype))))
